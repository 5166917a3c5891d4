"""What a trained network does when units are silenced: groups before a test, or one unit during it.

A silenced unit's activity is multiplied by 0 after the rectification (paper, Methods).
"""

from collections.abc import Iterator, Mapping

import numpy as np

import tasks
from measures import tuning
from measures.groups import GROUPS, unit_groups
from measures.measure import A_TEST, PLASTICITY, TRAINING, measure
from measures.perturbed import Perturbed, noise_key, unused
from measures.run import Progress, Run, Stream
from measures.task_tuning import similarity
from measures.tuning import calculate_tuning
from rnn.state import State

MOST_CONDITIONS_AT_ONCE = 10  # of the response matrix; more do not fit the cache


def suppress_groups(
    model,
    trial_info: Mapping,
    states: State,
    seed: np.random.SeedSequence,
) -> dict[str, np.ndarray]:
    """Accuracy with each group silenced in a window before a test (paper, Fig. 5).

    `states` (time, trial, unit) are those of a noisy run of `trial_info`. Returns
    acc_neuronal_suppression (rule, window, group, 3) and accuracy_no_suppression (rule, 3), of the
    first window's test, each all, non-match, match; NaN for an empty group. All conditions share
    the noise.
    """
    p, task, seed = model.par, tasks.of(model.par), unused(seed)
    windows, num_rules = task.silencing_windows(p), task.num_rule_indices(p)
    groups = {name: units for name, units in unit_groups(p).items() if units.any()}
    filled = [name in groups for name in GROUPS]
    suppressed = np.full((num_rules, len(windows), len(GROUPS), 3), np.nan)
    unsuppressed = np.full((num_rules, 3), np.nan)
    for rule in range(num_rules):
        trials = np.flatnonzero(task.rule_index(trial_info) == rule)
        for i, (window, test) in enumerate(windows):
            perturbed = Perturbed(model, trial_info, states, trials, window.start, test)
            gain = np.ones((len(perturbed.inputs), 1 + len(groups), p['n_hidden']), np.float32)
            for condition, units in enumerate(groups.values(), start=1):
                gain[: len(window), condition, units] = 0
            key = noise_key(np.random.default_rng(seed.spawn(1)[0]))
            starts = [perturbed.start] * gain.shape[1]
            performances = perturbed.performances(starts, key, gain)
            suppressed[rule, i, filled] = performances[1:]
            if i == 0:
                unsuppressed[rule] = performances[0]
    return {'acc_neuronal_suppression': suppressed, 'accuracy_no_suppression': unsuppressed}


def tuning_under_suppression(
    model,
    trial_info: Mapping,
    states: State,
    first_test: np.ndarray,
    seed: np.random.SeedSequence,
) -> dict[str, np.ndarray]:
    """Synaptic tuning to the first test's direction with each group silenced before the test.

    `first_test` (trial,) holds directions. Returns synaptic_pev_test_suppression and
    synaptic_pref_dir_test_suppression, (rule, window, group, unit, time); NaN for an empty group.
    """
    p, task, seed = model.par, tasks.of(model.par), unused(seed)
    windows, num_rules = task.silencing_windows(p), task.num_rule_indices(p)
    size = num_rules, len(windows), len(GROUPS), p['n_hidden'], p['num_time_steps']
    pev, pref_dir = np.full(size, np.nan, np.float32), np.full(size, np.nan, np.float32)
    rules = [task.rule_index(trial_info) == rule for rule in range(num_rules)]
    for i, (window, _) in enumerate(windows):
        pieces = _efficacies(model, trial_info, states, window, seed)
        for steps, of_groups, efficacy in pieces:
            for rule, trials in enumerate(rules):
                tuned = calculate_tuning(
                    {'synaptic': efficacy}, first_test, p['num_motion_dirs'], trials
                )['synaptic']
                pev[rule, i, of_groups, :, steps] = tuned.pev
                pref_dir[rule, i, of_groups, :, steps] = tuned.pref_dir
    return {
        'synaptic_pev_test_suppression': pev,
        'synaptic_pref_dir_test_suppression': pref_dir,
    }


def _efficacies(model, trial_info, states: State, window: range, seed) -> Iterator[tuple]:
    """(steps, groups, efficacy): until the window for all groups, then with each one silenced."""
    p, members = model.par, unit_groups(model.par)
    groups = [group for group, units in enumerate(members.values()) if units.any()]
    before = slice(0, window.start)
    yield before, groups, states.syn_x[before] * states.syn_u[before]
    end = range(p['num_time_steps'] - 1, p['num_time_steps'])
    everything = np.arange(states.h.shape[1])
    perturbed = Perturbed(model, trial_info, states, everything, window.start, end)
    key = noise_key(np.random.default_rng(seed.spawn(1)[0]))
    for group in groups:
        gain = np.ones((len(perturbed.inputs), 1, p['n_hidden']), np.float32)
        gain[: len(window), :, members[GROUPS[group]]] = 0
        _, _, x, u = perturbed.run([perturbed.start], key, gain, record='all')
        yield slice(window.start, None), [group], x[:, 0] * u[:, 0]


def calculate_response_matrix(
    model,
    trial_info: Mapping,
    states: State,
    sample: np.ndarray,
    test: np.ndarray,
    seed: np.random.SeedSequence,
    progress: Progress = lambda n: None,
) -> dict[str, np.ndarray]:
    """Mean activity in the first test for each pair of sample and test direction.

    sample and test (trial,) are directions. Returns resp_no_suppression (unit, sample, test) and
    resp_suppression (silenced unit, unit, sample, test), in which one unit is silenced from the
    onset of the test on. All share the noise. NaN for a pair that no trial has.
    """
    p = model.par
    period, num_dirs = p['test_time_rng'][0], p['num_motion_dirs']
    average = _averages(sample.astype(int) * num_dirs + test, num_dirs**2)
    everything = np.arange(len(sample))
    perturbed = Perturbed(model, trial_info, states, everything, period.start, period)
    key = noise_key(np.random.default_rng(seed))
    responses = []
    for gain in silencing_gains(p['n_hidden']):
        gain_of_steps = np.broadcast_to(gain, (len(perturbed.inputs), *gain.shape))
        activity = perturbed.run([perturbed.start] * len(gain), key, gain_of_steps, 'activity')
        responses.append((average @ activity).swapaxes(1, 2))  # (condition, unit, pair)
        progress(1)
    responses = np.concatenate(responses).reshape(-1, p['n_hidden'], num_dirs, num_dirs)
    return {
        'resp_no_suppression': responses[0],
        'resp_suppression': responses[1 : 1 + p['n_hidden']],
    }


def silencing_gains(num_units: int) -> np.ndarray:
    """Gains (run, condition, unit) of no unit silenced, then of each unit in turn.

    Further conditions in which no unit is silenced fill up the last run, since runs share their
    noise only if they have equally many conditions.
    """
    num_runs = -(-(1 + num_units) // MOST_CONDITIONS_AT_ONCE)
    gains = np.ones((num_runs, -(-(1 + num_units) // num_runs), num_units), np.float32)
    unit = np.arange(num_units)
    gains.reshape(-1, num_units)[1 + unit, unit] = 0
    return gains


def _averages(condition: np.ndarray, num_conditions: int) -> np.ndarray:
    """Weights (condition, trial) of the mean over each condition's trials; NaN if it has none."""
    belongs = np.eye(num_conditions, dtype=np.float32)[condition].T
    count = belongs.sum(1, keepdims=True)
    return belongs / np.where(count == 0, np.nan, count)


@measure(
    averaged={
        'acc_neuronal_suppression': 'rule, window, group, kind of test',
        'accuracy_no_suppression': 'rule, kind of test',
    },
    title='suppression',
    trials=(TRAINING,),
    options=('suppress_analysis',),
    needs=(A_TEST,),
)
def suppression(run: Run) -> dict:
    """Accuracy with each group silenced before a test (paper, Fig. 5)."""
    seed = run.seed(Stream.SILENCING)
    return suppress_groups(run.model, run.trial_info, run.states, seed)


@measure(
    {
        'synaptic_pev_test_suppression': 'rule, window, group, unit, time',
        'synaptic_pref_dir_test_suppression': 'rule, window, group, unit, time',
    },
    {'synaptic_similarity_suppression': 'rule, window, group, time'},
    title='suppression',
    options=('suppress_analysis',),
    needs=(A_TEST, PLASTICITY),
)
def suppressed_tuning(run: Run) -> dict:
    """Tuning to the first test with each group silenced before, and its similarity to the sample's.

    The similarity is that of the synaptic tunings to sample and first test (paper, Fig. 5).
    """
    first_test = run.fields['test'][0]
    seed = run.seed(Stream.SILENCED_TUNING)
    found = tuning_under_suppression(run.model, run.trial_info, run.states, first_test, seed)
    pev, pref_dir = (found[f'synaptic_{name}_test_suppression'] for name in ('pev', 'pref_dir'))
    similarities = np.empty((*pev.shape[:3], pev.shape[-1]))
    for place in np.ndindex(similarities.shape[:3]):
        silenced = tuning.Tuning(pev[place], pref_dir[place], None)
        similarities[place] = similarity(run, 'synaptic', place[0], 0, silenced)
    return found | {'synaptic_similarity_suppression': similarities}


@measure(
    {
        'resp_no_suppression': 'unit, sample, test',
        'resp_suppression': 'silenced unit, unit, sample, test',
    },
    title='response matrix',
    options=('calculate_resp_matrix',),
    needs=(A_TEST,),
    work=lambda p: len(silencing_gains(p['n_hidden'])),
)
def response_matrix(run: Run) -> dict:
    """Mean activity in the first test by sample and test, also with each unit silenced."""
    sample = run.task.tested_sample(run.trial_info, run.p)
    return calculate_response_matrix(
        run.model,
        run.trial_info,
        run.states,
        sample,
        run.fields['test'][0],
        run.seed(Stream.SILENCED_RESPONSES),
        run.progress,
    )
