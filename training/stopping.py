"""When a network is accurate enough: the mean accuracy of 20 iterations passes stop_accuracy.

An iteration without a scored time point (all of its trials are catch trials) has no accuracy; its
NaN is left out.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np

import tasks

ITERATIONS_TO_STOP = 20  # whose mean accuracy is compared with stop_accuracy
OFTEN = 0.01  # share of the iterations without an accuracy that is worth a warning
LATE = math.exp(-2)  # share of the drawn delays that are too long, see tasks.trial.Batch


def last_mean(values: Sequence[float]) -> float:
    """The mean of the last 20 numbers, NaN left out; NaN if there is none."""
    recent = _recent(values)
    return float(np.mean(recent)) if recent else math.nan


def accurate_enough(accuracy: Sequence[float], wanted: float | None) -> bool:
    """Whether the last 20 accuracies have a mean above the wanted one."""
    if wanted is None:
        return False
    recent = _recent(accuracy)
    return len(recent) == ITERATIONS_TO_STOP and bool(np.mean(recent) > wanted)


def warnings_of(p: Mapping) -> list[str]:
    """What the header of a run says of settings that leave many iterations without an accuracy."""
    catch = 1 - (1 - p['catch_trial_pct']) * (1 - LATE * p['var_delay'])
    share = catch ** (p['batch_size'] * tasks.of(p).catches_per_trial)
    if share <= OFTEN:
        return []
    names = ('catch_trial_pct', 'var_delay', 'batch_size')
    settings = ', '.join(f'{name} = {p[name]}' for name in names)
    return [
        f'{share:.0%} of the iterations have nothing but catch trials, and thus no accuracy '
        f'({settings}); they are left out of means.'
    ]


def _recent(values: Sequence[float]) -> list[float]:
    return list(islice((v for v in reversed(values) if not math.isnan(v)), ITERATIONS_TO_STOP))
