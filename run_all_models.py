"""Train many networks, on this machine's cores, a GPU or a Dask cluster.

    python run_all_models.py GPU_ID|none NAME N START [--tasks TASK|FILE.py|all ...]
                             [--set NAME=VALUE]... [--jobs N] [--threads N] [--stack N|auto]
                             [--seed N] [--analyze] [--overwrite] [--dry-run]
                             [--dask ADDRESS|local] [--log tensorboard|wandb|csv]...
                             [--sweep NAME=VALUE,VALUE,...]... [--yes]

trains the networks START to START + N - 1 of each task (the paper trained 20) and writes
savedir/NAME/<task>-run-<index>.pkl. A task is one of the paper or a file with your own. With sweeps
it does so for each combination of their values. The command can be stopped and started again at any
point.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from commands.analysis import print_table
from commands.arguments import (
    add_logs,
    add_settings,
    add_sweeps,
    as_settings,
    command_parser,
    fail,
    gpu_number,
    positive,
    whole_number,
)
from commands.running import command
from logs.log import prepared
from parameters import parameters_with, renamed
from results import check_writable
from rnn.device import available_cores, is_cpu
from sets import selection, sweep
from sets import summary as set_summary
from sets.cluster import Cluster, ClusterError
from sets.grouping import memory, say_if_separate, stacks_of
from sets.job import Job, Report
from sets.local import LocalWorkers, memory_of
from sets.plan import Plan, plan
from settings.validators import file_name
from system.files import natural
from system.outputs import one_line
from system.signals import Signals
from training.notes import notes_of

POLL = 0.5  # s between two looks at the progress
# Networks at once to a cluster. Each has a lock, an open file, of which macOS allows 256.
MOST_SENT = 200
ELSEWHERE = {'trial_type': '--tasks', 'seed': '--seed', 'save_fn': 'NAME'}  # not with --set


def parser() -> argparse.ArgumentParser:
    """The arguments of run_all_models.py."""
    p = command_parser(
        'run_all_models.py',
        'Train many networks.',
        'python run_all_models.py none STSP-EIRNN_DMS_20 10 0',
        'python run_all_models.py none rotation 5 0 --tasks DMRS90 DMRS180 --analyze',
    )
    p.add_argument('gpu_id', type=gpu_number, help='number of a GPU, or none')
    p.add_argument('name', type=_name, help='name of the set and of its folder in savedir')
    p.add_argument('n', type=positive, help='number of networks of each task')
    p.add_argument('start', type=whole_number, help='index of the first network')
    p.add_argument(
        *('--tasks', '--task'),
        nargs='+',
        action='extend',
        metavar='TASK',
        help='tasks of the paper, all of them (all), or files with your own (default: DMS)',
    )
    add_settings(p)
    add_sweeps(p)
    p.add_argument('--seed', type=whole_number, default=0, help='seed of the set (default 0)')
    p.add_argument('--analyze', action='store_true', help='analyse each network when trained')
    p.add_argument('--overwrite', action='store_true', help='start over and replace what is there')
    add_resources(p)
    add_logs(p)
    return p


def add_resources(p: argparse.ArgumentParser) -> None:
    """Add the options that say how `carry_out` trains networks."""
    p.add_argument(
        '--jobs', type=positive, help='processes at once (default: one per core; on a GPU 1)'
    )
    p.add_argument(
        '--threads', type=positive, help='threads of each process (default: its share of the cores)'
    )
    p.add_argument(
        '--stack',
        type=_stack,
        default='auto',
        metavar='N|auto',
        help='networks trained together in one process (default auto: depends on their size)',
    )
    p.add_argument('--dry-run', action='store_true', help='only print what would be done')
    p.add_argument('--dask', metavar='ADDRESS', help="address of a Dask scheduler, or 'local'")


def _stack(text: str) -> int | str:
    if text == 'auto':
        return text
    try:
        return positive(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f'{error}, and not auto') from error


def _name(text: str) -> str:
    if not file_name().accepts(text):
        raise argparse.ArgumentTypeError(f'{text!r} must be {file_name().allowed}')
    return text


@command
def run(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status.

    2 for a wrong request, 1 if a network failed (all others are trained), 128 + signal if stopped.
    """
    return carry_out(parser().parse_args(arguments), make_jobs)


def carry_out(args: argparse.Namespace, make_jobs: Callable) -> int:
    """Train the `Job`s that `make_jobs` makes of the arguments; the exit status is that of `run`.

    The arguments have a gpu_id, and what `add_resources` adds.
    """
    try:
        if args.jobs and args.dask not in (None, 'local'):
            raise ValueError('--jobs is not for a cluster: the threads of its workers decide')
        plans = [plan(job) for job in make_jobs(args)]
        if args.dry_run:
            _print_plans(args, plans)
            return 0
        return _run(args, plans)
    except (ValueError, ClusterError) as error:
        return fail(error, 2)
    except OSError as error:
        return fail(error, 1)
    except KeyboardInterrupt:
        return 130


def _print_plans(args, plans: list[Plan]) -> None:
    for p in plans:
        print(p.job.filename, p.words)
    needed = [p for p in plans if p.is_needed]
    if not needed:
        return
    _print_notes(needed)
    groups = stacks_of(needed, args.stack, _at_once(args), _gpu_memory(args))
    say_if_separate(groups)
    largest, (at_once, threads) = max(groups, key=len), _share(args, groups)
    words = f'{len(needed)} to do'
    if failing := sum(p.will_fail for p in needed):
        words += f' ({failing} of them will fail)'
    if len(largest) > 1:
        whole_batch = not is_cpu(args.gpu_id)
        size = memory(largest[0].p, len(largest), threads or 1, whole_batch) / 1e6
        number = f'{len(groups)} ' * (args.dask is None)  # workers decide how many there are
        words += f' in {number}stacks of up to {len(largest)} (about {size:.0f} MB each)'
    if args.dask is None:
        words += f', {at_once} at once, with {threads} thread{"s" * (threads > 1)} each'
    print(words)


def _print_notes(plans: list[Plan]) -> None:
    """Print, once each, what a run of model.py says of such settings."""
    found = (f'{p.job.task}: {note}' for p in plans for note in notes_of(p.p))
    for note in dict.fromkeys(found):
        print(note)


def make_jobs(args) -> list[Job]:
    """The networks that the arguments ask for. Raises ValueError for what they cannot say."""
    settings = renamed(as_settings(args.settings))
    for name, place in ELSEWHERE.items():
        if name in settings:
            raise ValueError(f'{name} is not for --set here: {place} decides it')
    log = prepared(args.log)
    place = parameters_with({k: v for k, v in settings.items() if k == 'save_dir'})['save_dir']
    sweeps = sweep.checked(args.sweeps, settings, ELSEWHERE | {'save_dir': '--set'})
    tasks = selection.tasks_of(args.tasks or ['DMS'])
    indices = range(args.start, args.start + args.n)
    jobs = selection.select(
        tasks,
        settings,
        sweeps,
        indices,
        args.yes,
        args.seed,
        folder=str(Path(place, args.name)),
        gpu_id=args.gpu_id,
        overwrite=args.overwrite,
        analyze=args.analyze,
        log=log,
    )
    for job in jobs:
        sweep.require_name(job.name)
    return jobs


def _run(args, plans: list[Plan]) -> int:
    summary = Path(plans[0].job.folder, set_summary.FILE)
    check_writable(summary)
    set_summary.read(summary)  # a damaged one is reported before hours of training
    reports = {p.job.name: p.report for p in plans if not p.is_needed}
    for name, report in reports.items():
        print(set_summary.line(name, report))
    needed = [p for p in plans if p.is_needed]
    stopped_by = 0
    if needed:
        _print_notes(needed)
        stopped_by = _train(args, needed, reports)
    failed = any(report.status == 'failed' for report in reports.values())
    swept = {p.job.name: p.job.swept for p in plans}
    try:
        reports = set_summary.write(plans[0].job.folder, reports, swept)
    except (ValueError, OSError) as error:  # the networks are saved
        failed = fail(error, 1)
    print(set_summary.table(reports, swept))
    analysed = {n: report.measures for n, report in reports.items() if report.measures}
    print_table([(name, analysed[name]) for name in sorted(analysed, key=natural)])
    if stopped_by:
        return fail(_words_of_stop(args), 128 + stopped_by)
    return int(failed)


def _words_of_stop(args) -> str:
    """What to do after a stop; what was half-trained on a cluster is lost."""
    if getattr(args, 'overwrite', False):
        return 'stopped: with --overwrite the same command starts all networks again'
    if args.dask is not None:
        return 'stopped: the same command trains the others, from their last checkpoints here'
    return 'stopped: to continue, run the same command again'


def _train(args, plans: list[Plan], reports: dict[str, Report]) -> int:
    """Train all networks, adding their reports; return the signal that stopped it, or 0."""
    workers = _workers(args, plans, min(_at_once(args), len(plans)))
    groups = stacks_of(plans, args.stack, workers.at_once, _gpu_memory(args))
    say_if_separate(groups)
    at_once, threads = _share(args, groups)
    bar = tqdm(total=workers.total, initial=workers.progress(), unit=workers.unit, disable=None)
    with Signals() as signals, closing(workers), bar, ThreadPoolExecutor(at_once) as pool:
        try:
            waiting = {}
            for group in groups:
                jobs = [p.job._replace(threads=threads) for p in group]
                waiting[pool.submit(workers.run, jobs)] = [job.name for job in jobs]
            while waiting:
                done, _ = wait(waiting, POLL, FIRST_COMPLETED)
                for future in done:
                    for name, report in _reports_of(future, waiting.pop(future)).items():
                        reports[name] = report
                        bar.write(set_summary.line(name, report))
                bar.update(workers.progress() - bar.n)
                if signals.received:
                    workers.stop()
        except KeyboardInterrupt:  # the second one: to leave the pool would wait for its networks
            os._exit(130)
    return signals.received


def _reports_of(future: Future, names: list[str]) -> dict[str, Report]:
    try:
        return dict(zip(names, future.result(), strict=True))
    except Exception as error:  # such as a full disk, or a worker of Dask that died again and again
        report = Report('failed', one_line(f'{type(error).__name__}: {error}'))
        return dict.fromkeys(names, report)


def _at_once(args) -> int:
    """Processes that are to train at once here."""
    return args.jobs or (available_cores() if is_cpu(args.gpu_id) else 1)


def _gpu_memory(args) -> int | None:
    """What each process has of the GPU here; None without one, and for those of a cluster."""
    if is_cpu(args.gpu_id) or args.dask is not None:
        return None
    return memory_of(args.gpu_id) // _at_once(args)


def _share(args, groups: Sequence[list[Plan]]) -> tuple[int, int | None]:
    """Processes at once, and threads of each; None leaves them to the workers of a cluster."""
    if args.dask not in (None, 'local'):
        most = max(1, MOST_SENT // max(map(len, groups)))
        return min(len(groups), most), args.threads
    at_once = min(_at_once(args), len(groups))
    return at_once, args.threads or max(1, available_cores() // at_once)


def _workers(args, plans: list[Plan], at_once: int) -> LocalWorkers | Cluster:
    if args.dask is not None:
        return Cluster(args.dask, len(plans), at_once)
    return LocalWorkers(plans, at_once)


if __name__ == '__main__':
    sys.exit(run())
