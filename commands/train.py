"""The command line of model.py: what is asked for, and how it ended."""

import argparse
import sys
from collections.abc import Callable

from commands.arguments import (
    add_explained,
    add_logs,
    add_settings,
    as_settings,
    command_parser,
    fail,
    gpu_number,
    positive,
    setting,
    task_name,
)
from commands.explain import explanation
from commands.running import command
from parameters import par, update_parameters, user_settings
from results import ResultsError
from system.signals import Interrupted
from tasks import TaskError
from training.member import TrainingError
from training.start import RunError, Start, begin


def parser() -> argparse.ArgumentParser:
    """The arguments of model.py."""
    p = command_parser(
        'model.py',
        'Train one network and save it.',
        'python model.py --task DMRS90 --set n_hidden=200 --seed 7',
        'python model.py --settings dt n_hidden --task ABBA',
    )
    p.add_argument(
        'gpu_id',
        nargs='?',
        type=gpu_number,
        default='none',
        help='number of a GPU, or none (default)',
    )
    p.add_argument(
        '--task',
        action='append',
        default=[],
        dest='tasks',
        metavar='TASK',
        help='same as --set trial_type=TASK, or the file of your own task',
    )
    add_settings(p)
    add_explained(p)
    p.add_argument(
        '--seed',
        action='append',
        default=[],
        dest='settings',
        type=lambda text: setting(f'seed={text}'),
        metavar='N',
        help='same as --set seed=N',
    )
    p.add_argument('--threads', type=positive, help='threads on the CPU (default: all cores)')
    add_logs(p)
    files = p.add_mutually_exclusive_group()
    files.add_argument('--resume', action='store_true', help='continue from the checkpoint')
    files.add_argument(
        '--overwrite', action='store_true', help='start over and replace what is there'
    )
    return p


@command
def request(arguments: list[str] | None = None) -> Start:
    """Set `par` as the command line says; return the run. Without one, the process ends."""
    args = parser().parse_args(arguments)
    try:
        names = [('trial_type', task_name(task)) for task in args.tasks]
        update_parameters(as_settings([*args.settings, *names]))
        if args.explained is not None:
            print(explanation(args.explained, par | {'seed': user_settings().get('seed')}))
            sys.exit(0)
        options = {'resume': args.resume, 'overwrite': args.overwrite, 'log': args.log}
        start = begin(par, user_settings(), args.gpu_id, args.threads, **options)
    except ValueError as error:
        sys.exit(fail(error, 2))
    except OSError as error:
        sys.exit(fail(error, 1))
    except KeyboardInterrupt:
        sys.exit(fail('stopped', 130))
    if start.is_finished:
        print(start.words_if_finished)
        sys.exit(0)
    return start


@command
def outcome(train: Callable[[], object]) -> int:
    """Train, and return the exit status of the command."""
    try:
        train()
    except (RunError, ResultsError, TaskError) as error:
        return fail(error, 2)
    except (TrainingError, OSError, MemoryError) as error:
        return fail(error, 1)
    except Interrupted as stop:
        return fail('stopped, and saved in a checkpoint: --resume continues', 128 + stop.signum)
    except KeyboardInterrupt:
        return fail('stopped', 130)
    return 0
