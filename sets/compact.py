"""Smaller copies of result files, to keep or to share.

    python -m sets.compact FILE ... --out FOLDER [--without PATTERN ...] [--average] [--whole-par]

leaves out the large arrays among the parameters, such as initial weights, which follow from the
settings and are computed again when a file is loaded, and the measures whose names match a pattern,
such as '*_dms' (wildcards as in file names). Learning curves become arrays. `--average` keeps the
means of measures over repetitions, and of h_sample_mean over units, in single precision.
`--whole-par` keeps all parameters, which other programs may read, such as the analysis of the
paper's own code, and adds those that an earlier copy has left out. The original files stay as they
are.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

import results
from commands.arguments import a_path, command_parser, fail
from commands.running import command
from measures.measure import all_measures
from measures.sampling import OF_PROBE
from parameters import WHOLE_PAR, given_arrays, parameters_with

LARGE = 1000  # bytes
REPEATED = 'repetition'  # the axis over which --average takes the mean
OTHER_AXIS = {'h_sample_mean': 'unit'}  # and where it is another one


def compact(network: dict, without: Sequence[str] = (), whole_par: bool = False) -> dict:
    """A copy without measures like `without` and, unless `whole_par`, large parameters.

    Learning curves become arrays of single precision where that changes no number.
    """
    about = results.analysis_of(network)
    measures = about.get('measures', [])
    left_out = {n for n in measures if any(fnmatchcase(n, pattern) for pattern in without)}
    smaller = {name: value for name, value in network.items() if name not in left_out}
    if left_out:
        smaller['analysis'] = {**about, 'measures': sorted({*measures} - left_out)}
    smaller |= {name: _curve(network[name]) for name in results.VALUES}
    p = network['parameters']
    smaller['parameters'] = parameters_with({}, p) | p if whole_par else _without_large(p)
    return smaller


def _without_large(p: Mapping) -> dict:
    """Parameters without large arrays that follow from the settings, with a seed among them."""
    if p.get('seed') is None:
        return dict(p)
    kept = {*WHOLE_PAR, *given_arrays(p)}
    return {
        name: value
        for name, value in p.items()
        if name in kept or not (isinstance(value, np.ndarray) and value.nbytes > LARGE)
    }


def _curve(values: Sequence[float]) -> np.ndarray:
    exact = np.array(values)
    single = exact.astype(np.float32)
    return single if np.array_equal(single, exact, equal_nan=True) else exact


def check_patterns(files: Sequence[Path], without: Sequence[str]) -> None:
    """ValueError for a pattern that no measure of any file matches, probably misspelt."""
    unmatched = list(without)
    for file in files:
        if not unmatched:
            return
        measures = results.analysis_of(results.load_results(file)).get('measures', [])
        unmatched = [p for p in unmatched if not any(fnmatchcase(n, p) for n in measures)]
    if unmatched:
        raise ValueError(f'{unmatched[0]!r} matches no measure of any of these files')


def averaged_axes() -> dict[str, int]:
    """The number of the axis over which --average takes the mean of a measure, by name.

    The names are also those in DMS probes. Standard errors have no such axis.
    """
    found = {}
    for name, axes in ((n, a) for m in all_measures() for n, a in m.axes.items()):
        axis = OTHER_AXIS.get(name, REPEATED)
        if axis in axes:
            found[name] = found[f'{name}{OF_PROBE}'] = axes.index(axis)
    return found


def average(network: Mapping) -> dict:
    """A copy of a network's results with means over repetitions; the axis stays, with length 1.

    All measures get single precision.
    """
    axes, measures = averaged_axes(), {n for m in all_measures() for n in m.saved_names()}

    def smaller(name: str, value):
        if name in axes:
            value = np.mean(value, axis=axes[name], keepdims=True)
        is_double = isinstance(value, np.ndarray) and value.dtype == np.float64
        return value.astype(np.float32) if is_double and name in measures else value

    return {name: smaller(name, value) for name, value in network.items()}


def parser() -> argparse.ArgumentParser:
    """The arguments of python -m sets.compact."""
    p = command_parser(
        'python -m sets.compact',
        'Make smaller copies of results.',
        'python -m sets.compact savedir/my_set/*.pkl --out smaller --average',
        "python -m sets.compact savedir/my_set/*.pkl --out smaller --without '*_dms'",
    )
    p.add_argument('files', nargs='+', type=a_path, metavar='FILE')
    p.add_argument('--out', type=a_path, required=True, metavar='FOLDER')
    p.add_argument('--without', nargs='+', default=[], metavar='PATTERN', help='of measures')
    p.add_argument('--average', action='store_true', help='keep means over repetitions')
    p.add_argument('--whole-par', action='store_true', help='keep all parameters')
    return p


@command
def run(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status (2 for a wrong request)."""
    args = parser().parse_args(arguments)
    try:
        check_patterns(args.files, args.without)
        for file in args.files:
            target = args.out / file.name
            if target.exists():
                raise ValueError(f'{target} exists, and stays as it is')
            smaller = compact(results.load_results(file), args.without, args.whole_par)
            results.save(target, average(smaller) if args.average else smaller)
            print(f'{target} {target.stat().st_size / 1e6:.1f} MB')
    except (ValueError, OSError) as error:
        return fail(error, 2)
    return 0


if __name__ == '__main__':
    sys.exit(run())
