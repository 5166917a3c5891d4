"""Measures of how trained networks hold information: decoding, tuning, shuffles, suppression.

    python analysis.py FILE_OR_FOLDER ... [--set NAME=VALUE]... [--jobs N] [--seed N]
                       [--out FOLDER] [--mat] [--overwrite]

Reloads saved networks, also those of the original code, runs them with noise, and adds the measures
to the file (or writes them to --out). Each is defined where it is computed: decoding.py, tuning.py,
perturbation.py, suppression.py, and measures.py for the axes of rules and fields.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

import results
from measures.decoding import calculate_svms
from measures.tuning import calculate_tuning, input_tuning
from parameters import ANALYSIS, WHOLE_PAR, kept_parameters, par, update_parameters
from rnn.device import available_cores
from stimulus import Stimulus

if __name__ == '__main__':
    # before TensorFlow is imported, which takes seconds: a wrong request is reported immediately
    from commands.analysis import run

    sys.exit(run())

from measures import fields as measures
from measures import sampling
from measures.shuffling import (
    MOST_GROUP_REPETITIONS,
    get_perf,
    num_rules,
    rule_index,
    shuffle_onsets,
    simulate_network,
)
from measures.silencing import (
    calculate_response_matrix,
    silencing_gains,
    suppress_groups,
    tuning_under_suppression,
)
from model import Model, State

__all__ = [
    'analyze_model_from_file',
    'calculate_response_matrix',
    'calculate_svms',
    'calculate_tuning',
    'get_perf',
    'run_model',
    'run_multiple',
    'simulate_network',
]

ROWS_AT_ONCE = 384  # trials times conditions of a part of a run

Progress = Callable[[int], None]


def run_model(
    x, h_init, syn_x_init, syn_u_init, weights: dict, suppress_activity=None, key=None
) -> tuple[np.ndarray, ...]:
    """Run a network with the settings in `par` and these weights, with noise.

    x is (time, trial, input), initial states are (1, unit) or (trial, unit), suppress_activity
    (time, unit) multiplies the activity. Two integers as `key` make the noise the same each time.
    Returns y (time, trial, output) and h, syn_x, syn_u (time, trial, unit).
    """
    key = np.random.default_rng().integers(2**62, size=2) if key is None else key
    model = Model(weights, trials_per_part=ROWS_AT_ONCE)
    return model.run_model(x, h_init, syn_x_init, syn_u_init, key, suppress_activity)


def run_multiple(
    files: list, update_params: Mapping | None = None, **options
) -> dict[Path, dict | Exception]:
    """Analyse files one after the other, each into itself; see `analyze_model_from_file`.

    Returns for each file its results, or the error for which it could not be analysed.
    """
    found = {}
    for filename in map(Path, files):
        try:
            found[filename] = analyze_model_from_file(filename, filename, update_params, **options)
        except (ValueError, OSError) as error:
            found[filename] = error
    return found


def analyze_model_from_file(
    filename,
    savefile=None,
    update_params: Mapping | None = None,
    *,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress = lambda n: None,
) -> dict:
    """Analyse a saved network; return its results with the measures added.

    They are written only to `savefile`, if it is given. `update_params` are parameters that differ
    from the network's, above all the options of the analysis. The same seed gives the same numbers
    on any number of processes (`jobs`). `progress` is called with the amount of work done, in the
    units of `amount_of_work`. `par` is left as it was. Raises results.ResultsError for a file that
    is no network's result, ValueError for options that are not allowed or too few trials.
    """
    saved = results.load_results(filename)
    with kept_parameters():
        set_parameters(saved, update_params)
        model = Model(saved['weights'], trials_per_part=ROWS_AT_ONCE, threads=jobs)
        found = Analysis(model, seed, jobs or available_cores(), progress).everything()
        options = made_with(update_params, seed)
        end = measures.end_of_delay(par)
    earlier = _earlier_analysis(saved).get('measures', [])
    network = {name: value for name, value in saved.items() if name not in earlier}
    about = {'options': options, 'measures': sorted(found), 'end_of_delay': (end.start, end.stop)}
    analyzed = network | found | {'analysis': about}
    if savefile is not None:
        results.save(savefile, analyzed)
    return analyzed


def set_parameters(saved: Mapping, update_params: Mapping | None = None) -> None:
    """Set `par` to analyse a saved network: its settings, fixed delays and no catch trials."""
    missing = sorted(WHOLE_PAR - saved['parameters'].keys())
    if missing:
        raise ValueError(f"'parameters' must be those of a network, but lack {', '.join(missing)}")
    update_parameters(saved['parameters'])
    update_parameters({'var_delay': False, 'catch_trial_pct': 0})
    update_parameters(update_params or {})
    update_parameters({'batch_size': par['analysis_trials']})


def made_with(update_params: Mapping | None, seed: int) -> dict:
    """What decides the numbers of an analysis: options, other changed parameters, and the seed."""
    return {name: par[name] for name in (*ANALYSIS, *(update_params or {}))} | {'seed': seed}


def is_analyzed(saved: Mapping, options: Mapping) -> bool:
    """Whether saved results hold all measures of an analysis that is `made_with` these options."""
    about = _earlier_analysis(saved)
    before = about.get('options', {})
    if before.keys() != options.keys() or not set(about.get('measures', ())) <= saved.keys():
        return False
    # a switch that was on, and is not asked for now, has only added measures
    switches = {name for name in ANALYSIS if isinstance(par[name], bool)} - {'svm_normalize'}
    return all(
        before[name] == value or (name in switches and before[name])
        for name, value in options.items()
    )


def _earlier_analysis(saved: Mapping) -> Mapping:
    about = saved.get('analysis')
    return about if isinstance(about, Mapping) else {}


def amount_of_work(p: Mapping) -> int:
    """What `progress` of an analysis adds up to: repetitions, and runs of the response matrix."""
    possible = measures.possible_labels(p)
    rules, num_fields = num_rules(p), 2 if p['trial_type'] == 'dualDMS' else 1
    decoded = [n for n in ('test', 'match', 'rule') if p[f'decode_{n}'] and n in possible]
    groups = 4 * (1 + len([name for name in decoded if name != 'rule']))
    repetitions = p['decoding_reps'] * (1 + len(decoded) - ('rule' in decoded))
    if p['decode_neuronal_groups']:
        repetitions += groups * min(measures.GROUP_REPETITIONS, p['decoding_reps'])
    if p['decode_stability']:
        repetitions += min(measures.STABILITY_REPETITIONS, p['decoding_reps'])
    work = rules * num_fields * repetitions
    work += num_fields * p['decoding_reps'] * ('rule' in decoded)
    work += p['decoding_reps'] * has_probe(p)
    work += rules * len(shuffle_onsets(p)) * p['simulation_reps']
    if p['analyze_tuning']:
        work += p['tuning_batches'] * (1 + has_probe(p))
    if 'test' in possible and p['calculate_resp_matrix']:
        work += len(silencing_gains(p['n_hidden']))
    return work


def has_probe(p: Mapping) -> bool:
    """Whether a network runs DMS probes: not that of DMS itself, and none with other tuning."""
    return p['trial_type'] not in ('DMS', 'distractor')


class Kind(NamedTuple):
    """Trials in which decoding and tuning are measured: those of the task, or DMS probes."""

    number: int  # of its trials and noise among the ten of a batch, see `_numbers`
    decoding: int  # of what decoding draws
    settings: Mapping  # in which they differ from the task's trials
    p: Mapping  # their parameters


class Analysis:
    """The measures of one network, with the options in its parameters.

    Everything is measured in a first batch of trials; accuracies, and what compares tunings, also
    in others, see sampling.py.
    """

    def __init__(self, model: Model, seed: int, jobs: int, progress: Progress):
        self.model, self.p, self.jobs, self.progress = model, model.par, jobs, progress
        self.seed = seed

    def everything(self) -> dict:
        """All measures that the options ask for and the task gives a meaning to."""
        own, probe = Kind(1, 4, {}, self.p), self._probe()
        # too few trials are told before the work, not in its middle
        measures.check_trials(self._tested(own, 0), self.p, self._decoded())
        if probe:
            measures.check_trials(self._tested(probe, 0), probe.p, ['sample'])
        found = self._accuracies() | self._measures(own, self._decoded())
        if self.p['trial_type'] == 'DMS':
            return found | measures.as_probe(found)
        return found | (measures.as_probe(self._measures(probe, ['sample'])) if probe else {})

    def _run(self, trial_info: Mapping, number: int) -> tuple[np.ndarray, State]:
        y, *states = self.model.run_model(trial_info['neural_input'], key=[self.seed, number])
        return y, State(*states)

    def _seed(self, number: int) -> np.random.SeedSequence:
        return np.random.SeedSequence([self.seed, number])

    def _decoded(self) -> list[str]:
        wanted = ('test', 'match', 'rule')
        possible = measures.possible_labels(self.p)
        return [
            'sample',
            *(name for name in wanted if self.p[f'decode_{name}'] and name in possible),
        ]

    def _accuracies(self) -> dict:
        """Accuracy, shuffles and suppression, in trials as in training."""
        num, repetitions = self.p['tuning_batches'], self.p['simulation_reps']
        some = min(MOST_GROUP_REPETITIONS, repetitions)
        shares = sampling.shares(repetitions, num), sampling.shares(some, num)
        batches = map(self._accuracies_of_batch, _numbers(self.p), *shares)
        accuracies, shuffled = zip(*batches, strict=True)
        return sampling.mean_and_sem(accuracies) | sampling.joined(shuffled)

    def _accuracies_of_batch(self, first: int, repetitions: int, of_groups: int) -> tuple:
        """Accuracies in a batch whose numbers start from `first`, and those after shuffles."""
        trial_info = Stimulus([self.seed, first]).generate_trial()
        y, states = self._run(trial_info, first)
        run, seed = (self.model, trial_info, states), self._seed(first + 2)
        shuffled = simulate_network(*run, repetitions, seed, self.progress, of_groups)
        found = accuracy(trial_info, y, self.p)
        if self.p['suppress_analysis'] and 'test' in measures.possible_labels(self.p):
            found |= suppress_groups(*run, self._seed(first + 3))
        return found, shuffled

    def _tested(self, kind: Kind, first: int) -> dict:
        """Trials whose tests are independent of the sample."""
        with kept_parameters():
            update_parameters(kind.settings)
            return Stimulus([self.seed, first + kind.number]).generate_trial(test_mode=True)

    def _measures(self, kind: Kind, decoded: list[str]) -> dict:
        """Decoding and responses in the first batch, and tuning in all of them."""
        found, batches = {}, []
        for first in _numbers(self.p):
            of_batch = self._measures_of_batch(kind, first, decoded)
            batches.append(measures.varying(of_batch))
            found = found or of_batch
            if not batches[0]:
                break
            self.progress(1)
        return found | sampling.mean_and_sem(batches)

    def _measures_of_batch(self, kind: Kind, first: int, decoded: list[str]) -> dict:
        """Tuning in a batch whose numbers start from `first`; in the first batch all the rest."""
        trial_info = self._tested(kind, first)
        _, states = self._run(trial_info, first + kind.number)
        found = self._tuning(kind, trial_info, states, first)
        if first == 0:
            found |= self._first(kind, trial_info, states, decoded)
        return found

    def _first(self, kind: Kind, trial_info: dict, states: State, decoded: list[str]) -> dict:
        """What is measured in one batch only."""
        p, seed = self.p, [self.seed, kind.decoding]
        decoder = measures.Decoder(states, trial_info, kind.p, seed, self.jobs, self.progress)
        found = {}
        for what in decoded:
            found |= decoder.decode(what)
        if kind.settings:
            return found
        for what in decoded:
            if p['decode_neuronal_groups'] and what != 'rule':
                found |= decoder.decode_groups(what)
        if p['decode_stability']:
            found |= decoder.decode_stability()
        if p['analyze_tuning']:
            w_in = self.model.weights['w_in'].numpy()
            found['input_tuning'] = input_tuning(Stimulus().motion_tuning, w_in)
        if p['calculate_resp_matrix'] and 'test' in measures.possible_labels(p):
            tested = measures.tested_sample(trial_info, p), measures.first_test(trial_info, p)
            run = self.model, trial_info, states
            found |= calculate_response_matrix(*run, *tested, self._seed(5), self.progress)
        return found

    def _tuning(self, kind: Kind, trial_info: dict, states: State, first: int) -> dict:
        """The tuning in a batch whose numbers start from `first`; also with groups suppressed."""
        p, found, plastic = kind.p, {}, self.p['synapse_config'] is not None
        if self.p['analyze_tuning']:
            found |= measures.tuning_measures(states, trial_info, p)
            if plastic and p['trial_type'] == 'DMS':
                found['manipulation'] = measures.manipulation(states, trial_info['sample'], p)
        if kind.settings or not plastic:
            return found
        if p['analyze_tuning']:
            found['synaptic_rotation'] = measures.rotation(states, trial_info, p)
        if p['suppress_analysis'] and 'test' in measures.possible_labels(p):
            run, first_test = (self.model, trial_info, states), measures.first_test(trial_info, p)
            found |= tuning_under_suppression(*run, first_test, self._seed(first + 6))
            if p['analyze_tuning']:
                found |= measures.similarity_under_suppression(found, p)
        return found

    def _probe(self) -> Kind | None:
        """DMS trials for the inputs of this network.

        Sample and test are in receptive field 0, whose inputs come first; all other inputs have
        nothing but noise. None without probes, see `has_probe`.
        """
        p = self.p
        if not has_probe(p):
            return None
        in_field = p['num_motion_tuned'] // p['num_receptive_fields']
        settings = {
            'trial_type': 'DMS',
            'sample_time': 500,
            'delay_time': 1000,
            'num_motion_tuned': in_field,
            'num_fix_tuned': 0,
            'num_rule_tuned': p['n_input'] - in_field,  # DMS cues no rule
        }
        with kept_parameters():
            update_parameters(settings)
            return Kind(7, 8, settings, dict(par))


def _numbers(p: Mapping) -> range:
    """What is drawn in a batch is decided by ten numbers and the seed: the first of each batch."""
    return range(0, 10 * p['tuning_batches'], 10)


def accuracy(trial_info: Mapping, y: np.ndarray, p: Mapping) -> dict:
    """task_accuracy, and task_accuracy_per_rule (rule,)."""
    target, mask, rules = (
        trial_info['desired_output'],
        trial_info['train_mask'],
        rule_index(trial_info),
    )
    per_rule = [
        get_perf(target[:, rules == r], y[:, rules == r], mask[:, rules == r])[0]
        for r in range(num_rules(p))
    ]
    return {
        'task_accuracy': get_perf(target, y, mask)[0],
        'task_accuracy_per_rule': np.array(per_rule),
    }
