"""Decoding of the labels of a batch, for every rule of the task and every field.

decoding.py has the method. Trials of each rule are decoded separately; the rule is decoded over all
trials. A field is a sample, or a test or cue where a task has two. In shapes, R is the number of
rules, F that of fields and T that of time steps.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

import tasks
from measures.decoding import (
    calculate_svms,
    check_conditions,
    decoding_significance,
)
from measures.groups import OF_KINDS, unit_groups
from measures.measure import (
    A_MATCH,
    A_TEST,
    INDEPENDENT,
    PROBE,
    SEVERAL_RULES,
    Measure,
    Need,
    measure,
)
from measures.run import Run, decoding_seed, end_of_delay
from tasks.task import DECODABLE
from tasks.trial import in_second_half

GROUP_REPETITIONS, STABILITY_REPETITIONS = 20, 10  # at most
LABELS = (*DECODABLE, 'rule')  # their indices are part of the seeds, see `Decoder.all_cases`
AXES = 'rule, field, repetition, time'
OPTIONS = {label: f'decode_{label}' for label in LABELS[1:]}
OF_GROUPS = 'decode_neuronal_groups'  # the option that asks for decoding from groups


def conditions(label: np.ndarray, what: str, rule: int, p: Mapping) -> np.ndarray:
    """What is decoded: the label, but the sample's category where the rule is about categories."""
    by_category = what == 'sample' and tasks.of(p).by_category(rule, p)
    return in_second_half(label, p['num_motion_dirs']) if by_category else label


def possible_conditions(what: str, rule: int, p: Mapping) -> np.ndarray:
    """The conditions among which a label is decoded under a rule."""
    return np.unique(conditions(np.array(tasks.of(p).values(what, p)), what, rule, p))


def cases(what: str, trial_info: Mapping, p: Mapping) -> Iterator[tuple]:
    """(trials, condition of these trials, rule, field) to decode, rule by rule."""
    task = tasks.of(p)
    rules = task.rule_index(trial_info)
    num = 1 if what == 'rule' else task.num_rule_indices(p)
    every = task.fields(trial_info, p)[what]
    for rule in range(num):
        trials = np.flatnonzero(rules == rule) if num > 1 else np.arange(len(rules))
        for field, label in enumerate(every):
            yield trials, conditions(label[trials], what, rule, p), rule, field


def check_trials(trial_info: Mapping, p: Mapping, names: list[str]) -> None:
    """Raise ValueError where a condition that is decoded has too few trials."""
    for what in names:
        for _, condition, rule, _ in cases(what, trial_info, p):
            try:
                check_conditions(condition, possible_conditions(what, rule, p))
            except ValueError as error:
                raise ValueError(
                    f'analysis_trials = {p["analysis_trials"]} is too few to decode the {what} '
                    f'under rule {rule}: {error}'
                ) from error


def decoded_labels(p: Mapping) -> list[str]:
    """The labels that are decoded: the sample, and what the options ask for and the task has."""
    possible = tasks.of(p).decodable(p)
    return ['sample', *(name for name in LABELS[1:] if p[OPTIONS[name]] and name in possible)]


class Decoder:
    """Decodes labels of one batch, with the options of the analysis in `run.p`."""

    def __init__(self, run: Run):
        self.run, self.p, self.signals = run, run.p, run.signals
        self.options = {
            'normalize': run.p['svm_normalize'],
            'first_step': run.p['dead_time_rng'].stop,
            'jobs': run.jobs,
            'progress': run.progress,
        }

    def decode(self, what: str) -> dict[str, np.ndarray]:
        """{neuronal,synaptic}_<what>_decoding: (R, F, repetition, T); R is 1 for the rule."""
        found = self.all_cases(what, self.p['decoding_reps'])
        return {f'{name}_{what}_decoding': value for name, value in found.items()}

    def decode_groups(self, what: str) -> dict[str, np.ndarray]:
        """{..}_<what>_decoding_group: (4, R, F, repetition, T), from the units of each group."""
        repetitions = min(GROUP_REPETITIONS, self.p['decoding_reps'])
        groups = [unit_groups(self.p)[name] for name in OF_KINDS]
        found = [self.all_cases(what, repetitions, units=u) for u in groups]
        return {
            f'{name}_{what}_decoding_group': np.stack([group[name] for group in found])
            for name in self.signals
        }

    def all_cases(self, what: str, repetitions: int, **options) -> dict:
        """Scores of `calculate_svms` for all rules and fields, (R, F, ...) for each signal."""
        number, num_fields = LABELS.index(what), len(self.run.fields[what])
        found = [
            calculate_svms(
                {name: _of_trials(signal, trials) for name, signal in self.signals.items()},
                condition,
                repetitions,
                seed=[*decoding_seed(self.run), number, rule, field],
                **self.options,
                **options,
            )
            for trials, condition, rule, field in cases(what, self.run.trial_info, self.p)
        ]
        return {
            name: np.stack([f[name] for f in found]).reshape(-1, num_fields, *found[0][name].shape)
            for name in self.signals
        }

    def significance(self, measures: Mapping) -> dict[str, np.ndarray]:
        """{..}_sample_share_above_chance and ..._above_chance (R, F), at the end of the delay."""
        every = cases('sample', self.run.trial_info, self.p)
        numbers = [len(np.unique(condition)) for _, condition, _, _ in every]
        numbers = np.reshape(numbers, (self.run.num_rules, -1))
        result, late = {}, end_of_delay(self.p)
        for name in self.signals:
            found = decoding_significance(measures[f'{name}_sample_decoding'], numbers, late)
            result[f'{name}_sample_share_above_chance'] = found.share
            result[f'{name}_sample_above_chance'] = found.above_chance
        return result


def _of_trials(signal: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """These trials of a signal (time, trial, unit); no copy, of 100 MB, where they are all."""
    return signal if len(trials) == signal.shape[1] else signal[:, trials]


def _num_cases(what: str, p: Mapping) -> int:
    """How many rules and fields `cases` has."""
    task = tasks.of(p)
    return task.num_fields(what) * (1 if what == 'rule' else task.num_rule_indices(p))


def _work(what: str) -> Callable[[Mapping], int]:
    return lambda p: p['decoding_reps'] * _num_cases(what, p)


@measure(
    {
        '{signal}_sample_decoding': AXES,
        '{signal}_sample_share_above_chance': 'rule, field',
        '{signal}_sample_above_chance': 'rule, field',
    },
    title='sample to decode',
    repetitions='decoding_reps',
    trials=(INDEPENDENT, PROBE),
    work=_work('sample'),
)
def sample(run: Run) -> dict:
    """Decoding of the sample direction (in DMC of its category), and whether it is above chance."""
    decoder = Decoder(run)
    found = decoder.decode('sample')
    return found | decoder.significance(found)


def _of_option(what: str, need: Need) -> Callable[[Callable], Measure]:
    """Declare the decoding of a label that an option asks for."""
    return measure(
        {f'{{signal}}_{what}_decoding': AXES},
        title=f'{what} to decode',
        repetitions='decoding_reps',
        options=(OPTIONS[what],),
        needs=(need,),
        work=_work(what),
    )


@_of_option('test', A_TEST)
def test(run: Run) -> dict:
    """Decoding of the direction of the first test."""
    return Decoder(run).decode('test')


@_of_option('match', A_MATCH)
def match(run: Run) -> dict:
    """Decoding of whether the first test matches."""
    return Decoder(run).decode('match')


@_of_option('rule', SEVERAL_RULES)
def rule(run: Run) -> dict:
    """Decoding of the rule over all trials; the rule axis has length 1."""
    return Decoder(run).decode('rule')


def _of_groups(what: str, *needs: Need) -> Callable[[Callable], Measure]:
    """Declare the decoding of a label from each group of units."""

    def work(p: Mapping) -> int:
        repetitions = min(GROUP_REPETITIONS, p['decoding_reps'])
        return len(OF_KINDS) * repetitions * _num_cases(what, p)

    return measure(
        {f'{{signal}}_{what}_decoding_group': f'group, {AXES}'},
        title=f'{what} to decode',
        repetitions='decoding_reps',
        options=(OF_GROUPS, *filter(None, [OPTIONS.get(what)])),
        needs=needs,
        work=work,
    )


@_of_groups('sample')
def sample_from_groups(run: Run) -> dict:
    """Decoding of the sample from the units of each of the four groups, at most 20 times."""
    return Decoder(run).decode_groups('sample')


@_of_groups('test', A_TEST)
def test_from_groups(run: Run) -> dict:
    """Decoding of the test from the units of each group."""
    return Decoder(run).decode_groups('test')


@_of_groups('match', A_MATCH)
def match_from_groups(run: Run) -> dict:
    """Decoding of the match from the units of each group."""
    return Decoder(run).decode_groups('match')


@measure(
    {'{signal}_sample_decoding_stability': 'rule, field, repetition, time trained, time tested'},
    title='cross-temporal decoding',
    repetitions='decoding_reps',
    options=('decode_stability',),
    work=lambda p: min(STABILITY_REPETITIONS, p['decoding_reps']) * _num_cases('sample', p),
)
def stability(run: Run) -> dict:
    """Decoding of the sample at each time with classifiers of any time, at most 10 times."""
    repetitions = min(STABILITY_REPETITIONS, run.p['decoding_reps'])
    found = Decoder(run).all_cases('sample', repetitions, across_time=True)
    return {f'{name}_sample_decoding_stability': value for name, value in found.items()}
