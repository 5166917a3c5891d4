"""Result files: what goes in comes out, nothing in a file runs, and no save leaves half a file."""

import collections
import contextlib
import copyreg
import enum
import errno
import functools
import os
import pickle
import pickletools
import re
import signal
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import results
from results import ResultsError

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT.parent / 'shared' / 'reference'
ARRAYS = {
    **{kind: np.arange(6).reshape(2, 3).astype(kind) for kind in ('i1', 'u8', 'i4', 'f2', '>i2')},
    **{kind: np.ones((2, 3, 4), kind) for kind in ('?', 'f4', 'f8', 'c8', '>f4')},
    'text': np.array([['a', 'long'], ['é', '']]),
    'bytes': np.array([b'a', b'long']),
    '0-d': np.array(2.5),
    'empty': np.zeros((0, 3), 'f4'),
    'Fortran': np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    'transposed': np.arange(24).reshape(2, 3, 4).transpose(1, 2, 0),
    'strided': np.arange(10)[::3],
    'not finite': np.array([np.nan, np.inf, -np.inf]),
}
SCALARS = [np.float32(0.1), np.float64(2), np.int8(-3), np.uint64(7), np.bool_(True)]
SCALARS += [np.complex64(1j), np.longdouble(3), np.str_('é'), np.str_(''), np.bytes_(b'x')]
EVERYTHING = {
    'plain': ['a', b'b', None, True, (1, -2.5, 3j, 10**30), {1, 2}, frozenset({3}), range(2)],
    'scalars': SCALARS,
    **ARRAYS,
}


def network(n_input=3, n=4, n_output=2, iterations=5):
    """A result of the smallest kind that `load_results` takes."""
    shapes = {
        'h': (1, n),
        'w_in': (n_input, n),
        'w_rnn': (n, n),
        'b_rnn': (1, n),
        'w_out': (n, n_output),
        'b_out': (1, n_output),
    }
    weights = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    curves = {name: [np.float32(i) for i in range(iterations)] for name in results.CURVES}
    return {'weights': weights, 'parameters': {'dt': 10, 'rng': range(3)}, **curves}


def assert_same(one, other):
    """The same values of the same types, with NaN equal to itself."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, np.ndarray | np.generic):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other


def write(folder, stream):
    path = folder / 'written.pkl'
    path.write_bytes(stream)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize('name', ARRAYS)
def test_an_array_comes_back(tmp_path, name):
    results.save(tmp_path / 'a.pkl', {'array': ARRAYS[name]})
    loaded = results.load(tmp_path / 'a.pkl')['array']
    assert_same(loaded, ARRAYS[name])
    assert loaded.flags.writeable
    assert loaded.flags.owndata


def test_fortran_order_is_kept(tmp_path):
    results.save(tmp_path / 'a.pkl', {'array': ARRAYS['Fortran']})
    assert results.load(tmp_path / 'a.pkl')['array'].flags.f_contiguous


@pytest.mark.parametrize('scalar', SCALARS, ids=lambda scalar: type(scalar).__name__ + str(scalar))
def test_a_numpy_scalar_comes_back(tmp_path, scalar):
    results.save(tmp_path / 'a.pkl', {scalar: scalar, 'list': [scalar, (scalar,)]})
    assert_same(results.load(tmp_path / 'a.pkl'), {scalar: scalar, 'list': [scalar, (scalar,)]})


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
    | st.builds(range, st.integers(-99, 99), st.integers(-99, 99), st.integers(1, 9))
)
KEYS = st.text(max_size=9) | st.integers() | st.tuples(st.text(max_size=9), st.integers())
NESTED = st.recursive(
    LEAVES | st.sets(KEYS, max_size=4) | st.frozensets(KEYS, max_size=4),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(data=st.dictionaries(KEYS, NESTED, max_size=4))
def test_nested_plain_data_come_back(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / 'nested.pkl'
    results.save(path, data)
    assert_same(results.load(path), data)


def of_other_numpy(stream, core):
    """The pickle `stream` with the module numpy.core (numpy 1) or numpy._core (2) named `core`."""
    steps = list(pickletools.genops(stream))
    ends = [start for _, _, start in steps[1:]] + [len(stream)]
    pieces = []
    for (opcode, argument, start), end in zip(steps, ends, strict=True):
        piece = stream[start:end]
        if opcode.name in ('GLOBAL', 'SHORT_BINUNICODE'):
            name = re.sub(r'^numpy\._?core\.', f'{core}.', argument).encode()
            is_global = opcode.name == 'GLOBAL'
            piece = b'c%b\n' % name.replace(b' ', b'\n') if is_global else short_text(name)
        pieces.append(b'' if opcode.name == 'FRAME' else piece)  # frames are optional
    return b''.join(pieces)


def short_text(text):
    return b'\x8c' + bytes([len(text)]) + text


@pytest.mark.parametrize('protocol', [3, 4, 5])
@pytest.mark.parametrize('core', ['numpy.core', 'numpy._core'])
def test_files_of_numpy_1_and_2_load_without_a_warning(tmp_path, protocol, core):
    stream = of_other_numpy(pickle.dumps(EVERYTHING, protocol), core)
    assert f'{core}.multiarray'.encode() in stream
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert_same(results.load(write(tmp_path, stream)), EVERYTHING)


@pytest.mark.parametrize('number', [0, 1, 2])
def test_networks_of_the_original_code_load(number):
    path = REFERENCE / f'DMS-run-{number}.pkl'
    if not path.exists():
        pytest.skip(f'{path} is absent')
    loaded = results.load_results(path)
    shapes = {name: array.shape for name, array in loaded['weights'].items()}
    assert shapes == {
        'h': (1, 100),
        'w_in': (24, 100),
        'w_rnn': (100, 100),
        'b_rnn': (1, 100),
        'w_out': (100, 3),
        'b_out': (1, 3),
    }
    assert {array.dtype for array in loaded['weights'].values()} == {np.dtype('float32')}
    assert loaded['parameters']['trial_type'] == 'DMS'
    assert {len(loaded[curve]) for curve in results.CURVES} == {2000}
    assert_same(loaded, pickle.loads(path.read_bytes()))


def test_what_is_shared_stays_shared_and_is_walked_once(tmp_path):
    tree = []
    for _ in range(80):  # 2^80 leaves if walked one by one
        tree = [tree, tree]
    results.save(tmp_path / 'a.pkl', {'tree': tree})
    loaded = results.load(tmp_path / 'a.pkl')['tree']
    assert loaded[0] is loaded[1]


# ---------------------------------------------------------------- what is saved


class Colour(enum.IntEnum):
    RED = 1


class Tensor:
    """Stands for the objects of a library."""


NOT_PLAIN = {
    'object': (Tensor(), 'Tensor'),
    'class': (np.float32, 'type'),
    'function': (print, 'builtin_function_or_method'),
    'enum': (Colour.RED, 'Colour'),
    'ordered': (collections.OrderedDict(), 'OrderedDict'),
    'bytearray': (bytearray(b'x'), 'bytearray'),
    'dtype': (np.dtype('f4'), 'Float32DType'),
    'matrix': (np.ones((1, 1)).view(np.matrix), 'matrix'),
    'masked': (np.ma.array([1.0]), 'MaskedArray'),
    'objects': (np.array([1, 'a'], object), 'array of object'),
    'structured': (np.zeros(2, [('a', 'i4')]), "array of [('a', '<i4')]"),
    'dates': (np.array(['2020-01-01'], 'M8[D]'), r'array of datetime64[D]'),
    'metadata': (np.zeros(1, np.dtype('f4', metadata={'a': print})), 'array of float32'),
}


@pytest.mark.parametrize('name', NOT_PLAIN)
@pytest.mark.parametrize('place', ['', '/2', '/inner', '/0/1'])
def test_other_values_are_refused_with_their_path_before_anything_is_written(tmp_path, name, place):
    value, type_name = NOT_PLAIN[name]
    holders = {'': value, '/2': [1, 2, value], '/inner': {'inner': value}, '/0/1': ((1, value),)}
    data = {'parameters': {'fine': 1, 'foo': holders[place]}}
    message = f'parameters/foo{place} is of type {type_name}; only numpy arrays and plain Python'
    with pytest.raises(TypeError, match='^' + re.escape(message)):
        results.save(tmp_path / 'new' / 'a.pkl', data)
    assert names(tmp_path) == []


def test_a_key_of_another_type_is_refused(tmp_path):
    with pytest.raises(TypeError, match='parameters/a key is of type Colour'):
        results.save(tmp_path / 'a.pkl', {'parameters': {Colour.RED: 1}})


@pytest.mark.parametrize('data', [[1], None, np.ones(2), collections.OrderedDict(a=1)])
def test_only_a_dictionary_is_saved(tmp_path, data):
    with pytest.raises(TypeError, match=f'not a {type(data).__name__}'):
        results.save(tmp_path / 'a.pkl', data)


def test_a_list_that_contains_itself_is_refused(tmp_path):
    endless = []
    endless.append(endless)
    with pytest.raises(TypeError, match='loop/0/0/... is nested more than 100 levels deep'):
        results.save(tmp_path / 'a.pkl', {'loop': endless})
    with pytest.raises(ResultsError, match='nested'):
        results.load(write(tmp_path, pickle.dumps({'loop': endless})))


def test_a_tensor_is_refused(tmp_path):
    tf = sys.modules.get('tensorflow')  # not imported for this test alone: that takes seconds
    if tf is None:
        pytest.skip('no other test module of this run imports TensorFlow')
    with pytest.raises(TypeError, match='weights/h is of type EagerTensor'):
        results.save(tmp_path / 'a.pkl', {'weights': {'h': tf.constant([1.0])}})


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


@settings(max_examples=100, deadline=None)
@given(stream=st.binary() | st.lists(st.sampled_from(pickletools.opcodes)).map(code_of))
def test_a_file_of_random_bytes_is_refused(tmp_path_factory, stream):
    with contextlib.suppress(ResultsError):
        assert type(results.load(write(tmp_path_factory.getbasetemp(), stream))) is dict


@pytest.mark.parametrize('value', [[1], None, 'text', np.ones(2), np.float32(1)])
def test_a_pickle_of_something_else_is_refused(tmp_path, value):
    with pytest.raises(ResultsError, match=r'holds a \w+ where a dictionary belongs'):
        results.load(write(tmp_path, pickle.dumps(value)))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ResultsError, match='a.pkl cannot be read: No such file'):
        results.load(tmp_path / 'a.pkl')
    with pytest.raises(ResultsError, match='cannot be read'):
        results.load(tmp_path)


# ---------------------------------------------------------------- results of networks


def test_the_result_of_a_network_loads(tmp_path):
    data = network() | {'decoding': np.zeros(3)}
    results.save(tmp_path / 'a.pkl', data)
    assert_same(results.load_results(tmp_path / 'a.pkl'), data)


@pytest.mark.parametrize('curve', [[], (1, 2.5), np.ones(7, 'f4'), range(2)])
def test_any_sequence_of_numbers_is_a_curve(tmp_path, curve):
    results.save(tmp_path / 'a.pkl', network() | dict.fromkeys(results.CURVES, curve))
    assert len(results.load_results(tmp_path / 'a.pkl')['loss']) == len(curve)


def without(data, key):
    return {name: value for name, value in data.items() if name != key}


WEIGHTS = network()['weights']
NO_RESULTS = {
    'no weights': ({'weights': None}, "'weights' must be a dictionary"),
    'list': ({'weights': [1]}, "'weights' must be a dictionary"),
    'no w_in': ({'weights': without(WEIGHTS, 'w_in')}, "'weights/w_in' must be a matrix"),
    'text': ({'weights': WEIGHTS | {'h': np.array([['a']])}}, "'weights/h' must be a matrix"),
    'nested list': ({'weights': WEIGHTS | {'h': [[0.1] * 4]}}, "'weights/h' must be a matrix"),
    'flat': ({'weights': WEIGHTS | {'b_rnn': np.ones(4)}}, "'weights/b_rnn' must be a matrix"),
    'tall h': ({'weights': WEIGHTS | {'h': np.ones((4, 4))}}, r"h' has .*4, 4\) where \(1, N\)"),
    'wide w_in': (
        {'weights': WEIGHTS | {'w_in': np.ones((3, 5))}},
        r"w_in' has the shape \(3, 5\) where \(3, 4\) is needed",
    ),
    'w_rnn': ({'weights': WEIGHTS | {'w_rnn': np.ones((4, 3))}}, r"w_rnn' has .*where \(4, 4\)"),
    'b_out': ({'weights': WEIGHTS | {'b_out': np.ones((1, 3))}}, r"b_out' has .*where \(1, 2\)"),
    'parameters': ({'parameters': [1]}, "'parameters' must be a dictionary"),
    'text curve': ({'loss': 'abcde'}, "'loss' must be a sequence of numbers"),
    'curve of texts': ({'loss': ['a'] * 5}, "'loss' must be a sequence of numbers"),
    'matrix curve': ({'loss': np.ones((5, 1))}, "'loss' must be a sequence of numbers"),
    'short curve': ({'iteration': [0, 1]}, "'iteration' has 2 entries and 'accuracy' has 5"),
}


@pytest.mark.parametrize('name', NO_RESULTS)
def test_what_is_not_the_result_of_a_network_is_refused(tmp_path, name):
    changes, message = NO_RESULTS[name]
    results.save(tmp_path / 'a.pkl', network() | changes)
    with pytest.raises(ResultsError, match=f'a.pkl is not the result of a network: .*{message}'):
        results.load_results(tmp_path / 'a.pkl')


@pytest.mark.parametrize('key', ['weights', 'parameters', *results.CURVES])
def test_a_missing_key_is_named(tmp_path, key):
    results.save(tmp_path / 'a.pkl', without(network(), key))
    with pytest.raises(ResultsError, match=f"'{key}' must be"):
        results.load_results(tmp_path / 'a.pkl')


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('DMS.pkl', 'DMS.checkpoint'),
        ('lr0.01', 'lr0.01.checkpoint'),
        ('a.b.pkl', 'a.b.checkpoint'),
    ],
)
def test_the_checkpoint_lies_beside_the_result(name, expected):
    assert results.checkpoint_name(f'folder/{name}') == Path('folder', expected)


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, 'No space left on device')


def half_a_dump(_, file, **__):
    file.write(b'\x80\x04half')
    full_disk()


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ('function', 'failure', 'error'),
    [
        ('pickle.dump', half_a_dump, OSError),
        ('os.fsync', full_disk, OSError),
        ('os.replace', full_disk, OSError),
        ('os.fsync', interrupt, KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_the_old_file_and_no_other(
    tmp_path, monkeypatch, function, failure, error
):
    path = tmp_path / 'a.pkl'
    results.save(path, {'a': 1})
    old = path.read_bytes()
    with monkeypatch.context() as patches:
        patches.setattr(f'results.{function}', failure)
        for new in (path, tmp_path / 'new.pkl'):
            with pytest.raises(error):
                results.save(new, {'a': 2})
    assert names(tmp_path) == ['a.pkl']
    assert path.read_bytes() == old


CHILD = """
import os, signal, sys
import numpy as np
import results

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

for n in range(1000):
    if n == 3 and sys.argv[2]:
        setattr(os, sys.argv[2], die)
    results.save(sys.argv[1], {'n': n, 'array': np.full(300_000, n)})
    print(n, flush=True)
"""


@pytest.mark.parametrize('moment', ['', 'fsync', 'replace'])  # '': wherever the third save is
def test_a_killed_process_leaves_a_whole_file(tmp_path, moment):
    path = tmp_path / 'a.pkl'
    command = [sys.executable, '-c', CHILD, str(path), moment]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        for _ in range(3):
            child.stdout.readline()
        if not moment:
            child.kill()
    assert child.returncode == -signal.SIGKILL
    loaded = results.load(path)
    assert loaded['n'] == 2 if moment else loaded['n'] >= 2
    assert_same(loaded['array'], np.full(300_000, loaded['n']))
    assert [file.name for file in tmp_path.glob('*.pkl')] == ['a.pkl']
    if moment:
        assert len(names(tmp_path)) == 2  # the temporary file stays for now


def test_only_old_leftovers_of_the_same_file_are_removed(tmp_path):
    kept = ['[a].pkl', '[a].pkl.1.tmp', '[a].txt.2.tmp', 'a.pkl.2.tmp']
    for name in [*kept, '[a].pkl.2.tmp']:
        (tmp_path / name).write_bytes(b'')
        if '.2.' in name:
            os.utime(tmp_path / name, (0, 0))
    results.save(tmp_path / '[a].pkl', {})
    assert names(tmp_path) == sorted(kept)


def test_a_folder_is_created(tmp_path):
    results.save(str(tmp_path / 'new' / 'one' / 'a.pkl'), {'a': 1})
    assert results.load(tmp_path / 'new' / 'one' / 'a.pkl') == {'a': 1}


def test_the_check_of_a_folder_leaves_nothing_and_keeps_the_result(tmp_path):
    path = tmp_path / 'new' / 'a.pkl'
    results.check_writable(path)
    assert names(path.parent) == []
    path.write_bytes(b'old')
    results.check_writable(path)
    assert names(path.parent) == ['a.pkl']
    assert path.read_bytes() == b'old'


def test_folders_that_take_no_files_are_named(tmp_path, monkeypatch):
    (tmp_path / 'file').write_bytes(b'')
    for folder, reason in [('file', 'it is a file'), ('file/inner', 'Not a directory')]:
        with pytest.raises(ResultsError, match=f'cannot write to the folder .*{folder}: {reason}'):
            results.check_writable(tmp_path / folder / 'a.pkl')
    with pytest.raises(ResultsError, match='is a folder; the name of a file is needed'):
        results.check_writable(tmp_path)
    monkeypatch.setattr('results.os.fsync', full_disk)
    with pytest.raises(ResultsError, match='No space left'):
        results.check_writable(tmp_path / 'a.pkl')
    assert names(tmp_path) == ['file']


@pytest.mark.skipif(not Path('/proc/self').exists(), reason='needs the folder /proc of Linux')
def test_a_folder_of_the_system_is_refused():
    with pytest.raises(ResultsError, match='cannot write to the folder /proc/new: '):
        results.check_writable('/proc/new/a.pkl')
