"""The command line of model.py, and what its sister commands share with it."""

import argparse
import ast
import sys

import numpy as np

from parameters import ARRAYS, update_parameters
from results import ResultsError
from rnn.device import DeviceError
from training import loop as training


def setting(text: str) -> tuple[str, object]:
    """NAME=VALUE as a pair; the value is a Python literal, else text; of an array it is a file."""
    name, equals, value = text.partition('=')
    if not equals or not name:
        raise argparse.ArgumentTypeError(f'{text!r} is not of the form NAME=VALUE')
    if name.strip() in ARRAYS and value.strip() != 'None':
        return name.strip(), _array(value.strip())
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # not a literal
        return name.strip(), value


def _array(filename: str) -> np.ndarray:
    """What np.save wrote. A file with anything but numbers is refused unread."""
    try:
        array = np.load(filename, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        message = f'{filename} cannot be read as an array that np.save wrote: {error}'
        raise argparse.ArgumentTypeError(message) from error
    if not isinstance(array, np.ndarray):
        raise argparse.ArgumentTypeError(f'{filename} holds several arrays, and not one (.npy)')
    return array


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number above 0')
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The arguments of model.py."""
    p = argparse.ArgumentParser('model.py', description='Train one network and save it.')
    p.add_argument('gpu_id', nargs='?', default='none', help='number of a GPU, or none (default)')
    p.add_argument('--task', help='same as --set trial_type=TASK')
    p.add_argument(
        '--set', action='append', default=[], type=setting, metavar='NAME=VALUE', dest='settings'
    )
    p.add_argument('--seed', help='same as --set seed=N', type=lambda text: setting(f'seed={text}'))
    p.add_argument('--threads', type=positive, help='threads on the CPU (default: all cores)')
    files = p.add_mutually_exclusive_group()
    files.add_argument('--resume', action='store_true', help='go on from the checkpoint')
    files.add_argument(
        '--overwrite', action='store_true', help='start again, without what is there'
    )
    return p


def run(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status (2 for a wrong request)."""
    sys.stdout.reconfigure(line_buffering=True)  # so that a log in a file can be followed
    args = parser().parse_args(arguments)
    settings = dict(args.settings)
    if args.task is not None:
        settings['trial_type'] = args.task
    if args.seed is not None:
        settings['seed'] = args.seed[1]
    try:
        update_parameters(settings)
    except ValueError as error:
        return fail(error, 2)
    return _train(args)


def _train(args) -> int:
    try:
        training.train(
            args.gpu_id, threads=args.threads, resume=args.resume, overwrite=args.overwrite
        )
    except (training.RunError, ResultsError, DeviceError) as error:
        return fail(error, 2)
    except (training.TrainingError, OSError) as error:
        return fail(error, 1)
    except training.Interrupted as stop:
        return fail('stopped, and saved in a checkpoint: --resume goes on', 128 + stop.signum)
    except KeyboardInterrupt:
        return fail('stopped', 130)
    return 0


def fail(message: object, status: int) -> int:
    """Print one sentence to stderr; return the exit status."""
    print(f'error: {message}', file=sys.stderr)
    return status
