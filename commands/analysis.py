"""The command line of analysis.py: which files, with which options, and what is shown."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import results
import tasks
from commands.arguments import (
    a_path,
    add_explained,
    add_own_tasks,
    add_settings,
    as_settings,
    command_parser,
    fail,
    positive,
)
from commands.explain import explanation
from measures.earlier import what_is_there
from measures.summary import SUMMARY, summary
from parameters import ARRAYS, analysis_parameters, parameters_with, require_allowed
from rnn import device
from settings.analysis import require_of_analysis
from system.files import naming
from system.signals import Signals


def parser() -> argparse.ArgumentParser:
    """The arguments of analysis.py."""
    p = command_parser(
        'analysis.py',
        'Analyse saved networks.',
        'python analysis.py savedir/STSP-EIRNN_DMS_20 --set decode_stability=True',
        'python analysis.py --settings decoding_reps tuning_batches',
    )
    p.add_argument('paths', nargs='*', type=a_path, metavar='FILE_OR_FOLDER')
    add_settings(p, 'analysis.py')
    add_explained(p)
    add_own_tasks(p)
    p.add_argument('--jobs', type=positive, default=device.available_cores(), help='processes')
    p.add_argument('--seed', type=int, default=0, help='seed of all random draws (default 0)')
    p.add_argument(
        '--out', type=a_path, help='folder of the results (default: the files themselves)'
    )
    p.add_argument('--mat', action='store_true', help='also write MATLAB files')
    p.add_argument(
        '--overwrite', action='store_true', help='analyse again, and replace all measures'
    )
    return p


class Request(NamedTuple):
    """One file to analyse: what it holds, what the target holds, and how."""

    filename: Path
    target: Path
    saved: dict
    earlier: dict | None  # what the target holds already of the same network
    settings: Mapping
    seed: int
    jobs: int
    overwrite: bool
    notes: set  # sentences about what is absent, to be added to
    signals: Signals

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[int], None]]:
        """What the analysis calls with its work: it moves a bar, or raises Interrupted."""
        with tqdm(total=total, desc=self.filename.name, disable=None) as bar:

            def update(work: int) -> None:
                bar.update(work)
                self.signals.check()

            yield update


def request(arguments: list[str] | None = None) -> tuple[argparse.Namespace, dict]:
    """The arguments and the settings among them. Raises ValueError for a wrong request.

    The process ends where no network is to be analysed: settings are explained, or none is named.
    """
    p = parser()
    args = p.parse_args(arguments)
    settings = as_settings(args.settings)
    if not args.paths and args.explained is None:
        p.error('the following arguments are required: FILE_OR_FOLDER')
    if not 0 <= args.seed < 2**63:
        raise ValueError(f'--seed {args.seed} is not allowed: it must be from 0 to 2**63 - 1')
    names = [tasks.load_task(filename) for filename in args.tasks]
    if args.explained is not None:
        own_task = {'trial_type': names[-1]} if names else {}
        _explain(args, own_task | settings)
        sys.exit(0)
    require_of_analysis(settings)
    for name in ARRAYS & settings.keys():
        raise ValueError(f'{name} applies to training only: the analysis takes what the file holds')
    own = [tasks.find(name).settings for name in names]
    of_all_tasks = {n: v for n, v in settings.items() if not any(n in names for names in own)}
    require_allowed(of_all_tasks)  # the others are checked with the networks of their task
    return args, settings


def _explain(args, settings: Mapping) -> None:
    """Print what the options of the analysis are, for the first network if there is one."""
    if args.paths:
        first = next(_files(args.paths), None)
        if first is None:
            sys.exit(1)  # which files are not there is said already
        saved = results.load_results(first)['parameters']
        try:
            p = analysis_parameters(saved, dict(args.settings))
        except ValueError as error:
            raise ValueError(naming(first, error)) from error
    else:
        p = parameters_with(settings)
    print(explanation(args.explained, p, 'Analysis'))


def analyze_all(args, settings: Mapping, analyze: Callable[[Request], dict]) -> int:
    """Analyse all files, print what was found, and return the exit status."""
    status, rows, notes, sources = 0, [], set(), {}
    try:
        with Signals(ctrl_c=False) as signals:
            for filename in _files(args.paths):
                signals.check()
                target = filename if args.out is None else args.out / filename.name
                if (source := sources.setdefault(target, filename)) != filename:
                    status = fail(f'{filename} is left out: {target} is for {source}', 1)
                    continue
                try:
                    request = _request_of(filename, target, settings, args, notes, signals)
                    with tasks.blamed(request.saved['parameters'].get('trial_type')):
                        analyzed = analyze(request)
                    if args.mat:
                        save_mat(target.with_suffix('.mat'), analyzed)
                    rows.append((filename.name, summary(analyzed)))
                except (ValueError, OSError, MemoryError) as error:
                    signals.check()  # which may have ended a process that decodes
                    status = fail(naming(filename, error), 1)
    finally:
        for note in sorted(notes):
            print(note)
        print_table(rows)
    empty = [path for path in args.paths if path.is_dir() and not any(path.glob('*.pkl'))]
    return 1 if empty else status


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files, and the networks of the folders; says which folder has none."""
    for path in paths:
        try:
            yield from results.files_of(path)
        except results.ResultsError as error:
            fail(error, 1)


def _request_of(filename: Path, target: Path, settings: Mapping, args, notes, signals) -> Request:
    saved = results.load_results(filename)
    earlier = None if args.overwrite else what_is_there(target, saved, filename)
    how = {'seed': args.seed, 'jobs': args.jobs, 'overwrite': args.overwrite}
    how |= {'notes': notes, 'signals': signals}
    return Request(filename, target, saved, earlier, settings, **how)


def print_table(rows: Sequence[tuple[str, Mapping[str, float]]]) -> None:
    """One line for each network: the name of its file, which others may share, and its summary."""
    if not rows:
        return
    width = max(len(network) for network, _ in rows)
    print('  '.join([f'{"network":>{width}}', *SUMMARY]))
    for network, numbers in rows:
        cells = (f'{numbers.get(name, np.nan):>{len(name)}.3f}' for name in SUMMARY)
        print('  '.join([f'{network:>{width}}', *cells]))


def save_mat(filename: Path, analyzed: Mapping) -> None:
    """Write results for MATLAB: None becomes empty, ranges and sequences become arrays."""
    from scipy.io import savemat

    with results.replacing(filename) as temporary:
        savemat(temporary, for_matlab(analyzed), long_field_names=True, appendmat=False)


def for_matlab(value):
    """`value` in types that a MATLAB file can hold."""
    if value is None:
        return np.zeros((0, 0))
    if isinstance(value, Mapping):
        return {str(name): for_matlab(item) for name, item in value.items()}
    if isinstance(value, range):
        return np.array(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        plain = [for_matlab(item) for item in value]
        if len({isinstance(item, str) for item in plain}) < 2:  # else numbers would become text
            with suppress(ValueError):  # items of unequal sizes
                array = np.array(plain)
                if array.dtype.kind in 'biufU':
                    return array
        cell = np.empty(len(plain), object)
        cell[:] = plain
        return cell
    return value
