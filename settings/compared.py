"""Which settings differ between several networks, and how values are written."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from settings.validators import plain

EXACT = 2**53  # below it, a float holds every integer exactly, and is written as one


def written(value: object) -> str:
    """A value as names of files and the summary have it: equal numbers alike, text as it is."""
    value = plain(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)
    return value if isinstance(value, str) else repr(value)


def sort_key(text: str) -> tuple:
    """Sorts values as they are `written`: numbers by their size, then text."""
    try:
        return 0, float(text), ''
    except ValueError:
        return 1, 0.0, text


def differing(
    names: Iterable[str], networks: Sequence, value_of: Callable[..., object] = dict.get
) -> list[str]:
    """Return, sorted, those of the names whose values differ between the networks.

    `value_of(network, name)` returns a value; by default each network is a dictionary of values, in
    which a missing name counts as None.
    """
    first, *others = networks

    def is_same(name: str) -> bool:
        return all(equal_values(value_of(first, name), value_of(other, name)) for other in others)

    return [name for name in sorted(set(names)) if not is_same(name)]


def equal_values(one: object, other: object) -> bool:
    """Whether two values are the same: arrays with all their items, numbers whatever their type."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return written(one) == written(other)
