"""`Task`: what the project must know of a task, in one object.

The defaults are those of a delayed match to sample: fixation, sample, delay and one test. A
subclass says what differs, above all in `trials`, which makes a batch. Parameters `p` are those of
a network, see parameters.py; `s` are settings before anything is derived from them.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from settings import Setting
from settings.validators import Check, fixed
from tasks.epochs import Epochs, Steps, consecutive, durations, steps_of, until_sample
from tasks.inputs import von_mises
from tasks.trial import Batch

Rule = tuple[str, int | None]

DECODABLE = ('sample', 'test', 'match')  # labels that can be decoded
WINDOW = 100  # ms before a test in which units are silenced (paper, Fig. 5)

_OWNED = fixed('only what the task decides')
# What only the task decides; any other value is refused.
OWNED_BY_TASK: dict[str, Setting] = {
    'rotation_match': Setting(
        None, _OWNED, 'turn from a sample to the test that matches it, under each rule', 'degrees'
    ),
    'num_rules': Setting(None, _OWNED, 'number of rule cues'),
    'num_receptive_fields': Setting(None, _OWNED, 'locations at which directions are shown'),
    'rule_onset_time': Setting(None, _OWNED, 'onset of each rule cue in a trial', 'ms'),
    'rule_offset_time': Setting(None, _OWNED, 'end of each rule cue in a trial', 'ms'),
}


class Task:
    """One task. Attributes may also be given as arguments: Task(rules=(('rotation', 90),)).

    rules: which test matches which sample, one for each cue: ('rotation', degrees), or
        ('category', None) for the halves of the directions.
    num_rules: number of cues, if it is not that of the rules.
    num_receptive_fields: locations at which directions are shown, each with its own input units.
    separate_projections: receptive field k projects only to the units whose index is k modulo the
        number of fields.
    suggested: defaults of settings, in place of the general ones.
    settings: settings that only this task has: {name: settings.Setting(default, check, meaning)}; a
        pair (default, check) is enough. Names of durations in ms, and no others, end in _time.
    responses: names of the outputs; the last one is that of all further outputs.
    labels: those of DECODABLE that `trials` returns, 'sample' first. A task without 'test' reports
        the sample.
    num_samples: samples shown in a trial; a rule says which one a test is about, see `sample_of`.
        If they are not shown together, `sample_period` says when each is.
    catches_per_trial: how many of its tests can be left out, each on its own.
    probe: 'DMS' if manipulation and tuning are also measured in DMS trials, 'own' if the task's own
        trials are such, None where inputs are not tuned to directions as in DMS.
    compared: whether the figure that compares tasks by manipulation shows it (paper, Fig. 7).
    """

    rules: tuple[Rule, ...] = (('rotation', 0),)
    num_rules: int | None = None
    num_receptive_fields = 1
    separate_projections = False
    suggested: Mapping[str, object] = {}
    settings: Mapping[str, Setting | tuple[object, Check]] = {}
    responses = ('fixate', 'non-match', 'match')
    labels = ('sample', 'test', 'match')
    num_samples = 1
    catches_per_trial = 1
    probe: str | None = 'DMS'
    compared = True

    def __init__(self, **attributes):
        for name, value in attributes.items():
            if not hasattr(type(self), name):
                raise TypeError(f'a task has no attribute {name!r}')
            setattr(self, name, value)

    def trials(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """Draw and show the trials of a batch; return their labels, integers (trial, ...).

        Of several samples the label is (trial, sample), of several tests (trial, test). A task
        with several rules or catch trials also returns 'rule' and 'catch'.
        """
        raise NotImplementedError(f'{type(self).__name__} lacks the method trials(batch)')

    # timing and inputs

    def epochs(self, steps: Steps) -> Epochs:
        """Epochs of a trial, here fixation, sample, delay and test.

        `steps` has the duration of each time setting, such as 'fix_time', in time steps.
        """
        dead, fix, sample, _, test = consecutive(
            *until_sample(steps), steps['delay_time'], steps['test_time']
        )
        return Epochs(dead, fix, sample, [test], test.stop)

    def cues(self, epochs: Epochs, dt: int) -> list[range]:
        """Steps of each rule cue, a list of ranges; one empty range in a task with one rule."""
        return [range(0)]

    def tuning(self, p: Mapping) -> np.ndarray:
        """Response of the direction units of one field, (unit, direction), to be scaled."""
        return von_mises(p)

    # settings

    def owned(self) -> dict:
        """The settings that belong to the task alone, as parameters."""
        rotations = [degrees or 0 for _, degrees in self.rules]
        return {
            'rotation_match': rotations[0] if len(rotations) == 1 else rotations,
            'num_rules': self.num_rules or len(self.rules),
            'num_receptive_fields': self.num_receptive_fields,
        }

    def check(self, s: Mapping) -> None:
        """Raise ValueError where the task cannot be made with these settings."""
        for wrong, name, allowed in self.problems(s):
            if wrong:
                raise ValueError(
                    f'{name} = {s[name]!r} is not allowed with {s["trial_type"]}: {allowed}'
                )

    def problems(self, s: Mapping) -> Iterator[tuple[bool, str, str]]:
        """(whether it is wrong, name of a setting, what is allowed) for what `check` looks at."""
        words = f'it must be at least {len(self.responses)}, one for each of the responses'
        yield s['n_output'] < len(self.responses), 'n_output', words
        for name in self.needed_times():
            yield s[name] < s['dt'], name, f'it must hold at least one step of dt = {s["dt"]} ms'
        test = s[self.test_duration()]
        masked = s['mask_duration'] // s['dt'] >= test // s['dt']
        words = f'it must be shorter than a test, {test} ms, by at least one step of dt = '
        yield masked, 'mask_duration', f'{words}{s["dt"]} ms'
        if s['var_delay']:
            words = 'only a task with one test can have a variable delay'
            yield not self.can_vary_delay(s), 'var_delay', words
            late = s['variable_delay_max'] > s['delay_time']
            yield late, 'variable_delay_max', f'it must be at most delay_time, {s["delay_time"]} ms'
        yield from self._wrong_inputs(s)

    def _wrong_inputs(self, s: Mapping) -> Iterator[tuple[bool, str, str]]:
        directions, fields = s['num_motion_dirs'], self.num_receptive_fields
        for kind, degrees in self.rules:
            if kind == 'category':
                wrong, words = directions % 2, 'two categories need an even number'
            else:
                wrong = degrees * directions % 360
                words = f'{degrees} degrees must be a multiple of 360 / num_motion_dirs'
            yield bool(wrong), 'num_motion_dirs', words
        wrong = bool(s['num_motion_tuned'] % fields)
        yield wrong, 'num_motion_tuned', f'it must be a multiple of the {fields} receptive fields'

    def needed_times(self) -> list[str]:
        """Settings that must hold at least a time step."""
        return ['fix_time', 'sample_time', 'delay_time', 'test_time', *durations(self.settings)]

    def test_duration(self) -> str:
        """The setting that is the duration of a test."""
        return 'test_time'

    def can_vary_delay(self, s: Mapping) -> bool:
        """Whether `var_delay` has a meaning: where there is one test."""
        return len(self.epochs(steps_of(s)).tests) == 1

    def notes(self, p: Mapping) -> list[str]:
        """A sentence on each thing in these settings that the user may not have meant."""
        return []

    # what the analysis must know

    def num_rule_indices(self, p: Mapping) -> int:
        """Number of kinds of trials that are measured on their own."""
        return p['num_rules']

    def rule_index(self, trial_info: Mapping) -> np.ndarray:
        """The kind of each trial (trial,), from 0 to num_rule_indices - 1: its rule."""
        return np.asarray(trial_info['rule'], int)

    def rule_name(self, rule: int, p: Mapping) -> str:
        """What a rule is called; '' in a task with one rule."""
        if self.num_rule_indices(p) == 1:
            return ''
        if self.num_samples > 1:
            return f'test of sample {1 + self.sample_of(rule, 0)}'
        names = [f'{_task_of(rule)} rule' for rule in self.rules]
        is_told = len(names) == len({*names}) == self.num_rule_indices(p)
        return names[rule] if is_told else f'rule {1 + rule}'

    def value_name(self, value: int, p: Mapping) -> str:
        """How figures write a sample or test: as a direction."""
        return f'{int(value) * 360 / p["num_motion_dirs"]:g}°'

    def sample_of(self, rule: int, test: int) -> int:
        """Number of the sample that a test, counted from 0, is about."""
        return 0

    def fields(self, trial_info: Mapping, p: Mapping) -> dict[str, list[np.ndarray]]:
        """What can be decoded: for each label the conditions (trial,), one for each "field".

        A field of 'sample' is a sample. 'test' and 'match' are those of the first test. 'rule' is
        there with several rules.
        """
        found = {'sample': _columns(trial_info['sample'])}
        for name in self.labels[1:]:
            found[name] = _columns(trial_info[name])[:1]
        if p['num_rules'] > 1:
            found['rule'] = [trial_info['rule']]
        return found

    def decodable(self, p: Mapping) -> list[str]:
        """The labels that `fields` finds."""
        return [*self.labels, *['rule'] * (p['num_rules'] > 1)]

    def values(self, label: str, p: Mapping) -> Sequence[int]:
        """The values that a label can have. A task that shows few directions names them."""
        return range({'match': 2, 'rule': p['num_rules']}.get(label, p['num_motion_dirs']))

    def num_fields(self, label: str) -> int:
        """How many fields `fields` finds for a label."""
        return self.num_samples if label == 'sample' else 1

    def by_category(self, rule: int, p: Mapping) -> bool:
        """Whether the category of the sample is what counts under a rule."""
        return self.rules[rule % len(self.rules)][0] == 'category'

    def has_one_chance(self, p: Mapping) -> bool:
        """Whether chance of decoding the sample is the same under all rules."""
        return len({self.by_category(rule, p) for rule in range(self.num_rule_indices(p))}) == 1

    def tested_sample(self, trial_info: Mapping, p: Mapping) -> np.ndarray:
        """Direction (trial,) of the sample that the first test is about."""
        samples = np.stack(self.fields(trial_info, p)['sample'], axis=1)
        of_rule = [self.sample_of(rule, 0) for rule in range(self.num_rule_indices(p))]
        which = np.array(of_rule)[self.rule_index(trial_info)]
        return np.take_along_axis(samples, which[:, None], axis=1)[:, 0]

    def sample_period(self, sample: int, p: Mapping) -> range:
        """The steps in which a sample is shown, which are those of all samples."""
        return p['sample_time_rng']

    def wait_before(self, step: int, milliseconds: int, p: Mapping) -> range:
        """Steps just before `step` with nothing shown: at most the given ms, but at least one."""
        samples = [self.sample_period(i, p) for i in range(self.num_samples)]
        shown = *samples, *p['test_time_rng'], *p['other_time_rng'].values()
        ends = [period.stop for period in shown if period.stop <= step]
        start = max(1, step - steps_in(milliseconds, p), *ends)
        return range(min(start, step - 1), step)

    def shuffle_onsets(self, p: Mapping) -> list[int]:
        """Steps at which states are shuffled: the offset of the last sample, and the test onset.

        With several tests, of which the second is scored, it is the onset of the first test alone.
        """
        tests = [test.start for test in p['test_time_rng']]
        if len(tests) > 1:
            return tests[:1]
        return [max(self.sample_period(i, p).stop for i in range(self.num_samples)), tests[0]]

    def accuracy_without_sample(self, p: Mapping) -> float:
        """The best accuracy in the scored test without knowing the sample: that of a guess.

        That is one of the directions where each has an output and no test is compared, else one of
        the responses.
        """
        reports = 'test' not in self.labels and p['n_output'] > p['num_motion_dirs']
        return 1 / (p['num_motion_dirs'] if reports else len(self.responses) - 1)

    def scored_test(self, p: Mapping) -> range:
        """The test whose accuracy is measured after a perturbation: the second, if there is one."""
        return p['test_time_rng'][:2][-1]

    def silencing_windows(self, p: Mapping) -> list[tuple[range, range]]:
        """(window, test) pairs: the 100 ms before each test, and the test that is then scored."""
        return [(self.wait_before(t.start, WINDOW, p), t) for t in p['test_time_rng']]

    def variants(self, decoded: np.ndarray, p: Mapping) -> dict[str, np.ndarray]:
        """Decoding of the sample (rule, field, time) by variant of the task: {name: (time,)}.

        A variant is a rule. With several samples it is the attended and the unattended one.
        """
        if self.num_samples > 1:
            return dict(zip(('attended', 'unattended'), self.attended(decoded, p), strict=True))
        return {self.rule_name(rule, p): trace for rule, trace in enumerate(decoded[:, 0])}

    def attended(self, decoded: np.ndarray, p: Mapping) -> tuple[np.ndarray, np.ndarray]:
        """Decoding (..., time) of the attended and of the other sample, averaged over rules.

        `decoded` is (..., rule, sample, time). Until the end of test 1 the attended sample is the
        one that test 1 is about, then that of test 2.
        """
        tests, time = p['test_time_rng'], np.arange(decoded.shape[-1])
        test = np.where(time < tests[0].stop, 0, len(tests[:2]) - 1)
        every = np.arange(decoded.shape[-2])[:, None]
        attended, other = [], []
        for rule in range(decoded.shape[-3]):
            of_tests = np.array([self.sample_of(rule, i) for i in range(len(tests))])
            is_attended = every == of_tests[test]  # (sample, time)
            of_rule = decoded[..., rule, :, :]
            attended.append(np.where(is_attended, of_rule, 0).sum(-2))
            other.append(np.where(is_attended, 0, of_rule).sum(-2) / (len(every) - 1))
        return np.mean(attended, axis=0), np.mean(other, axis=0)


def _task_of(rule: Rule) -> str:
    """The task of the paper that has only this rule."""
    kind, degrees = rule
    if kind == 'category':
        return 'DMC'
    return f'DMRS{degrees}' if degrees else 'DMS'


def steps_in(milliseconds: int, p: Mapping) -> int:
    """How many steps of `dt` a window has: at least one."""
    return max(1, milliseconds // p['dt'])


def _columns(label: np.ndarray) -> list[np.ndarray]:
    """A label (trial,) or (trial, field) as one array per field."""
    return [label] if label.ndim == 1 else [label[:, i] for i in range(label.shape[1])]
