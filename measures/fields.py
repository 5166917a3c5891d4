"""Decoding and tuning of a batch, for every rule of the task and every receptive field.

Axes of the results: R rules, F fields (what "field" means is said at `fields`), D directions,
N units, T time steps. Trials of each rule are measured on their own.
"""

from collections.abc import Callable, Mapping

import numpy as np

from measures import tuning
from measures.decoding import (
    calculate_stability,
    calculate_svms,
    check_conditions,
    decoding_significance,
)
from measures.sampling import SUFFIX
from measures.shuffling import GROUPS, num_rules, rule_index, unit_groups

END_OF_DELAY = 100  # ms
GROUP_REPETITIONS, STABILITY_REPETITIONS = 20, 10  # at most
LABELS = ('sample', 'test', 'match', 'rule')


def fields(trial_info: Mapping, p: Mapping) -> dict[str, list[np.ndarray]]:
    """What can be decoded, and what the units may be tuned to: one label (trial,) per field.

    'sample': the sample direction; in dualDMS a field is a location. 'test' and 'match': of the
    first test; in dualDMS a field is a test period, and the test is the one at the tested location.
    'rule': where there is more than one; in dualDMS a field is a cue.
    """
    info = trial_info
    if p['trial_type'] == 'dualDMS':
        pairs = {name: info[name] for name in ('sample', 'match', 'rule')}
        pairs['test'] = info['test'][..., 0]
        return {name: [pair[:, 0], pair[:, 1]] for name, pair in pairs.items()}
    labels = {'sample': info['sample']}
    for name in ('test', 'match'):
        if name in info:
            labels[name] = info[name] if info[name].ndim == 1 else info[name][:, 0]
    if p['num_rules'] > 1:
        labels['rule'] = info['rule']
    return {name: [label] for name, label in labels.items()}


def possible_labels(p: Mapping) -> list[str]:
    """What `fields` finds in a task."""
    if p['trial_type'] == 'distractor':
        return ['sample']
    several_rules = p['num_rules'] > 1
    return ['sample', 'test', 'match', *['rule'] * several_rules]


def tested_sample(trial_info: Mapping, p: Mapping) -> np.ndarray:
    """Direction (trial,) of the sample that the first test is about."""
    if p['trial_type'] != 'dualDMS':
        return trial_info['sample']
    location = trial_info['test_mod'][:, 0]
    return trial_info['sample'][np.arange(len(location)), location]


def first_test(trial_info: Mapping, p: Mapping) -> np.ndarray:
    """Direction (trial,) of the first test; in dualDMS of the one at the tested location."""
    return fields(trial_info, p)['test'][0]


def absent_measures(p: Mapping) -> list[str]:
    """Which measures that the options ask for have no meaning here, one sentence each."""
    task, possible, sentences = p['trial_type'], possible_labels(p), []
    for name in ('test', 'match', 'rule'):
        if p[f'decode_{name}'] and name not in possible:
            sentences.append(f'{task} has no {name} to decode.')
    for option, words in (
        ('calculate_resp_matrix', 'response matrix'),
        ('suppress_analysis', 'suppression'),
    ):
        if p[option] and 'test' not in possible:
            sentences.append(f'{task} has no {words}: it reports the sample, and matches no test.')
    if p['synapse_config'] is None:
        sentences.append('Synapses without plasticity have no synaptic measures.')
    return sentences


def signals(states, p: Mapping) -> dict[str, np.ndarray]:
    """Activity h and efficacy x u, (time, trial, unit); no efficacy without plasticity."""
    if p['synapse_config'] is None:
        return {'neuronal': states.h}
    return {'neuronal': states.h, 'synaptic': states.syn_x * states.syn_u}


def end_of_delay(p: Mapping) -> slice:
    """The last 100 ms before the first test."""
    onset = p['test_time_rng'][0].start
    return slice(max(0, onset - END_OF_DELAY // p['dt']), onset)


def conditions(label: np.ndarray, what: str, rule: int, p: Mapping) -> np.ndarray:
    """What is decoded: the label, but the sample's category where the rule is about categories."""
    by_category = what == 'sample' and p['rules'][rule % len(p['rules'])][0] == 'category'
    return label >= p['num_motion_dirs'] / 2 if by_category else label


def cases(what: str, trial_info: Mapping, p: Mapping):
    """(trials, condition of these trials, rule, field) to decode, rule by rule."""
    rules = rule_index(trial_info)
    num = 1 if what == 'rule' else num_rules(p)
    every = fields(trial_info, p)[what]
    for rule in range(num):
        trials = np.flatnonzero(rules == rule) if num > 1 else np.arange(len(rules))
        for field, label in enumerate(every):
            yield trials, conditions(label[trials], what, rule, p), rule, field


def check_trials(trial_info: Mapping, p: Mapping, names: list[str]) -> None:
    """Raise ValueError where a condition that is decoded has too few trials."""
    for what in names:
        for _, condition, rule, _ in cases(what, trial_info, p):
            try:
                check_conditions(condition, _possible_conditions(what, condition, p))
            except ValueError as error:
                raise ValueError(
                    f'analysis_trials = {p["analysis_trials"]} is too few to decode the {what} '
                    f'under rule {rule}: {error}'
                ) from error


def _possible_conditions(what: str, condition: np.ndarray, p: Mapping) -> range:
    if what == 'match' or condition.dtype == bool:
        return range(2)
    return range(p['num_rules'] if what == 'rule' else p['num_motion_dirs'])


class Decoder:
    """Decodes labels of one batch, with the options of the analysis in `p`."""

    def __init__(self, states, trial_info, p, seed, jobs: int, progress: Callable):
        self.signals, self.trial_info, self.p = signals(states, p), trial_info, p
        self.seed = seed
        self.options = {
            'normalize': p['svm_normalize'],
            'first_step': p['dead_time_rng'].stop,
            'jobs': jobs,
            'progress': progress,
        }

    def decode(self, what: str) -> dict[str, np.ndarray]:
        """{neuronal,synaptic}_<what>_decoding: (R, F, repetition, T); R is 1 for the rule."""
        found = self._all(calculate_svms, what, self.p['decoding_reps'])
        measures = {f'{name}_{what}_decoding': value for name, value in found.items()}
        if what == 'sample':
            measures |= self._significance(measures)
        return measures

    def decode_groups(self, what: str) -> dict[str, np.ndarray]:
        """{..}_<what>_decoding_group: (4, R, F, repetition, T), from the units of each group."""
        repetitions = min(GROUP_REPETITIONS, self.p['decoding_reps'])
        groups = [unit_groups(self.p)[name] for name in GROUPS[:-1]]
        found = [self._all(calculate_svms, what, repetitions, units=units) for units in groups]
        return {
            f'{name}_{what}_decoding_group': np.stack([group[name] for group in found])
            for name in self.signals
        }

    def decode_stability(self) -> dict[str, np.ndarray]:
        """{..}_sample_decoding_stability: (R, F, repetition, T trained, T tested)."""
        repetitions = min(STABILITY_REPETITIONS, self.p['decoding_reps'])
        found = self._all(calculate_stability, 'sample', repetitions)
        return {f'{name}_sample_decoding_stability': value for name, value in found.items()}

    def _all(self, measure, what: str, repetitions: int, **options) -> dict[str, np.ndarray]:
        """`measure` of all rules and fields, (R, F, ...) for each signal."""
        number = LABELS.index(what)
        num_fields = len(fields(self.trial_info, self.p)[what])
        found = [
            measure(
                {name: _of_trials(signal, trials) for name, signal in self.signals.items()},
                condition,
                repetitions,
                seed=[*self.seed, number, rule, field],
                **self.options,
                **options,
            )
            for trials, condition, rule, field in cases(what, self.trial_info, self.p)
        ]
        return {
            name: np.stack([f[name] for f in found]).reshape(-1, num_fields, *found[0][name].shape)
            for name in self.signals
        }

    def _significance(self, measures: Mapping) -> dict[str, np.ndarray]:
        """{..}_sample_share_above_chance and ..._above_chance (R, F), at the end of the delay."""
        numbers = [len(np.unique(c)) for _, c, _, _ in cases('sample', self.trial_info, self.p)]
        numbers = np.reshape(numbers, (num_rules(self.p), -1))
        result = {}
        for name in self.signals:
            decoded = measures[f'{name}_sample_decoding']
            found = [
                decoding_significance(decoded[i], numbers[i], end_of_delay(self.p))
                for i in np.ndindex(numbers.shape)
            ]
            shares, above = zip(*found, strict=True)
            result[f'{name}_sample_share_above_chance'] = np.reshape(shares, numbers.shape)
            result[f'{name}_sample_above_chance'] = np.reshape(above, numbers.shape)
        return result


def _of_trials(signal: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """These trials of a signal (time, trial, unit); no copy, of 100 MB, where they are all."""
    return signal if len(trials) == signal.shape[1] else signal[:, trials]


def tuning_measures(states, trial_info: Mapping, p: Mapping) -> dict[str, np.ndarray]:
    """Tuning to the sample and the first test (paper, Fig. 3, 5 and 7).

    {neuronal,synaptic}_{pev,pref_dir}[_test] (N, R, F, T), _sample_tuning (N, R, D, F, T),
    _similarity (R, F, T) of the tunings to sample and test, _category_index (N, R, F, T), and
    h_sample_mean (T, N, D) for field 0.
    """
    labels, found = fields(trial_info, p), {}
    by_signal = signals(states, p)
    tuned = {
        what: _tuning_to(by_signal, labels[what], trial_info, p)
        for what in ('sample', 'test')
        if what in labels
    }
    for name in by_signal:
        for what, tunings in tuned.items():
            suffix = '' if what == 'sample' else '_test'
            found[f'{name}_pev{suffix}'] = tunings[name].pev
            found[f'{name}_pref_dir{suffix}'] = tunings[name].pref_dir
        found[f'{name}_sample_tuning'] = tuned['sample'][name].curves
        found[f'{name}_category_index'] = tuning.category_index(
            np.moveaxis(tuned['sample'][name].curves, 2, 1)
        )
        if 'test' in tuned:
            found[f'{name}_similarity'] = _similarity(tuned['sample'][name], tuned['test'][name], p)
    found['h_sample_mean'] = tuning.mean_by_condition(
        states.h, labels['sample'][0], p['num_motion_dirs']
    )
    return found


def _tuning_to(by_signal, labels, trial_info, p) -> dict[str, tuning.Tuning]:
    rules = rule_index(trial_info)
    return tuning.stack_tuning(
        [
            [
                tuning.calculate_tuning(by_signal, label, p['num_motion_dirs'], rules == rule)
                for label in labels
            ]
            for rule in range(num_rules(p))
        ]
    )


def _similarity(sample: tuning.Tuning, test: tuning.Tuning, p: Mapping) -> np.ndarray:
    """Similarity (R, F, T); a test is compared with the sample at the location it is about."""
    rules, num_fields = range(num_rules(p)), test.pev.shape[2]
    return np.array(
        [
            [
                tuning.similarity_index(
                    sample.pev[:, rule, _location(rule, field, p)],
                    sample.pref_dir[:, rule, _location(rule, field, p)],
                    test.pev[:, rule, field],
                    test.pref_dir[:, rule, field],
                )
                for field in range(num_fields)
            ]
            for rule in rules
        ]
    )


def _location(rule: int, test: int, p: Mapping) -> int:
    """Location of the sample that a test is about."""
    return rule // 2**test % 2 if p['trial_type'] == 'dualDMS' else 0


def similarity_under_suppression(found: Mapping, p: Mapping) -> dict[str, np.ndarray]:
    """Similarity of the tunings to sample and first test, with each group silenced (paper, Fig. 5).

    Returns synaptic_similarity_suppression (R, window, group, T), from the tunings in `found`.
    """
    pev, pref_dir = (found[f'synaptic_{name}_test_suppression'] for name in ('pev', 'pref_dir'))
    similarity = np.empty((*pev.shape[:3], pev.shape[-1]))
    for rule, window, group in np.ndindex(similarity.shape[:3]):
        location = _location(rule, 0, p)
        similarity[rule, window, group] = tuning.similarity_index(
            found['synaptic_pev'][:, rule, location],
            found['synaptic_pref_dir'][:, rule, location],
            pev[rule, window, group],
            pref_dir[rule, window, group],
        )
    return {'synaptic_similarity_suppression': similarity}


def manipulation(states, sample: np.ndarray, p: Mapping) -> float:
    """How much the network changes its code of the sample in a DMS trial (paper, Fig. 7)."""
    neuronal, synaptic, sign = _sample_and_delay(states, p)
    return tuning.manipulation(neuronal, synaptic, sample, p['num_motion_dirs'], sign)


def rotation(states, trial_info: Mapping, p: Mapping) -> np.ndarray:
    """By how many degrees each group turns its code of the sample until the delay ends: (R, F, G).

    For a task with rotation (paper, Fig. 4), in its own trials; NaN for a group without tuning.
    """
    neuronal, synaptic, sign = _sample_and_delay(states, p)
    rules, samples = rule_index(trial_info), fields(trial_info, p)['sample']
    groups = list(unit_groups(p).values())
    found = np.empty((num_rules(p), len(samples), len(groups)))
    for rule, field, group in np.ndindex(found.shape):
        of_group = np.ix_(rules == rule, groups[group])
        found[rule, field, group] = tuning.rotation(
            neuronal[of_group],
            synaptic[of_group],
            samples[field][rules == rule],
            p['num_motion_dirs'],
            sign[groups[group]],
        )
    return found


def _sample_and_delay(states, p: Mapping) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean h in the first 100 ms of the sample and x u in the last of the delay, (trial, unit).

    Also the sign (unit,) by which activity changes the efficacy.
    """
    first = slice(p['sample_time_rng'].start, p['sample_time_rng'].start + END_OF_DELAY // p['dt'])
    late = end_of_delay(p)
    groups = unit_groups(p)
    facilitating = groups['exc_fac'] | groups['inh_fac']
    depressing = groups['exc_dep'] | groups['inh_dep']
    return (
        states.h[first].mean(0),
        (states.syn_x[late] * states.syn_u[late]).mean(0),
        facilitating.astype(int) - depressing,
    )


def varying(found: Mapping) -> dict:
    """The measures among these that compare tunings, and vary much between batches of trials."""
    parts = ('_similarity', '_category_index', '_rotation', 'manipulation')
    return {name: v for name, v in found.items() if any(part in name for part in parts)}


def as_probe(found: Mapping) -> dict:
    """The sample decoding and the tuning among these measures, named as those of the DMS probe.

    Manipulation, which is measured in the probe only, keeps its name.
    """
    probed = ('_sample_', '_pev', '_pref_dir', '_similarity', '_category_index', 'h_sample_mean')
    skipped = ('group', 'stability', 'suppression')
    renamed = {}
    for name, value in found.items():
        measure, suffix = name.removesuffix(SUFFIX), SUFFIX * name.endswith(SUFFIX)
        if measure == 'manipulation':
            renamed[name] = value
        elif any(part in measure for part in probed) and not measure.endswith(skipped):
            renamed[f'{measure}_dms{suffix}'] = value
    return renamed
