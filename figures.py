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
import sys
from pathlib import Path

import plots
import results
import simulate_STP
import tasks
from commands.arguments import a_path, add_own_tasks, command_parser, fail
from commands.running import command
from plots.drawing import LeftOut, draw, planned
from plots.drawn_networks import DrawnNetwork, load, shown_together
from plots.figure import FORMATS, DeclaredFigure, FigureError, save
from rnn import device
from system.errors import modules_in
from system.signals import Interrupted, Signals


@functools.cache
def all_figures() -> tuple[DeclaredFigure, ...]:
    """The figures in simulate_STP.py and in all files of plots/.

    Raises FigureError for a file that fails.
    """
    modules = [simulate_STP, *modules_in(plots, FigureError)]
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

    2 for a wrong request, 1 if a file is damaged or not analysed or a figure fails (all others are
    drawn), or if nothing can be drawn, 130 for Ctrl-C.
    """
    args = parser().parse_args(arguments)
    out = args.out or args.folder / 'figures'
    try:
        for filename in args.tasks:
            tasks.load_task(filename)
        files = results.networks_in(args.folder)
        results.check_writable(out / 'figure')
        device.select(None)
        with Signals(ctrl_c=False) as signals:
            return _draw(files, out, args.formats or ['png'], signals)
    except Interrupted as stop:
        return fail('stopped: the figures named above are drawn', 128 + stop.signum)
    except (tasks.TaskError, results.ResultsError, FigureError, OSError) as error:
        return fail(error, 2)
    except KeyboardInterrupt:
        return 130


def _draw(files: list[Path], out: Path, formats: list[str], signals: Signals) -> int:
    networks, status = _load(files)
    if not networks:
        raise results.ResultsError(f'{files[0].parent} holds no network that can be drawn')
    left_out, is_drawn = LeftOut(), False
    for drawing in planned(networks, all_figures()):
        signals.check()
        drawn = draw(drawing, left_out)
        name = '-'.join(filter(None, [drawing.label, drawing.figure.name]))
        for suffix in formats if drawn else ():
            target = out / f'{name}.{suffix}'
            save(drawn, target)
            print(target)
            is_drawn = True
    for line in [*left_out.lines(), *shown_together(networks)]:
        print(line)
    return 1 if left_out.has_failed or not is_drawn else status


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


if __name__ == '__main__':
    sys.exit(main())
