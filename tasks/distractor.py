"""The distractor task: report the direction of the sample after a distractor."""

from collections.abc import Iterator, Mapping

import numpy as np

from tasks.epochs import Epochs, Steps, consecutive, until_sample
from tasks.inputs import one_hot
from tasks.task import Task
from tasks.trial import Batch


class Distractor(Task):
    """A sample, a distractor to ignore, and a report of the sample: output 1 + direction."""

    suggested = {
        'sample_time': 300,
        'delay_time': 800,
        'distractor_time': 300,
        'num_fix_tuned': 4,
        'n_output': 9,
    }
    responses = ('fixate', 'directions')
    labels = ('sample',)
    probe = None
    compared = False

    def epochs(self, steps: Steps) -> Epochs:
        """Fixation, sample, delay, distractor, delay, test."""
        delay = steps['delay_time']
        dead, fix, sample, _, distractor, _, test = consecutive(
            *until_sample(steps), delay, steps['distractor_time'], delay, steps['test_time']
        )
        return Epochs(dead, fix, sample, [test], test.stop, {'distractor': distractor})

    def tuning(self, p: Mapping) -> np.ndarray:
        """Unit n responds to direction n modulo the number of directions only."""
        return one_hot(p)

    def trials(self, batch: Batch) -> Mapping[str, np.ndarray]:
        """Sample and distractor are independent."""
        p, rule = batch.p, batch.draw_rule()
        sample, distractor = batch.draw_direction(), batch.draw_direction()
        batch.show(p['sample_time_rng'], sample)
        batch.show(p['other_time_rng']['distractor'], distractor)
        _, catch = batch.single_test(1 + sample)
        return {'sample': sample, 'distractor': distractor, 'rule': rule, 'catch': catch}

    def needed_times(self) -> list[str]:
        """Settings that must hold at least a time step."""
        return [*super().needed_times(), 'distractor_time']

    def problems(self, s: Mapping) -> Iterator[tuple[bool, str, str]]:
        """Those of every task, and whether each direction has an output and an input."""
        yield from super().problems(s)
        outputs = s['num_motion_dirs'] + 1
        words = f'it must be at least {outputs}, fixate and one per direction'
        yield s['n_output'] < outputs, 'n_output', words
        directions = s['num_motion_dirs']
        words = f'it must be at least {directions}, one per direction'
        yield s['num_motion_tuned'] < directions, 'num_motion_tuned', words
