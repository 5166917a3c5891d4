"""A page about the networks of a folder, to look at in a browser (docs/report.md).

    python report.py FOLDER [--out FILE.html] [--task FILE.py]...

writes one file, FOLDER/report.html, which needs neither a server nor the internet.
"""

if __name__ == '__main__':
    # matplotlib cannot be imported where MPLBACKEND is misspelt
    from commands.running import require_matplotlib

    require_matplotlib()

import argparse
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

import results
import tasks
from commands.arguments import a_path, add_own_tasks, command_parser, fail, positive, whole_number
from commands.running import command
from page.folder import read
from page.pictures import albums
from page.render import is_report, page, plan
from rnn import device

MOST_PICTURES = 200  # networks with pictures of their own: about 20 MB


def parser() -> argparse.ArgumentParser:
    """The arguments of report.py."""
    p = command_parser(
        'report.py',
        'Write a page about trained networks.',
        'python report.py savedir/my_set',
        'python report.py networks/full --out networks.html',
    )
    p.add_argument('folder', type=a_path, metavar='FOLDER', help='where the networks are (*.pkl)')
    p.add_argument('--out', type=a_path, metavar='FILE', help='default: FOLDER/report.html')
    add_own_tasks(p)
    p.add_argument(
        '--pictures',
        type=whole_number,
        default=MOST_PICTURES,
        metavar='N',
        help=f'how many networks get pictures of their own (default {MOST_PICTURES})',
    )
    p.add_argument('--jobs', type=positive, default=device.available_cores(), help='processes')
    return p


@command
def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status.

    2 for a wrong request, 1 if a file cannot be read (the page names it), 130 for Ctrl-C.
    """
    args = parser().parse_args(arguments)
    out = args.out or args.folder / 'report.html'
    try:
        for filename in args.tasks:
            tasks.load_task(filename)
        folder = read(args.folder, partial(tqdm, desc='reading', disable=None))
        _require_place(out)
        made = plan(folder, args.pictures)
        drawn = albums(made.work, args.tasks, args.jobs)
        drawn = list(tqdm(drawn, desc='drawing', total=len(made.work), disable=None))
        with results.replacing(out) as temporary:
            temporary.write_text(page(folder, made, drawn), 'utf-8', 'backslashreplace')
    except (ValueError, OSError) as error:  # also of a file that changes meanwhile
        return fail(error, 2)
    except KeyboardInterrupt:
        return 130
    for problem in folder.problems:
        fail(problem, 1)
    print(out)
    return 1 if folder.problems else 0


def _require_place(out: Path) -> None:
    """Raise OSError or ResultsError if the page cannot be written, or is another file."""
    if out.exists() and not is_report(out):
        words = 'choose another file with --out'
        raise results.ResultsError(f'{out} exists and is not a report: {words}')
    results.check_writable(out)
    if out.suffix.lower() not in ('.html', '.htm'):
        raise results.ResultsError(f'{out} is not allowed: a report must end in .html')


if __name__ == '__main__':
    sys.exit(main())
