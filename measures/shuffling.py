"""Accuracy after shuffling activity or synapses across trials (paper, Fig. 2C and 3H)."""

from collections.abc import Mapping

import numpy as np

import tasks
from measures.groups import GROUPS, unit_groups
from measures.measure import PLASTICITY, TRAINING, measure
from measures.perturbed import Perturbed, noise_key, unused
from measures.run import Progress, Run, Stream
from rnn.state import State

MOST_GROUP_REPETITIONS = 5


def simulate_network(
    model,
    trial_info: Mapping,
    states: State,
    repetitions: int,
    seed: np.random.SeedSequence,
    progress: Progress = lambda n: None,
    group_repetitions: int = MOST_GROUP_REPETITIONS,
) -> dict[str, np.ndarray]:
    """Accuracy after shuffling activity or synapses across the trials of a rule (paper, Fig. 2C).

    `states` (time, trial, unit) are those of a noisy run of `trial_info`. Returns
    simulation_accuracy (unshuffled), accuracy_neural_shuffled and accuracy_syn_shuffled, each
    (rule, period, repetition), and for the last two, ending in _grp, (rule, period, group,
    repetition) with only the units of a group shuffled, in the first `group_repetitions`; NaN for
    an empty group. In a repetition all three conditions share the noise and the permutation. A
    network without plasticity has no synaptic shuffles.
    """
    p, task = model.par, tasks.of(model.par)
    onsets, rules, test = task.shuffle_onsets(p), task.rule_index(trial_info), task.scored_test(p)
    some = min(group_repetitions, repetitions)
    size = task.num_rule_indices(p), len(onsets)
    whole = np.full((*size, 3, repetitions), np.nan)
    grouped = np.full((*size, 2, len(GROUPS), some), np.nan)
    seeds = iter(unused(seed).spawn(size[0] * size[1]))
    for rule, period in np.ndindex(size):
        trials = np.flatnonzero(rules == rule)
        perturbed = Perturbed(model, trial_info, states, trials, onsets[period], test)
        rng = np.random.default_rng(next(seeds))
        for repetition in range(repetitions):
            order, key = rng.permutation(len(trials)), noise_key(rng)
            whole[rule, period, :, repetition] = _shuffle_all(perturbed, order, key)
            if repetition < some:
                grouped[rule, period, :, :, repetition] = _shuffle_groups(perturbed, order, key)
            progress(1)
    measures = {
        'simulation_accuracy': whole[:, :, 0],
        'accuracy_neural_shuffled': whole[:, :, 1],
        'accuracy_neural_shuffled_grp': grouped[:, :, 0],
    }
    if PLASTICITY.is_met(p):
        measures['accuracy_syn_shuffled'] = whole[:, :, 2]
        measures['accuracy_syn_shuffled_grp'] = grouped[:, :, 1]
    return measures


def _shuffle_all(perturbed: Perturbed, order: np.ndarray, key) -> np.ndarray:
    """Accuracy unshuffled, with all activity shuffled, and with all synapses: (3,)."""
    return perturbed.performances([perturbed.start, *perturbed.shuffled(order)], key)[:, 0]


def _shuffle_groups(perturbed: Perturbed, order: np.ndarray, key) -> np.ndarray:
    """Accuracy with the activity, and with the synapses, of one group shuffled: (2, group)."""
    members = list(unit_groups(perturbed.model.par).values())
    filled = [units.any() for units in members]
    pairs = [perturbed.shuffled(order, units) for units in members if units.any()]
    accuracies = np.full((2, len(members)), np.nan)
    performances = perturbed.performances([start for pair in pairs for start in pair], key)
    accuracies[:, filled] = performances[:, 0].reshape(-1, 2).T
    return accuracies


def _repetitions(p: Mapping) -> int:
    task = tasks.of(p)
    return task.num_rule_indices(p) * len(task.shuffle_onsets(p)) * p['simulation_reps']


@measure(
    averaged={
        'simulation_accuracy': 'rule, period, repetition',
        'accuracy_neural_shuffled': 'rule, period, repetition',
        'accuracy_syn_shuffled': 'rule, period, repetition',
        'accuracy_neural_shuffled_grp': 'rule, period, group, repetition',
        'accuracy_syn_shuffled_grp': 'rule, period, group, repetition',
    },
    title='shuffles',
    trials=(TRAINING,),
    repetitions='simulation_reps',
    work=_repetitions,
)
def shuffles(run: Run) -> dict:
    """Accuracy after shuffling activity or synapses across trials (paper, Fig. 2C and 3H).

    Those of a single group are shuffled 5 times at most, as in the original code.
    """
    repetitions = run.p['simulation_reps']
    return simulate_network(
        run.model,
        run.trial_info,
        run.states,
        run.share(repetitions),
        run.seed(Stream.SHUFFLES),
        run.progress,
        run.share(min(MOST_GROUP_REPETITIONS, repetitions)),
    )
