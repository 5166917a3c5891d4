"""The outcome of the networks of a set: a line each, a table, and summary.csv.

The accuracy and the losses of a network are the means over its last 20 iterations. Each setting
that is swept has a column, after the names. What an analysis measured has columns in summary.csv;
in the table, lines would become too long for a terminal.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from measures.summary import SUMMARY
from results import replacing
from sets.job import LAST_VALUES, Report
from sets.sweep import Combination
from settings.compared import sort_key, written
from system.files import read_bytes
from system.locks import lock
from training.display import losses

FILE = 'summary.csv'
TIMEOUT = 60  # s to wait for others that write it
NOTHING: Mapping[str, Combination] = {}
MEASURES = {f'analysis/{name}': name for name in SUMMARY}  # name of the column: of the measure
FIELDS = ('network', 'status', *LAST_VALUES, 'minutes', *MEASURES, 'reason')


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


def table(reports: Mapping[str, Report], swept: Mapping[str, Combination] = NOTHING) -> str:
    """All networks of a command, in columns; `swept` are the settings that distinguish each."""
    found = _sorted(_rows(reports, swept))
    fields = [name for name in _fields(found) if name not in MEASURES]
    rows = [fields, *(tuple(_cells(row, fields).values()) for row in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(fields) - 1  # the reason, which no other column follows
    return '\n'.join(
        '  '.join(
            cell if i == last else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def write(
    folder: str, reports: Mapping[str, Report], swept: Mapping[str, Combination] = NOTHING
) -> dict[str, Report]:
    """Write summary.csv; networks of earlier commands in the same folder stay in it.

    Returns the reports with the time of all commands that trained a network.
    """
    path = Path(folder, FILE)
    with lock(path, timeout=TIMEOUT):
        rows = {name: _own(name, row) for name, row in read(path).items()}
        for row in _rows(reports, swept):
            before = rows.get(row['network'])
            if before and row['status'] == 'busy':
                continue  # the command that trains it will write its row
            if before and (row['minutes'] == '' or reports[row['network']].goes_on):
                row['minutes'] = _sum(before['minutes'], row['minutes'])
            rows[row['network']] = row
        with (
            replacing(path) as temporary,
            open(temporary, 'w', newline='', encoding='utf-8') as file,
        ):
            writer = csv.DictWriter(file, _fields(rows.values()), restval='')
            writer.writeheader()
            writer.writerows(map(_rounded, _sorted(rows.values())))
    return {name: _of_all_commands(report, rows[name]) for name, report in reports.items()}


def _of_all_commands(report: Report, row: Mapping) -> Report:
    try:
        return report._replace(seconds=60 * float(row['minutes']))
    except ValueError:  # none are known, or people wrote words
        return report


def _sum(earlier: str, later: float | str) -> float | str:
    """Minutes of all commands that trained a network; '' where none are known."""
    try:
        return float(earlier) + (later or 0)
    except ValueError:  # none are known, or people wrote words
        return earlier if later == '' else later


def read(path: Path) -> dict[str, dict]:
    """The rows of the file by network; none where there is no file.

    Raises ValueError, which names the file, for what is no such table, and FileError.
    """
    if not path.exists():
        return {}
    content = read_bytes(path)
    try:
        # people open it in programs that mark it as Unicode
        rows = list(csv.DictReader(io.StringIO(content.decode('utf-8-sig'), newline='')))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is damaged: {error}') from error
    if rows and not {'network', 'status'} <= rows[0].keys():
        words = 'it has no columns network and status; save it with commas, or move it away'
        raise ValueError(f'{path} is damaged: {words}')
    return {row['network']: row for row in rows if row['network']}


def _own(network: str, row: Mapping) -> dict:
    """A row of the file without columns that are not ours."""
    swept = {name: value for name, value in row.items() if _is_swept(name, value, network)}
    return {name: row.get(name) or '' for name in FIELDS} | swept


def _is_swept(name: str | None, value: str, network: str) -> bool:
    """Whether a column of an earlier command has a value that its network is called by."""
    return name not in (None, *FIELDS) and f'-{name}={value}-' in network


def _rows(reports: Mapping[str, Report], swept: Mapping[str, Combination]) -> list[dict]:
    return [_row(name, report, swept.get(name, {})) for name, report in reports.items()]


def _row(name: str, report: Report, combination: Combination) -> dict:
    measures = report.measures or {}
    values = report.values or dict.fromkeys(LAST_VALUES, '')
    values = values | {column: measures.get(name, '') for column, name in MEASURES.items()}
    minutes = '' if report.seconds is None else report.seconds / 60
    about = {'network': name, 'status': report.status, 'reason': report.reason}
    settings = {setting: written(value) for setting, value in combination.items()}
    return about | settings | values | {'minutes': minutes}


def _fields(rows: Iterable[Mapping]) -> tuple[str, ...]:
    """The columns that rows have, those of swept settings after the name."""
    return FIELDS[0], *sorted({name for row in rows for name in row} - {*FIELDS}), *FIELDS[1:]


def _sorted(rows: Iterable[Mapping]) -> list[Mapping]:
    """Rows by task, swept settings (numbers by their size), and index."""

    def place(row: Mapping) -> tuple:
        task, _, index = row['network'].rpartition('-run-')
        settings = [(name, sort_key(row[name])) for name in sorted(row.keys() - {*FIELDS})]
        name = task.partition('-')[0] if settings else task
        return name, settings, int(index) if re.fullmatch('[0-9]+', index) else -1

    return sorted(rows, key=place)


def _cells(row: Mapping, fields: Iterable[str]) -> dict[str, str]:
    """The values of a row as the table shows them."""
    numbers = {name: f'{v:.4f}' for name, v in row.items() if isinstance(v, float)}
    if row['minutes'] != '':
        numbers['minutes'] = f'{row["minutes"]:.1f}'
    return {name: numbers.get(name, str(row.get(name, ''))) for name in fields}


def _rounded(row: Mapping) -> dict:
    return {name: f'{v:.6g}' if isinstance(v, float) else v for name, v in row.items()}
