"""Sweeps: several values of settings, with networks for each combination of them.

A combination is a dictionary of settings. Sorted by name, it is part of the names of its networks
and of what their seeds depend on, so that neither depends on the order of settings in a command or
on the other values of a sweep.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod

from parameters import ANALYSIS, ARRAYS, own_name
from settings.compared import written
from settings.validators import file_name, shown

MOST_WITHOUT_YES = 10_000  # networks
LONGEST = 200  # bytes of a name, which gets endings; file systems have 255
Combination = Mapping[str, object]


def label(combination: Combination) -> str:
    """What a combination adds to the name of a task, such as -delay_time=500-spike_cost=0.01."""
    return ''.join(f'-{name}={written(combination[name])}' for name in sorted(combination))


def checked(
    sweeps: Iterable[tuple[str, Sequence]], settings: Iterable[str], elsewhere: Mapping[str, str]
) -> dict[str, Sequence]:
    """The values of each setting that is swept, by its name.

    `settings` are the names of those that have one value, `elsewhere` the place of those that are
    given otherwise. Raises ValueError for a setting that cannot be swept or is given twice, and for
    values that are equal or cannot be part of the name of a file.
    """
    given = {own_name(name) for name in settings}
    found: dict[str, Sequence] = {}
    for as_given, values in sweeps:
        name = own_name(as_given)
        if name in elsewhere:
            raise ValueError(f'{name} is not for --sweep: {elsewhere[name]} decides it')
        if name in ANALYSIS:
            raise ValueError(f'{name} is an option of the analysis, which is for --set alone')
        if name in ARRAYS:
            raise ValueError(f'{name} is an array in a file, which is for --set alone')
        if name in given:
            raise ValueError(f'{name} is given to both --set and --sweep: only one can decide it')
        if name in found:
            raise ValueError(f'{name} is swept twice: one --sweep takes all of its values')
        _require_distinct(name, values)
        found[name] = values
    return found


def _require_distinct(name: str, values: Sequence) -> None:
    seen = set()
    for value in values:
        text = written(value)
        if not (text.isprintable() and file_name().accepts(text)):
            words = 'it must be what the name of a file can hold'
            raise ValueError(f'{name} = {shown(value)} is not allowed in --sweep: {words}')
        if text in seen:
            raise ValueError(f'{name} = {text} is there twice in --sweep: its values must differ')
        seen.add(text)


def combinations(sweeps: Mapping[str, Sequence]) -> Iterator[dict]:
    """All combinations of the values, the last setting varying fastest; one {} without sweeps."""
    return (dict(zip(sweeps, values, strict=True)) for values in product(*sweeps.values()))


def count(sweeps: Mapping[str, Sequence]) -> int:
    """The number of combinations."""
    return prod(map(len, sweeps.values()))


def require_name(name: str) -> None:
    """Raise ValueError for a network whose name is too long for a file."""
    size = len(os.fsencode(name))
    if size > LONGEST:
        raise ValueError(
            f'{shown(name)} is too long for the name of a file ({size} bytes of at most '
            f'{LONGEST}): sweep fewer settings at once'
        )
