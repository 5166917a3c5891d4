"""How a trained network holds information: what breaks when it is shuffled, silenced or suppressed.

All runs start from states that were saved in a normal run, go on with fresh noise, and share this
noise between the conditions that are compared (paper, Methods, "Network simulations").
"""

from collections.abc import Callable, Mapping

import numpy as np

from model import Model, State
from rnn.initial_values import synapse_kinds
from stimulus import FIXATE, MATCH, NON_MATCH

GROUPS = ('exc_fac', 'exc_dep', 'inh_fac', 'inh_dep', 'all')
MOST_GROUP_REPETITIONS = 5

Progress = Callable[[int], None]


def get_perf(target, output, mask) -> tuple[float, float, float]:
    """Accuracy over all test time points, over those of non-matching, and of matching tests.

    target and output (logits) are (time, trial, output), mask (time, trial). A time point counts
    where the target is not 'fixate' and the mask is above 0; it is correct where the largest output
    is that of the target. NaN where no time point counts.
    """
    wanted, given = np.argmax(target, -1), np.argmax(output, -1)
    scored = (wanted != FIXATE) & (np.asarray(mask) > 0)
    parts = scored, scored & (wanted == NON_MATCH), scored & (wanted == MATCH)
    return tuple(
        float(np.mean(wanted[part] == given[part])) if part.any() else np.nan for part in parts
    )


def unit_groups(p: Mapping) -> dict[str, np.ndarray]:
    """Which units (unit,) belong to each of GROUPS, by sign and synapse; a group may be empty."""
    kind, excitatory = synapse_kinds(p['synapse_config'], p['EI_list']), p['EI_list'] > 0
    facilitating, depressing = kind == 'facilitating', kind == 'depressing'
    members = (
        excitatory & facilitating,
        excitatory & depressing,
        ~excitatory & facilitating,
        ~excitatory & depressing,
        np.ones(p['n_hidden'], bool),
    )
    return dict(zip(GROUPS, members, strict=True))


def rule_index(trial_info: Mapping) -> np.ndarray:
    """Rule of each trial (trial,); in dualDMS rule of test 1 + 2 rule of test 2."""
    rule = np.asarray(trial_info['rule'], int)
    return rule if rule.ndim == 1 else rule[:, 0] + 2 * rule[:, 1]


def num_rules(p: Mapping) -> int:
    """Number of rule indices of a task."""
    return p['num_rules'] ** 2 if p['trial_type'] == 'dualDMS' else p['num_rules']


def shuffle_onsets(p: Mapping) -> list[int]:
    """Steps at which states are shuffled: sample offset and test onset, or a test's onset alone."""
    tests = [test.start for test in p['test_time_rng']]
    if p['trial_type'] == 'dualDMS':
        return tests[1:]
    return tests[:1] if len(tests) > 1 else [p['sample_time_rng'].stop, tests[0]]


def scored_test(p: Mapping) -> range:
    """The test whose accuracy is measured after a perturbation: the second, where there is one."""
    return p['test_time_rng'][:2][-1]


class Perturbed:
    """Runs the same trials under several conditions, from step `onset` to the end of a test."""

    def __init__(self, model: Model, trial_info: Mapping, states: State, trials, onset, test):
        """`states` (time, trial, unit) are those of a run, `trials` indices, `test` a range."""
        self.model, self.onset, self.scored = model, onset, slice(test.start - onset, None)
        steps = slice(onset, test.stop)
        self.inputs = trial_info['neural_input'][steps, trials]
        self.target = trial_info['desired_output'][steps, trials]
        self.mask = trial_info['train_mask'][steps, trials]
        self.start = State(*(part[onset - 1, trials] for part in states))

    def run(self, starts: list[State], key, gain=None, record: str = 'output'):
        """See `Model.run_conditions`; a condition for each of `starts`, (trial, unit) each."""
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


def simulate_network(
    model: Model,
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
    p, onsets = model.par, shuffle_onsets(model.par)
    some = min(group_repetitions, repetitions)
    size = num_rules(p), len(onsets)
    whole = np.full((*size, 3, repetitions), np.nan)
    grouped = np.full((*size, 2, len(GROUPS), some), np.nan)
    seeds = iter(seed.spawn(size[0] * size[1]))
    for rule, period in np.ndindex(size):
        trials = np.flatnonzero(rule_index(trial_info) == rule)
        perturbed = Perturbed(model, trial_info, states, trials, onsets[period], scored_test(p))
        rng = np.random.default_rng(next(seeds))
        for repetition in range(repetitions):
            order, key = rng.permutation(len(trials)), noise_key(rng)
            starts = [perturbed.start, *perturbed.shuffled(order)]
            whole[rule, period, :, repetition] = perturbed.performances(starts, key)[:, 0]
            if repetition < some:
                accuracies = _shuffle_groups(perturbed, order, key)
                grouped[rule, period, :, :, repetition] = accuracies
            progress(1)
    measures = {
        'simulation_accuracy': whole[:, :, 0],
        'accuracy_neural_shuffled': whole[:, :, 1],
        'accuracy_neural_shuffled_grp': grouped[:, :, 0],
    }
    if p['synapse_config'] is not None:
        measures['accuracy_syn_shuffled'] = whole[:, :, 2]
        measures['accuracy_syn_shuffled_grp'] = grouped[:, :, 1]
    return measures


def _shuffle_groups(perturbed: Perturbed, order: np.ndarray, key) -> np.ndarray:
    """Accuracy with the activity, and with the synapses, of one group shuffled: (2, group)."""
    members = list(unit_groups(perturbed.model.par).values())
    filled = [units.any() for units in members]
    pairs = [perturbed.shuffled(order, units) for units in members if units.any()]
    accuracies = np.full((2, len(members)), np.nan)
    performances = perturbed.performances([start for pair in pairs for start in pair], key)
    accuracies[:, filled] = performances[:, 0].reshape(-1, 2).T
    return accuracies


def noise_key(rng: np.random.Generator) -> np.ndarray:
    """A newly drawn key of the recurrent noise."""
    return rng.integers(2**62, size=2)
