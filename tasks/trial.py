"""A batch of trials: what a task draws, shows, cues and asks for.

A task draws the labels of all trials at once, then places stimuli, cues and targets in time.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tasks.inputs import fix_tuning, motion_tuning, rule_tuning

FIXATE, NON_MATCH, MATCH = 0, 1, 2  # outputs


class Period(NamedTuple):
    """The steps from `start` up to, not including, `stop`: integers, or one per trial (trial,)."""

    start: int | np.ndarray
    stop: int | np.ndarray


def place(array: np.ndarray, period: Period | range, values, add: bool = False) -> None:
    """Set array (time, trial, ...) to values (trial, ...), or add them, in place, in `period`.

    Raises ValueError for steps that the array does not have.
    """
    first, last = np.min(period.start), np.max(period.stop)
    if first < 0 or last > len(array):
        raise ValueError(f'steps {first} to {last} are not in a trial of {len(array)} steps')
    if isinstance(period.start, int) and isinstance(period.stop, int):
        block = array[period.start : period.stop]
        block[:] = block + values if add else values
        return
    block = array[first:last]
    steps = np.arange(first, first + len(block))[:, None]
    during = (period.start <= steps) & (steps < period.stop)  # (time, trial)
    where = during.reshape(during.shape + (1,) * (array.ndim - 2))
    np.copyto(block, block + values if add else values, where=where, casting='same_kind')


class Batch:
    """The trials of a batch with the parameters `p`: random draws, input, target and mask.

    At first nothing is shown: no input, target 'fixate', mask 1, and 0 in the dead time. Draws are
    (trial,) arrays. With `test_mode`, tests are independent of the sample. `set_rule` fixes the
    rule of all trials.
    """

    def __init__(
        self,
        task,
        p: Mapping,
        rng: np.random.Generator,
        test_mode: bool = False,
        set_rule: int | None = None,
    ):
        self.task, self.p, self.rng = task, p, rng
        self.test_mode, self.set_rule = test_mode, set_rule
        self.size = p['batch_size']
        size = p['num_time_steps'], self.size
        self.neural_input = np.zeros((*size, p['n_input']), np.float32)
        self.desired_output = np.zeros((*size, p['n_output']), np.float32)
        self.desired_output[..., FIXATE] = 1
        self.train_mask = np.ones(size, np.float32)
        place(self.train_mask, p['dead_time_rng'], 0)
        edges = [p['num_motion_tuned'], p['num_motion_tuned'] + p['num_fix_tuned']]
        # views of the columns of neural_input
        self.motion, self.fix, self.rule = np.split(self.neural_input, edges, axis=-1)
        self.motion_tuning = motion_tuning(task, p)

    def trial_info(self, labels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays, and the labels as int8; rule and catch are 0 if there are none, probe always.

        Raises ValueError for labels that are not those that the task declares.
        """
        self._require_labels(labels)
        none = np.zeros(self.size, np.int8)
        labels = {'rule': none, 'catch': none} | dict(labels)
        labels['probe'] = np.zeros_like(labels['catch'])
        return {
            'neural_input': self.neural_input,
            'desired_output': self.desired_output,
            'train_mask': self.train_mask,
            **{name: _as_label(name, label) for name, label in labels.items()},
        }

    def _require_labels(self, labels) -> None:
        if not isinstance(labels, Mapping):
            raise ValueError(f'trials returns {type(labels).__name__}, not a dictionary of labels')
        several = ('rule',) if self.task.num_rule_indices(self.p) > 1 else ()
        if missing := [name for name in (*self.task.labels, *several) if name not in labels]:
            raise ValueError(f'trials must also return the label {missing[0]!r}')
        for name, label in labels.items():
            if np.shape(label)[:1] != (self.size,):
                words = f'has shape {np.shape(label)}, but there are {self.size} trials'
                raise ValueError(f'the label {name!r} {words}')
        most = self.p['num_motion_dirs'] - 1
        for name in filter(labels.__contains__, ('sample', 'test')):
            if np.min(labels[name]) < 0 or np.max(labels[name]) > most:
                raise ValueError(f'the label {name!r} must be a direction, from 0 to {most}')

    def show(
        self,
        period: Period | range,
        direction: np.ndarray,
        field: int | np.ndarray = 0,
        where: np.ndarray | bool = True,
    ) -> None:
        """Show directions (trial,) in a receptive field, in the trials `where` this is True."""
        values = self.motion_tuning[:, field, direction].T
        if where is not True:
            values = values * where[:, None]
        place(self.motion, period, values, add=True)

    def cue(self, period: Period | range, rule: np.ndarray) -> None:
        """Show the cue of the rule (trial,)."""
        place(self.rule, period, rule_tuning(self.p)[:, rule].T)

    def fixate(self, period: Period | range) -> None:
        """Show the fixation point."""
        place(self.fix, period, fix_tuning(self.p))

    def ask(self, test: Period | range, response: np.ndarray, weight: np.ndarray) -> None:
        """Set the target (trial,) during a test, and its weight (trial,) after the masked onset."""
        gap = Period(test.start, test.start + self.p['mask_duration'] // self.p['dt'])
        place(self.desired_output, test, np.eye(self.p['n_output'])[response])
        place(self.train_mask, test, weight)
        place(self.train_mask, gap, 0)

    def single_test(self, response: np.ndarray) -> tuple[Period, np.ndarray]:
        """Ask for a response (trial,) in the only test, and show fixation before it.

        Returns the period of the test and which trials are catch trials (trial,).
        """
        period, catch = self._draw_test_period()
        weight = np.where(catch, 1, self.p['test_cost_multiplier'])
        self.ask(period, np.where(catch, FIXATE, response), weight)
        self.fixate(Period(0, np.where(catch, self.p['num_time_steps'], period.start)))
        return period, catch

    def draw_rule(self, num_rules: int | None = None) -> np.ndarray:
        """The rule of each trial. Raises ValueError for a `set_rule` that it does not have."""
        num_rules = num_rules or self.p['num_rules']
        if self.set_rule is None:
            return self.rng.integers(num_rules, size=self.size)
        if self.set_rule not in range(num_rules):
            raise ValueError(
                f'set_rule = {self.set_rule!r} is not allowed: the task {self.p["trial_type"]} has '
                f'the rules {", ".join(map(str, range(num_rules)))}'
            )
        return np.full(self.size, self.set_rule, int)

    def draw_direction(self, size: int | tuple[int, ...] | None = None) -> np.ndarray:
        """Directions, each as likely; one per trial unless another size is given."""
        return self.rng.integers(
            self.p['num_motion_dirs'], size=self.size if size is None else size
        )

    def draw_catch(self, size: int | tuple[int, ...] | None = None) -> np.ndarray:
        """Which trials (or tests) are catch trials."""
        return self.rng.random(self.size if size is None else size) < self.p['catch_trial_pct']

    def draw_allowed(self, allowed: np.ndarray) -> np.ndarray:
        """One of the allowed directions, uniformly: bool (..., direction) to integers (...)."""
        return np.argmax(self.rng.random(allowed.shape) * allowed, axis=-1)

    def draw_test(self, sample: np.ndarray, rule) -> tuple[np.ndarray, np.ndarray]:
        """Test directions and whether they match, both of the shape of `sample`.

        Half of the tests match; all directions that match are equally likely, and so are all that
        do not. In test mode all directions are equally likely.
        """
        matches = matching_tests(self.p)[rule, sample]  # (..., direction)
        match = self.rng.integers(2, size=sample.shape)
        allowed = matches == match[..., None]
        test = self.draw_direction(sample.shape) if self.test_mode else self.draw_allowed(allowed)
        return test, np.take_along_axis(matches, test[..., None], axis=-1)[..., 0]

    def _draw_test_period(self) -> tuple[Period, np.ndarray]:
        """Period of the only test, and which trials (trial,) are catch trials.

        With var_delay the delay is delay_time - variable_delay_max plus an exponentially
        distributed time with mean variable_delay_max / 2. If it exceeds delay_time, the trial is a
        catch trial. The test always ends at the same step.
        """
        p = self.p
        test = p['test_time_rng'][0]
        catch = self.draw_catch()
        if not p['var_delay']:
            return Period(test.start, test.stop), catch
        longest = p['variable_delay_max']
        lateness = self.rng.exponential(longest / 2, self.size) - longest
        catch |= lateness > 0
        shift = np.floor(lateness / p['dt']).astype(int)
        # where dt does not divide the times, rounding could move a test into the last stimulus
        shift = np.maximum(shift, -(p['delay_time'] // p['dt']))
        return Period(test.start + np.where(catch, 0, shift), test.stop), catch


def _as_label(name: str, label: np.ndarray) -> np.ndarray:
    """A label as int8. Raises ValueError if it holds anything else."""
    small = np.asarray(label).astype(np.int8)
    if not np.array_equal(small, label):
        raise ValueError(f'labels are integers from -128 to 127, but {name} has others')
    return small


def in_second_half(direction: np.ndarray, num_directions: int) -> np.ndarray:
    """Whether directions belong to the second of the two categories, which halve the directions."""
    return direction >= num_directions / 2


def matching_tests(p: Mapping) -> np.ndarray:
    """Whether a test direction matches a sample under each rule: bool (rule, sample, test).

    Rotation: the test is the sample turned by the degrees of the rule, counted in directions.
    Category: both are in the same half of the directions.
    """
    num_dirs = p['num_motion_dirs']
    test = np.arange(num_dirs)
    sample = test[:, None]
    category = in_second_half(test, num_dirs)
    same_category = category[:, None] == category
    return np.array(
        [
            same_category
            if kind == 'category'
            else (sample + degrees * num_dirs // 360) % num_dirs == test
            for kind, degrees in p['rules']
        ]
    )
