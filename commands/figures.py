"""The command line of figures.py: which networks, which files, and what was left out."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from matplotlib.figure import Figure

import results
from commands.arguments import fail
from plots.style import FORMATS, FigureError, save, settings
from rnn import device


def parser() -> argparse.ArgumentParser:
    """The arguments of figures.py."""
    p = argparse.ArgumentParser('figures.py', description='Draw the figures of analysed networks.')
    p.add_argument('folder', type=Path, metavar='FOLDER', help='where the networks are (*.pkl)')
    p.add_argument('--out', type=Path, metavar='FOLDER', help='default: FOLDER/figures')
    p.add_argument(
        '--format', nargs='+', choices=FORMATS, default=['png'], dest='formats', help='default: png'
    )
    return p


def run(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status.

    2 for a wrong request, 1 if a file is damaged or not analysed (all others are drawn) or if
    nothing can be drawn, 130 for Ctrl-C.
    """
    args = parser().parse_args(arguments)
    out = args.out or args.folder / 'figures'
    try:
        if not args.folder.is_dir():
            raise results.ResultsError(f'{args.folder} is not a folder')
        files = sorted(args.folder.glob('*.pkl'))
        if not files:
            raise results.ResultsError(f'{args.folder} holds no networks (*.pkl)')
        results.check_writable(out / 'figure')
        device.select(None)
        return _draw(files, out, args.formats)
    except (results.ResultsError, OSError) as error:
        return fail(error, 2)
    except KeyboardInterrupt:
        return 130


def _draw(files: list[Path], out: Path, formats: list[str]) -> int:
    networks, status = _load(files)
    if not networks:
        raise results.ResultsError(f'{files[0].parent} holds no network that can be drawn')
    left_out, is_drawn = [], False
    for name, draw, those in _plan(networks):
        drawn = _figure(name, draw, those, left_out)
        for suffix in formats if drawn else ():
            target = out / f'{name}.{suffix}'
            save(drawn, target)
            print(target)
            is_drawn = True
    for line in left_out:
        print(f'left out {line}')
    return status if is_drawn else 1


def _figure(name: str, draw: Callable, networks: list[dict], left_out: list[str]) -> Figure | None:
    """The figure of those networks that have its measures; None if it cannot be drawn."""
    try:
        return draw(networks)
    except FigureError as error:
        left_out.append(f'{name}: {error}')
        others = getattr(error, 'others', None)  # of a MissingMeasure
    return _figure(name, draw, others, left_out) if others else None


def _load(files: list[Path]) -> tuple[list[dict], int]:
    """The networks of the files, and 1 if a file is damaged or not analysed, else 0."""
    networks, status = [], 0
    for path in files:
        try:
            network = _without_what_is_not_drawn(results.load_results(path))
            settings(network)  # raises for incomplete parameters
        except ValueError as error:
            status = fail(error if str(path) in str(error) else f'{path}: {error}', 1)
            continue
        if 'analysis' not in network:
            status = fail(f'{path} is not analysed: python analysis.py {path}', 1)
        networks.append(network)
    return networks, status


def _without_what_is_not_drawn(network: Mapping) -> dict:
    """The response matrix and the tuning in DMS trials are most of a file of many megabytes."""
    return {
        name: value
        for name, value in network.items()
        if not name.startswith('resp_') and not name.endswith('_dms')
    }


def _plan(networks: list[dict]) -> Iterator[tuple]:
    """(name of the file, function, networks) of all figures; with no network if none suits it."""
    from figures import FIGURES

    tasks = sorted({network['parameters']['trial_type'] for network in networks})
    for entry in FIGURES:
        suited = [n for n in networks if 'analysis' in n or not entry.analyzed]
        if not entry.per_task:
            yield entry.name, entry.draw, suited
            continue
        of_tasks = [task for task in tasks if not entry.tasks or task in entry.tasks]
        for task in of_tasks:
            those = [n for n in suited if n['parameters']['trial_type'] == task]
            yield f'{task}-{entry.name}', entry.draw, those
        if not of_tasks:
            yield entry.name, entry.draw, []
