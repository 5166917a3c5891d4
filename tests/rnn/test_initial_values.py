"""What a network starts from: epochs, units, synapses, masks, initial weights and their seed."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import gamma, kstest

import parameters
import results
from measures import groups
from parameters import ANALYSIS, par, reset_parameters, update_parameters, user_settings
from rnn import initial_values
from rnn.initial_values import SYNAPSES, Plasticity
from settings.validators import one_of
from tasks import TASKS

REFERENCE = Path(__file__).resolve().parents[3] / 'shared' / 'reference'
WEIGHTS = {
    'h0': (1, 100),
    'w_in0': (24, 100),
    'w_rnn0': (100, 100),
    'b_rnn0': (1, 100),
    'w_out0': (100, 3),
    'b_out0': (1, 3),
}
LARGE = {'n_hidden': 300, 'batch_size': 2, 'seed': 1}
EXC, INH = slice(240), slice(240, None)  # units of the large network


@pytest.mark.parametrize('number', range(3))
def test_same_as_in_a_network_of_the_original_code(number):
    file = REFERENCE / f'DMS-run-{number}.pkl'
    if not file.exists():
        pytest.skip(f'{file} is absent')
    saved = results.load_results(file)['parameters']
    update_parameters({'trial_type': 'ABBA', 'n_hidden': 7})
    update_parameters(saved)
    assert user_settings() == {'trial_type': 'DMS', 'save_fn': file.name, 'test_cost_multiplier': 2}
    assert set(saved) - set(par) == {'synaptic_config', 'savedir'}
    for name in set(saved) & set(par) - {*WEIGHTS, *ANALYSIS}:
        assert_array_equal(par[name], saved[name], err_msg=name)


# Epochs


CUE_ALL_TRIAL = ([0], [2500])
STEPS_INPUTS_CUES = {
    'DMS+DMRS': (250, 30, ([1500], [1750])),
    'DMS+DMRS_early_cue': (250, 30, ([0], [500])),
    'DMS+DMRS_full_cue': (250, 30, CUE_ALL_TRIAL),
    'DMS+DMC': (250, 36, CUE_ALL_TRIAL),
    'DMS+DMRS+DMC': (250, 42, CUE_ALL_TRIAL),
    'location_DMS': (250, 72, ([0], [0])),
    'ABBA': (380, 24, ([0], [0])),
    'ABCA': (380, 24, ([0], [0])),
    'dualDMS': (400, 54, ([1500, 3000], [2500, 4000])),
    'distractor': (320, 28, ([0], [0])),
}


@pytest.mark.parametrize('task', TASKS)
def test_steps_inputs_and_cues(task):
    update_parameters({'trial_type': task})
    steps, inputs, (onsets, offsets) = STEPS_INPUTS_CUES.get(task, (250, 24, ([0], [0])))
    assert (par['num_time_steps'], par['trial_length']) == (steps, 10 * steps)
    assert (par['n_input'], par['shape']) == (inputs, (inputs, 100, par['n_output']))
    assert (par['rule_onset_time'], par['rule_offset_time']) == (onsets, offsets)
    cues = [range(a // 10, b // 10) for a, b in zip(onsets, offsets, strict=True)]
    assert par['rule_time_rng'] == cues


@pytest.mark.parametrize('task', STEPS_INPUTS_CUES)
def test_cues_start_after_the_dead_time(task):
    _, _, (onsets, offsets) = STEPS_INPUTS_CUES[task]
    update_parameters({'trial_type': task, 'dead_time': 100})
    shift = 100 if offsets != [0] else 0
    assert par['rule_onset_time'] == [time + shift for time in onsets]
    assert par['rule_offset_time'] == [time + shift for time in offsets]


ROTATIONS = {
    **{'DMRS45': 45, 'DMRS90': 90, 'DMRS90ccw': -90, 'DMRS180': 180},
    **dict.fromkeys(['DMS+DMRS', 'DMS+DMRS_early_cue', 'DMS+DMRS_full_cue'], [0, 90]),
    **{'DMS+DMC': [0, 0], 'DMS+DMRS+DMC': [0, 90, 0]},
}


@pytest.mark.parametrize('task', TASKS)
def test_rules_and_receptive_fields(task):
    update_parameters({'trial_type': task})
    rotation = ROTATIONS.get(task, 0)
    rules = 2 if task == 'dualDMS' else np.size(rotation)
    fields = {'location_DMS': 3, 'dualDMS': 2}.get(task, 1)
    assert par['rotation_match'] == rotation
    assert (par['num_rules'], par['num_receptive_fields']) == (rules, fields)


def test_times_are_floored_to_steps():
    update_parameters({'dt': 20, 'dead_time': 39, 'fix_time': 50, 'sample_time': 59})
    update_parameters({'delay_time': 45, 'test_time': 99, 'mask_duration': 79})
    assert (par['dead_time_rng'], par['fix_time_rng']) == (range(0, 1), range(1, 3))
    assert (par['sample_time_rng'], par['test_time_rng']) == (range(3, 5), [range(7, 11)])
    assert (par['num_time_steps'], par['trial_length'], par['dt_sec']) == (11, 220, 0.02)


@pytest.mark.parametrize('name', ['fix_time', 'sample_time', 'delay_time', 'test_time'])
def test_epoch_needs_a_step(name):
    update_parameters({'mask_duration': 0})
    for too_short in (9, 0):
        with pytest.raises(ValueError, match=f'{name} = {too_short} .* dt = 10 ms'):
            update_parameters({name: too_short})
    update_parameters({name: 10})


@pytest.mark.parametrize('name', ['dead_time', 'mask_duration', 'ABBA_delay', 'distractor_time'])
def test_other_times_need_no_step(name):
    for short in (9, 0):
        update_parameters({name: short})
        assert par['num_time_steps'] == 250


@pytest.mark.parametrize('delay', [10, 200, 520, 700])
@pytest.mark.parametrize('task', [*STEPS_INPUTS_CUES])
def test_cues_lie_in_a_short_trial(task, delay):
    short = {'delay_time': delay, 'test_time': 100, 'ABBA_delay': delay // 2}
    update_parameters({'dt': 5, 'mask_duration': 0, 'trial_type': task, **short})
    for cue, onset, offset in zip(
        par['rule_time_rng'], par['rule_onset_time'], par['rule_offset_time'], strict=True
    ):
        assert 0 <= cue.start <= cue.stop <= par['num_time_steps']
        assert (onset, offset) == (5 * cue.start, 5 * cue.stop)


# Units and noise


@pytest.mark.parametrize(
    ('units', 'share', 'excitatory'),
    [(100, 0.8, 80), (10, 0.72, 7), (10, 0.78, 8), (7, 1, 7)],
)
def test_signs(units, share, excitatory):
    update_parameters({'n_hidden': units, 'exc_inh_prop': share})
    sign = [1] * excitatory + [-1] * (units - excitatory)
    assert par['EI'] is (share < 1)
    assert (par['num_exc_units'], par['num_inh_units']) == (excitatory, units - excitatory)
    assert_array_equal(par['EI_list'], sign)
    assert_array_equal(par['EI_matrix'], np.diag(sign))
    assert_array_equal(par['ind_inh'], range(excitatory, units))


@pytest.mark.parametrize(
    ('changes', 'recurrent', 'inputs'),
    [
        ({}, 0.2236, 0.4472),
        ({'dt': 20}, 0.3162, 0.3162),
        ({'membrane_time_constant': 50.0, 'noise_rnn_sd': 1}, 0.6325, 0.3162),
        ({'noise_in_sd': 0, 'noise_rnn_sd': 0}, 0, 0),
    ],
    ids=str,
)
def test_noise(changes, recurrent, inputs):
    update_parameters(changes)
    assert par['noise_rnn'] == pytest.approx(recurrent, abs=5e-5)
    assert par['noise_in'] == pytest.approx(inputs, abs=5e-5)
    assert par['alpha_neuron'] == par['dt'] / par['membrane_time_constant']


# Synapses


# synapse_config -> kinds of the excitatory and of the inhibitory units, in turn:
# facilitating, depressing or static
KINDS = {
    'full': ('fd', 'fd'),
    'fac': ('f', 'f'),
    'dep': ('d', 'd'),
    'exc_fac': ('f', 's'),
    'exc_dep': ('d', 's'),
    'inh_fac': ('s', 'f'),
    'inh_dep': ('s', 'd'),
    'exc_dep_inh_fac': ('d', 'f'),
    None: ('s', 's'),
}
NAMES = ('alpha_std', 'alpha_stf', 'U', 'dynamic_synapse', 'syn_x_init', 'syn_u_init')


def kinds(config, excitatory: int, units: int) -> str:
    exc, inh = (pattern * units for pattern in KINDS[config])
    return exc[:excitatory] + inh[excitatory:units]


def assert_synapses(kinds: str, figures: dict):
    for name, *values in zip(NAMES, *(figures[kind] for kind in kinds), strict=True):
        rows = par['batch_size'] if name.startswith('syn') else 1
        expected = np.array([values] * rows, np.float32)
        assert_array_equal(par[name], expected, err_msg=name, strict=True)


def test_every_config_is_listed_here():
    assert set(SYNAPSES) == set(KINDS)


@pytest.mark.parametrize('config', KINDS)
@pytest.mark.parametrize(('share', 'excitatory'), [(0.8, 12), (0.6, 9), (1, 15)])
def test_synapses(config, share, excitatory):
    size = {'n_hidden': 15, 'batch_size': 4}
    update_parameters({'synapse_config': config, 'exc_inh_prop': share, **size})
    figures = {
        'f': (10 / 200, 10 / 1500, 0.15, 1, 1, 0.15),
        'd': (10 / 1500, 10 / 200, 0.45, 1, 1, 0.45),
        's': (1, 1, 1, 0, 1, 1 if config is None else 0.3),
    }
    assert_synapses(kinds(config, excitatory, 15), figures)


def test_synapses_of_other_settings():
    update_parameters({'tau_fast': 100, 'tau_slow': 2000.0, 'U_stf': 0.2, 'U_std': 0.5, 'dt': 20})
    figures = {'f': (0.2, 0.01, 0.2, 1, 1, 0.2), 'd': (0.01, 0.2, 0.5, 1, 1, 0.5)}
    assert_synapses('fd' * 50, figures)


def test_a_kind_that_is_not_known_is_refused(monkeypatch):
    monkeypatch.setitem(SYNAPSES, 'typo', ('facilitatin', 'depressing'))
    with pytest.raises(ValueError, match='there are no facilitatin synapses: kinds are facil'):
        initial_values.synapses(par | {'synapse_config': 'typo'})


# Masks


def test_another_kind_of_synapse_is_a_line_of_a_table(small, monkeypatch):
    """As long as figures do not draw it."""
    monkeypatch.setitem(SYNAPSES, 'inh_slow', ('depressing', 'slow'))
    slow = Plasticity('slow', 'tau_slow', 'tau_slow', 'U_stf', 1)
    monkeypatch.setitem(initial_values.PLASTIC, 'slow', slow)
    config = parameters.SETTINGS['synapse_config']
    monkeypatch.setitem(
        parameters.SETTINGS, 'synapse_config', config._replace(check=one_of(*SYNAPSES))
    )
    small(synapse_config='inh_slow', exc_inh_prop=0.75, tau_slow=500)
    inhibitory = par['EI_list'] < 0
    assert 0 < inhibitory.sum() < len(inhibitory)
    assert_array_equal(
        par['alpha_stf'][0], np.where(inhibitory, np.float32(0.02), np.float32(0.05))
    )
    assert_array_equal(par['alpha_std'][0], np.full(len(inhibitory), np.float32(0.02)))
    assert_array_equal(par['U'][0], np.where(inhibitory, np.float32(0.15), np.float32(0.45)))
    assert (par['dynamic_synapse'] == 1).all()
    assert_array_equal(groups.efficacy_signs(par), np.where(inhibitory, 1, -1))
    assert_array_equal(groups.units_of_kinds(par)['slow'], inhibitory)


def test_masks_with_inhibition():
    update_parameters({'n_hidden': 10, 'num_fix_tuned': 2})
    w_out = np.ones((10, 3))
    w_out[8:] = 0
    assert_array_equal(par['w_in_mask'], np.ones((26, 10)))
    assert_array_equal(par['w_rnn_mask'], 1 - np.eye(10))
    assert_array_equal(par['w_out_mask'], w_out)


@pytest.mark.parametrize('share', [0.8, 1])
def test_input_mask_of_receptive_fields(share):
    extra = {'num_fix_tuned': 2, 'num_rule_tuned': 3}
    update_parameters({'trial_type': 'location_DMS', 'exc_inh_prop': share, **extra})
    mask = par['w_in_mask']
    for i in range(72):
        assert_array_equal(np.flatnonzero(mask[i]), range(i // 24, 100, 3))
    assert_array_equal(mask[72:], np.ones((5, 100)))  # fixation and rule reach every unit
    assert_array_equal(par['w_in0'][mask == 0], 0)


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('share', [0.8, 1])
def test_weights_are_0_where_the_masks_are(task, share):
    update_parameters({'trial_type': task, 'exc_inh_prop': share, 'synapse_config': 'exc_fac'})
    for name in ('w_in', 'w_rnn', 'w_out'):
        weights, mask = par[f'{name}0'], par[f'{name}_mask']
        assert mask.shape == weights.shape
        assert set(np.unique(mask)) <= {0, 1}
        assert not weights[mask == 0].any()
        assert (weights >= 0).all()


# Initial weights


@pytest.mark.parametrize('share', [0.8, 1])
@pytest.mark.parametrize('config', ['full', None])
def test_shapes_and_types(share, config):
    update_parameters({'exc_inh_prop': share, 'synapse_config': config})
    assert {name: par[name].shape for name in par if name.endswith('0')} == WEIGHTS
    arrays = {name: par[name] for name in par if isinstance(par[name], np.ndarray)}
    assert len(arrays) == 18
    assert {name for name in arrays if arrays[name].dtype != np.float32} == {'ind_inh'}
    assert_array_equal(par['h0'], np.full((1, 100), np.float32(0.1)))
    assert not par['b_rnn0'].any()
    assert not par['b_out0'].any()


def assert_gamma(weights: np.ndarray, shape: float):
    """The weights follow the gamma distribution of this shape and scale 1, and not the other."""
    other = 0.3 - shape
    assert kstest(weights.ravel(), gamma(shape).cdf).pvalue > 0.001
    assert kstest(weights.ravel(), gamma(other).cdf).pvalue < 1e-6


def off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return matrix[~np.eye(len(matrix), dtype=bool)]


@pytest.mark.parametrize('balanced', [True, False])
def test_gamma_shapes(balanced):
    update_parameters({**LARGE, 'balance_EI': balanced})
    w_rnn, inhibitory = par['w_rnn0'], 0.2 if balanced else 0.1
    assert_gamma(par['w_in0'], 0.2)
    assert_gamma(par['w_out0'][EXC], 0.1)
    assert_gamma(off_diagonal(w_rnn[EXC, EXC]), 0.1)
    assert_gamma(off_diagonal(w_rnn[INH, INH]), inhibitory)
    assert_gamma(w_rnn[EXC, INH], inhibitory)
    assert_gamma(w_rnn[INH, EXC], inhibitory)


def assert_kept(weights: np.ndarray, probability: float, shape: float):
    """This share of the weights is there, whatever their size."""
    sd = np.sqrt(probability * (1 - probability) / weights.size)
    assert np.mean(weights > 0) == pytest.approx(probability, abs=4 * sd)
    assert_gamma(weights[weights > 0], shape)


def test_connection_prob():
    update_parameters({**LARGE, 'connection_prob': 0.3})
    assert_kept(par['w_in0'], 0.3, 0.2)
    assert_kept(off_diagonal(par['w_rnn0'][EXC, EXC]), 0.3, 0.1)
    assert_kept(par['w_rnn0'][INH, EXC], 0.3, 0.2)
    assert_kept(par['w_out0'][EXC], 0.3, 0.1)


@pytest.mark.parametrize(('task', 'fields'), [('location_DMS', 3), ('dualDMS', 2)])
@pytest.mark.parametrize('probability', [0.6, 1])
def test_connection_prob_of_receptive_fields(task, fields, probability):
    update_parameters({**LARGE, 'trial_type': task, 'connection_prob': probability})
    assert_kept(par['w_in0'][par['w_in_mask'] > 0], probability / fields, 0.2)
    assert np.mean(off_diagonal(par['w_rnn0']) > 0) == pytest.approx(probability, abs=0.01)


def test_recurrent_weights_without_plasticity():
    update_parameters({'seed': 1})
    with_plasticity = {name: par[name] for name in WEIGHTS}
    update_parameters({'synapse_config': None})
    for name in set(WEIGHTS) - {'w_rnn0'}:
        assert_array_equal(par[name], with_plasticity[name])
    np.testing.assert_allclose(par['w_rnn0'], with_plasticity['w_rnn0'] / 3, rtol=1e-6)


@pytest.mark.parametrize(('config', 'diagonal'), [('full', 0.54), ('inh_dep', 0.54), (None, 0.18)])
@pytest.mark.parametrize('probability', [0.2, 1])
def test_without_signs(config, diagonal, probability):
    settings = {'exc_inh_prop': 1, 'synapse_config': config, 'connection_prob': probability}
    update_parameters({'seed': 1, **settings})
    np.testing.assert_allclose(par['w_rnn0'], diagonal * np.eye(100), rtol=1e-6)
    for name in ('w_in_mask', 'w_rnn_mask', 'w_out_mask'):
        assert (par[name] == 1).all()
    balanced = dict(par)
    update_parameters({'balance_EI': False})
    assert [name for name in par if not np.array_equal(par[name], balanced[name])] == ['balance_EI']


# Seed


def same_weights(other: dict) -> bool:
    return all(np.array_equal(par[name], other[name]) for name in WEIGHTS)


def test_seed_decides_the_weights():
    update_parameters({'seed': 0})
    first = dict(par)
    update_parameters({'seed': 1})
    for name in ('w_in0', 'w_rnn0', 'w_out0'):
        assert not np.array_equal(par[name], first[name])
    reset_parameters()
    update_parameters({'seed': 0, 'trial_type': 'DMC', 'kappa': 1, 'batch_size': 7, 'dt': 5})
    assert same_weights(first)


@pytest.mark.parametrize('first', [{}, {'seed': 5}, {'seed': None}], ids=str)
def test_seed_stays(first):
    update_parameters(first)
    before = dict(par)
    assert type(par['seed']) is int
    for update in ({'trial_type': 'ABBA'}, {'kappa': 1}, {'trial_type': 'DMS', 'spike_cost': 0}):
        update_parameters(update)
        assert par['seed'] == before['seed']
        assert same_weights(before)
    with pytest.raises(ValueError, match='dt = 0'):
        update_parameters({'seed': 9, 'dt': 0})
    assert par['seed'] == before['seed']


@pytest.mark.parametrize('first', [{}, {'seed': 5}], ids=str)
def test_a_new_seed_on_request(first):
    update_parameters(first)
    before = dict(par)
    update_parameters({'seed': None})
    drawn = par['seed']
    assert drawn != before['seed']
    assert not same_weights(before)
    assert 'seed' not in user_settings()
    update_parameters({'kappa': 1})
    assert par['seed'] == drawn
    reset_parameters()
    assert par['seed'] not in (drawn, before['seed'])
