"""The outcome of the networks of a set: a line each, a table, and summary.csv.

The accuracy and the losses of a network are the means over its last 20 iterations.
"""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from results import replacing
from sets.job import COLUMNS, Report
from system.locks import lock
from training.display import losses

FILE = 'summary.csv'
FIELDS = ('network', 'status', *COLUMNS, 'minutes', 'reason')


def line(name: str, report: Report) -> str:
    """One network, human-readable."""
    parts = [name, report.status]
    if report.values:
        parts.append(f'accuracy {report.values["accuracy"]:.3f}')
        parts += [f'{loss} {value}' for loss, value in losses(report.values).items()]
    if report.seconds is not None:
        parts.append(f'{report.seconds / 60:.1f} min')
    if report.reason:
        parts.append(report.reason)
    return '  '.join(parts)


def table(reports: Mapping[str, Report]) -> str:
    """All networks of a command, in columns."""
    rows = [FIELDS, *(_cells(row).values() for row in _rows(reports).values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(FIELDS) - 1  # the reason, which no other column follows
    return '\n'.join(
        '  '.join(
            cell if i == last else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in map(tuple, rows)
    )


def write(folder: str, reports: Mapping[str, Report]) -> None:
    """Write summary.csv; networks of earlier commands in the same folder stay in it."""
    path = Path(folder, FILE)
    with lock(path, timeout=-1):
        rows = _earlier(path)
        for name, row in _rows(reports).items():
            before = rows.get(name)
            if before and row['status'] == 'busy':
                continue  # the command that trains it will write its row
            if before and row['minutes'] == '':
                row['minutes'] = before['minutes']
            rows[name] = row
        with replacing(path) as temporary, open(temporary, 'w', newline='') as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(_rounded(rows[name]) for name in sorted(rows, key=_by_task_and_index))


def _earlier(path: Path) -> dict[str, dict]:
    if not path.exists():
        return {}
    with open(path, newline='') as file:
        rows = [{name: row.get(name) or '' for name in FIELDS} for row in csv.DictReader(file)]
    return {row['network']: row for row in rows if row['network']}


def _rows(reports: Mapping[str, Report]) -> dict[str, dict]:
    return {name: _row(name, reports[name]) for name in sorted(reports, key=_by_task_and_index)}


def _row(name: str, report: Report) -> dict:
    values = report.values or dict.fromkeys(COLUMNS, '')
    minutes = '' if report.seconds is None else report.seconds / 60
    about = {'network': name, 'status': report.status, 'reason': report.reason}
    return about | values | {'minutes': minutes}


def _cells(row: Mapping) -> dict[str, str]:
    """The values of a row as the table shows them."""
    numbers = {name: f'{v:.4f}' for name, v in row.items() if isinstance(v, float)}
    if row['minutes'] != '':
        numbers['minutes'] = f'{row["minutes"]:.1f}'
    return {name: numbers.get(name, str(row[name])) for name in FIELDS}


def _rounded(row: Mapping) -> dict:
    return {name: f'{v:.6g}' if isinstance(v, float) else v for name, v in row.items()}


def _by_task_and_index(name: str) -> tuple[str, int]:
    task, _, index = name.rpartition('-run-')
    return task, int(index) if re.fullmatch('[0-9]+', index) else -1
