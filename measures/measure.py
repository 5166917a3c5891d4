"""What a measure is: declared once, with the names and axes of its results.

    @measure({'h_mean': 'time, unit'}, title='mean activity')
    def mean_activity(run: Run) -> dict:
        return {'h_mean': run.states.h.mean(axis=1)}

All measures that stand in a file of this folder belong to the analysis (docs/extend.md). From the
declarations follow what is measured, the progress bar, what is said to be absent, copies for the
DMS probe, smaller copies of result files, and the table in docs/analysis.md.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import measures
import tasks
from measures.sampling import OF_PROBE, SUFFIX

TRAINING = 'training'  # trials as in training
INDEPENDENT = 'independent'  # trials of the task whose tests are independent of the sample
PROBE = 'probe'  # DMS trials of that kind
SIGNALS = {'neuronal': 'activity h', 'synaptic': 'efficacy x u'}


class Need(NamedTuple):
    """What a measure needs of task and synapses, and what is said where this is missing."""

    is_met: Callable[[Mapping], bool]
    sentence: str  # with {task} and {title}


A_TEST = Need(
    lambda p: 'test' in tasks.of(p).decodable(p),
    '{task} has no {title}: it reports the sample, and matches no test.',
)
A_MATCH = Need(
    lambda p: 'match' in tasks.of(p).decodable(p),
    "{task} has no {title}: its trials have no label 'match'.",
)
SEVERAL_RULES = Need(lambda p: p['num_rules'] > 1, '{task} has no {title}: it has one rule.')
PLASTICITY = Need(
    lambda p: p['synapse_config'] is not None,
    'Synapses without plasticity have no synaptic measures.',
)


def signal_names(p: Mapping) -> list[str]:
    """'neuronal', and 'synaptic' where there is plasticity."""
    return list(SIGNALS) if PLASTICITY.is_met(p) else ['neuronal']


@dataclass(frozen=True, eq=False)
class Measure:
    """One measure; `results` are names and axes (such as 'rule, field, time') of what it returns.

    averaged: the same, for results that are means over batches of trials with a standard error, or
        that are joined over batches where the last axis is 'repetition'. Those in `results` come
        from the first batch.
    trials: the kinds of trials in which it is measured.
    options: settings that must all be True.
    needs: what task and synapses must have.
    work: how often the function calls `run.progress` in all batches, from the parameters.
    degrees: whether averaged results are angles in degrees.
    repetitions: setting that counts how often it is repeated; with 0 it is not measured.
    """

    function: Callable
    results: Mapping[str, str]
    averaged: Mapping[str, str]
    title: str
    trials: tuple[str, ...]
    options: tuple[str, ...]
    needs: tuple[Need, ...]
    work: Callable[[Mapping], int]
    degrees: bool
    repetitions: str | None = None

    def __call__(self, run) -> dict:
        """The results in a batch of trials. Raises TypeError for what is not as declared."""
        found, declared = self.function(run), self.axes
        for name, value in found.items():
            axes = declared.get(name, ('nothing',))
            if name not in declared or np.ndim(value) != len(axes):
                words = f'{self.function.__name__} returns {name} of shape {np.shape(value)}'
                raise TypeError(f'{words}, but declares {", ".join(axes) or "a number"}')
        return found

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        """Axes of all results by name."""
        declared = {**self.results, **self.averaged}
        return {name: tuple(filter(None, axes.split(', '))) for name, axes in declared.items()}

    def is_wanted(self, p: Mapping) -> bool:
        """Whether the options in `p` ask for it and it has a meaning."""
        return self.is_asked_for(p) and all(need.is_met(p) for need in self.needs)

    def is_asked_for(self, p: Mapping) -> bool:
        """Whether the options in `p` ask for it."""
        counted = [self.repetitions] if self.repetitions else []
        return all(p[option] for option in (*self.options, *counted))

    def unmet(self, p: Mapping, *names: str) -> list[str]:
        """Why these of its results, by default all, have no meaning with the parameters `p`."""
        needs = [*self.needs, *[PLASTICITY] * any(map(is_synaptic, names or self.axes))]
        about = {'task': p['trial_type'], 'title': self.title}
        return [need.sentence.format(**about) for need in needs if not need.is_met(p)]

    def absent(self, p: Mapping) -> list[str]:
        """Why it is not measured, or not wholly, though it is asked for."""
        return self.unmet(p) if self.is_asked_for(p) else []


def measure(
    results: Mapping[str, str] | None = None,
    averaged: Mapping[str, str] | None = None,
    *,
    title: str,
    trials: tuple[str, ...] = (INDEPENDENT,),
    options: tuple[str, ...] = (),
    needs: tuple[Need, ...] = (),
    work: Callable[[Mapping], int] = lambda p: 0,
    degrees: bool = False,
    repetitions: str | None = None,
) -> Callable[[Callable], Measure]:
    """Declare a function of a `run.Run` as a measure; see `Measure`.

    '{signal}' in a name stands for neuronal and for synaptic, which is left out without plasticity.
    Raises TypeError for trials of two kinds whose results would have the same names.
    """
    if {TRAINING, INDEPENDENT} <= {*trials}:
        raise TypeError('results in training and in independent trials would have the same names')

    def declare(function: Callable) -> Measure:
        return Measure(
            function,
            _of_signals(results or {}),
            _of_signals(averaged or {}),
            title=title,
            trials=trials,
            options=options,
            needs=needs,
            work=work,
            degrees=degrees,
            repetitions=repetitions,
        )

    return declare


def _of_signals(names: Mapping[str, str]) -> dict[str, str]:
    return {
        name.format(signal=signal): axes
        for name, axes in names.items()
        for signal in (SIGNALS if '{signal}' in name else ('',))
    }


def is_synaptic(name: str) -> bool:
    """Whether a result is about synapses, and absent without plasticity."""
    return name.startswith(('synaptic_', 'accuracy_syn_'))


@functools.cache
def all_measures() -> tuple[Measure, ...]:
    """The measures in all files of this folder."""
    names = [m.name for m in pkgutil.iter_modules(measures.__path__) if m.name != '__main__']
    modules = [importlib.import_module(f'measures.{name}') for name in names]
    found = [v for module in modules for v in vars(module).values() if isinstance(v, Measure)]
    return tuple(dict.fromkeys(found))


def measure_of(result: str) -> Measure | None:
    """The measure that gives a result; None if none does."""
    name = result.removesuffix(SUFFIX).removesuffix(OF_PROBE)
    return next((m for m in all_measures() if name in m.axes), None)
