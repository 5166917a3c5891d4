"""Tasks with several tests in a row, each compared with the sample: ABBA and ABCA."""

from collections.abc import Iterator, Mapping

import numpy as np

from tasks.epochs import Epochs, Steps, consecutive, until_sample
from tasks.task import Task
from tasks.trial import FIXATE, NON_MATCH, Batch

USUAL_TESTS = 3
WINDOW = 200  # ms before the first test in which units are silenced (paper, Fig. 5)


class SequentialMatch(Task):
    """Which of the tests match the sample?"""

    repeats = False  # whether a non-matching test may be repeated
    suggested = {
        'sample_time': 400,
        'ABBA_delay': 400,
        'delay_time': 2400,
        'catch_trial_pct': 0,
        'tuning_batches': 32,  # similarity varies much between batches where it is near 0
    }

    def epochs(self, steps: Steps) -> Epochs:
        """Fixation, sample, then gaps and tests of ABBA_delay each in turn, and fixation.

        delay_time holds all gaps and tests (three of each by default), test_time the last fixation.
        """
        dead, fix, sample, delay, end = consecutive(
            *until_sample(steps), steps['delay_time'], steps['test_time']
        )
        length = steps['ABBA_delay']
        count = len(delay) // (2 * length)
        onsets = [delay.start + (1 + 2 * k) * length for k in range(count)]
        return Epochs(dead, fix, sample, [range(t, t + length) for t in onsets], end.stop)

    def trials(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """A sample and its tests. Labels: test and match are (trial, test)."""
        p, periods = batch.p, batch.p['test_time_rng']
        rule, sample = batch.draw_rule(), batch.draw_direction()
        catch = batch.draw_catch()
        test, repeated = self._draw_tests(batch, sample, len(periods))
        if batch.test_mode:
            test, repeated = batch.draw_direction(test.shape), np.zeros_like(repeated)
        match = test == sample[:, None]
        batch.show(p['sample_time_rng'], sample)
        weight = np.where(catch, 1, p['test_cost_multiplier'])
        for i, period in enumerate(periods):
            batch.show(period, test[:, i], where=~catch)
            batch.ask(period, np.where(catch, FIXATE, NON_MATCH + match[:, i]), weight)
        labels = {'sample': sample, 'test': test, 'rule': rule, 'match': match, 'catch': catch}
        num_tests = np.full(batch.size, len(periods))
        return labels | {'num_test_stim': num_tests, 'repeat_test_stim': repeated}

    def _draw_tests(self, batch: Batch, sample: np.ndarray, num_tests: int) -> tuple:
        """Tests (trial, test), and whether a non-match was repeated (trial,).

        Each test matches with probability 0.5. Else, with repeats, it repeats the test before it
        with probability 0.5, also when that one matched. Else it is a direction not shown so far.
        """
        trials = np.arange(len(sample))
        shown = np.eye(batch.p['num_motion_dirs'], dtype=bool)[sample]
        repeated = np.zeros(len(sample), bool)
        tests = []
        for i in range(num_tests):
            match, repeat = batch.rng.random((2, len(sample))) < 0.5
            test = batch.draw_allowed(~shown)
            if i > 0 and self.repeats:
                test = np.where(repeat, tests[-1], test)
                repeated |= repeat & ~match & (test != sample)
            tests.append(np.where(match, sample, test))
            shown[trials, tests[-1]] = True
        return np.stack(tests, axis=1), repeated

    def notes(self, p: Mapping) -> list[str]:
        """A sentence if there are more or fewer tests than by default."""
        number = len(p['test_time_rng'])
        words = f'delay_time = {p["delay_time"]} holds {number} gaps and tests of ABBA_delay'
        return [] if number == USUAL_TESTS else [f'{words} = {p["ABBA_delay"]}, not {USUAL_TESTS}.']

    def needed_times(self) -> list[str]:
        """Settings that must hold at least a time step."""
        return [*super().needed_times(), 'ABBA_delay']

    def test_duration(self) -> str:
        """The setting that is the duration of a test."""
        return 'ABBA_delay'

    def can_vary_delay(self, s: Mapping) -> bool:
        """The gaps between tests are fixed."""
        return False

    def problems(self, s: Mapping) -> Iterator[tuple[bool, str, str]]:
        """Those of every task, and whether the tests fit the delay and the directions."""
        yield from super().problems(s)
        least = 2 * (s['ABBA_delay'] // s['dt']) * s['dt']
        yield s['delay_time'] < least, 'delay_time', f'it must hold a gap and a test, {least} ms'
        tests = s['delay_time'] // s['dt'] // (2 * (s['ABBA_delay'] // s['dt']))
        needed = f'it must be more than the {tests} tests, none of which repeats a direction'
        yield s['num_motion_dirs'] <= tests, 'num_motion_dirs', needed

    def accuracy_without_sample(self, p: Mapping) -> float:
        """Best accuracy in test 2 from knowing test 1 and how tests are drawn, but not the sample.

        With repeats the best answer is always match. Without, it is match if test 2 equals test 1,
        in a quarter of the trials, all of which match; of the others two thirds do not match.
        """
        if len(p['test_time_rng']) == 1:
            return super().accuracy_without_sample(p)
        return 5 / 8 if self.repeats else 3 / 4

    def silencing_windows(self, p: Mapping) -> list[tuple[range, range]]:
        """The 200 ms before the first test, and the second test, which is scored."""
        onset = p['test_time_rng'][0].start
        return [(self.wait_before(onset, WINDOW, p), self.scored_test(p))]
