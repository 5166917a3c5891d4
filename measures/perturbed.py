"""Runs that go on from saved states, after these or the network were changed.

Conditions that are compared share their noise, so that a difference comes from the change alone
(paper, Methods, "Network simulations").
"""

from collections.abc import Mapping

import numpy as np

from measures.accuracy import get_perf
from rnn.state import State


class Perturbed:
    """Runs the same trials under several conditions, from step `onset` to the end of a test."""

    def __init__(self, model, trial_info: Mapping, states: State, trials, onset, test):
        """`states` (time, trial, unit) are those of a run, `trials` indices, `test` a range."""
        self.model, self.onset, self.scored = model, onset, slice(test.start - onset, None)
        steps = slice(onset, test.stop)
        self.inputs = trial_info['neural_input'][steps, trials]
        self.target = trial_info['desired_output'][steps, trials]
        self.mask = trial_info['train_mask'][steps, trials]
        self.start = State(*(part[onset - 1, trials] for part in states))

    def run(self, starts: list[State], key, gain=None, record: str = 'output'):
        """`Model.run_conditions`, with a condition for each of `starts`, (trial, unit) each."""
        stacked = State(*(np.stack(parts) for parts in zip(*starts, strict=True)))
        return self.model.run_conditions(self.inputs, stacked, key, gain, record)

    def performances(self, starts: list[State], key, gain=None) -> np.ndarray:
        """get_perf in the test, (condition, 3)."""
        y = self.run(starts, key, gain)[self.scored]
        target, mask = self.target[self.scored], self.mask[self.scored]
        return np.array([get_perf(target, y[:, i], mask) for i in range(len(starts))])

    def shuffled(self, order, units=slice(None)) -> tuple[State, State]:
        """Two starts: trials exchange the activity of `units`, or their synaptic states."""
        h, x, u = (part.copy() for part in self.start)
        for part in (h, x, u):
            part[:, units] = part[order][:, units]
        return self.start._replace(h=h), self.start._replace(syn_x=x, syn_u=u)


def noise_key(rng: np.random.Generator) -> np.ndarray:
    """A newly drawn key of the recurrent noise."""
    return rng.integers(2**62, size=2)


def unused(seed: np.random.SeedSequence) -> np.random.SeedSequence:
    """A copy of the seed as if nothing had been spawned; spawning from it leaves `seed` alone."""
    return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
