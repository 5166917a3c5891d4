"""What a setting may be: small checks, each of which can say in words what it allows."""

import numbers
from collections.abc import Callable
from math import inf, isfinite
from typing import Any, NamedTuple


class Check(NamedTuple):
    """`accepts(value)` tells whether a plain Python value is allowed, `allowed` says what is."""

    accepts: Callable[[Any], bool]
    allowed: str


def plain(value):
    """`value` without numpy: a numpy scalar (or array of no dimensions) becomes a Python scalar."""
    return value.item() if hasattr(value, 'item') and getattr(value, 'shape', None) == () else value


def _is_number(value, kind) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def count(low: int, high: float = inf) -> Check:
    """An integer from `low` to `high`."""
    words = f'an integer of at least {low}' if high == inf else f'an integer from {low} to {high}'
    return Check(lambda v: _is_number(v, numbers.Integral) and low <= v <= high, words)


def number(low: float = -inf, high: float = inf, above: float = -inf, below: float = inf) -> Check:
    """A finite number with low <= number <= high and above < number < below."""
    bounds = [
        f'{sign} {bound}'
        for sign, bound in (('>=', low), ('<=', high), ('>', above), ('<', below))
        if isfinite(bound)
    ]
    words = ' '.join(['a number', ' and '.join(bounds)]).strip()

    def accepts(v) -> bool:
        return (
            _is_number(v, numbers.Real) and isfinite(v) and low <= v <= high and above < v < below
        )

    return Check(accepts, words)


def flag() -> Check:
    """True or False."""
    return Check(lambda v: isinstance(v, bool), 'True or False')


def text() -> Check:
    """A string that is not empty."""
    return Check(lambda v: isinstance(v, str) and v != '', 'a text that is not empty')


def one_of(*choices) -> Check:
    """One of the given values."""
    words = 'one of ' + ', '.join(map(str, choices))
    return Check(lambda v: any(v is c or (type(v) is type(c) and v == c) for c in choices), words)


def optional(check: Check) -> Check:
    """None, or what `check` accepts."""
    return Check(lambda v: v is None or check.accepts(v), f'None or {check.allowed}')
