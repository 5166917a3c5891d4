"""Settings of several networks beside each other: in which of them do these differ?"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from settings.validators import plain

EXACT = 2**53  # floating-point numbers below it may be written as the integers that they are
ABSENT = object()  # where a network does not have a setting


def written(value: object) -> str:
    """A value as names of files and the summary have it: equal numbers alike, text as it is."""
    value = plain(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)
    return value if isinstance(value, str) else repr(value)


def without_array(value: object) -> object:
    """A setting as it is compared and shown: of an array, its shape and a digest."""
    if isinstance(value, np.ndarray) and value.shape:
        digest = hashlib.sha256(np.ascontiguousarray(value)).hexdigest()
        return f'array {value.shape} {digest[:6]}'
    return value


def differing(names: Iterable[str], networks: Sequence[Mapping]) -> list[str]:
    """Those of the names, sorted, of which not all networks have the same setting, or have one."""

    def values(name: str) -> set[str]:
        return {written(without_array(p.get(name, ABSENT))) for p in networks}

    return [name for name in sorted(set(names)) if len(values(name)) > 1]
