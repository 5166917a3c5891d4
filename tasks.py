"""The tasks of the paper: what each one fixes, what it suggests, and when its epochs are.

One entry of TASKS is one task. Its `rules` say which test matches which sample, one for each rule
cue: ('rotation', degrees) or ('category', None). Its `suggested` settings are defaults that a user
may change; rules, cues and the number of receptive fields belong to the task alone. The stimuli
are made in stimulus.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

Rule = tuple[str, int | None]
Steps = Mapping[str, int]  # name of an epoch's setting -> number of time steps


class Epochs(NamedTuple):
    """When things happen in a trial, as ranges of time steps."""

    dead: range
    fix: range
    sample: range
    tests: list[range]
    num_time_steps: int
    distractor: range | None = None


def consecutive(*durations: int) -> list[range]:
    """Ranges of the given numbers of steps, one after the other from step 0."""
    edges = [0, *accumulate(durations)]
    return [range(start, stop) for start, stop in pairwise(edges)]


def _until_sample(steps: Steps) -> tuple[int, int, int]:
    return steps['dead_time'], steps['fix_time'], steps['sample_time']


def one_test(steps: Steps) -> Epochs:
    """Fixation, sample, delay, test."""
    dead, fix, sample, _, test = consecutive(
        *_until_sample(steps), steps['delay_time'], steps['test_time']
    )
    return Epochs(dead, fix, sample, [test], test.stop)


def sequence_of_tests(steps: Steps) -> Epochs:
    """Fixation, sample, then gaps and tests of ABBA_delay each in turn, and fixation.

    delay_time holds all the gaps and tests (three of each by default), test_time the last fixation.
    """
    dead, fix, sample, delay, end = consecutive(
        *_until_sample(steps), steps['delay_time'], steps['test_time']
    )
    length = steps['ABBA_delay']
    count = len(delay) // (2 * length)
    onsets = [delay.start + (1 + 2 * k) * length for k in range(count)]
    return Epochs(dead, fix, sample, [range(t, t + length) for t in onsets], end.stop)


def two_tests(steps: Steps) -> Epochs:
    """Fixation, samples, and twice a delay with a test."""
    delay_and_test = steps['delay_time'], steps['test_time']
    dead, fix, sample, _, first, _, second = consecutive(
        *_until_sample(steps), *delay_and_test, *delay_and_test
    )
    return Epochs(dead, fix, sample, [first, second], second.stop)


def distracted(steps: Steps) -> Epochs:
    """Fixation, sample, delay, distractor, delay, test."""
    delay = steps['delay_time']
    dead, fix, sample, _, distractor, _, test = consecutive(
        *_until_sample(steps), delay, steps['distractor_time'], delay, steps['test_time']
    )
    return Epochs(dead, fix, sample, [test], test.stop, distractor)


def no_cue(epochs: Epochs, dt: int) -> list[range]:
    """A task with one rule needs no cue."""
    return [range(0)]


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


def cue_before_each_test(epochs: Epochs, dt: int) -> list[range]:
    """From the middle of each delay to the end of its test."""
    delay_onsets = [epochs.sample.stop, *(test.stop for test in epochs.tests)]
    return [
        range((onset + test.start) // 2, test.stop)
        for onset, test in zip(delay_onsets, epochs.tests, strict=False)
    ]


@dataclass(frozen=True)
class Task:
    """One task: its rules, timing, cues, receptive fields and suggested settings."""

    rules: tuple[Rule, ...] = (('rotation', 0),)
    epochs: Callable[[Steps], Epochs] = one_test
    cues: Callable[[Epochs, int], list[range]] = no_cue
    num_receptive_fields: int = 1
    num_rules: int | None = None  # dualDMS cues locations, not rules
    suggested: Mapping[str, object] = field(default_factory=dict)

    def owned(self) -> dict:
        """The settings that belong to the task alone, as parameters."""
        rotations = [degrees or 0 for _, degrees in self.rules]
        return {
            'rotation_match': rotations[0] if len(rotations) == 1 else rotations,
            'num_rules': self.num_rules or len(self.rules),
            'num_receptive_fields': self.num_receptive_fields,
        }


def _rotation(degrees: int) -> Task:
    return Task(rules=(('rotation', degrees),))


def _mixed(cues: Callable, num_rule_tuned: int, *rules: Rule) -> Task:
    return Task(rules=rules, cues=cues, suggested={'num_rule_tuned': num_rule_tuned})


_SAME, _ROTATED, _CATEGORY = ('rotation', 0), ('rotation', 90), ('category', None)
_SEQUENCE = Task(
    epochs=sequence_of_tests,
    suggested={
        'sample_time': 400,
        'ABBA_delay': 400,
        'delay_time': 2400,
        'catch_trial_pct': 0,
        'tuning_batches': 32,  # similarity varies much between batches where it is near 0
    },
)

TASKS = {
    'DMS': _rotation(0),
    'DMRS45': _rotation(45),
    'DMRS90': _rotation(90),
    'DMRS90ccw': _rotation(-90),
    'DMRS180': _rotation(180),
    'DMC': Task(rules=(_CATEGORY,)),
    'DMS+DMRS': _mixed(cue_in_delay, 6, _SAME, _ROTATED),
    'DMS+DMRS_early_cue': _mixed(cue_in_fixation, 6, _SAME, _ROTATED),
    'DMS+DMRS_full_cue': _mixed(cue_all_trial, 6, _SAME, _ROTATED),
    'DMS+DMC': _mixed(cue_all_trial, 12, _SAME, _CATEGORY),
    'DMS+DMRS+DMC': _mixed(cue_all_trial, 18, _SAME, _ROTATED, _CATEGORY),
    'location_DMS': Task(num_receptive_fields=3, suggested={'num_motion_tuned': 72}),
    'ABBA': _SEQUENCE,
    'ABCA': _SEQUENCE,
    'dualDMS': Task(
        epochs=two_tests,
        cues=cue_before_each_test,
        num_receptive_fields=2,
        num_rules=2,
        suggested={
            'sample_time': 500,
            'test_time': 500,
            'delay_time': 1000,
            'catch_trial_pct': 0,
            'num_motion_tuned': 48,
            'num_rule_tuned': 6,
        },
    ),
    'distractor': Task(
        epochs=distracted,
        suggested={
            'sample_time': 300,
            'delay_time': 800,
            'distractor_time': 300,
            'num_fix_tuned': 4,
            'n_output': 9,
        },
    ),
}


def check_task(s: Mapping) -> None:
    """Raise ValueError where a task cannot be made with these settings."""
    for wrong, name, allowed in chain(_wrong_times(s), _wrong_directions(s)):
        if wrong:
            raise ValueError(
                f'{name} = {s[name]!r} is not allowed with {s["trial_type"]}: {allowed}'
            )


def _wrong_times(s: Mapping):
    dt, epochs = s['dt'], TASKS[s['trial_type']].epochs
    needed = ['fix_time', 'sample_time', 'delay_time', 'test_time']
    needed += ['ABBA_delay'] * (epochs is sequence_of_tests)
    needed += ['distractor_time'] * (epochs is distracted)
    for name in needed:
        yield s[name] < dt, name, f'it must hold at least one step of dt = {dt} ms'
    test = s['ABBA_delay'] if epochs is sequence_of_tests else s['test_time']
    yield (
        s['mask_duration'] // dt >= test // dt,
        'mask_duration',
        f'it must be shorter than a test, {test} ms, by at least one step of dt = {dt} ms',
    )
    if epochs is sequence_of_tests:
        least = 2 * (s['ABBA_delay'] // dt) * dt
        yield s['delay_time'] < least, 'delay_time', f'it must hold a gap and a test, {least} ms'
    if s['var_delay']:
        one = epochs in (one_test, distracted)
        yield not one, 'var_delay', 'only a task with one test can have a variable delay'
        late = s['variable_delay_max'] > s['delay_time']
        yield late, 'variable_delay_max', f'it must be at most delay_time, {s["delay_time"]} ms'


def _wrong_directions(s: Mapping):
    task, directions = TASKS[s['trial_type']], s['num_motion_dirs']
    for kind, degrees in task.rules:
        if kind == 'category':
            yield directions % 2, 'num_motion_dirs', 'two categories need an even number'
        else:
            whole = degrees * directions % 360 == 0
            needed = f'{degrees} degrees must be a multiple of 360 / num_motion_dirs'
            yield not whole, 'num_motion_dirs', needed
    if task.epochs is sequence_of_tests:
        tests = s['delay_time'] // s['dt'] // (2 * (s['ABBA_delay'] // s['dt']))
        needed = f'it must be more than the {tests} tests, none of which repeats a direction'
        yield directions <= tests, 'num_motion_dirs', needed
    if task.epochs is distracted:
        outputs = directions + 1
        wrong = s['n_output'] < outputs
        yield wrong, 'n_output', f'it must be at least {outputs}, fixate and one per direction'
    fields = task.num_receptive_fields
    wrong = s['num_motion_tuned'] % fields
    yield wrong, 'num_motion_tuned', f'it must be a multiple of the {fields} receptive fields'


def timing(s: Mapping) -> dict:
    """Epochs of the task as derived parameters.

    Names ending in _rng are ranges of steps, test_time_rng and rule_time_rng lists of them; other
    times are in ms. Each epoch is floored to whole steps of dt.
    """
    dt, task = s['dt'], TASKS[s['trial_type']]
    names = ('dead_time', 'fix_time', 'sample_time', 'delay_time', 'test_time')
    names += ('ABBA_delay', 'distractor_time')
    epochs = task.epochs({name: s[name] // dt for name in names})
    steps = epochs.num_time_steps
    cues = [range(*(min(t, steps) for t in (c.start, c.stop))) for c in task.cues(epochs, dt)]
    return {
        'num_time_steps': steps,
        'trial_length': steps * dt,
        'dead_time_rng': epochs.dead,
        'fix_time_rng': epochs.fix,
        'sample_time_rng': epochs.sample,
        'test_time_rng': epochs.tests,
        'distractor_time_rng': epochs.distractor,
        'rule_time_rng': cues,
        'rule_onset_time': [cue.start * dt for cue in cues],
        'rule_offset_time': [cue.stop * dt for cue in cues],
    }
