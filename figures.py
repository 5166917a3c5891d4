"""The paper's figures, from analysed networks.

    python figures.py FOLDER [--out FOLDER] [--format png pdf] [--task FILE.py]...

draws all that the networks in the folder allow, one file per figure and task, or per setting where
trials differ. In Python a figure is one function, which takes networks, and axes to draw in:

    from plots.memory import decoding
    from results import load_results
    decoding(load_results('networks/full/DMS-run-0.pkl')).savefig('decoding.png')

The figures stand in plots/, and plots/figure.py says how one is declared.
"""

if __name__ == '__main__':
    # matplotlib cannot be imported where MPLBACKEND is misspelt
    from commands.running import require_matplotlib

    require_matplotlib()

import argparse
import functools
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

import plots
import results
import simulate_STP
import tasks
from commands.arguments import a_path, add_own_tasks, command_parser, fail
from commands.running import command
from measures.sampling import OF_PROBE
from parameters import saved_settings
from plots.figure import COMMON, FORMATS, DeclaredFigure, FigureError, parameters_of, save
from rnn import device
from settings.compared import differing, written
from training.start import PLACE, SHOWN_ONLY

NOT_ANALYZED = 'its networks are not analysed'
# settings that tell networks apart by their place or identity, or only say what is shown and kept
NOT_COMPARED = {*PLACE, *SHOWN_ONLY, 'seed', 'trial_type'}


class DrawnNetwork(NamedTuple):
    """A network to draw, and the parameters with which it is analysed."""

    saved: dict
    p: dict

    @property
    def group(self) -> tuple[str, ...]:
        """The task, and what else networks of one figure must have in common."""
        return (self.p['trial_type'], *(str(self.p[name]) for name in COMMON))

    @property
    def is_analyzed(self) -> bool:
        """Whether it has measures."""
        return bool(results.analysis_of(self.saved))


@functools.cache
def all_figures() -> tuple[DeclaredFigure, ...]:
    """The figures in simulate_STP.py and in all files of plots/."""
    names = sorted(module.name for module in pkgutil.iter_modules(plots.__path__))
    modules = [simulate_STP, *(importlib.import_module(f'plots.{name}') for name in names)]
    found = [
        v for module in modules for v in vars(module).values() if isinstance(v, DeclaredFigure)
    ]
    return tuple(dict.fromkeys(found))


def parser() -> argparse.ArgumentParser:
    """The arguments of figures.py."""
    p = command_parser(
        'figures.py',
        'Draw the figures of analysed networks.',
        'python figures.py networks/full',
        'python figures.py savedir/my_set --out pictures --format pdf svg',
    )
    p.add_argument('folder', type=a_path, metavar='FOLDER', help='where the networks are (*.pkl)')
    p.add_argument('--out', type=a_path, metavar='FOLDER', help='default: FOLDER/figures')
    p.add_argument(
        '--format', nargs='+', action='extend', choices=FORMATS, dest='formats', help='default: png'
    )
    add_own_tasks(p)
    return p


@command
def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status.

    2 for a wrong request, 1 if a file is damaged or not analysed (all others are drawn) or if
    nothing can be drawn, 130 for Ctrl-C.
    """
    args = parser().parse_args(arguments)
    out = args.out or args.folder / 'figures'
    try:
        for filename in args.tasks:
            tasks.load_task(filename)
        files = results.networks_in(args.folder)
        results.check_writable(out / 'figure')
        device.select(None)
        return _draw(files, out, args.formats or ['png'])
    except (tasks.TaskError, results.ResultsError, OSError) as error:
        return fail(error, 2)
    except KeyboardInterrupt:
        return 130


def _draw(files: list[Path], out: Path, formats: list[str]) -> int:
    networks, status = _load(files)
    if not networks:
        raise results.ResultsError(f'{files[0].parent} holds no network that can be drawn')
    left_out, is_drawn = LeftOut(), False
    for label, figure, those, not_analyzed in _plan(networks):
        drawn = draw_or_leave_out(label, figure, those, left_out, not_analyzed)
        name = f'{label}-{figure.name}' if label else figure.name
        for suffix in formats if drawn else ():
            target = out / f'{name}.{suffix}'
            save(drawn, target)
            print(target)
            is_drawn = True
    for line in [*left_out.lines(), *shown_together(networks)]:
        print(line)
    return status if is_drawn else 1


def shown_together(networks: Sequence[DrawnNetwork]) -> Iterator[str]:
    """A sentence on networks that share figures but differ in more than their seeds."""
    for label, those in alike(networks).items():
        if names := _differing(those):
            words = 'figures of several networks do not distinguish them'
            yield f'{label} networks differ in {", ".join(names)}: {words}'
    for task in sorted({network.p['trial_type'] for network in networks}):
        of_task = [network for network in networks if network.p['trial_type'] == task]
        if len({network.group for network in of_task}) > 1:
            words = 'figures of several tasks do not distinguish them'
            yield f'{task} networks differ in {", ".join(_differing(of_task))}: {words}'


def _differing(networks: Sequence[DrawnNetwork]) -> list[str]:
    return differing_settings([network.saved['parameters'] for network in networks])


def alike(networks: Sequence[DrawnNetwork]) -> dict[str, list[DrawnNetwork]]:
    """Networks that can share a figure, by their task, and by settings that tell them apart."""
    by_task: dict[str, dict[tuple, list[DrawnNetwork]]] = {}
    for network in sorted(networks, key=lambda network: network.group):
        of_task = by_task.setdefault(network.group[0], {})
        of_task.setdefault(network.group, []).append(network)
    found: dict[str, list[DrawnNetwork]] = {}
    for task, of_task in by_task.items():
        groups = list(of_task.values())
        for those, values in zip(groups, _told_apart_by(groups), strict=True):
            label = '-'.join([task, *values])
            found[f'{label}-{len(found)}' if label in found else label] = those
    return found


def _told_apart_by(groups: Sequence[list[DrawnNetwork]]) -> list[list[str]]:
    """NAME=VALUE for each group: settings that differ between them, and nowhere within."""
    settings = [[network.saved['parameters'] for network in those] for those in groups]
    between = differing_settings([those[0] for those in settings])
    within = {name for those in settings for name in differing_settings(those)}
    names = [name for name in between if name not in within]
    return [[f'{name}={written(those[0].get(name))}' for name in names] for those in settings]


def differing_settings(parameters: Sequence[Mapping]) -> list[str]:
    """Names of the settings in which networks of a task differ, of those that can be compared."""
    return differing(chain.from_iterable(map(own_settings, parameters)), parameters)


def own_settings(p: Mapping) -> dict:
    """The settings in `p` that differ from what the task sets by itself, and can be compared."""
    return {name: v for name, v in saved_settings(p).items() if name not in NOT_COMPARED}


class LeftOut:
    """Figures that are not drawn, with the reasons, and the networks of each reason."""

    def __init__(self):
        self.labels: dict[tuple[str, str], list[str]] = {}

    def add(self, figure: DeclaredFigure, label: str | None, reason: object) -> None:
        """Note a figure that is not drawn, or not of all networks."""
        self.labels.setdefault((figure.name, str(reason)), []).extend([label] if label else [])

    def lines(self) -> list[str]:
        """One for each figure and reason."""
        found = []
        for (name, reason), labels in self.labels.items():
            about = f' ({", ".join(labels)})' if labels else ''
            found.append(f'left out {name}{about}: {reason}')
        return found


def draw_or_leave_out(
    label: str | None,
    figure: DeclaredFigure,
    networks: Sequence[Mapping],
    left_out: LeftOut,
    not_analyzed: bool = False,
) -> Figure | None:
    """Draw the figure of those networks that have its measures; None if it cannot be drawn.

    What is left out, and why, is added to `left_out`. `label` names the networks, see `alike`; it
    is None for a figure of several tasks. With `not_analyzed`, the reason is that no network has
    been analysed.
    """
    try:
        with tasks.blamed(networks[0]['parameters']['trial_type'] if label and networks else ''):
            return figure(networks)
    except (FigureError, tasks.TaskError) as error:
        left_out.add(figure, label, NOT_ANALYZED if not_analyzed else error)
        others = getattr(error, 'others', None)  # of a MissingMeasure
    return draw_or_leave_out(label, figure, others, left_out) if others else None


def _load(files: list[Path]) -> tuple[list[DrawnNetwork], int]:
    """The networks of the files, and 1 if a file is damaged or not analysed, else 0."""
    networks, status = [], 0
    for path in files:
        try:
            network = load(path)
        except ValueError as error:
            status = fail(error, 1)
            continue
        if not network.is_analyzed:
            status = fail(f'{path} is not analysed: python analysis.py {path}', 1)
        networks.append(network)
    return networks, status


def load(path: Path) -> DrawnNetwork:
    """The network in a file, without what no figure shows.

    Raises ValueError, which names the file, if it is damaged or no network, if its parameters are
    not complete, and if its task is not known.
    """
    try:
        saved = _without_what_is_not_drawn(results.load_results(path))
        return DrawnNetwork(saved, parameters_of(saved))
    except ValueError as error:
        raise ValueError(error if str(path) in str(error) else f'{path}: {error}') from error


def _without_what_is_not_drawn(network: Mapping) -> dict:
    """The response matrix and the tuning in DMS trials are most of a file of many megabytes."""
    return {
        name: value
        for name, value in network.items()
        if not name.startswith('resp_') and not name.endswith(OF_PROBE)
    }


def _plan(networks: list[DrawnNetwork]) -> Iterator[tuple]:
    """(label or None, figure, networks, whether only analysed ones are missing) of all figures.

    There is no network if none suits the figure.
    """
    groups = alike(networks)
    for figure in all_figures():
        suited = {
            label: [network for network in those if figure.suits(network.p)]
            for label, those in groups.items()
        }
        suited = {label: those for label, those in suited.items() if those}
        if not figure.per_task or not suited:
            suited = {None: list(chain.from_iterable(suited.values()))}
        for label, those in suited.items():
            drawable = [n.saved for n in those if n.is_analyzed or not figure.analyzed]
            yield label, figure, drawable, bool(those) and not drawable


if __name__ == '__main__':
    sys.exit(main())
