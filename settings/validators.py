"""What a setting may be: small checks, each of which can say in words what it allows."""

import numbers
import os
import sys
from collections.abc import Callable
from math import inf, isfinite
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

MOST_SHOWN = 80  # characters of a value in a message


def plain(value):
    """`value` as a plain Python number, if it is one of another kind, such as a numpy scalar."""
    if hasattr(value, 'item') and getattr(value, 'shape', None) == ():
        value = value.item()
    if isinstance(value, bool):
        return value
    for kind, python_type in ((numbers.Integral, int), (numbers.Real, float)):
        if isinstance(value, kind):
            return python_type(value)
    return value


class Check(NamedTuple):
    """`accepts(value)` says whether a plain Python value is allowed, `allowed` says what is.

    `read` makes a plain value of what the user gave. `choices` are all values, if they are few.
    """

    accepts: Callable[[Any], bool]
    allowed: str
    read: Callable[[Any], Any] = plain
    choices: tuple = ()


def shown(value) -> str:
    """A value in a message: one line, cut if it is long."""
    try:
        text = repr(value).replace('\n', '')
    except ValueError:  # of an integer with thousands of digits
        return f'{type(value).__name__} with thousands of digits'
    return text if len(text) <= MOST_SHOWN else f'{text[:MOST_SHOWN]}...'


def _is_number(value, kind) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def count(low: int, high: int = 2**31 - 1) -> Check:
    """An integer from `low` to `high`."""
    words = f'an integer of at least {low}, below 2**31'
    if high != 2**31 - 1:
        words = f'an integer from {low} to {high}'
    return Check(lambda v: _is_number(v, int) and low <= v <= high, words)


def number(low: float = -inf, high: float = inf, above: float = -inf, below: float = inf) -> Check:
    """A finite number with low <= number <= high and above < number < below."""
    bounds = [
        f'{sign} {bound}'
        for sign, bound in (('>', above), ('>=', low), ('<', below), ('<=', high))
        if isfinite(bound)
    ]
    words = ' '.join(['a finite number', ' and '.join(bounds)]).strip()

    def accepts(v) -> bool:
        finite = _is_number(v, (int, float)) and abs(v) <= sys.float_info.max  # also not NaN
        return finite and low <= v <= high and above < v < below

    return Check(accepts, words)


def flag() -> Check:
    """True or False."""
    return Check(lambda v: isinstance(v, bool), 'True or False')


def text() -> Check:
    """A string that is not empty."""
    return Check(
        lambda v: isinstance(v, str) and v != '' and '\0' not in v, 'a text that is not empty'
    )


def file_name() -> Check:
    """The name of a file, without its folder."""

    def accepts(v) -> bool:
        plain_name = isinstance(v, str) and '\0' not in v and len(v) <= 200
        return plain_name and v not in ('', '.', '..') and PurePath(v).name == v

    return Check(accepts, 'the name of a file, without a folder, of at most 200 characters')


def result_name() -> Check:
    """The name of a result file; it gets the ending .pkl, by which folders are searched."""

    def read(v):
        v = plain(v)
        return f'{v}.pkl' if file_name().accepts(v) and not v.endswith('.pkl') else v

    return file_name()._replace(read=read)


def folder() -> Check:
    """The path of a folder, as text or as a Path; ~ is the home folder."""

    def read(v):
        v = str(v) if isinstance(v, PurePath) else plain(v)
        return os.path.expanduser(v) if isinstance(v, str) else v

    return text()._replace(allowed='the path of a folder, not empty', read=read)


def one_of(*choices) -> Check:
    """One of the given values."""
    words = 'one of ' + ', '.join(map(str, choices))

    def accepts(v) -> bool:
        return any(v is c or (type(v) is type(c) and v == c) for c in choices)

    return Check(accepts, words, choices=choices)


def optional(check: Check) -> Check:
    """None, or what `check` accepts."""
    return check._replace(
        accepts=lambda v: v is None or check.accepts(v), allowed=f'None or {check.allowed}'
    )


def array(words: str, right: Callable[[np.ndarray], np.ndarray]) -> Check:
    """None, or an array of which every number is `right`; read-only and in single precision."""

    def read(v):
        if v is None:
            return None
        try:
            copy = np.array(v, np.float32)
        except (TypeError, ValueError):
            return v
        copy.flags.writeable = False
        return copy

    def accepts(v) -> bool:
        is_array = isinstance(v, np.ndarray) and v.dtype == np.float32
        return v is None or (is_array and bool(right(v).all()))

    return Check(accepts, f'None or an array of {words}', read)


def fixed(words: str) -> Check:
    """Anything, as it is: what is allowed is known later."""
    return Check(lambda v: True, words, lambda v: v)
