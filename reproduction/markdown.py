"""Numbers and tables as the documents show them."""

from collections.abc import Sequence

import numpy as np


def number(value: float, form: str | None = None) -> str:
    """A number with three decimals, none from 10 on, and four below .01, unless `form` is given."""
    size = abs(value)
    return format(value, form or ('.0f' if size >= 10 else '.4f' if size < 0.01 else '.3f'))


def mean_and_sd(values: Sequence[float]) -> str:
    """Such as `0.961 ± 0.011`; the mean alone for one network."""
    if not len(values):
        return ''
    if len(values) == 1:
        return number(values[0])
    return f'{number(np.mean(values))} ± {number(np.std(values, ddof=1))}'


def ends(interval: Sequence[float]) -> str:
    """Such as `0.950 to 0.972`."""
    return ' to '.join(map(number, interval))


def span(values: Sequence[float], form: str | None = None, errors: Sequence[float] = ()) -> str:
    """Smallest to largest, or the one value that all have; one network with its standard error."""
    values = [v for v in values if np.isfinite(v)]
    shown = [number(v, form) for v in (min(values), max(values))] if values else ['']
    error = ''
    if len(values) == len(errors) == 1 and np.isfinite(errors[0]):
        error = f' ± {number(errors[0], form)}'
    return ' to '.join(dict.fromkeys(shown)) + error


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
