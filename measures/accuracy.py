"""Accuracy of a network (paper, Methods)."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from measures.measure import TRAINING, measure
from measures.run import Run
from tasks.trial import FIXATE, MATCH, NON_MATCH


class Performance(NamedTuple):
    """Shares of correct time points: of all tests, of the non-matching, and of the matching."""

    overall: float
    non_match: float
    match: float


def get_perf(target, output, mask) -> Performance:
    """Accuracy over all test time points, over those of non-matching, and of matching tests.

    target and output (logits) are (time, trial, output), mask (time, trial). A time point counts
    where the target is not 'fixate' and the mask is above 0; it is correct where the largest output
    is that of the target. NaN where no time point counts.
    """
    wanted, given = np.argmax(target, -1), np.argmax(output, -1)
    scored = (wanted != FIXATE) & (np.asarray(mask) > 0)
    parts = scored, scored & (wanted == NON_MATCH), scored & (wanted == MATCH)
    return Performance(
        *(float(np.mean(wanted[part] == given[part])) if part.any() else np.nan for part in parts)
    )


def accuracy(trial_info: Mapping, y: np.ndarray, rules: np.ndarray, num_rules: int) -> dict:
    """task_accuracy, and task_accuracy_per_rule (rule,), from outputs y (time, trial, output)."""
    target, mask = trial_info['desired_output'], trial_info['train_mask']
    per_rule = [
        get_perf(target[:, rules == r], y[:, rules == r], mask[:, rules == r]).overall
        for r in range(num_rules)
    ]
    return {
        'task_accuracy': get_perf(target, y, mask).overall,
        'task_accuracy_per_rule': np.array(per_rule),
    }


@measure(
    averaged={'task_accuracy': '', 'task_accuracy_per_rule': 'rule'},
    title='accuracy',
    trials=(TRAINING,),
)
def task_accuracy(run: Run) -> dict:
    """Share of the time points of tests at which the largest output is that of the target."""
    return accuracy(run.trial_info, run.y, run.rules, run.num_rules)
