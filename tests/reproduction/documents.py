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
NETWORKS, DOCUMENT = ROOT / 'networks', ROOT / 'docs/reproduction.md'


def main() -> None:
    """Renew them."""
    sys.path.insert(0, str(ROOT))
    from reproduction import __main__ as comparing
    from reproduction import along

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        figures = ['--figures', ROOT / 'docs/figures', '--tuned', NETWORKS / 'full']
        comparing.main(list(map(str, [NETWORKS / 'averaged', *figures])))
        print()
        along.main([str(NETWORKS / 'along')])
    tables: dict[str, list[str]] = {}
    for table in TABLE.findall(printed.getvalue()):
        tables.setdefault(first_cells(table), []).append(table)
    in_document = TABLE.findall(DOCUMENT.read_text('utf-8'))
    lacking = tables.keys() - {first_cells(table) for table in in_document}
    replace(DOCUMENT, lambda text: TABLE.sub(lambda m: tables[first_cells(m[0])].pop(0), text))
    rows = {first_cell(row): row for row in reversed(printed.getvalue().splitlines())}
    del rows['| ---']  # the line below a header is as long as its table

    def renewed(line: str) -> str:
        return rows.get(first_cell(line), line) if line.startswith('| ') else line

    replace(ROOT / 'README.md', lambda text: '\n'.join(map(renewed, text.split('\n'))))
    print(*re.findall(r'^\d.* t tests.*$', printed.getvalue(), re.M))
    if lacking or any(tables.values()):
        sys.exit(f'{DOCUMENT.name} lacks a table')


def first_cells(table: str) -> str:
    """What tells a table: the first two names of its columns."""
    return ' | '.join(table.split(' | ')[:2])


def first_cell(row: str) -> str:
    """The name of a row."""
    return row.split(' | ', maxsplit=1)[0]


def replace(file: Path, change) -> None:
    """Write what `change` makes of a document."""
    file.write_text(change(file.read_text('utf-8')), 'utf-8')


if __name__ == '__main__':
    main()
