"""Trials of all tasks: noisy input, target output and training mask of a batch (paper, Methods).

    from stimulus import Stimulus
    trial_info = Stimulus(seed=1).generate_trial()

A task is one short function: it draws the labels of all trials at once, then places stimuli, cues
and targets in time with `place`. tasks.py holds the rules and the timing of each task.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from parameters import par

FIXATE, NON_MATCH, MATCH = 0, 1, 2  # outputs
# Parts of the trial whose noise is drawn from a generator each. The number is fixed, so that the
# same seed gives the same noise on any number of cores, and such that a part fits the cache.
NOISE_PARTS = 64


def gaussian(rng: np.random.Generator, shape: tuple[int, ...], sd: float) -> np.ndarray:
    """Normal numbers with mean 0, float32, by the method of Box and Muller.

    rng.standard_normal goes number by number, and takes nearly three times as long.
    """
    size = math.prod(shape)
    half = (size + 1) // 2
    bits = rng.integers(2**64, size=half, dtype=np.uint64).view(np.uint32)
    bits >>= 8  # 24 bits are what float32 holds
    uniform = bits.astype(np.float32)
    uniform += 1
    uniform *= 2**-24  # in (0, 1]
    radius, angle = uniform.reshape(2, half)
    np.log(radius, out=radius)
    radius *= -2
    np.sqrt(radius, out=radius)
    radius *= sd
    angle *= 2 * np.pi
    normal = np.empty((2, half), np.float32)
    np.multiply(radius, np.cos(angle), out=normal[0])
    np.multiply(radius, np.sin(angle), out=normal[1])
    return normal.reshape(-1)[:size].reshape(shape)


class Period(NamedTuple):
    """The steps from `start` up to, not including, `stop`: integers, or one per trial (trial,)."""

    start: int | np.ndarray
    stop: int | np.ndarray


def place(array: np.ndarray, period: Period | range, values) -> None:
    """Set array (time, trial, ...) to values (trial, ...), in place, during `period`."""
    first, last = np.min(period.start), np.max(period.stop)
    block = array[first:last]
    if np.ndim(period.start) == np.ndim(period.stop) == 0:
        block[:] = values
        return
    steps = np.arange(first, first + len(block))[:, None]
    during = (period.start <= steps) & (steps < period.stop)  # (time, trial)
    np.copyto(block, values, where=during.reshape(during.shape + (1,) * (array.ndim - 2)))


class Batch:
    """The arrays of a batch, before anything is shown: no input, target 'fixate', mask 1.

    `motion`, `fix` and `rule` are views of the columns of neural_input.
    """

    def __init__(self):
        size = par['num_time_steps'], par['batch_size']
        self.neural_input = np.zeros((*size, par['n_input']), np.float32)
        self.desired_output = np.zeros((*size, par['n_output']), np.float32)
        self.desired_output[..., FIXATE] = 1
        self.train_mask = np.ones(size, np.float32)
        place(self.train_mask, par['dead_time_rng'], 0)
        edges = [par['num_motion_tuned'], par['num_motion_tuned'] + par['num_fix_tuned']]
        self.motion, self.fix, self.rule = np.split(self.neural_input, edges, axis=-1)

    def ask(self, test: Period | range, response: np.ndarray, weight: np.ndarray) -> None:
        """Want an output (trial,) during a test, with a weight (trial,) after the masked onset."""
        gap = Period(test.start, test.start + par['mask_duration'] // par['dt'])
        place(self.desired_output, test, np.eye(par['n_output'])[response])
        place(self.train_mask, test, weight)
        place(self.train_mask, gap, 0)

    def trial_info(self, **labels: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays, and the labels as int8. There are no probes in these tasks."""
        labels['probe'] = np.zeros_like(labels['catch'])
        return {
            'neural_input': self.neural_input,
            'desired_output': self.desired_output,
            'train_mask': self.train_mask,
            **{name: label.astype(np.int8) for name, label in labels.items()},
        }


def matching_tests() -> np.ndarray:
    """Whether a test direction matches a sample under each rule: bool (rule, sample, test).

    Rotation: the test is the sample turned by the degrees of the rule, counted in directions.
    Category: both are in the same half of the directions.
    """
    num_dirs = par['num_motion_dirs']
    test = np.arange(num_dirs)
    sample = test[:, None]
    first_half = test < num_dirs / 2
    same_category = first_half[:, None] == first_half
    return np.array(
        [
            same_category
            if kind == 'category'
            else (sample + degrees * num_dirs // 360) % num_dirs == test
            for kind, degrees in par['rules']
        ]
    )


class Stimulus:
    """Draws batches of trials of the task in `par`.

    `seed` is anything that numpy's SeedSequence takes, such as an integer or [seed, iteration];
    None means par['seed']. The same seed gives the same sequence of batches.
    """

    def __init__(self, seed=None):
        self.rng = np.random.Generator(np.random.SFC64(par['seed'] if seed is None else seed))
        self._noise_rngs = self.rng.spawn(NOISE_PARTS)

    @property
    def motion_tuning(self) -> np.ndarray:
        """Answer of the direction units: (num_motion_tuned, num_receptive_fields, num_motion_dirs).

        Each receptive field has its own units, with evenly spaced preferred directions; they do
        not answer to the other fields. Von Mises tuning; one-hot in the distractor task.
        """
        num_fields, num_dirs = par['num_receptive_fields'], par['num_motion_dirs']
        direction, unit = np.arange(num_dirs), np.arange(par['num_motion_tuned'] // num_fields)
        if par['trial_type'] == 'distractor':
            answer = unit[:, None] % num_dirs == direction
        else:
            angle = 2 * np.pi * (direction / num_dirs - unit[:, None] / len(unit))
            answer = np.exp(par['kappa'] * (np.cos(angle) - 1))
        tuning = np.zeros((num_fields, len(unit), num_fields, num_dirs), np.float32)
        for field in range(num_fields):
            tuning[field, :, field] = par['tuning_height'] * answer
        return tuning.reshape(-1, num_fields, num_dirs)

    @property
    def fix_tuning(self) -> np.ndarray:
        """Answer of the fixation units while they are on: (num_fix_tuned,)."""
        return np.full(par['num_fix_tuned'], par['tuning_height'], np.float32)

    @property
    def rule_tuning(self) -> np.ndarray:
        """Answer of the rule units to each cue: (num_rule_tuned, num_rules).

        Unit n answers only to the cue n mod num_rules.
        """
        unit = np.arange(par['num_rule_tuned'])[:, None]
        height = par['tuning_height'] * par['rule_cue_multiplier']
        answers = unit % par['num_rules'] == np.arange(par['num_rules'])
        return (height * answers).astype(np.float32)

    def generate_trial(self, test_mode: bool = False, set_rule: int | None = None) -> dict:
        """A batch of trials, as a dictionary of arrays.

        neural_input (time, trial, n_input), desired_output (time, trial, n_output) and train_mask
        (time, trial) are float32. The labels are int8 (trial,): sample, test, rule, match, catch
        and probe, and in location_DMS test_location, the receptive field of the test.
        ABBA, ABCA: test and match are (trial, test); num_test_stim and repeat_test_stim are extra.
        dualDMS: labels are (trial, location) for sample and (trial, period) for all others; test
        is (trial, period, 2), at the tested location test_mod and at the other one.
        distractor: sample and distractor, but neither test nor match.
        Labels of a catch trial are drawn as in any trial, though its test is not shown.

        With test_mode, all test directions are uniform and independent of the sample, and match
        follows the rule of the task. `set_rule` fixes the rule of all trials; in dualDMS it stands
        for both cues, as cue 1 + 2 cue 2. Raises ValueError for a rule that the task has not.
        """
        special = {
            'ABBA': self._sequence_trial,
            'ABCA': self._sequence_trial,
            'dualDMS': self._dual_trial,
            'distractor': self._distractor_trial,
        }
        make_trial = special.get(par['trial_type'], self._basic_trial)
        trial_info = make_trial(test_mode, set_rule)
        self._add_noise(trial_info['neural_input'])
        return trial_info

    def _basic_trial(self, test_mode: bool, set_rule: int | None) -> dict:
        """A sample, a delay and a test that matches the sample under the rule, or does not."""
        labels = {
            'rule': self._draw_rule(set_rule, par['num_rules']),
            'sample': self._draw_direction(par['batch_size']),
        }
        test, match = self._draw_test(labels['sample'], labels['rule'], test_mode)
        location = 0
        if par['trial_type'] == 'location_DMS':
            location = labels['test_location'] = self.rng.integers(1, 3, par['batch_size'])
        batch = Batch()
        place(batch.motion, par['sample_time_rng'], self._motion(labels['sample']))
        place(batch.rule, par['rule_time_rng'][0], self.rule_tuning[:, labels['rule']].T)
        period, catch = self._single_test(batch, NON_MATCH + match)
        place(batch.motion, period, self._motion(test, location) * ~catch[:, None])
        return batch.trial_info(**labels, test=test, match=match, catch=catch)

    def _distractor_trial(self, test_mode: bool, set_rule: int | None) -> dict:
        """A sample, a distractor to ignore, and a report of the sample: output 1 + direction."""
        rule = self._draw_rule(set_rule, par['num_rules'])
        sample = self._draw_direction(par['batch_size'])
        distractor = self._draw_direction(par['batch_size'])
        batch = Batch()
        place(batch.motion, par['sample_time_rng'], self._motion(sample))
        place(batch.motion, par['distractor_time_rng'], self._motion(distractor))
        _, catch = self._single_test(batch, 1 + sample)
        return batch.trial_info(sample=sample, distractor=distractor, rule=rule, catch=catch)

    def _sequence_trial(self, test_mode: bool, set_rule: int | None) -> dict:
        """A sample and several tests: does each match the sample?"""
        periods = par['test_time_rng']
        rule = self._draw_rule(set_rule, par['num_rules'])
        sample = self._draw_direction(par['batch_size'])
        catch = self._draw_catch(par['batch_size'])
        test, repeated = self._draw_sequence(sample, len(periods))
        if test_mode:
            test, repeated = self._draw_direction(test.shape), np.zeros_like(repeated)
        match = test == sample[:, None]
        batch = Batch()
        place(batch.motion, par['sample_time_rng'], self._motion(sample))
        weight = np.where(catch, 1, par['test_cost_multiplier'])
        for i, period in enumerate(periods):
            place(batch.motion, period, self._motion(test[:, i]) * ~catch[:, None])
            batch.ask(period, np.where(catch, FIXATE, NON_MATCH + match[:, i]), weight)
        labels = {'sample': sample, 'test': test, 'rule': rule, 'match': match, 'catch': catch}
        num_tests = np.full(par['batch_size'], len(periods))
        return batch.trial_info(**labels, num_test_stim=num_tests, repeat_test_stim=repeated)

    def _dual_trial(self, test_mode: bool, set_rule: int | None) -> dict:
        """Samples at two locations; two cued tests, each about the sample at one location.

        On a catch trial the location that was not cued is tested, and that test is not trained.
        """
        pairs = par['batch_size'], 2
        rule_index = self._draw_rule(set_rule, par['num_rules'] ** 2)
        rule = np.stack([rule_index % 2, rule_index // 2], axis=1)
        catch = self._draw_catch(pairs)
        test_mod = np.where(catch, 1 - rule, rule)
        sample = self._draw_direction(pairs)
        tested_sample = np.take_along_axis(sample, test_mod, axis=1)
        test, match = self._draw_test(tested_sample, 0, test_mode)
        test = np.stack([test, self._draw_direction(pairs)], axis=-1)
        batch = Batch()
        both = self._motion(sample[:, 0], 0) + self._motion(sample[:, 1], 1)
        place(batch.motion, par['sample_time_rng'], both)
        weight = np.where(catch, 0, par['test_cost_multiplier'])
        onset = par['dead_time_rng'].stop
        for i, period in enumerate(par['test_time_rng']):
            tested, other = test_mod[:, i], 1 - test_mod[:, i]
            both = self._motion(test[:, i, 0], tested) + self._motion(test[:, i, 1], other)
            place(batch.motion, period, both)
            place(batch.fix, range(onset, period.start), self.fix_tuning)
            place(batch.rule, par['rule_time_rng'][i], self.rule_tuning[:, rule[:, i]].T)
            batch.ask(period, NON_MATCH + match[:, i], weight[:, i])
            onset = period.stop
        labels = {'sample': sample, 'test': test, 'rule': rule, 'match': match, 'catch': catch}
        return batch.trial_info(**labels, test_mod=test_mod)

    def _single_test(self, batch: Batch, response: np.ndarray) -> tuple[Period, np.ndarray]:
        """Ask for a response (trial,) in the only test, and show fixation before it.

        Returns the period of the test and which trials are catch trials (trial,).
        """
        period, catch = self._draw_test_period()
        weight = np.where(catch, 1, par['test_cost_multiplier'])
        batch.ask(period, np.where(catch, FIXATE, response), weight)
        fixation = Period(0, np.where(catch, par['num_time_steps'], period.start))
        place(batch.fix, fixation, self.fix_tuning)
        return period, catch

    def _motion(self, direction: np.ndarray, field: int | np.ndarray = 0) -> np.ndarray:
        """Input of directions (trial,) in a receptive field: (trial, num_motion_tuned)."""
        return self.motion_tuning[:, field, direction].T

    def _draw_rule(self, set_rule: int | None, num_rules: int) -> np.ndarray:
        if set_rule is None:
            return self.rng.integers(num_rules, size=par['batch_size'])
        if set_rule not in range(num_rules):
            raise ValueError(
                f'set_rule = {set_rule!r} is not allowed: the task {par["trial_type"]} has the '
                f'rules {", ".join(map(str, range(num_rules)))}'
            )
        return np.full(par['batch_size'], set_rule, int)

    def _draw_direction(self, size: int | tuple[int, ...]) -> np.ndarray:
        return self.rng.integers(par['num_motion_dirs'], size=size)

    def _draw_catch(self, size: int | tuple[int, ...]) -> np.ndarray:
        return self.rng.random(size) < par['catch_trial_pct']

    def _draw_allowed(self, allowed: np.ndarray) -> np.ndarray:
        """One of the allowed directions, uniformly: bool (..., direction) to integers (...)."""
        return np.argmax(self.rng.random(allowed.shape) * allowed, axis=-1)

    def _draw_test(self, sample: np.ndarray, rule, test_mode: bool) -> tuple:
        """Test directions and whether they match, both of the shape of `sample`.

        Half of the tests match. Among the directions that do, or do not, each is as likely.
        """
        matches = matching_tests()[rule, sample]  # (..., direction)
        match = self.rng.integers(2, size=sample.shape)
        allowed = matches == match[..., None]
        test = self._draw_direction(sample.shape) if test_mode else self._draw_allowed(allowed)
        return test, np.take_along_axis(matches, test[..., None], axis=-1)[..., 0]

    def _draw_sequence(self, sample: np.ndarray, num_tests: int) -> tuple:
        """Tests (trial, test) of ABBA or ABCA, and whether a non-match was repeated (trial,).

        Each test matches with probability 0.5. Else, in ABBA, it repeats the test before it with
        probability 0.5, also when that one matched. Else it is a direction not shown so far.
        """
        trials = np.arange(len(sample))
        shown = np.eye(par['num_motion_dirs'], dtype=bool)[sample]
        repeated = np.zeros(len(sample), bool)
        tests = []
        for i in range(num_tests):
            match, repeat = self.rng.random((2, len(sample))) < 0.5
            test = self._draw_allowed(~shown)
            if i > 0 and par['trial_type'] == 'ABBA':
                test = np.where(repeat, tests[-1], test)
                repeated |= repeat & ~match & (test != sample)
            tests.append(np.where(match, sample, test))
            shown[trials, tests[-1]] = True
        return np.stack(tests, axis=1), repeated

    def _draw_test_period(self) -> tuple[Period, np.ndarray]:
        """Period of the only test, and which trials (trial,) are catch trials.

        With var_delay the delay is variable_delay_max shorter, plus an exponential time. Where
        this makes it longer than delay_time, the trial is a catch trial.
        """
        test = par['test_time_rng'][0]
        catch = self._draw_catch(par['batch_size'])
        if not par['var_delay']:
            return Period(test.start, test.stop), catch
        longest = par['variable_delay_max']
        lateness = self.rng.exponential(longest / 2, par['batch_size']) - longest
        catch |= lateness > 0
        shift = np.floor(lateness / par['dt']).astype(int)
        # where dt does not divide the times, rounding could move a test into the last stimulus
        shift = np.maximum(shift, -(par['delay_time'] // par['dt']))
        return Period(test.start + np.where(catch, 0, shift), test.stop), catch

    def _add_noise(self, neural_input: np.ndarray) -> None:
        """Add Gaussian noise to the input (time, trial, unit) and rectify it, in place.

        The noise takes nearly all of the time of a batch, hence the threads.
        """
        mean, sd = par['input_mean'], par['noise_in']

        def add_noise(part: np.ndarray, rng: np.random.Generator) -> None:
            part += gaussian(rng, part.shape, sd)
            if mean:
                part += mean
            np.maximum(part, 0, out=part)

        with ThreadPoolExecutor(min(NOISE_PARTS, os.cpu_count() or 1)) as pool:
            # list() waits for all parts and raises what one of them raised
            list(pool.map(add_noise, np.array_split(neural_input, NOISE_PARTS), self._noise_rngs))
