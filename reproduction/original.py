"""Measures of networks that the original code trained, by the analysis of this project.

    python -m reproduction.original FOLDER > reproduction/original.csv

prints them as CSV, a column for each analysed DMS network of a folder. original.csv holds those of
the networks 0 to 2 of the original's 20, analysed as docs/reproduction.md says.
"""

if __name__ == '__main__':
    # matplotlib cannot be imported where MPLBACKEND is misspelt
    from commands.running import require_matplotlib

    require_matplotlib()

import argparse
import csv
import sys
from pathlib import Path

from commands.arguments import fail
from commands.running import command
from reproduction.load import folder_parser, load_folder
from reproduction.measured import dms_measures
from results import ResultsError

FILE = Path(__file__).with_name('original.csv')


def original_measures() -> dict[str, list[float]]:
    """What original.csv holds: the values of its networks by measure of published.ORIGINAL."""
    with open(FILE, newline='') as file:
        _, *rows = csv.reader(file)
    return {name: [float(value) for value in values] for name, *values in rows}


def parser() -> argparse.ArgumentParser:
    """The arguments of python -m reproduction.original."""
    return folder_parser(
        'python -m reproduction.original',
        'Print measures of the original networks as CSV.',
        'python -m reproduction.original originals',
        'python -m reproduction.original networks/averaged',
    )


@command
def main(arguments: list[str] | None = None) -> int:
    """Print the measures; return the exit status, 2 for a wrong request."""
    args = parser().parse_args(arguments)
    try:
        networks = load_folder(args.folder).get('DMS')
        if not networks:
            raise ResultsError(f'{args.folder} holds no DMS networks')
        found = [dms_measures(network) for network in networks]
    except (ValueError, OSError) as error:
        return fail(error, 2)
    writer = csv.writer(sys.stdout, lineterminator='\n')
    writer.writerow(['measure', *(f'network {i}' for i in range(len(networks)))])
    for name in found[0]:
        writer.writerow([name, *(f'{measured[name]:.6g}' for measured in found)])
    return 0


if __name__ == '__main__':
    sys.exit(main())
