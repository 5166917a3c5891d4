"""Renews the tables and figures of the reproduction in the documents.

    python tests/reproduction/documents.py

after networks have been added to networks/averaged: all tables of docs/reproduction.md, the rows of
the README that are among them, and docs/figures.
"""

import contextlib
import io
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = re.compile(r'(?:^\|.*\n)+', re.M)
NETWORKS, TUNED, FIGURES = ROOT / 'networks/averaged', ROOT / 'networks/full', ROOT / 'docs/figures'


def main() -> None:
    """Renew them."""
    sys.path.insert(0, str(ROOT))
    from reproduction import __main__ as reproduction

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        arguments = [NETWORKS, '--figures', FIGURES, '--tuned', TUNED]
        reproduction.main(list(map(str, arguments)))
    tables = TABLE.findall(printed.getvalue())
    replace(ROOT / 'docs/reproduction.md', lambda text: TABLE.sub(lambda _: tables.pop(0), text))
    rows = {first_cell(row): row for row in printed.getvalue().splitlines()}

    def renewed(line: str) -> str:
        return rows.get(first_cell(line), line) if line.startswith('| ') else line

    replace(ROOT / 'README.md', lambda text: '\n'.join(map(renewed, text.split('\n'))))
    print(*re.findall(r'^\d.* t tests.*$', printed.getvalue(), re.M))


def first_cell(row: str) -> str:
    """The name of a row."""
    return row.split(' | ', maxsplit=1)[0]


def replace(file: Path, change) -> None:
    """Write what `change` makes of a document."""
    file.write_text(change(file.read_text('utf-8')), 'utf-8')


if __name__ == '__main__':
    main()
