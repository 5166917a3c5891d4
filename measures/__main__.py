"""`python -m measures` prints all measures, as the table in docs/analysis.md."""

import inspect
import sys

from measures.measure import SIGNALS, Measure, MeasureError, all_measures


def table() -> str:
    """A table in Markdown of results with their axes, the options that ask for them, and why."""
    lines = ['| Results and their axes | Options | What it is |', '|---|---|---|']
    for m in all_measures():
        options = ', '.join(f'`{option}`' for option in m.options) or 'always'
        words = inspect.getdoc(m.function).partition('\n')[0]
        lines.append(f'| {_results(m)} | {options} | {words} |')
    return '\n'.join(lines)


def _results(m: Measure) -> str:
    """Results with the same axes together; of the two signals one name."""
    by_axes: dict[str, list[str]] = {}
    for name, axes in m.axes.items():
        first, _, rest = name.partition('_')
        if f'neuronal_{rest}' in m.axes and f'synaptic_{rest}' in m.axes and first in SIGNALS:
            name = f'{{signal}}_{rest}'
        names = by_axes.setdefault(', '.join(axes) or 'a number', [])
        if f'`{name}`' not in names:
            names.append(f'`{name}`')
    return '<br>'.join(f'{", ".join(names)}: {axes}' for axes, names in by_axes.items())


if __name__ == '__main__':
    try:
        print(table())
    except MeasureError as error:
        sys.exit(f'error: {error}')
