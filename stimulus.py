"""Trials of all tasks: noisy input, target output and training mask of a batch (paper, Methods).

    from stimulus import Stimulus
    trial_info = Stimulus(seed=1).generate_trial()

The task (tasks/) draws the labels of all trials at once and places stimuli, cues and targets in
time; here noise is added to its input.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import numpy as np

import tasks
from parameters import par
from rnn.device import available_cores
from tasks import inputs
from tasks.trial import Batch

# Parts of the trial whose noise is drawn from a generator each. The number is fixed, so that the
# same seed gives the same noise on any number of cores, and such that a part fits the cache.
NOISE_PARTS = 64
NOISE_AT_ONCE = 2**17  # numbers
NOISE_BLOCKS_ALONE = 8  # so few that threads would take longer to start


def gaussian(
    sources: Sequence[np.random.BitGenerator], shape: tuple[int, ...], sd: float
) -> np.ndarray:
    """Normal numbers with mean 0, float32, by the method of Box and Muller: (source, *shape).

    Generator.standard_normal goes number by number, and takes nearly three times as long.
    """
    size = math.prod(shape)
    half = (size + 1) // 2
    bits = np.stack([source.random_raw(half) for source in sources]).view(np.uint32)
    bits >>= 8  # 24 bits are what float32 holds
    uniform = bits.astype(np.float32)
    uniform += 1
    uniform *= 2**-24  # in (0, 1]
    radius, angle = uniform.reshape(len(sources), 2, half).swapaxes(0, 1)
    np.log(radius, out=radius)
    radius *= -2
    np.sqrt(radius, out=radius)
    radius *= sd
    angle *= 2 * np.pi
    normal = np.empty((len(sources), 2, half), np.float32)
    np.multiply(radius, np.cos(angle), out=normal[:, 0])
    np.multiply(radius, np.sin(angle), out=normal[:, 1])
    return normal.reshape(len(sources), 2 * half)[:, :size].reshape(len(sources), *shape)


class Stimulus:
    """Draws batches of trials of the task in `p`, by default in `par` as it now is.

    `seed` is anything that numpy's SeedSequence takes, such as an integer or [seed, iteration];
    None means that in `p`. The same seed gives the same sequence of batches, whatever the number of
    `threads` that draw the noise (by default one for each core).
    """

    def __init__(self, seed=None, p: Mapping | None = None, threads: int | None = None):
        self.p = dict(par if p is None else p)
        self.threads = threads
        self.task = tasks.of(self.p)
        self.rng = np.random.Generator(np.random.SFC64(self.p['seed'] if seed is None else seed))
        seeds = self.rng.bit_generator.seed_seq.spawn(NOISE_PARTS)
        self._noise_bits = [np.random.SFC64(seed) for seed in seeds]

    @property
    def motion_tuning(self) -> np.ndarray:
        """Response of the direction units: (num_motion_tuned, receptive field, direction)."""
        return inputs.motion_tuning(self.task, self.p)

    @property
    def fix_tuning(self) -> np.ndarray:
        """Response of the fixation units while they are on: (num_fix_tuned,)."""
        return inputs.fix_tuning(self.p)

    @property
    def rule_tuning(self) -> np.ndarray:
        """Response of the rule units to each cue: (num_rule_tuned, num_rules)."""
        return inputs.rule_tuning(self.p)

    def generate_trial(self, test_mode: bool = False, set_rule: int | None = None) -> dict:
        """A batch of trials, as a dictionary of arrays.

        neural_input (time, trial, n_input), desired_output (time, trial, n_output) and train_mask
        (time, trial) are float32. The labels are int8 (trial,): sample, test, rule, match, catch
        and probe, and in location_DMS test_location, the receptive field of the test.
        ABBA, ABCA: test and match are (trial, test); num_test_stim and repeat_test_stim are extra.
        dualDMS: labels are (trial, location) for sample and (trial, period) for all others; test
        is (trial, period, 2), at the tested location test_mod and at the other one.
        distractor: sample and distractor, but neither test nor match.
        Labels of a catch trial are drawn as in any trial, though its test is not shown; in dualDMS
        it is shown at the location that is not cued, and not trained.

        With test_mode, all test directions are uniform and independent of the sample, and match
        follows the rule of the task. `set_rule` fixes the rule of all trials; in dualDMS it stands
        for both cues, as cue 1 + 2 cue 2. Raises ValueError for a rule that the task does not have.
        """
        trial_info = self.without_noise(test_mode, set_rule)
        self.add_noise(trial_info['neural_input'])
        return trial_info

    def without_noise(self, test_mode: bool = False, set_rule: int | None = None) -> dict:
        """The batch of `generate_trial` without its noise, which takes most of the time."""
        batch = Batch(self.task, self.p, self.rng, test_mode, set_rule)
        with tasks.blamed(self.p['trial_type'], ValueError):
            return batch.trial_info(self.task.trials(batch))

    def add_noise(self, neural_input: np.ndarray) -> None:
        """Add Gaussian noise to the input (time, trial, unit) and rectify it, in place.

        The noise takes nearly all of the time of a batch, hence the threads, and the small parts
        of small batches are taken together.
        """
        mean, sd = self.p['input_mean'], self.p['noise_in']

        def add(sources: list, shape: tuple[int, ...], block: np.ndarray) -> None:
            block += gaussian(sources, shape, sd).reshape(block.shape)
            if mean:
                block += mean
            np.maximum(block, 0, out=block)

        jobs = list(self._blocks(neural_input))
        if len(jobs) <= NOISE_BLOCKS_ALONE:
            for job in jobs:
                add(*job)
            return
        with ThreadPoolExecutor(min(NOISE_PARTS, self.threads or available_cores())) as pool:
            # list() waits for all parts and raises what one of them raised
            list(pool.map(add, *zip(*jobs, strict=True)))

    def _blocks(self, neural_input: np.ndarray) -> Iterator[tuple]:
        """(sources of bits, shape of a part, array): parts alike, as many as fit the cache."""
        parts, start = np.array_split(neural_input, NOISE_PARTS), 0
        for _, alike in groupby(zip(parts, self._noise_bits, strict=True), lambda p: len(p[0])):
            parts_alike, sources = zip(*alike, strict=True)
            shape = parts_alike[0].shape
            at_once = max(1, NOISE_AT_ONCE // max(1, math.prod(shape)))
            for i in range(0, len(sources), at_once):
                few = sources[i : i + at_once]
                stop = start + len(few) * shape[0]
                yield few, shape, neural_input[start:stop]
                start = stop
