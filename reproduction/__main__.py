"""Compares networks with the paper and its code (docs/reproduction.md).

    python -m reproduction FOLDER [--figures FOLDER [--tuned FOLDER]]

prints, as Markdown, how the analysed networks of each task in the folder were trained, the DMS
networks beside 20 that the original code trained, a verdict on each finding of the paper, and how
many of the networks planned for these verdicts exist. `--figures` also draws the DMS networks
beside the original's (comparison.png), and the figures of the paper (paper/), for which `--tuned`
names networks with tuning curves, which copies made by `sets.compact --average` lack.
"""

if __name__ == '__main__':
    # matplotlib cannot be imported where MPLBACKEND is misspelt
    from commands.running import require_matplotlib

    require_matplotlib()

import argparse
import sys

from commands.arguments import a_path, fail
from commands.running import command
from reproduction import paper
from reproduction.load import folder_parser, load_folder, require_alike
from reproduction.tables import print_tables


def parser() -> argparse.ArgumentParser:
    """The arguments of python -m reproduction."""
    p = folder_parser(
        'python -m reproduction',
        'Compare with paper and original.',
        'python -m reproduction networks/averaged',
        'python -m reproduction networks/averaged --figures pictures',
    )
    p.add_argument('--figures', type=a_path, metavar='FOLDER', help='also draw, into this folder')
    p.add_argument('--tuned', type=a_path, metavar='FOLDER', help='of networks with tuning curves')
    return p


@command
def main(arguments: list[str] | None = None) -> int:
    """Print the tables; return the exit status, 2 for a wrong request."""
    args = parser().parse_args(arguments)
    try:
        by_kind = load_folder(args.folder)
        require_alike(by_kind)
        print_tables(by_kind)
        if args.figures:
            tuned = load_folder(args.tuned) if args.tuned else {}
            for words in paper.draw(by_kind, tuned, args.figures):
                print(words, file=sys.stderr)
    except (ValueError, OSError) as error:
        return fail(error, 2)
    return 0


if __name__ == '__main__':
    sys.exit(main())
