"""Tuning, noise, seeds, general properties and errors of the stimuli."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from parameters import par, reset_parameters, update_parameters
from stimulus import Stimulus
from tasks import TASKS

NO_STIMULI = {'tuning_height': 0, 'num_fix_tuned': 2, 'num_rule_tuned': 3, 'batch_size': 64}
# So far from 0 that nothing is rectified, and the noise itself can be seen.
UNRECTIFIED = NO_STIMULI | {'input_mean': 10}
LABELS = {
    'ABBA': {'test': (3,), 'match': (3,)},
    'ABCA': {'test': (3,), 'match': (3,)},
    'dualDMS': {
        'test': (2, 2),
        **dict.fromkeys(('sample', 'test_mod', 'rule', 'match', 'catch', 'probe'), (2,)),
    },
}
ONE_PER_TRIAL = {
    'ABBA': {'sample', 'rule', 'catch', 'probe', 'num_test_stim', 'repeat_test_stim'},
    'ABCA': {'sample', 'rule', 'catch', 'probe', 'num_test_stim', 'repeat_test_stim'},
    'dualDMS': set(),
    'distractor': {'sample', 'distractor', 'rule', 'catch', 'probe'},
    'location_DMS': {'sample', 'test', 'rule', 'match', 'catch', 'probe', 'test_location'},
}
BASIC_LABELS = {'sample', 'test', 'rule', 'match', 'catch', 'probe'}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def noise_of(updates, seed=3):
    update_parameters(updates)
    return Stimulus(seed).generate_trial()['neural_input']


# Tuning


def test_direction_tuning_is_von_mises():
    update_parameters({'tuning_height': 3, 'kappa': 1.5})
    tuning = Stimulus(0).motion_tuning
    assert tuning.shape == (24, 1, 8)
    assert tuning.dtype == np.float32
    preferred = np.deg2rad(15 * np.arange(24))
    for direction in range(8):
        shape = stats.vonmises.pdf(np.deg2rad(45 * direction), 1.5, loc=preferred)
        peak = stats.vonmises.pdf(0, 1.5)
        np.testing.assert_allclose(tuning[:, 0, direction], 3 * shape / peak, rtol=1e-6)


@pytest.mark.parametrize(('task', 'fields'), [('dualDMS', 2), ('location_DMS', 3)])
def test_units_answer_to_their_own_receptive_field_only(task, fields):
    one_field = Stimulus(0).motion_tuning[:, 0]
    update_parameters({'trial_type': task})
    tuning = Stimulus(0).motion_tuning.reshape(fields, 24, fields, 8)
    for block in range(fields):
        for field in range(fields):
            expected = one_field if block == field else np.zeros((24, 8))
            np.testing.assert_array_equal(tuning[block, :, field], expected)


def test_distractor_units_answer_to_one_direction():
    update_parameters({'trial_type': 'distractor'})
    expected = [[4 * (unit % 8 == direction) for direction in range(8)] for unit in range(24)]
    assert Stimulus(0).motion_tuning[:, 0].tolist() == expected


def test_rule_and_fixation_tuning():
    update_parameters(
        {'trial_type': 'DMS+DMC', 'num_rule_tuned': 3, 'num_fix_tuned': 2, 'rule_cue_multiplier': 2}
    )
    stimulus = Stimulus(0)
    assert stimulus.rule_tuning.tolist() == [[8, 0], [0, 8], [8, 0]]
    assert stimulus.fix_tuning.tolist() == [4, 4]


# Noise


def test_noise_has_the_mean_and_sd_of_the_paper_in_every_column():
    noise = noise_of(UNRECTIFIED).reshape(-1, 29).astype(float) - 10
    count, sd = len(noise), np.sqrt(2 / 0.1) * 0.1
    assert sd == pytest.approx(0.4472, abs=1e-4)
    # 29 columns: 4.5 standard errors are exceeded by chance in one test of 5000
    assert np.all(abs(noise.mean(0)) < 4.5 * sd / np.sqrt(count))
    assert np.all(abs(noise.std(0) - sd) < 4.5 * sd / np.sqrt(2 * count))


def test_noise_is_gaussian():
    noise = noise_of(UNRECTIFIED)[::5, ::5].ravel() - 10
    assert stats.kstest(noise, stats.norm(0, np.sqrt(20) * 0.1).cdf).pvalue > 1e-4


@pytest.mark.parametrize(('axis', 'lag'), [(0, 1), (0, 8), (1, 1), (2, 1)])
def test_noise_is_fresh_over_steps_trials_and_units(axis, lag):
    noise = np.moveaxis(noise_of(UNRECTIFIED), axis, 0)
    pairs = np.stack([noise[:-lag].ravel(), noise[lag:].ravel()])
    assert abs(np.corrcoef(pairs)[0, 1]) < 4.5 / np.sqrt(pairs.shape[1])


@pytest.mark.parametrize('mean', [0, 0.3, -0.4])
def test_noise_is_rectified(mean):
    noise = noise_of(NO_STIMULI | {'input_mean': mean}).astype(float).ravel()
    gauss = stats.norm(mean, np.sqrt(20) * 0.1)
    for power in (1, 2):
        moment = gauss.expect(lambda x, power=power: x**power, lb=0)
        square = gauss.expect(lambda x, power=power: x ** (2 * power), lb=0)
        bound = 4.5 * np.sqrt((square - moment**2) / noise.size)
        assert abs(np.mean(noise**power) - moment) < bound
    assert noise.min() == 0
    zeros = stats.binomtest(np.count_nonzero(noise == 0), noise.size, gauss.cdf(0))
    assert zeros.pvalue > 1e-4


def test_sum_of_stimulus_and_noise_is_rectified():
    """Were the noise rectified before the stimulus is added, the input would be larger."""
    update_parameters({'batch_size': 16, 'input_mean': 50})
    unrectified = Stimulus(5).generate_trial()['neural_input'] - 52
    update_parameters({'input_mean': -2})
    neural_input = Stimulus(5).generate_trial()['neural_input']
    np.testing.assert_allclose(neural_input, np.maximum(unrectified, 0), atol=2e-5)
    assert np.mean(neural_input[50:100] == 0) > 0.1


# Seeds


def batches(seed, count=2):
    stimulus = Stimulus(seed)
    return [stimulus.generate_trial() for _ in range(count)]


@pytest.mark.parametrize('seed', [5, [5, 2]])
def test_same_seed_gives_the_same_sequence_of_batches(seed):
    update_parameters({'batch_size': 16})
    for first, second in zip(batches(seed), batches(seed), strict=True):
        assert_same(first, second)


def test_other_seed_and_next_batch_differ():
    update_parameters({'batch_size': 64})
    first, second = batches([5, 1])
    others = [second, *batches([5, 2], 1), *batches(5, 1)]
    for other in others:
        assert np.any(first['sample'] != other['sample'])
        equal = first['neural_input'] == other['neural_input']
        both_rectified = (first['neural_input'] == 0) & (other['neural_input'] == 0)
        assert np.mean(equal & ~both_rectified) < 1e-3


def test_seed_of_the_parameters_is_the_default():
    update_parameters({'batch_size': 16, 'seed': 8})
    assert_same(Stimulus().generate_trial(), Stimulus(8).generate_trial())


def test_noise_does_not_depend_on_the_number_of_cores(monkeypatch):
    update_parameters({'batch_size': 256})  # small batches need no threads
    results, asked = [], []
    for cores in (1, 2, 3):
        monkeypatch.setattr('stimulus.available_cores', lambda n=cores: asked.append(n) or n)
        results.append(Stimulus(4).generate_trial())
    assert asked == [1, 2, 3]
    assert_same(results[0], results[1])
    assert_same(results[0], results[2])


# Properties over settings


@st.composite
def task_settings(draw):
    task = draw(st.sampled_from(sorted(TASKS)))
    many_directions = draw(st.booleans())
    return {
        'trial_type': task,
        'n_hidden': 4,
        'batch_size': draw(st.integers(8, 32)),
        'dt': draw(st.sampled_from([10, 20, 25, 40])),
        'dead_time': draw(st.integers(0, 150)),
        'fix_time': draw(st.integers(100, 300)),
        'mask_duration': draw(st.integers(0, 120)),
        'num_fix_tuned': draw(st.integers(0, 3)),
        'num_rule_tuned': draw(st.integers(0, 5)),
        'num_motion_dirs': 16 if many_directions else 8,
        'n_output': 17 if many_directions else 9,
        'catch_trial_pct': draw(st.floats(0, 0.9)),
        'test_cost_multiplier': draw(st.sampled_from([0.25, 0.5, 1, 2.5])),
        'var_delay': task not in ('ABBA', 'ABCA', 'dualDMS') and draw(st.booleans()),
        'variable_delay_max': draw(st.integers(1, 500)),
    }


def check_arrays(info):
    size = par['num_time_steps'], par['batch_size']
    shapes = {
        'neural_input': (*size, par['n_input']),
        'desired_output': (*size, par['n_output']),
        'train_mask': size,
    }
    for name, shape in shapes.items():
        assert info[name].shape == shape
        assert info[name].dtype == np.float32
        assert info[name].flags.c_contiguous
        assert np.isfinite(info[name]).all()
        assert info[name].min() >= 0


def check_labels(info):
    task = par['trial_type']
    expected = dict.fromkeys(ONE_PER_TRIAL.get(task, BASIC_LABELS), ()) | LABELS.get(task, {})
    arrays = {'neural_input', 'desired_output', 'train_mask'}
    assert info.keys() - arrays == expected.keys()
    for name, shape in expected.items():
        assert info[name].shape == (par['batch_size'], *shape), name
        assert info[name].dtype == np.int8, name
        assert info[name].min() >= 0, name
    for name in {'sample', 'test', 'distractor'} & info.keys():
        assert info[name].max() < par['num_motion_dirs']
    for name in {'match', 'catch', 'repeat_test_stim', 'test_mod'} & info.keys():
        assert info[name].max() <= 1
    assert not info['probe'].any()
    assert info['rule'].max() < par['num_rules']


def check_target_and_mask(info):
    target, mask = info['desired_output'], info['train_mask']
    assert np.isin(target, [0, 1]).all()
    assert np.all(target.sum(-1) == 1)
    assert np.isin(mask, np.float32([0, 1, par['test_cost_multiplier']])).all()
    assert not mask[: par['dead_time_rng'].stop].any()
    testing = target[..., 0] == 0
    assert np.isin(mask[testing], np.float32([0, par['test_cost_multiplier']])).all()
    assert np.all(mask[par['dead_time_rng'].stop : par['sample_time_rng'].stop] == 1)
    if par['trial_type'] == 'dualDMS':
        for i, period in enumerate(par['test_time_rng']):
            assert not mask[period.start : period.stop, info['catch'][:, i] == 1].any()
    else:
        assert not testing[:, info['catch'] == 1].any()
        assert testing[:, info['catch'] == 0].any(0).all()


@settings(max_examples=80)
@given(task_settings(), st.booleans(), st.integers(0, 2**32))
def test_any_setting_gives_sound_trials_and_leaves_par_alone(updates, test_mode, seed):
    reset_parameters()
    update_parameters(updates)
    before = copy.deepcopy(par)
    info = Stimulus(seed).generate_trial(test_mode=test_mode)
    check_arrays(info)
    check_labels(info)
    check_target_and_mask(info)
    assert_same(par, before)


def test_a_stimulus_takes_the_parameters_when_it_is_made():
    for task in TASKS:
        update_parameters({'trial_type': task, 'batch_size': 8, 'n_hidden': 4, 'dt': 50})
        stimulus, inputs = Stimulus(1), par['n_input']
        update_parameters({'batch_size': 9, 'num_fix_tuned': 5})
        assert stimulus.generate_trial()['neural_input'].shape[1:] == (8, inputs)
        assert Stimulus(1, stimulus.p).generate_trial()['neural_input'].shape[1:] == (8, inputs)


# Errors


@pytest.mark.parametrize(
    ('task', 'rule', 'rules'),
    [
        ('DMS', 1, '0'),
        ('DMS', -1, '0'),
        ('DMS+DMRS', 2, '0, 1'),
        ('DMS+DMRS+DMC', 0.5, '0, 1, 2'),
        ('dualDMS', 4, '0, 1, 2, 3'),
        ('ABBA', 1, '0'),
        ('distractor', 'first', '0'),
    ],
)
def test_unknown_rule_is_refused(task, rule, rules):
    update_parameters({'trial_type': task, 'batch_size': 8})
    with pytest.raises(ValueError, match='set_rule') as error:
        Stimulus(1).generate_trial(set_rule=rule)
    message = str(error.value)
    assert repr(rule) in message
    assert message.endswith(f'the task {task} has the rules {rules}')


@pytest.mark.parametrize('task', sorted(TASKS))
def test_rule_0_is_allowed_in_every_task(task):
    update_parameters({'trial_type': task, 'batch_size': 8, 'n_hidden': 4, 'dt': 50})
    assert not Stimulus(1).generate_trial(set_rule=0)['rule'].any()


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match='non-negative'):
        Stimulus(-1)
