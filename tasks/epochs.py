"""When things happen in a trial: epochs and rule cues as ranges of time steps."""

from collections.abc import Iterable, Mapping
from itertools import accumulate, pairwise
from typing import NamedTuple

Steps = Mapping[str, int]  # name of a time setting -> number of time steps


class Epochs(NamedTuple):
    """Epochs of a trial, as ranges of time steps.

    `others` are further stimuli by name, such as {'distractor': range(60, 90)}.
    """

    dead: range
    fix: range
    sample: range
    tests: list[range]
    num_time_steps: int
    others: Mapping[str, range] = {}


def consecutive(*durations: int) -> list[range]:
    """Ranges of the given numbers of steps, one after the other from step 0."""
    edges = [0, *accumulate(durations)]
    return [range(start, stop) for start, stop in pairwise(edges)]


def until_sample(steps: Steps) -> tuple[int, int, int]:
    """Durations of dead time, fixation and sample, with which every trial begins, in steps."""
    return steps['dead_time'], steps['fix_time'], steps['sample_time']


def cue_in_delay(epochs: Epochs, dt: int) -> list[range]:
    """From 500 to 750 ms after the end of the sample."""
    offset = epochs.sample.stop
    return [range(offset + 500 // dt, offset + 750 // dt)]


def cue_in_fixation(epochs: Epochs, dt: int) -> list[range]:
    """During fixation, before the sample."""
    return [epochs.fix]


def cue_all_trial(epochs: Epochs, dt: int) -> list[range]:
    """From the end of the dead time to the end of the trial."""
    return [range(epochs.dead.stop, epochs.num_time_steps)]


def timing(task, s: Mapping) -> dict:
    """Epochs of a task as derived parameters, from the settings `s`.

    Names ending in _rng are ranges of steps, test_time_rng and rule_time_rng lists of them,
    other_time_rng a dictionary; other times are in ms. Each epoch is floored to whole steps of dt.
    """
    dt = s['dt']
    epochs = task.epochs(steps_of(s))
    steps = epochs.num_time_steps
    cues = [range(*(min(t, steps) for t in (c.start, c.stop))) for c in task.cues(epochs, dt)]
    return {
        'num_time_steps': steps,
        'trial_length': steps * dt,
        'dead_time_rng': epochs.dead,
        'fix_time_rng': epochs.fix,
        'sample_time_rng': epochs.sample,
        'test_time_rng': epochs.tests,
        'other_time_rng': dict(epochs.others),
        'rule_time_rng': cues,
        'rule_onset_time': [cue.start * dt for cue in cues],
        'rule_offset_time': [cue.stop * dt for cue in cues],
    }


def unused_times(task, s: Mapping) -> set[str]:
    """Settings of durations that the task's epochs do not depend on."""
    steps = steps_of(s)
    usual = task.epochs(steps)
    return {n for n in steps if task.epochs(steps | {n: steps[n] + 1}) == usual}


def steps_of(s: Mapping) -> dict[str, int]:
    """Durations of epochs in time steps."""
    return {name: s[name] // s['dt'] for name in durations(s)}


def durations(names: Iterable[str]) -> list[str]:
    """Those of the names that are of durations of epochs; one of them has the original's name."""
    return [name for name in names if name.endswith('_time') or name == 'ABBA_delay']
