"""Result files and checkpoints: one pickled dictionary each.

A file holds numpy arrays of numbers or text, numpy scalars and plain Python values, nothing else:
`save` refuses other data and `load` refuses other files, so a stranger's file cannot run code.
Files written under numpy 1 and numpy 2 load under both.

    results.save("savedir/DMS.pkl", {"weights": weights, "parameters": par, ...})
    network = results.load_results("savedir/DMS.pkl")
"""

import contextlib
import glob
import io
import itertools
import math
import numbers
import os
import pickle
import pickletools
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from settings.analysis import ANALYSIS
from settings.costs import COSTS, loss_of
from system.files import (
    FileError,
    named,
    natural,
    read_bytes,
    require_replaceable,
    target_of,
    why_no_folder,
)

LEFTOVER_AGE = 3600  # s; a temporary file this old belongs to a run that was killed
MAX_DEPTH = 100  # levels of nesting; also ends the walk through a list that contains itself
LEAVES = (type(None), bool, int, float, complex, str, bytes, range)
CONTAINERS = (list, tuple, set, frozenset)
ALLOWED = 'only numpy arrays and plain Python values are allowed'
WEIGHT_SHAPES = {
    'h': (1, 'N'),
    'w_in': ('I', 'N'),
    'w_rnn': ('N', 'N'),
    'b_rnn': (1, 'N'),
    'w_out': ('N', 'O'),
    'b_out': (1, 'O'),
}
VALUES = ('accuracy', 'loss', 'perf_loss', *map(loss_of, COSTS))  # of an iteration
CURVES = (*VALUES, 'iteration')
# what a file holds besides measures
KEYS = (*CURVES, 'weights', 'parameters', 'analysis', 'optimizer', 'stacked')
KEYS += ('versions', 'earlier_versions', 'one_step')


class ResultsError(ValueError):
    """A result file or its folder cannot be used; the message names it and says why."""


class _Refused(TypeError):
    """Something else than numpy arrays and plain Python values."""


def save(filename: str | os.PathLike, data: dict) -> None:
    """Write the dictionary `data` to `filename`, whole or not at all. The folder is created.

    The data go to `<filename>.<process id>-<random>.tmp`, which then takes the place of `filename`.
    Such files that killed runs left behind are removed once they are an hour old.

    Raises TypeError, before anything is written, if `data` holds anything but numpy arrays and
    plain values (it names the path, such as "parameters/foo"); OSError if writing fails.
    """
    if type(data) is not dict:
        raise TypeError(f'only a dictionary can be saved, not a {type(data).__name__}')
    _plain(data, (), {})
    path = Path(filename)
    with replacing(path) as temporary:
        _dump(data, temporary)
    path = target_of(path)  # beside which temporary files are
    for leftover in path.parent.glob(f'{glob.escape(path.name)}.*.tmp'):
        with contextlib.suppress(OSError):  # the result is safe; a leftover that stays is harmless
            if time.time() - leftover.stat().st_mtime > LEFTOVER_AGE:
                leftover.unlink()


def save_as_new(filename: str | os.PathLike, data: dict) -> Path:
    """`save`, but never in place of another file: then under the next free name, which it returns.

    DMS.pkl becomes DMS-2.pkl.
    """
    path = Path(filename)
    others = (path.with_name(f'{path.stem}-{n}{path.suffix}') for n in itertools.count(2))
    free = next(name for name in itertools.chain([path], others) if not name.exists())
    save(free, data)
    return free


def load(filename: str | os.PathLike, content: bytes | None = None) -> dict:
    """Return the dictionary saved in `filename`. Nothing in the file is run.

    `content` is that of the file, where it is known without reading.

    Raises ResultsError if the file is missing, damaged, no pickle of a dictionary, or holds
    anything but numpy arrays and plain values.
    """
    try:
        return _unpickle(read_bytes(filename) if content is None else content)
    except OSError as error:
        raise ResultsError(str(error)) from error
    except _Refused as error:
        raise ResultsError(f'{filename} is refused: {error}') from error
    except Exception as error:  # a malformed pickle can raise nearly anything, even MemoryError
        name = type(error).__name__
        raise ResultsError(f'{filename} is damaged, cut short or no pickle ({name})') from error


def load_results(filename: str | os.PathLike, content: bytes | None = None) -> dict:
    """Return the result of one network: `load`, and a check of what every result holds.

    'weights' holds h (1, unit), w_in (input, unit), w_rnn (unit, unit), b_rnn (1, unit),
    w_out (unit, output) and b_out (1, output); 'parameters' is a dictionary; the learning curves
    (`CURVES`) have one number per iteration: NaN for the curve of a cost that 'parameters' does not
    name, since the network was trained without it.

    Raises ResultsError, naming the key, if one of them is missing or wrong.
    """
    data = load(filename, content)
    problem = _problem_in_weights(data.get('weights')) or _problem_in_curves(data)
    if type(data.get('parameters')) is not dict:
        problem = "'parameters' must be a dictionary"
    if problem:
        raise ResultsError(f'{filename} is not the result of a network: {problem}')
    missing = [name for name in CURVES if name not in data]
    return data | {name: [math.nan] * len(data['accuracy']) for name in missing}


def networks_in(folder: Path, endings: tuple[str, ...] = ('.pkl',)) -> list[Path]:
    """The files of networks in a folder, by their names and numbers.

    Raises ResultsError, which names the folder, if there is none.
    """
    if not folder.is_dir():
        raise ResultsError(f'{folder} is not a folder')
    found = [path for path in folder.iterdir() if path.suffix in endings]
    if not found:
        names = ', '.join(f'*{ending}' for ending in endings)
        raise ResultsError(f'{folder} holds no networks ({names})')
    return sorted(found, key=lambda path: natural(path.name))


def files_of(path: Path) -> list[Path]:
    """A file by itself, or the networks in a folder; see `networks_in`."""
    return networks_in(path) if path.is_dir() else [path]


def analysis_of(saved: Mapping) -> Mapping:
    """What a result notes about its analysis; {} if it has none, or if the notes are malformed.

    'options' holds the options and the seed (measures.earlier.made_with), 'taken' the names of the
    measures, 'measures' those of their results, 'end_of_delay' the steps (start, stop) of the
    summary.
    """
    about = saved.get('analysis')
    return about if isinstance(about, Mapping) and _makes_sense(about) else {}


def _makes_sense(about: Mapping) -> bool:
    options, *names = (about.get(key, []) for key in ('options', 'taken', 'measures'))
    return (
        isinstance(options, Mapping)
        and all(type(some) is list for some in names)
        and all(type(name) is str for some in (options, *names) for name in some)
        and all(ANALYSIS[n].check.accepts(v) for n, v in options.items() if n in ANALYSIS)
    )


def checkpoint_name(filename: str | os.PathLike) -> Path:
    """Return the path of the checkpoint beside a result file: DMS.checkpoint for DMS.pkl."""
    path = Path(filename)
    return path.with_name(path.name.removesuffix('.pkl') + '.checkpoint')


def check_writable(filename: str | os.PathLike) -> None:
    """Create the folder of `filename` and prove, with a file of another name, that it takes files.

    Raises ResultsError, naming the folder, if it does not.
    """
    path = Path(filename)
    try:
        for place in (path, checkpoint_name(path)):
            require_replaceable(place)
        path = target_of(path)
    except FileError as error:
        raise ResultsError(str(error)) from error
    try:
        with _temporary(path) as temporary:
            _dump({}, temporary)
    except OSError as error:
        reason = why_no_folder(path.parent) or error.strerror
        raise ResultsError(f'cannot write to the folder {path.parent}: {reason}') from error


@contextlib.contextmanager
def replacing(filename: str | os.PathLike) -> Iterator[Path]:
    """A path to write a file to, which then takes the place of `filename`, whole or not at all.

    Where `filename` is a symbolic link, its target is replaced. Raises FileError, which names
    the file.
    """
    with named(filename, 'written'):
        require_replaceable(filename)
        path = target_of(filename)
        with _temporary(path) as temporary:
            yield temporary
            os.replace(temporary, path)


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """The name of a file beside `path`; what is left of it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two runs that save the same result, maybe on two computers, never write into the same file.
    temporary = path.with_name(f'{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp')
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _dump(data: dict, path: Path) -> None:
    """Write `data` down to the disk."""
    with open(path, 'wb') as file:
        pickle.dump(data, file, protocol=4)
        file.flush()
        os.fsync(file.fileno())


def _plain(value: Any, path: tuple[str, ...], seen: dict[int, Any]) -> Any:
    """Return `value` with arrays in place of their stand-ins; raise _Refused if it is not plain.

    `path` holds the keys that lead to `value`. `seen` holds results by identity, so that what a
    file mentions many times is walked once.
    """
    kind = type(value)  # not isinstance: a subclass would be pickled as a call of its own class
    if kind in LEAVES or _is_plain_numpy(value):
        return value
    if kind is _PickledArray:
        return value.array
    if len(path) > MAX_DEPTH:
        raise _Refused(f'{"/".join(path[:3])}/... is nested more than {MAX_DEPTH} levels deep')
    if id(value) in seen:
        return seen[id(value)]
    if kind is dict:
        copy = {
            _plain(key, (*path, 'a key'), seen): _plain(item, (*path, str(key)), seen)
            for key, item in value.items()
        }
    elif kind in CONTAINERS:
        copy = kind(_plain(item, (*path, str(i)), seen) for i, item in enumerate(value))
    else:
        name = f'array of {value.dtype}' if kind is np.ndarray else kind.__name__
        raise _Refused(f'{"/".join(path)} is of type {name}; {ALLOWED}')
    seen[id(value)] = copy
    return copy


def _is_plain_numpy(value: Any) -> bool:
    if not isinstance(value, np.ndarray | np.generic):
        return False
    plain_class = type(value) in (np.ndarray, value.dtype.type)
    return plain_class and value.dtype.kind in 'biufcSU' and not value.dtype.metadata


def _unpickle(stream: bytes) -> dict:
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name.startswith('EXT'):  # may come from a cache that find_class never sees
            raise _Refused(f'it would run a registered extension; {ALLOWED}')
        if opcode.name.endswith('PUT') and argument > len(stream):
            raise pickle.UnpicklingError('an index this large would fill the memory')
    data = _Unpickler(io.BytesIO(stream)).load()
    if type(data) is not dict:
        raise _Refused(f'it holds a {type(data).__name__} where a dictionary belongs')
    return _plain(data, (), {})


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> '_Builder':
        label = f'{module}.{name}'
        builder = BUILDERS.get(label.replace('numpy._core.', 'numpy.core.'))
        if builder is None:
            raise _Refused(f'it would run {ascii(label)[1:-1]:.80}; {ALLOWED}')
        return _Builder(builder)


class _Builder:
    """What a file gets for a name it may use: it can be called, and cannot be changed."""

    def __init__(self, build: Callable):
        self.build = build

    def __call__(self, *arguments):
        return self.build(*arguments)

    def __setstate__(self, state):
        raise _Refused(f'it would change a function; {ALLOWED}')


# Stand-ins for dtypes and arrays while a file is read: numpy's own __setstate__ trusts its input
# and lets a file set a dtype's internal flags.
class _PickledDtype:
    def __init__(self, name, *_):
        if not re.fullmatch('[biufc][0-9]{1,2}|[SU][0-9]{1,9}', str(name)):
            raise _Refused(f'it holds a numpy dtype {ascii(name):.40}; {ALLOWED}')
        self.dtype = np.dtype(name)

    def __setstate__(self, state):
        self.dtype = self.dtype.newbyteorder(state[1])


class _PickledArray:
    def __setstate__(self, state):
        _, shape, dtype, is_fortran, data = state
        self.array = _array(data, dtype, shape, 'F' if is_fortran else 'C')


def _array(data, dtype, shape, order, axis_order=None) -> np.ndarray:
    array = np.ndarray(shape, dtype.dtype, data, order='F' if order == 'F' else 'C')
    if array.nbytes != len(data) or array.size > max(1, len(data)):
        raise ValueError(f'{len(data)} bytes do not fill an array of shape {array.shape}')
    return (array.transpose(axis_order) if axis_order else array).copy(order='K')


# The names of numpy 1; those of numpy 2 differ in `_core` only.
BUILDERS = {
    'builtins.complex': complex,
    'builtins.range': range,
    # `[] +` takes lists only, as pickle writes them; a range here could fill the memory.
    'builtins.set': lambda items: set([] + items),
    'builtins.frozenset': lambda items: frozenset([] + items),
    'numpy.dtype': _PickledDtype,
    'numpy.ndarray': _PickledArray,
    'numpy.core.multiarray._reconstruct': lambda *_: _PickledArray(),
    'numpy.core.multiarray.scalar': lambda dtype, data: _array(data, dtype, (), 'C')[()],
    'numpy.core.numeric._frombuffer': _array,
}


def _problem_in_weights(weights: Any) -> str | None:
    if type(weights) is not dict:
        return "'weights' must be a dictionary"
    sizes = {1: 1}
    for name, axes in WEIGHT_SHAPES.items():
        array = weights.get(name)
        if type(array) is not np.ndarray or array.dtype.kind not in 'iuf' or array.ndim != 2:
            return f"'weights/{name}' must be a matrix of numbers"
        pairs = zip(axes, array.shape, strict=True)
        if any(sizes.setdefault(axis, size) != size for axis, size in pairs):
            expected = ', '.join(str(sizes.get(axis, axis)) for axis in axes)
            return f"'weights/{name}' has the shape {array.shape} where ({expected}) is needed"
    return None


def _losses_since(data: dict) -> set[str]:
    """The curves of costs that the code did not have when it trained a network."""
    p = data.get('parameters')
    return {loss_of(cost) for cost in COSTS if type(p) is dict and cost not in p}


def _problem_in_curves(data: dict) -> str | None:
    for name in CURVES:
        if name not in data and name in _losses_since(data):
            continue
        curve = data.get(name)
        is_array = type(curve) is np.ndarray and curve.ndim == 1
        is_sequence = is_array or type(curve) in (list, tuple)
        if not is_sequence or not all(isinstance(item, numbers.Real) for item in curve):
            return f"'{name}' must be a sequence of numbers"
        if len(curve) != len(data['accuracy']):
            return f"'{name}' has {len(curve)} entries and 'accuracy' has {len(data['accuracy'])}"
    return None
