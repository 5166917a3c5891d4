"""`Setting`, and the check of a value that a user gives to one."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from settings.validators import Check, shown


class Setting(NamedTuple):
    """A setting: its default, what is allowed, what it means, and its unit ('' without one)."""

    default: object
    check: Check
    meaning: str = ''
    unit: str = ''

    @property
    def explanation(self) -> str:
        """The meaning with the unit, in one line."""
        return f'{self.meaning} ({self.unit})' if self.unit else self.meaning


def checked(name: str, value, known: Mapping[str, Setting], derived: Collection[str] = ()):
    """The plain value of a setting. ValueError for an unknown name and for what is not allowed.

    `derived` are names of parameters that follow from settings.
    """
    if name not in known:
        raise ValueError(f'{name} = {shown(value)}: {why_unknown(name, known, derived)}')
    check = known[name].check
    value = check.read(value)
    if not check.accepts(value):
        words = f'it must be {check.allowed}{nearest(value, check.choices)}'
        raise ValueError(f'{name} = {shown(value)} is not allowed: {words}')
    return value


def why_unknown(name: str, known: Iterable[str], derived: Collection[str] = ()) -> str:
    """Why a name is none of the known settings, and which is the nearest one."""
    if name in derived:
        return f'{name} follows from other parameters and cannot be set'
    return f'there is no parameter {name!r}{nearest(name, known)}'


def nearest(name, names: Iterable) -> str:
    """The end of a sentence that says which of the names is the nearest one; '' if none is near."""
    by_lower_case = {str(known).lower(): known for known in names}
    close = get_close_matches(str(name).lower(), by_lower_case, n=1, cutoff=0.6)
    return f'; the nearest name is {by_lower_case[close[0]]}' if close else ''
