"""Result files: what goes in comes out, and only plain data go in."""

import collections
import enum
import pickle
import pickletools
import re
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


@settings(max_examples=60)
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


# ---------------------------------------------------------------- results of networks


def test_the_result_of_a_network_loads(tmp_path):
    data = network() | {'decoding': np.zeros(3)}
    results.save(tmp_path / 'a.pkl', data)
    assert_same(results.load_results(tmp_path / 'a.pkl'), data)


@pytest.mark.parametrize('curve', [[], (1, 2.5), np.ones(7, 'f4')])
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
    trained = network()
    trained['parameters'] |= {'spike_cost': 0.02, 'weight_cost': 0.0}
    results.save(tmp_path / 'a.pkl', without(trained, key))
    with pytest.raises(ResultsError, match=f"'{key}' must be"):
        results.load_results(tmp_path / 'a.pkl')


def test_a_network_that_was_trained_without_a_cost_has_nan_as_its_curve(tmp_path):
    old = without(network(), 'weight_loss')
    old['parameters'] |= {'spike_cost': 0.02}
    results.save(tmp_path / 'a.pkl', old)
    loaded = results.load_results(tmp_path / 'a.pkl')
    np.testing.assert_array_equal(loaded.pop('weight_loss'), [np.nan] * 5)
    assert_same(loaded, old)


@pytest.mark.parametrize(
    'nonsense',
    [
        {'options': 3},
        {'options': None},
        {'options': {1: 2}},
        {'options': {'decoding_reps': 'many'}},
        {'options': {'decode_test': np.ones(2)}},
        {'measures': 5},
        {'measures': 'task_accuracy'},
        {'measures': ['task_accuracy', [2]]},
        {'taken': None},
    ],
)
def test_an_analysis_that_says_nonsense_counts_as_none(nonsense):
    about = {'options': {'seed': 0, 'decoding_reps': 2}, 'taken': ['a'], 'measures': ['b', 'c']}
    assert results.analysis_of({'analysis': about}) is about
    assert results.analysis_of({'analysis': about | nonsense}) == {}
    assert results.analysis_of({'analysis': 7}) == results.analysis_of({}) == {}


def test_networks_of_a_folder_come_in_the_order_of_their_numbers(tmp_path):
    names = ['DMC-run-1.pkl', 'DMS-run-2.pkl', 'DMS-run-10.pkl']
    for name in [*names, 'summary.csv', 'DMS-run-3.checkpoint']:
        (tmp_path / name).touch()
    assert [path.name for path in results.networks_in(tmp_path)] == names
    assert results.files_of(tmp_path / 'DMS-run-10.pkl') == [tmp_path / 'DMS-run-10.pkl']
    with pytest.raises(ResultsError, match='holds no networks'):
        results.networks_in(tmp_path, ('.mat',))
