"""Shuffles, silencing and suppression: against plain loops, and in networks of known coding."""

import numpy as np
import pytest
from test_analysis import (
    OPTIONS,
    analyze,
    eagerly,  # noqa: F401
    network,
    set_task,
)

from measures.accuracy import get_perf
from measures.shuffling import simulate_network
from measures.silencing import calculate_response_matrix, suppress_groups, tuning_under_suppression
from measures.tuning import calculate_tuning
from model import Model
from parameters import par
from rnn.state import State
from stimulus import Stimulus

TASKS = ('DMS', 'DMS+DMRS', 'ABBA', 'dualDMS')
NOISELESS = {'noise_in_sd': 0, 'noise_rnn_sd': 0}
# what is done to units before a test still matters in it
SLOW = {'membrane_time_constant': 200, 'noise_rnn_sd': 0, 'batch_size': 60, 'tuning_height': 20}


def test_get_perf_equals_a_loop():
    rng = np.random.default_rng(1)
    target = np.eye(3)[rng.integers(3, size=(7, 20))]
    output, mask = rng.normal(size=(7, 20, 3)), rng.integers(3, size=(7, 20)) / 2
    correct = {0: [], 1: [], 2: []}
    for step, trial in np.ndindex(7, 20):
        wanted = target[step, trial].tolist().index(1)
        best = max(range(3), key=lambda i: output[step, trial, i])
        if mask[step, trial] > 0:
            correct[wanted].append(best == wanted)
    expected = np.mean(correct[1] + correct[2]), np.mean(correct[1]), np.mean(correct[2])
    assert get_perf(target, output, mask) == pytest.approx(expected)
    matching = target[..., 2] == 1
    assert np.isnan(get_perf(target, output, mask * matching)[1])
    assert np.isnan(get_perf(target, output, 0 * mask)).all()


# Against loops, without recurrent noise


def scored_test() -> range:
    """The second test, where there is one."""
    return par['test_time_rng'][:2][-1]


class Run:
    """An untrained network whose answers depend on the trial, and a run of it."""

    def __init__(self, task: str, **changes):
        set_task(task, **SLOW | changes)
        self.model, self.trial_info = Model(trials_per_part=64), Stimulus(1).generate_trial()
        weights, rng = self.model.weights, np.random.default_rng(2)
        for name in ('w_rnn', 'w_out'):
            weights[name].assign(rng.random(weights[name].shape))
        y, *states = self.model.run_model(self.trial_info['neural_input'])
        in_test = y[scored_test().start :]
        weights['b_out'].assign([[-999, np.median(in_test[..., 2] - in_test[..., 1]), 0]])
        self.states = State(*states)
        rule = self.trial_info['rule']
        self.rule = rule[:, 0] + 2 * rule[:, 1] if rule.ndim == 2 else rule
        self.arguments = self.model, self.trial_info, self.states

    def again(self, onset: int, trials, order=(None, None, None), units=slice(None), gain=None):
        """Go on from step `onset` with h, x and u of `units` in other orders of the trials."""
        start = [part[onset - 1, trials] for part in self.states]
        for part, permutation in zip(start, order, strict=True):
            if permutation is not None:
                part[:, units] = part[permutation][:, units]
        inputs = self.trial_info['neural_input'][onset:, trials]
        return self.model.run_model(inputs, *start, suppress_activity=gain)

    def performance(self, y, onset: int, trials, test: range) -> tuple:
        target, mask = (
            self.trial_info[name][:, trials] for name in ('desired_output', 'train_mask')
        )
        steps = slice(test.start, test.stop)
        return get_perf(target[steps], y[test.start - onset : test.stop - onset], mask[steps])


def groups() -> list[np.ndarray]:
    """The units of the five groups, for `full` synapses."""
    unit = np.arange(par['n_hidden'])
    excitatory, even = unit < par['num_exc_units'], unit % 2 == 0
    signs, kinds = (excitatory, ~excitatory), (even, ~even)
    return [*(sign & kind for sign in signs for kind in kinds), unit >= 0]


@pytest.mark.parametrize('task', TASKS)
def test_shuffles_equal_a_loop(task):
    run, tests = Run(task), par['test_time_rng']
    found = simulate_network(*run.arguments, 2, np.random.SeedSequence(7))
    onsets = {
        'ABBA': [tests[0].start],
        'dualDMS': [tests[-1].start],
    }.get(task, [par['sample_time_rng'].stop, tests[0].start])
    seeds = iter(np.random.SeedSequence(7).spawn(100))
    distinct = {'neural': set(), 'syn': set()}
    for rule, period in np.ndindex(found['simulation_accuracy'].shape[:2]):
        trials, onset = np.flatnonzero(run.rule == rule), onsets[period]
        rng = np.random.default_rng(next(seeds))

        def accuracy(**options):
            y = run.again(onset, trials, **options)[0]  # noqa: B023
            return run.performance(y, onset, trials, scored_test())[0]  # noqa: B023

        for repetition in range(2):
            here, order = (rule, period, repetition), rng.permutation(len(trials))
            rng.integers(2**62, size=2)  # the key of the noise
            assert found['simulation_accuracy'][here] == pytest.approx(accuracy())
            shuffles = {'neural': (order, None, None), 'syn': (None, order, order)}
            for name, orders in shuffles.items():
                expected = [accuracy(order=orders, units=units) for units in groups()]
                by_group = found[f'accuracy_{name}_shuffled_grp'][rule, period, :, repetition]
                np.testing.assert_allclose(by_group, expected, rtol=1e-6)
                assert found[f'accuracy_{name}_shuffled'][here] == pytest.approx(expected[-1])
                distinct[name] |= set(expected)
    assert all(len(accuracies) > 1 for accuracies in distinct.values())


def windows_and_tests(task: str) -> list[tuple[range, range]]:
    """100 ms before each test; 200 ms before the first of ABBA, whose second is scored.

    Less where the sample ends in them.
    """
    tests = par['test_time_rng']
    if task == 'ABBA':
        start = max(tests[0].start - 4, par['sample_time_rng'].stop)
        return [(range(start, tests[0].start), tests[1])]
    return [(range(test.start - 2, test.start), test) for test in tests]


def gain_of(window: range, units) -> np.ndarray:
    """Gain (time, unit) from the start of the window to the end of the trial."""
    gain = np.ones((par['num_time_steps'] - window.start, par['n_hidden']))
    gain[: len(window), units] = 0
    return gain


@pytest.mark.parametrize('task', TASKS)
def test_suppression_equals_a_loop(task):
    run = Run(task)
    found = suppress_groups(*run.arguments, np.random.SeedSequence(7))
    for rule in range(run.rule.max() + 1):
        trials = np.flatnonzero(run.rule == rule)
        for i, (window, test) in enumerate(windows_and_tests(task)):
            for group, units in enumerate(groups()):
                y = run.again(window.start, trials, gain=gain_of(window, units))[0]
                expected = run.performance(y, window.start, trials, test)
                by_group = found['acc_neuronal_suppression'][rule, i, group]
                np.testing.assert_allclose(by_group, expected, rtol=1e-6)
        test = windows_and_tests(task)[0][1]
        y = run.again(1, trials)[0]
        expected = run.performance(y, 1, trials, test)
        np.testing.assert_allclose(found['accuracy_no_suppression'][rule], expected, rtol=1e-6)
    assert len(np.unique(found['acc_neuronal_suppression'])) > 5


@pytest.mark.parametrize('task', TASKS)
def test_tuning_under_suppression_equals_a_loop(task):
    run, names = Run(task), ('pev', 'pref_dir')
    first_test = run.trial_info['test'].reshape(60, -1)[:, 0]
    found = tuning_under_suppression(*run.arguments, first_test, np.random.SeedSequence(7))
    for i, (window, _) in enumerate(windows_and_tests(task)):
        for group, units in enumerate(groups()):
            efficacy = run.states.syn_x * run.states.syn_u
            gain = gain_of(window, units)
            _, _, x, u = run.again(window.start, np.arange(60), gain=gain)
            efficacy[window.start :] = x * u
            for rule in range(run.rule.max() + 1):
                of_rule = {'efficacy': efficacy[:, run.rule == rule]}
                tuning = calculate_tuning(of_rule, first_test[run.rule == rule], 4)['efficacy']
                for name in names:
                    value = found[f'synaptic_{name}_test_suppression'][rule, i, group]
                    np.testing.assert_allclose(value, getattr(tuning, name), atol=1e-3)


@pytest.mark.parametrize('task', TASKS)
def test_response_matrix_equals_a_loop(task):
    run = Run(task)
    sample, test = (run.trial_info[name].reshape(60, -1)[:, 0] for name in ('sample', 'test'))
    test[sample == 1] = 2  # so that no trial has the other pairs
    found = calculate_response_matrix(*run.arguments, sample, test, np.random.SeedSequence(7))
    period = par['test_time_rng'][0]
    gains = [np.ones(12), *(1 - np.eye(12))]
    responses = [found['resp_no_suppression'], *found['resp_suppression']]
    for gain, response in zip(gains, responses, strict=True):
        every_step = np.tile(gain, (par['num_time_steps'] - period.start, 1))
        _, h, _, _ = run.again(period.start, np.arange(60), gain=every_step)
        activity = h[: len(period)].mean(0)
        for s, t in np.ndindex(4, 4):
            trials = (sample == s) & (test == t)
            expected = activity[trials].mean(0) if trials.any() else np.full(12, np.nan)
            np.testing.assert_allclose(response[:, s, t], expected, rtol=1e-4, atol=1e-6)
    assert np.isnan(found['resp_no_suppression'][:, 1, [0, 1, 3]]).all()


def test_conditions_share_the_noise():
    """Without recurrent connections, nothing that is done to a unit reaches another."""
    run = Run('DMS', batch_size=30)
    run.model.par['noise_rnn'] = 0.5
    run.model.trials_per_part = (
        60  # several parts, whose number differs with that of the conditions
    )
    run.model.weights['w_rnn'].assign(np.zeros((12, 12)))
    sample, test = run.trial_info['sample'], run.trial_info['test']
    found = calculate_response_matrix(*run.arguments, sample, test, np.random.SeedSequence(7))
    plain, silenced = found['resp_no_suppression'], found['resp_suppression']
    for unit in range(12):
        others = np.arange(12) != unit
        np.testing.assert_allclose(silenced[unit, others], plain[others], rtol=1e-6)
        assert np.nanmax(silenced[unit, unit]) == 0
    found = simulate_network(*run.arguments, 2, np.random.SeedSequence(7))
    same = found['accuracy_syn_shuffled'] == found['simulation_accuracy']
    assert same.all()


# Networks of known coding: four memory units, one for each direction, report the sample


DIRECTIONS, FIX_INPUTS = np.arange(4), slice(6, 10)
MEMORY, READOUT, INHIBITORY = np.array([0, 2, 4, 6]), np.array([1, 3, 5, 7]), 10


def made_by_hand(entries: list[tuple], **changes) -> dict:
    """A network whose weights are 0, except for (name, from, to, value)."""
    saved = network('distractor', **NOISELESS, **changes)
    weights = {name: np.zeros_like(array) for name, array in saved['weights'].items()}
    for name, sources, targets, value in entries:
        weights[name][sources, targets] = value
    return saved | {'weights': weights}


def network_with_active_memory(units=READOUT, **changes) -> dict:
    """Units that forget slowly, without recurrent connections."""
    entries = [('w_in', DIRECTIONS, units, 50), ('w_out', units, 1 + DIRECTIONS, 1)]
    return made_by_hand(entries, membrane_time_constant=10_000, **changes)


def network_with_synaptic_memory() -> dict:
    """Units without memory that facilitate, silenced while the fixation inputs are on.

    Once they are off, a bias makes all memory units equally active, and their synapses decide.
    """
    entries = [
        *(('w_in', DIRECTIONS, MEMORY, 30), ('w_in', FIX_INPUTS, INHIBITORY, 1)),
        *(('w_rnn', INHIBITORY, MEMORY, 15), ('b_rnn', 0, MEMORY, 5)),
        *(('w_rnn', MEMORY, READOUT, 1), ('w_out', READOUT, 1 + DIRECTIONS, 1)),
    ]
    times = {'sample_time': 200, 'test_time': 250, 'mask_duration': 100}
    return made_by_hand(entries, membrane_time_constant=50, **times)


@pytest.mark.parametrize(
    ('saved', 'broken', 'kept', 'group'),
    [
        (network_with_active_memory, 'neural', 'syn', 1),
        (network_with_synaptic_memory, 'syn', 'neural', 0),
    ],
)
def test_shuffles_tell_where_the_memory_is(tmp_path, saved, broken, kept, group):
    found = analyze(tmp_path, saved(), OPTIONS)
    assert found['task_accuracy'] == 1
    for name in ('simulation_accuracy', f'accuracy_{kept}_shuffled'):
        np.testing.assert_array_equal(found[name], 1)
    np.testing.assert_array_equal(found[f'accuracy_{kept}_shuffled_grp'], 1)
    shuffled = found[f'accuracy_{broken}_shuffled']
    assert (abs(shuffled - 1 / 4) < 0.15).all()
    expected = np.ones((1, 2, 5, 2))
    expected[:, :, [group, 4]] = shuffled[:, :, np.newaxis]
    np.testing.assert_array_equal(found[f'accuracy_{broken}_shuffled_grp'], expected)


@pytest.mark.parametrize(
    ('saved', 'informed', 'silent', 'groups'),
    [
        # excitatory synapses are static
        (
            lambda: network_with_active_memory(synapse_config='inh_dep'),
            'neuronal',
            'synaptic',
            {3: 1 / 4},
        ),
        (network_with_synaptic_memory, 'synaptic', 'neuronal', {0: 1, 2: 1 / 4, 3: 1 / 4}),
    ],
)
def test_decoding_tells_where_the_memory_is(tmp_path, saved, informed, silent, groups):
    found = analyze(tmp_path, saved(), OPTIONS | {'decode_neuronal_groups': True})
    late = slice(*found['analysis']['end_of_delay'])
    np.testing.assert_array_equal(found[f'{informed}_sample_decoding'][..., late], 1)
    np.testing.assert_array_equal(found[f'{silent}_sample_decoding'][..., late], 1 / 4)
    for group, expected in groups.items():
        decoded = found[f'{informed}_sample_decoding_group'][group][..., late.stop - 1]
        np.testing.assert_array_equal(decoded, expected)
    assert found[f'{informed}_sample_above_chance'].all()
    assert not found[f'{silent}_sample_above_chance'].any()
    memory = MEMORY if informed == 'synaptic' else READOUT
    pref_dir = found[f'{informed}_pref_dir'][memory, 0, 0, late]
    difference = np.angle(np.exp(1j * (pref_dir - np.pi / 2 * DIRECTIONS[:, np.newaxis])))
    assert abs(difference).max() < 0.3


def test_measures_leave_their_seed_as_it_was():
    """Called twice with it, they give the same."""
    run, seed = Run('DMS', noise_rnn_sd=0.5), np.random.SeedSequence(3)
    given = run.model, run.trial_info, run.states
    for found in (
        [simulate_network(*given, 2, seed) for _ in range(2)],
        [suppress_groups(*given, seed) for _ in range(2)],
        [tuning_under_suppression(*given, run.trial_info['test'], seed) for _ in range(2)],
    ):
        for name, value in found[0].items():
            np.testing.assert_array_equal(value, found[1][name], err_msg=name)
