"""Nothing in a result file runs; hostile and damaged files are refused."""

import contextlib
import copyreg
import functools
import os
import pickle
import pickletools
import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_results import EVERYTHING, Tensor, assert_same, names, short_text, write

import results
from results import ResultsError

# ---------------------------------------------------------------- hostile files


class Call:
    """Pickled as the call of a function (or of a Call), with `state` set on what it returns."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments, state)

    def __reduce__(self):
        return self.reduced

    def __call__(self):
        """Only there because pickle asks for something that can be called."""


RECONSTRUCT, (ARRAY_CLASS, EMPTY_SHAPE, BYTE), (_, _, FLOAT64, _, _) = np.ones(1).__reduce__()
SCALAR = np.float64(1).__reduce__()[0]

CALLS = {  # functions that leave a file behind, given its path
    f'{os.name}.system': lambda path: Call(os.system, f'touch {path}'),
    'subprocess.check_call': lambda path: Call(subprocess.check_call, ['touch', path]),
    'builtins.eval': lambda path: Call(eval, f'open({path!r}, "w")'),
    'builtins.exec': lambda path: Call(exec, f'open({path!r}, "w")'),
    f'{open.__module__}.open': lambda path: Call(open, path, 'w'),
    f'{os.name}.mkdir': lambda path: Call(os.mkdir, path),
    'numpy.memmap': lambda path: Call(np.memmap, path, 'u1', 'w+', 0, (1,)),
    'numpy.savetxt': lambda path: Call(np.savetxt, path, [1]),
    'functools.partial': lambda path: Call(Call(functools.partial, open, path, 'w')),
    'builtins.getattr': lambda path: Call(Call(getattr, Path(path), 'touch')),
}
PLACES = {
    'alone': lambda call: call,
    'value': lambda call: {'a': call},
    'key': lambda call: {call: 1},
    'list': lambda call: {'a': [1, (2, [call])]},
    'argument': lambda call: {'a': Call(range, call)},
    'state of an array': lambda call: {
        'a': Call(RECONSTRUCT, ARRAY_CLASS, EMPTY_SHAPE, BYTE, state=(1, (1,), call, False, b''))
    },
    'argument of a scalar': lambda call: {'a': Call(SCALAR, FLOAT64, call)},
}


@pytest.mark.parametrize('place', PLACES)
@pytest.mark.parametrize('name', CALLS)
def test_a_call_is_refused_and_does_not_run(tmp_path, name, place):
    flag = tmp_path / 'flag'
    path = write(tmp_path, pickle.dumps(PLACES[place](CALLS[name](str(flag)))))
    with pytest.raises(ResultsError, match=f'written.pkl is refused: it would run {name};'):
        results.load(path)
    assert not flag.exists()
    with contextlib.suppress(Exception):  # the plain unpickler does run it
        pickle.loads(path.read_bytes())
    assert flag.exists()


@pytest.mark.parametrize(
    'function',
    [np.load, np.fromfile, np.frombuffer, np.array, np.ones, np.float64, np.matrix, Tensor, list],
)
def test_functions_that_are_not_needed_are_refused(tmp_path, function):
    stream = pickle.dumps({'a': Call(function)})
    with pytest.raises(ResultsError, match=f'would run .*{function.__name__}; only numpy arrays'):
        results.load(write(tmp_path, stream))


def code_of(opcodes):
    return ''.join(opcode.code for opcode in opcodes).encode('latin1')


def value_of(text):
    """A pickle {'a': value} whose value is built by the opcodes `text`."""
    return b'}' + short_text(b'a') + text + b's.'


OPCODES = {  # further ways to call os.system('touch FLAG')
    'GLOBAL': b'cos\nsystem\n(VFLAG\ntR',
    'STACK_GLOBAL': short_text(b'os') + short_text(b'system') + b'\x93(VFLAG\ntR',
    'INST': b'(VFLAG\nios\nsystem\n',
    'OBJ': b'(cos\nsystem\nVFLAG\no',
    'NEWOBJ': b'csubprocess\nPopen\n(VFLAG\nt\x81',
    'dotted name': short_text(b'os') + short_text(b'path.os.system') + b'\x93(VFLAG\ntR',
    'numpy.core': b'cnumpy.core.multiarray\nset_typeDict\n(}tR',
    'allowed module': b'cnumpy\nos.system\n(VFLAG\ntR',
    'odd name': b'cnumpy.core.multiarray\nscalar \n(VFLAG\ntR',
    'escape sequence': b'c\x1b[2J\nsystem\n(VFLAG\ntR',
}


@pytest.mark.parametrize('name', OPCODES)
def test_other_opcodes_do_not_get_round_the_list(tmp_path, name):
    command = f'touch {tmp_path}/flag'.encode()
    stream = b'\x80\x04' + value_of(OPCODES[name].replace(b'FLAG', command))
    with pytest.raises(ResultsError, match=r'written.pkl is refused: it would run [ -~]+; only'):
        results.load(write(tmp_path, stream))
    assert names(tmp_path) == ['written.pkl']


@pytest.mark.parametrize('opcode', [b'\x82\xf0', b'\x83\xf0\x00', b'\x84\xf0\x00\x00\x00'])
@pytest.mark.parametrize('cached', [False, True])
def test_registered_extensions_are_refused(tmp_path, opcode, cached):
    flag = tmp_path / 'flag'
    stream = b'\x80\x02' + value_of(opcode + f'(V{flag}\ntR'.encode())
    copyreg.add_extension(os.name, 'mkdir', 240)
    try:
        if cached:
            pickle.loads(stream)
            flag.rmdir()
        with pytest.raises(ResultsError, match='registered extension'):
            results.load(write(tmp_path, stream))
    finally:
        copyreg.remove_extension(os.name, 'mkdir', 240)
    assert not flag.exists()


@pytest.mark.parametrize('text', [b'Pname\n', b'Vname\nQ'])
def test_persistent_ids_are_refused(tmp_path, text):
    with pytest.raises(ResultsError, match='damaged'):
        results.load(write(tmp_path, value_of(text)))


@pytest.mark.parametrize('name', ['numpy.core.numeric\n_frombuffer', 'numpy\ndtype'])
def test_a_file_cannot_change_what_it_may_call(tmp_path, name):
    setting = b'N}' + short_text(b'__defaults__') + b'N\x85s\x86b'  # BUILD with slots
    before = results._array.__defaults__
    with pytest.raises(ResultsError, match='it would change a function'):
        results.load(write(tmp_path, value_of(f'c{name}\n'.encode() + setting)))
    assert results._array.__defaults__ == before


def test_a_file_cannot_set_the_inner_flags_of_a_dtype(tmp_path):
    dtype = Call(np.dtype, 'f8', False, False, state=(3, '>', None, None, None, -1, -1, 63))
    state = (1, (2,), dtype, False, np.array([1, 2], '>f8').tobytes())
    call = Call(RECONSTRUCT, ARRAY_CLASS, EMPTY_SHAPE, BYTE, state=state)
    loaded = results.load(write(tmp_path, pickle.dumps({'a': call})))['a']
    assert_same(loaded, np.array([1, 2], '>f8'))
    assert loaded.dtype.flags == 0
    assert np.dtype('f8').isnative


@pytest.mark.parametrize(
    'array', [np.array([1, None], object), np.zeros(1, 'i4,f4'), np.array(['2020'], 'M8[D]')]
)
def test_arrays_of_other_dtypes_are_refused(tmp_path, array):
    with pytest.raises(ResultsError, match="refused: it holds a numpy dtype '(O8|V8|M8)'"):
        results.load(write(tmp_path, pickle.dumps({'a': array})))


def test_an_array_of_objects_does_not_run_what_is_in_it(tmp_path):
    call = Call(os.mkdir, str(tmp_path / 'flag'))
    path = write(tmp_path, pickle.dumps({'a': np.array([call, None], object)}))
    with pytest.raises(ResultsError, match='refused'):
        results.load(path)
    assert names(tmp_path) == ['written.pkl']


@pytest.mark.parametrize(
    ('shape', 'data'),
    [
        ((3,), b'12345678'),
        ((1,), b'1234567890'),
        ((-2,), b'12345678'),
        ((2**62, 2**62), b''),
        ((2**40,), b''),
        ((1.5,), b'12345678'),
        ('x', b'12345678'),
        ((1,), ['12345678']),
        ((1,), None),
        ((1,) * 100, b'12345678'),
    ],
)
def test_arrays_that_do_not_fit_their_data_are_refused(tmp_path, shape, data):
    state = (1, shape, FLOAT64, False, data)
    call = Call(RECONSTRUCT, ARRAY_CLASS, EMPTY_SHAPE, BYTE, state=state)
    with pytest.raises(ResultsError, match='written.pkl is damaged, cut short or no pickle'):
        results.load(write(tmp_path, pickle.dumps({'a': call})))


def test_an_array_of_many_empty_texts_is_refused(tmp_path):
    state = (1, (1000,), np.dtype('S0'), False, b'')  # no bytes for any number of entries
    call = Call(RECONSTRUCT, ARRAY_CLASS, EMPTY_SHAPE, BYTE, state=state)
    with pytest.raises(ResultsError, match='damaged'):
        results.load(write(tmp_path, pickle.dumps({'a': call})))


def test_a_refusal_is_one_short_line(tmp_path):
    stream = value_of(b'cos\n' + b'\xc3\xa9' * 5000 + b'\n')
    with pytest.raises(ResultsError) as refusal:
        results.load(write(tmp_path, stream))
    assert len(str(refusal.value)) < len(str(tmp_path)) + 200


def test_indices_that_would_fill_the_memory_are_refused(tmp_path):
    path = write(tmp_path, value_of(b'Nr\x00\x00\x00\x01'))
    tracemalloc.start()
    try:
        with pytest.raises(ResultsError, match='damaged'):
            results.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24  # 2^28 bytes for this index otherwise
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('kind', [set, frozenset])
def test_a_range_does_not_become_a_set(tmp_path, kind):
    with pytest.raises(ResultsError, match='damaged'):
        results.load(write(tmp_path, pickle.dumps({'a': Call(kind, range(3))})))


# ---------------------------------------------------------------- damaged files


def test_a_file_cut_short_is_refused(tmp_path):
    stream = pickle.dumps(EVERYTHING, 4)
    for length in np.linspace(0, len(stream) - 1, 60).astype(int):
        with pytest.raises(ResultsError, match='written.pkl is damaged, cut short or no pickle'):
            results.load(write(tmp_path, stream[:length]))


@pytest.mark.parametrize('protocol', [0, 2, 3, 4, 5])
def test_a_file_with_wrong_bytes_loads_as_a_dictionary_or_is_refused(tmp_path, protocol):
    stream = pickle.dumps(EVERYTHING, protocol)
    rng = np.random.default_rng(protocol)
    refused = 0
    for _ in range(200):
        damaged = bytearray(stream)
        for position in rng.integers(len(stream), size=rng.integers(1, 4)):
            damaged[position] = rng.integers(256)
        try:
            assert type(results.load(write(tmp_path, damaged))) is dict
        except ResultsError:
            refused += 1
    assert refused > 20


@settings(max_examples=100)
@given(stream=st.binary() | st.lists(st.sampled_from(pickletools.opcodes)).map(code_of))
def test_a_file_of_random_bytes_loads_as_a_dictionary_or_is_refused(tmp_path_factory, stream):
    with contextlib.suppress(ResultsError):
        assert type(results.load(write(tmp_path_factory.getbasetemp(), stream))) is dict


@pytest.mark.parametrize('value', [[1], None, 'text', np.ones(2), np.float32(1)])
def test_a_pickle_of_something_else_is_refused(tmp_path, value):
    with pytest.raises(ResultsError, match=r'holds a \w+ where a dictionary belongs'):
        results.load(write(tmp_path, pickle.dumps(value)))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ResultsError, match='a.pkl cannot be read: No such file'):
        results.load(tmp_path / 'a.pkl')
    with pytest.raises(ResultsError, match='is a folder'):
        results.load(tmp_path)
