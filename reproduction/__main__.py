"""Compares networks with the paper and its code (docs/reproduction.md).

    python -m reproduction FOLDER [--figures FOLDER]

prints, as Markdown, how the analysed networks of each task in the folder were trained, the DMS
networks beside 20 that the original code trained, and the paper's findings. `--figures` also draws
the DMS networks beside the original's (comparison.png), and manipulation against delay activity
(manipulation.png).
"""

if __name__ == '__main__':
    # matplotlib cannot be imported where MPLBACKEND is misspelt
    from commands.running import require_matplotlib

    require_matplotlib()

import argparse
import sys
from pathlib import Path

import results
from commands.arguments import a_path, command_parser, fail
from commands.running import command
from plots.figure import save
from plots.tasks import manipulation
from reproduction.comparison import comparison
from reproduction.findings import all_networks
from reproduction.tables import print_tables
from tasks import TASKS


def load_folder(folder: Path) -> dict[str, list]:
    """The networks of a folder by task of the paper, in the order of the tasks.

    Raises ResultsError for a damaged file, a network that is not analysed, and if there is none.
    """
    by_task: dict[str, list] = {task: [] for task in TASKS}
    for path in sorted(folder.glob('*.pkl')):
        network = results.load_results(path)
        if 'analysis' not in network:
            raise results.ResultsError(f'{path} is not analysed: python analysis.py {folder}')
        by_task.setdefault(network['parameters']['trial_type'], []).append(network)
    found = {task: by_task[task] for task in TASKS if by_task[task]}
    if not found:
        raise results.ResultsError(f'{folder} holds no networks of the tasks of the paper (*.pkl)')
    return found


def parser() -> argparse.ArgumentParser:
    """The arguments of python -m reproduction."""
    p = command_parser(
        'python -m reproduction',
        'Compare with paper and original.',
        'python -m reproduction networks/averaged',
        'python -m reproduction networks/averaged --figures pictures',
    )
    p.add_argument('folder', type=a_path, metavar='FOLDER', help='of analysed networks')
    p.add_argument('--figures', type=a_path, metavar='FOLDER', help='also draw, into this folder')
    return p


@command
def main(arguments: list[str] | None = None) -> int:
    """Print the tables; return the exit status, 2 for a wrong request."""
    args = parser().parse_args(arguments)
    try:
        by_task = load_folder(args.folder)
        print_tables(by_task)
        if args.figures:
            save(comparison(by_task.get('DMS', [])), args.figures / 'comparison.png')
            save(manipulation(all_networks(by_task)), args.figures / 'manipulation.png')
    except (ValueError, OSError) as error:
        return fail(error, 2)
    return 0


if __name__ == '__main__':
    sys.exit(main())
