"""How sure a measure is: its mean over batches of trials, and the standard error of this mean.

A measure of one batch differs from that of another, since the trials and the noise differ. The
standard error is SD / sqrt(number of batches). It says how far the value saved for a network may
be from that of infinitely many such batches, and nothing of how networks differ. A similarity also
depends on the number of trials in a batch, and grows with it (docs/sampling.md).
"""

from collections.abc import Mapping, Sequence

import numpy as np

SUFFIX = '_sem'  # of standard errors
OF_PROBE = '_dms'  # of measures in DMS probes that are also taken in the task's own trials


def over_batches(
    batches: Sequence[Mapping], axes: Mapping[str, Sequence[str]], degrees: bool = False
) -> dict:
    """Each result's mean over batches, and its standard error under the name ending in _sem.

    Batches in which a value is NaN (nothing is tuned there) are left out of it. A standard error of
    fewer than two batches is NaN. `degrees`: they are angles, so 179 is close to -179. Repetitions,
    where they are the last axis, are joined, not averaged: they share the trials of their batch, so
    the standard error (without that axis) is that of the means of the batches.
    """
    found = {}
    for name in batches[0]:
        values = [batch[name] for batch in batches]
        if axes[name][-1:] == ('repetition',):
            parts = [value for value in values if value.shape[-1]]
            found[name] = np.concatenate(parts, axis=-1)
            _, error = _over_batches(np.array([part.mean(-1) for part in parts]))
        else:
            found[name], error = _over_batches(np.array(values), degrees)
        found[name + SUFFIX] = error
    return found


def shares(total: int, parts: int) -> list[int]:
    """`total` repetitions spread over parts as evenly as possible, the first ones getting more."""
    return [len(part) for part in np.array_split(np.arange(total), parts)]


def _over_batches(values: np.ndarray, angles: bool = False) -> tuple:
    """Mean and standard error of values (batch, ...), in single precision if the values are."""
    valid = ~np.isnan(values)
    count = valid.sum(axis=0)
    numbers = np.where(valid, values, 0)
    if angles:
        direction = np.exp(1j * np.radians(numbers)) * valid
        centre = np.degrees(np.angle(direction.sum(axis=0)))
        numbers = np.where(valid, numbers + 360 * np.round((centre - numbers) / 360), 0)
    kind = np.result_type(values, np.float32)
    mean = numbers.sum(axis=0) / np.where(count > 0, count, np.nan)
    deviation = np.where(valid, numbers - mean, 0)
    variance = (deviation**2).sum(axis=0) / np.where(count > 1, count - 1, np.nan)
    if angles:
        mean = mean - 360 * np.round(mean / 360)
    error = np.sqrt(variance / np.maximum(count, 1))
    return _plain(mean.astype(kind)), _plain(error.astype(kind))


def _plain(values: np.ndarray) -> np.ndarray | float:
    """A single number as a float."""
    return values if values.ndim else float(values)
