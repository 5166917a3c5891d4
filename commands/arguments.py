"""What the command lines share: how settings and tasks are written, how a command fails."""

import argparse
import ast
import sys
from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from logs.log import WRITERS
from parameters import ARRAYS
from rnn.device import is_cpu
from system.files import require_file
from tasks import load_task


def setting(text: str) -> tuple[str, object]:
    """NAME=VALUE as a pair; VALUE is a Python literal or text, or the file of an array."""
    name, equals, value = text.partition('=')
    if not equals or not name:
        raise argparse.ArgumentTypeError(f'{text!r} is not of the form NAME=VALUE')
    if name.strip() in ARRAYS and value.strip() != 'None':
        return name.strip(), _array(value.strip())
    return name.strip(), _literal(value)


def _sweep_values(text: str) -> tuple[str, list]:
    """NAME=VALUE,VALUE,... as a name and values, which are read like that of a `setting`.

    A list or tuple in brackets is one value.
    """
    name, equals, values = text.partition('=')
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f'{text!r} is not of the form NAME=VALUE,VALUE,...')
    pieces: list[str] = []
    for piece in values.split(','):
        if pieces and _is_open(pieces[-1]):
            pieces[-1] += f',{piece}'
        else:
            pieces.append(piece)
    if not all(piece.strip() for piece in pieces):
        raise argparse.ArgumentTypeError(f'{text!r} lacks a value: NAME=VALUE,VALUE,... is needed')
    return name.strip(), [_literal(piece.strip()) for piece in pieces]


def _is_open(piece: str) -> bool:
    """Whether a bracket is not closed."""
    return sum(map(piece.count, '([{')) > sum(map(piece.count, ')]}'))


def _literal(text: str) -> object:
    """A Python literal, else the text as it is."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def a_path(text: str) -> Path:
    """A path; ~ is the home folder, also after a '=', where shells leave it as it is."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f'{text!r} has no home folder: {error}') from error


def _array(filename: str) -> np.ndarray:
    """The array in a file that np.save wrote; a file of pickled objects is refused unread."""
    try:
        require_file(a_path(filename))
        array = np.load(a_path(filename), allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile, MemoryError) as error:
        message = f'{filename} cannot be read as an array that np.save wrote: {error}'
        raise argparse.ArgumentTypeError(message) from error
    if not isinstance(array, np.ndarray):
        raise argparse.ArgumentTypeError(f'{filename} holds several arrays, and not one (.npy)')
    return array


def as_settings(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """What `setting` made of several arguments. Raises ValueError if one is given twice."""
    settings: dict[str, object] = {}
    for name, value in pairs:
        if name in settings:
            raise ValueError(f'{name} is given twice')
        settings[name] = value
    return settings


def whole_number(text: str, low: int = 0) -> int:
    """A whole number from `low`, such as an index."""
    if not text.isdecimal() or not low <= int(text) < 2**31:
        words = f'{text!r} is not a whole number from {low} to {2**31 - 1}'
        raise argparse.ArgumentTypeError(words)
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1."""
    return whole_number(text, 1)


def command_parser(program: str, description: str, *examples: str) -> argparse.ArgumentParser:
    """A parser without arguments, whose help ends with examples, each a whole command line."""
    return argparse.ArgumentParser(
        program,
        description=description,
        epilog='\n  '.join(['examples:', *examples]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def gpu_number(text: str) -> str:
    """The number of a GPU, or none."""
    if not (is_cpu(text) or text.isdecimal()):
        raise argparse.ArgumentTypeError(f'{text!r} is neither the number of a GPU nor none')
    return text.lower()


def add_settings(p: argparse.ArgumentParser, explained_by: str = 'model.py') -> None:
    """Add the option that sets parameters, which a command explains."""
    p.add_argument(
        '--set',
        action='append',
        default=[],
        type=setting,
        metavar='NAME=VALUE',
        dest='settings',
        help=f'a setting; python {explained_by} --settings explains them',
    )


def add_sweeps(p: argparse.ArgumentParser) -> None:
    """Add the options that sweep parameters: `sweeps` are pairs of a name and its values."""
    p.add_argument(
        '--sweep',
        action='append',
        default=[],
        type=_sweep_values,
        metavar='NAME=VALUE,VALUE,...',
        dest='sweeps',
        help='train the networks for each of these values, and each combination of sweeps',
    )
    p.add_argument('--yes', action='store_true', help='allow more than 10 000 networks')


def add_explained(p: argparse.ArgumentParser) -> None:
    """Add the option that explains parameters: `explained` is None without it, else the names."""
    p.add_argument(
        '--settings',
        action='extend',
        nargs='*',
        metavar='NAME',
        dest='explained',
        help='print all settings, or those named, and exit',
    )


def add_logs(p: argparse.ArgumentParser) -> None:
    """Add the option that names where learning curves are logged."""
    p.add_argument(
        '--log',
        action='append',
        default=[],
        choices=list(WRITERS),
        help='also log the learning curves in this way; may be given several times',
    )


def add_own_tasks(p: argparse.ArgumentParser) -> None:
    """Add the option that names the files of tasks which networks were trained on."""
    p.add_argument(
        '--task',
        action='append',
        default=[],
        metavar='FILE.py',
        dest='tasks',
        type=a_path,
        help='your own task, on which networks here were trained',
    )


def task_name(text: str) -> str:
    """The name of a task, which is loaded first if `text` is that of a file. Raises TaskError.

    Nothing else loads a task: neither a setting nor a result file does.
    """
    return load_task(a_path(text)) if '.' in text else text


def fail(message: object, status: int) -> int:
    """Print one sentence to stderr; return the exit status."""
    print(f'error: {message}', file=sys.stderr)
    return status
