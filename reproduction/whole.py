"""Trains and analyses all networks that the findings rest on, and compares them with the paper.

    python -m reproduction.whole [GPU_ID|none] [--jobs N] [--threads N] [--dask ADDRESS|local] ...

writes savedir/reproduction, prints the tables of docs/reproduction.md, which says how many hours
this takes, and draws the paper's figures into savedir/reproduction/figures. It can be stopped and
started again at any point; --dry-run lists what is left to do.
"""

if __name__ == '__main__':
    # matplotlib cannot be imported where MPLBACKEND is misspelt
    from commands.running import require_matplotlib

    require_matplotlib()

import argparse
import sys
from pathlib import Path

from commands.arguments import command_parser, gpu_number
from commands.running import command
from reproduction import __main__ as comparing
from reproduction import plan
from run_all_models import add_resources, carry_out


def parser() -> argparse.ArgumentParser:
    """The arguments of python -m reproduction.whole."""
    p = command_parser(
        'python -m reproduction.whole',
        'Reproduce the paper: train and analyse its networks, print tables, draw figures.',
        'python -m reproduction.whole --dry-run',
        'python -m reproduction.whole --jobs 2 --threads 1',
    )
    p.add_argument('gpu_id', type=gpu_number, nargs='?', default='none', help='default: none')
    add_resources(p)
    return p


@command
def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status, that of run_all_models.py."""
    args = parser().parse_args(arguments)
    status = carry_out(args, lambda args: plan.jobs(args.gpu_id))
    if status or args.dry_run:
        return status
    return comparing.main([plan.FOLDER, '--figures', str(Path(plan.FOLDER, 'figures'))])


if __name__ == '__main__':
    sys.exit(main())
