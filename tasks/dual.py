"""dualDMS: two samples at two locations, and two tests, each of the location that a cue names."""

from collections.abc import Mapping

import numpy as np

from tasks.epochs import Epochs, Steps, consecutive, until_sample
from tasks.task import Task
from tasks.trial import NON_MATCH, Batch


class DualMatch(Task):
    """Does each test match the sample at the cued location? A kind of trial is cue 1 + 2 cue 2."""

    num_rules = 2  # a cue names a location, not a rule
    num_receptive_fields = num_samples = catches_per_trial = 2
    suggested = {
        'sample_time': 500,
        'test_time': 500,
        'delay_time': 1000,
        'catch_trial_pct': 0,
        'num_motion_tuned': 48,
        'num_rule_tuned': 6,
    }

    def epochs(self, steps: Steps) -> Epochs:
        """Fixation, samples, and twice a delay with a test."""
        delay_and_test = steps['delay_time'], steps['test_time']
        dead, fix, sample, _, first, _, second = consecutive(
            *until_sample(steps), *delay_and_test, *delay_and_test
        )
        return Epochs(dead, fix, sample, [first, second], second.stop)

    def cues(self, epochs: Epochs, dt: int) -> list[range]:
        """From the middle of each delay to the end of its test."""
        delay_onsets = [epochs.sample.stop, *(test.stop for test in epochs.tests)]
        return [
            range((onset + test.start) // 2, test.stop)
            for onset, test in zip(delay_onsets, epochs.tests, strict=False)
        ]

    def trials(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """Samples (trial, location), tests (trial, period, 2) at the tested location and the other.

        On a catch trial the location that was not cued is tested, and that test is not trained.
        """
        p, pairs = batch.p, (batch.size, 2)
        kind = batch.draw_rule(p['num_rules'] ** 2)
        rule = np.stack([kind % 2, kind // 2], axis=1)
        catch = batch.draw_catch(pairs)
        test_mod = np.where(catch, 1 - rule, rule)
        sample = batch.draw_direction(pairs)
        tested_sample = np.take_along_axis(sample, test_mod, axis=1)
        test, match = batch.draw_test(tested_sample, 0)
        test = np.stack([test, batch.draw_direction(pairs)], axis=-1)
        for location in range(2):
            batch.show(p['sample_time_rng'], sample[:, location], location)
        weight = np.where(catch, 0, p['test_cost_multiplier'])
        onset = p['dead_time_rng'].stop
        for i, period in enumerate(p['test_time_rng']):
            batch.show(period, test[:, i, 0], test_mod[:, i])
            batch.show(period, test[:, i, 1], 1 - test_mod[:, i])
            batch.fixate(range(onset, period.start))
            batch.cue(p['rule_time_rng'][i], rule[:, i])
            batch.ask(period, NON_MATCH + match[:, i], weight[:, i])
            onset = period.stop
        labels = {'sample': sample, 'test': test, 'rule': rule, 'match': match, 'catch': catch}
        return labels | {'test_mod': test_mod}

    def num_rule_indices(self, p: Mapping) -> int:
        """All combinations of the two cues."""
        return p['num_rules'] ** 2

    def rule_index(self, trial_info: Mapping) -> np.ndarray:
        """Cue 1 + 2 cue 2 of each trial (trial,)."""
        rule = np.asarray(trial_info['rule'], int)
        return rule[:, 0] + 2 * rule[:, 1]

    def rule_name(self, rule: int, p: Mapping) -> str:
        """Which samples are tested."""
        return f'tests of sample {1 + rule % 2}, then {1 + rule // 2}'

    def sample_of(self, rule: int, test: int) -> int:
        """The cued location of a test."""
        return rule // 2**test % 2

    def fields(self, trial_info: Mapping, p: Mapping) -> dict[str, list[np.ndarray]]:
        """A field of the sample is a location; one of test, match and rule is a period.

        The test is the one at the tested location.
        """
        pairs = {name: trial_info[name] for name in ('sample', 'match', 'rule')}
        pairs['test'] = trial_info['test'][..., 0]
        return {name: [pair[:, 0], pair[:, 1]] for name, pair in pairs.items()}

    def num_fields(self, label: str) -> int:
        """Two locations, or two periods."""
        return 2

    def shuffle_onsets(self, p: Mapping) -> list[int]:
        """The onset of the second test."""
        return [test.start for test in p['test_time_rng'][1:]]
