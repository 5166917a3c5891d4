"""What a measure is: declared once, with the names and axes of its results.

    @measure({'h_mean': 'time, unit'}, title='mean activity')
    def mean_activity(run: Run) -> dict:
        return {'h_mean': run.states.h.mean(axis=1)}

All measures that stand in a file of this folder belong to the analysis (docs/extend.md). From the
declarations follow what is measured, the progress bar, what is said to be absent, copies for the
DMS probe, smaller copies of result files, and the table in docs/analysis.md.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import measures
import tasks
from measures.sampling import OF_PROBE, SUFFIX
from results import KEYS
from settings.analysis import ANALYSIS
from system.errors import in_words, modules_in

TRAINING = 'training'  # trials as in training
INDEPENDENT = 'independent'  # trials of the task whose tests are independent of the sample
PROBE = 'probe'  # DMS trials of that kind
KINDS = TRAINING, INDEPENDENT, PROBE
SIGNALS = {'neuronal': 'activity h', 'synaptic': 'efficacy x u'}


class MeasureError(ValueError):
    """A measure is declared wrongly, fails, or returns what it does not declare."""


class Need(NamedTuple):
    """What a measure needs of task and synapses, and what is said where this is missing."""

    is_met: Callable[[Mapping], bool]
    sentence: str  # with {task} and {title}


A_TEST = Need(
    lambda p: 'test' in tasks.of(p).decodable(p),
    "{task} has no {title}: its trials have no label 'test'.",
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
    options: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    work: Callable[[Mapping], int] = lambda p: 0
    degrees: bool = False
    repetitions: str | None = None

    def __call__(self, run) -> dict:
        """The results in a batch of trials. Raises MeasureError, which names the measure."""
        try:
            found = self.function(run)
            if not isinstance(found, Mapping):
                raise ValueError(f'returns {type(found).__name__}, not a dictionary of results')
            self._require_declared(found, run.p)
        except (OSError, MemoryError):
            raise
        except ValueError as error:
            raise MeasureError(f'{self.name}: {error}') from error
        except Exception as error:
            raise MeasureError(f'{self.name}: {in_words(error)}') from error
        return found

    def _require_declared(self, found: Mapping, p: Mapping) -> None:
        sizes = {'time': p['num_time_steps'], 'unit': p['n_hidden']}
        for name, value in found.items():
            axes, shape = self.axes.get(name, ('nothing',)), np.shape(value)
            fits = len(shape) == len(axes) and all(
                sizes.get(axis, size) == size for axis, size in zip(axes, shape, strict=True)
            )
            if name not in self.axes or not fits:
                words = f'returns {name} of shape {shape}'
                raise ValueError(f'{words}, but declares {", ".join(axes) or "a number"}')

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.function.__name__

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        """Axes of all results by name."""
        declared = {**self.results, **self.averaged}
        return {name: tuple(filter(None, axes.split(', '))) for name, axes in declared.items()}

    def saved_names(self) -> list[str]:
        """All names under which results are saved: with errors, and of the DMS probe."""
        endings = ['', OF_PROBE] if PROBE in self.trials else ['']
        names = [name + ending for ending in endings for name in self.axes]
        return names + [name + end + SUFFIX for end in endings for name in self.averaged]

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
    trials: tuple[str, ...] = (INDEPENDENT,),
    **about,
) -> Callable[[Callable], Measure]:
    """Declare a function of a `run.Run` as a measure; `about`: see `Measure`.

    '{signal}' in a name stands for neuronal and for synaptic, which is left out without plasticity.
    Raises MeasureError for unknown kinds of trials, and for two whose results would have the same
    names.
    """
    if isinstance(trials, str) or not {*trials} <= {*KINDS}:
        raise MeasureError(f'trials = {trials!r} must be a tuple of some of {KINDS}')
    if {TRAINING, INDEPENDENT} <= {*trials}:
        raise MeasureError(
            'results in training and in independent trials would have the same names'
        )

    names = _of_signals(results or {}), _of_signals(averaged or {})
    return lambda function: Measure(function, *names, trials=trials, **about)


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
    """The measures in all files of this folder.

    Raises MeasureError for a file that fails, a name that is taken, and an option that is not
    declared.
    """
    modules = modules_in(measures, MeasureError, without='__main__')
    found = [v for module in modules for v in vars(module).values() if isinstance(v, Measure)]
    found = tuple(dict.fromkeys(found))
    _require_own_names(found)
    return found


def _require_own_names(found: Iterable[Measure]) -> None:
    """Raise MeasureError if results would replace each other, or something else in their file."""
    taken = dict.fromkeys(KEYS, 'the file of a network itself has')
    for name, count in Counter(m.name for m in found).items():
        if count > 1:
            raise MeasureError(f'there are {count} measures that are called {name}')
    for m in found:
        for option in {*m.options, *filter(None, [m.repetitions])} - ANALYSIS.keys():
            raise MeasureError(f'{m.name}: the option {option} is not in settings/analysis.py')
        for name in m.saved_names():
            if name in taken:
                raise MeasureError(f'{m.name}: {taken[name]} a result that is called {name}')
            taken[name] = f'the measure {m.name} has'


def measure_of(result: str) -> Measure | None:
    """The measure that gives a result; None if none does."""
    name = result.removesuffix(SUFFIX).removesuffix(OF_PROBE)
    return next((m for m in all_measures() if name in m.axes), None)
