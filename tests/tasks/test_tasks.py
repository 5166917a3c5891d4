"""Every task against a plain loop over trials and steps, written from the paper's description.

The loop takes the labels of a batch and the settings in ms, and rebuilds its arrays.
"""

from math import cos, exp, pi
from typing import NamedTuple

import numpy as np
import pytest

from parameters import par, parameters_with, update_parameters
from stimulus import Stimulus
from tasks import find
from tasks.match import DelayedMatch

MIXED = ['DMS+DMRS', 'DMS+DMRS_early_cue', 'DMS+DMRS_full_cue', 'DMS+DMC', 'DMS+DMRS+DMC']
ROTATIONS = {'DMRS45': 45, 'DMRS90': 90, 'DMRS90ccw': -90, 'DMRS180': 180}
BASIC = ['DMS', *ROTATIONS, 'DMC', *MIXED, 'location_DMS']
ONE_TEST = [*BASIC, 'distractor']
TASKS = [*ONE_TEST, 'ABBA', 'ABCA', 'dualDMS']

FINE = {
    'dead_time': 100,
    'catch_trial_pct': 0.4,
    'num_fix_tuned': 3,
    'num_rule_tuned': 7,
    'test_cost_multiplier': 2.5,
    'rule_cue_multiplier': 3,
}
COARSE = {
    'dt': 20,
    'dead_time': 50,
    'mask_duration': 70,
    'catch_trial_pct': 0.2,
    'num_fix_tuned': 1,
    'test_cost_multiplier': 0.5,
    'num_motion_dirs': 16,
    'n_output': 17,
    'tuning_height': 3,
    'kappa': 1.5,
}
SETTINGS = [{}, FINE, COARSE]


class Moment(NamedTuple):
    """What one step of one trial holds."""

    shown: list  # pairs (receptive field, direction)
    fixating: bool = False
    cue: int | None = None
    response: int = 0
    weight: float = 1


def batch_of(task, settings, test_mode=False, set_rule=None):
    update_parameters({'batch_size': 10, 'n_hidden': 4, 'noise_in_sd': 0, 'trial_type': task})
    update_parameters(settings)
    return Stimulus([7, 1]).generate_trial(test_mode, set_rule)


def steps(ms):
    return ms // par['dt']


def sample_onset():
    return steps(par['dead_time']) + steps(par['fix_time'])


def sample_offset():
    return sample_onset() + steps(par['sample_time'])


def weight_in_test(steps_since_onset):
    return 0 if steps_since_onset < steps(par['mask_duration']) else par['test_cost_multiplier']


def delay_end():
    """The nominal onset of the only test."""
    if par['trial_type'] == 'distractor':
        return sample_offset() + steps(par['distractor_time']) + 2 * steps(par['delay_time'])
    return sample_offset() + steps(par['delay_time'])


def onset_of_test(info, b):
    """Onset of the only test. A drawn delay shows in the first masked step after the dead time."""
    if not par['var_delay'] or info['catch'][b]:
        return delay_end()
    dead = steps(par['dead_time'])
    return dead + int(np.argmax(info['train_mask'][dead:, b] == 0))


def cue_is_on(t):
    offset = sample_offset()
    return {
        'DMS+DMRS': offset + steps(500) <= t < offset + steps(750),
        'DMS+DMRS_early_cue': steps(par['dead_time']) <= t < sample_onset(),
    }.get(par['trial_type'], t >= steps(par['dead_time']))


def one_test(info, b, t):
    task = par['trial_type']
    onset, catch = onset_of_test(info, b), info['catch'][b]
    testing = t >= onset
    shown = [(0, info['sample'][b])] if sample_onset() <= t < sample_offset() else []
    if task == 'distractor':
        distractor_onset = sample_offset() + steps(par['delay_time'])
        if distractor_onset <= t < distractor_onset + steps(par['distractor_time']):
            shown = [(0, info['distractor'][b])]
    elif testing and not catch:
        field = info['test_location'][b] if task == 'location_DMS' else 0
        shown = [(field, info['test'][b])]
    cue = info['rule'][b] if task in MIXED and cue_is_on(t) else None
    if not testing:
        return Moment(shown, True, cue)
    if catch:
        return Moment(shown, True, cue, 0, 0 if t < onset + steps(par['mask_duration']) else 1)
    response = 1 + (info['sample'] if task == 'distractor' else info['match'])[b]
    return Moment(shown, False, cue, response, weight_in_test(t - onset))


def sequence(info, b, t):
    if sample_onset() <= t < sample_offset():
        return Moment([(0, info['sample'][b])])
    length = steps(par['ABBA_delay'])
    for i in range(3):
        since = t - (sample_offset() + (2 * i + 1) * length)
        if 0 <= since < length and info['catch'][b]:
            return Moment([], weight=0 if since < steps(par['mask_duration']) else 1)
        if 0 <= since < length:
            response = 1 + info['match'][b, i]
            return Moment([(0, info['test'][b, i])], False, None, response, weight_in_test(since))
    return Moment([])


def dual(info, b, t):
    delay, length = steps(par['delay_time']), steps(par['test_time'])
    if sample_onset() <= t < sample_offset():
        return Moment([(0, info['sample'][b, 0]), (1, info['sample'][b, 1])], True)
    for i in range(2):
        onset = sample_offset() + (i + 1) * delay + i * length
        cue = info['rule'][b, i] if onset - (delay + 1) // 2 <= t < onset + length else None
        if onset <= t < onset + length:
            tested = info['test_mod'][b, i]
            shown = [(tested, info['test'][b, i, 0]), (1 - tested, info['test'][b, i, 1])]
            weight = 0 if info['catch'][b, i] else weight_in_test(t - onset)
            return Moment(shown, False, cue, 1 + info['match'][b, i], weight)
        if t < onset:
            return Moment([], t >= steps(par['dead_time']), cue)
    raise AssertionError('a step after the second test')


MOMENTS = {'ABBA': sequence, 'ABCA': sequence, 'dualDMS': dual}


def tuned_answer(unit, direction, num_units):
    if par['trial_type'] == 'distractor':
        return par['tuning_height'] * (unit % par['num_motion_dirs'] == direction)
    angle = 2 * pi * direction / par['num_motion_dirs'] - 2 * pi * unit / num_units
    return par['tuning_height'] * exp(par['kappa'] * cos(angle)) / exp(par['kappa'])


def input_at(moment):
    """The input of one step, unit by unit."""
    num_units = par['num_motion_tuned'] // par['num_receptive_fields']
    answers = [0.0] * par['num_motion_tuned']
    for field, direction in moment.shown:
        for unit in range(num_units):
            answers[field * num_units + unit] = tuned_answer(unit, int(direction), num_units)
    answers += [par['tuning_height'] * moment.fixating] * par['num_fix_tuned']
    for unit in range(par['num_rule_tuned']):
        on = moment.cue is not None and unit % par['num_rules'] == moment.cue
        answers.append(par['tuning_height'] * par['rule_cue_multiplier'] * on)
    return answers


def rebuilt(info):
    """neural_input, desired_output and train_mask, step by step."""
    moment_at = MOMENTS.get(par['trial_type'], one_test)
    num_steps, batch = info['train_mask'].shape
    arrays = [np.zeros((num_steps, batch, n)) for n in (par['n_input'], par['n_output'], 1)]
    for b in range(batch):
        for t in range(num_steps):
            moment = moment_at(info, b, t)
            arrays[0][t, b] = input_at(moment)
            arrays[1][t, b, moment.response] = 1
            arrays[2][t, b] = moment.weight if t >= steps(par['dead_time']) else 0
    return arrays[0], arrays[1], arrays[2][..., 0]


def check_arrays(info):
    neural_input, desired_output, train_mask = rebuilt(info)
    np.testing.assert_allclose(info['neural_input'], neural_input, rtol=1e-6)
    np.testing.assert_array_equal(info['desired_output'], desired_output)
    np.testing.assert_array_equal(info['train_mask'], train_mask)


def is_match(rule, sample, test):
    """Whether a test matches a sample under a rule of the present task."""
    task, num_dirs = par['trial_type'], par['num_motion_dirs']
    last = task in MIXED and rule == par['num_rules'] - 1
    if task == 'DMC' or (last and task.endswith('DMC')):
        return (sample < num_dirs / 2) == (test < num_dirs / 2)
    degrees = 90 if task in MIXED and rule == 1 else ROTATIONS.get(task, 0)
    return (test - sample) % num_dirs == degrees / 360 * num_dirs % num_dirs


@pytest.mark.parametrize('settings', SETTINGS, ids=['default', 'fine', 'coarse'])
@pytest.mark.parametrize('task', TASKS)
def test_arrays_are_those_of_the_plain_loop(task, settings):
    check_arrays(batch_of(task, settings))


@pytest.mark.parametrize('task', TASKS)
def test_arrays_in_test_mode_are_those_of_the_plain_loop(task):
    check_arrays(batch_of(task, FINE | {'batch_size': 4}, test_mode=True))


@pytest.mark.parametrize('dt', [10, 20])
@pytest.mark.parametrize('task', ONE_TEST)
def test_variable_delay_moves_the_test(task, dt):
    settings = {'dt': dt, 'catch_trial_pct': 0.2, 'num_fix_tuned': 2, 'dead_time': 40}
    info = batch_of(task, settings | {'var_delay': True, 'variable_delay_max': 250})
    check_arrays(info)
    onsets = {onset_of_test(info, b) for b in np.flatnonzero(info['catch'] == 0)}
    assert len(onsets) > 1
    assert min(onsets) >= delay_end() + -250 // dt
    assert max(onsets) < delay_end()


def test_shortest_delay_does_not_reach_into_the_sample():
    settings = {'dt': 30, 'delay_time': 100, 'var_delay': True, 'variable_delay_max': 100}
    info = batch_of('DMS', settings | {'mask_duration': 30, 'batch_size': 200})
    shown = np.flatnonzero(info['catch'] == 0)
    assert min(onset_of_test(info, b) for b in shown) == sample_offset()


@pytest.mark.parametrize('test_mode', [False, True])
@pytest.mark.parametrize('task', BASIC)
def test_match_follows_the_rule(task, test_mode):
    info = batch_of(task, {'batch_size': 300, 'dt': 50}, test_mode)
    columns = (info[name].tolist() for name in ('rule', 'sample', 'test'))
    triples = zip(*columns, strict=True)
    np.testing.assert_array_equal(info['match'], [is_match(*triple) for triple in triples])


@pytest.mark.parametrize('test_mode', [False, True])
@pytest.mark.parametrize('task', ['ABBA', 'ABCA'])
def test_each_test_of_a_sequence_is_compared_with_the_sample(task, test_mode):
    info = batch_of(task, {'batch_size': 300, 'dt': 50}, test_mode)
    for b in range(300):
        for i in range(3):
            assert info['match'][b, i] == (info['test'][b, i] == info['sample'][b])
    assert set(info['num_test_stim']) == {3}


@pytest.mark.parametrize('test_mode', [False, True])
def test_dual_test_is_about_the_cued_sample_or_on_catch_trials_the_other(test_mode):
    info = batch_of('dualDMS', {'batch_size': 300, 'dt': 50, 'catch_trial_pct': 0.3}, test_mode)
    for b in range(300):
        for i in range(2):
            tested = info['test_mod'][b, i]
            assert (tested == info['rule'][b, i]) == (info['catch'][b, i] == 0)
            matches = info['test'][b, i, 0] == info['sample'][b, tested]
            assert info['match'][b, i] == matches


@pytest.mark.parametrize('rule', range(3))
def test_set_rule_fixes_the_rule_of_mixed_tasks(rule):
    info = batch_of('DMS+DMRS+DMC', {}, set_rule=rule)
    assert set(info['rule']) == {rule}
    check_arrays(info)


@pytest.mark.parametrize('index', range(4))
def test_set_rule_fixes_both_cues_of_the_dual_task(index):
    info = batch_of('dualDMS', {}, set_rule=index)
    assert set(info['rule'][:, 0] + 2 * info['rule'][:, 1]) == {index}
    check_arrays(info)


def test_names_of_rules():
    names = {}
    for name in ('DMS', 'DMS+DMRS+DMC', 'dualDMS'):
        p, task = parameters_with({'trial_type': name}), find(name)
        names[name] = [task.rule_name(r, p) for r in range(task.num_rule_indices(p))]
    pairs = ((1, 1), (2, 1), (1, 2), (2, 2))
    of_sample = [f'tests of sample {first}, then {second}' for first, second in pairs]
    mixed = ['DMS rule', 'DMRS90 rule', 'DMC rule']
    assert names == {'DMS': [''], 'DMS+DMRS+DMC': mixed, 'dualDMS': of_sample}

    class Cued(DelayedMatch):
        num_rules = 2  # and one way to match

    task = Cued()
    assert [task.rule_name(r, task.owned()) for r in range(2)] == ['rule 1', 'rule 2']
    task = DelayedMatch(rules=(('category', None), ('category', None)))
    assert [task.rule_name(r, task.owned()) for r in range(2)] == ['rule 1', 'rule 2']


def test_a_guess_among_responses_that_are_no_directions():
    p = parameters_with({'trial_type': 'distractor'})
    task = DelayedMatch(labels=('sample',), responses=('fixate', 'go', 'wait'))
    assert task.accuracy_without_sample(p | {'n_output': 3}) == 1 / 2


@pytest.mark.parametrize(
    ('task', 'num_steps', 'num_inputs'),
    [
        ('DMS', 250, 24),
        ('DMS+DMRS', 250, 30),
        ('DMS+DMC', 250, 36),
        ('DMS+DMRS+DMC', 250, 42),
        ('location_DMS', 250, 72),
        ('ABBA', 380, 24),
        ('dualDMS', 400, 54),
        ('distractor', 320, 28),
    ],
)
def test_shapes_of_the_paper(task, num_steps, num_inputs):
    info = batch_of(task, {})
    assert info['neural_input'].shape == (num_steps, 10, num_inputs)
    assert info['desired_output'].shape == (num_steps, 10, 9 if task == 'distractor' else 3)
    assert info['train_mask'].shape == (num_steps, 10)


@pytest.mark.parametrize(('task', 'guess'), [('DMS', 1 / 2), ('distractor', 1 / 8)])
def test_a_guess_does_not_depend_on_outputs_that_no_task_uses(task, guess):
    p = parameters_with({'trial_type': task, 'n_output': 12})
    assert find(task).accuracy_without_sample(p) == guess


@pytest.mark.parametrize('task', ['ABBA', 'ABCA'])
def test_accuracy_without_the_sample_is_that_of_the_best_answer_to_the_tests(task):
    """Which is one thing if test 2 is test 1, and one if it is not."""
    short = {'fix_time': 10, 'sample_time': 10, 'ABBA_delay': 20, 'mask_duration': 0}
    trial = batch_of(task, short | {'delay_time': 120, 'test_time': 10, 'batch_size': 8000})
    again, match = trial['test'][:, 1] == trial['test'][:, 0], trial['match'][:, 1]
    best = sum(
        max(np.mean(case & (match == 1)), np.mean(case & (match == 0))) for case in (again, ~again)
    )
    level = find(task).accuracy_without_sample(par)
    assert level == pytest.approx(best, abs=0.02)
    assert find(task).accuracy_without_sample(par | {'test_time_rng': [range(10)]}) == 0.5
