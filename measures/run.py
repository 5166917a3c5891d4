"""A batch of trials and what a network does in it: what every measure gets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np

import tasks
from measures import sampling
from measures.measure import INDEPENDENT, PROBE, TRAINING, signal_names
from measures.tuning import Tuning, calculate_tuning, stack_tuning
from rnn.state import State

Progress = Callable[[int], object]  # is told of work that was done
END_OF_DELAY = 100  # ms


class Stream(IntEnum):
    """What is drawn at random in a batch, each from a generator of its own."""

    TRAINING_TRIALS, INDEPENDENT_TRIALS, SHUFFLES, SILENCING, DECODING = range(5)
    SILENCED_RESPONSES, SILENCED_TUNING, PROBE_TRIALS, DECODING_OF_PROBE = range(5, 9)


TRIALS = {
    TRAINING: Stream.TRAINING_TRIALS,
    INDEPENDENT: Stream.INDEPENDENT_TRIALS,
    PROBE: Stream.PROBE_TRIALS,
}
DECODING = {INDEPENDENT: Stream.DECODING, PROBE: Stream.DECODING_OF_PROBE}
STREAMS_OF_BATCH = 10  # numbers of streams that are reserved for each batch


def stream_number(batch: int, stream: Stream) -> int:
    """The number that, with the seed of the analysis, seeds the draws of a stream in a batch."""
    return STREAMS_OF_BATCH * batch + stream


@dataclass(frozen=True, eq=False)
class Run:
    """A batch of trials, run with noise.

    model: the network. p: parameters of the trials. trial_info: see `Stimulus.generate_trial`. y:
    outputs (time, trial, output). states: h, syn_x and syn_u (time, trial, unit). kind: of trials.
    batch: number of this batch, of `num_batches`. analysis_seed: from which the draws of measures
    follow. jobs: processes that decode. progress: to be called with the work done.
    """

    model: object
    p: Mapping
    trial_info: Mapping
    y: np.ndarray
    states: State
    kind: str
    batch: int
    num_batches: int
    analysis_seed: int
    jobs: int
    progress: Progress

    @property
    def task(self) -> tasks.Task:
        """The task of the trials."""
        return tasks.of(self.p)

    @property
    def rules(self) -> np.ndarray:
        """Index of each trial's rule, (trial,), see `Task.rule_index`."""
        return self.task.rule_index(self.trial_info)

    @property
    def num_rules(self) -> int:
        """Number of rules that are measured on their own."""
        return self.task.num_rule_indices(self.p)

    @cached_property
    def fields(self) -> dict[str, list[np.ndarray]]:
        """What can be decoded, see `Task.fields`."""
        return self.task.fields(self.trial_info, self.p)

    @cached_property
    def signals(self) -> dict[str, np.ndarray]:
        """Activity h and efficacy x u, (time, trial, unit)."""
        return signals(self.states, self.p)

    @cached_property
    def tunings(self) -> dict[str, dict[str, Tuning]]:
        """Tuning to 'sample' and 'test' by signal; axes are those of `stack_tuning`."""
        labels = {what: self.fields[what] for what in ('sample', 'test') if what in self.fields}
        return {what: self._tuning_to(fields) for what, fields in labels.items()}

    def _tuning_to(self, labels: list[np.ndarray]) -> dict[str, Tuning]:
        return stack_tuning(
            [
                [
                    calculate_tuning(
                        self.signals, label, self.p['num_motion_dirs'], self.rules == rule
                    )
                    for label in labels
                ]
                for rule in range(self.num_rules)
            ]
        )

    def seed(self, stream: Stream | str) -> np.random.SeedSequence:
        """For what a measure draws in this batch: one of the streams, or the measure's own name."""
        if isinstance(stream, str):
            words = [self.batch, *stream.encode()]
        else:
            words = [stream_number(self.batch, stream)]
        return np.random.SeedSequence([self.analysis_seed, *words])

    def share(self, repetitions: int) -> int:
        """How many repetitions of all batches are to be made in this one."""
        return sampling.shares(repetitions, self.num_batches)[self.batch]


def signals(states: State, p: Mapping) -> dict[str, np.ndarray]:
    """Activity h and efficacy x u, (time, trial, unit); no efficacy without plasticity."""
    found = {'neuronal': states.h, 'synaptic': states.syn_x * states.syn_u}
    return {name: found[name] for name in signal_names(p)}


def end_of_wait(step: int, p: Mapping) -> slice:
    """The last 100 ms before a step, less if a sample or test ends in them."""
    steps = tasks.of(p).wait_before(step, END_OF_DELAY, p)
    return slice(steps.start, steps.stop)


def end_of_delay(p: Mapping) -> slice:
    """The last 100 ms before the first test."""
    return end_of_wait(p['test_time_rng'][0].start, p)


def decoding_seed(run: Run) -> Sequence[int]:
    """Seed of the draws of the decoding."""
    return [run.analysis_seed, DECODING[run.kind]]
