"""The global parameters: what beats what, what a setting may be, and loading a saved network."""

import contextlib
import importlib
import operator
import pickle
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_equal

import parameters
from parameters import ANALYSIS, OWNED_BY_TASK, SETTINGS, par, reset_parameters, update_parameters
from parameters import user_settings as asked
from rnn.derived import RUN_WITH
from settings.validators import plain
from tasks import TASKS

SMALL = {'n_hidden': 6, 'batch_size': 3}  # quick to derive
# what a task sets unless the user does
SEQUENCE = {'sample_time': 400, 'ABBA_delay': 400, 'delay_time': 2400, 'catch_trial_pct': 0}
SEQUENCE |= {'tuning_batches': 32}
TWO_SAMPLES = {'sample_time': 500, 'test_time': 500, 'delay_time': 1000, 'catch_trial_pct': 0}
DISTRACTED = {'sample_time': 300, 'delay_time': 800, 'distractor_time': 300}
SUGGESTED = {
    'DMS+DMRS': {'num_rule_tuned': 6},
    'DMS+DMRS_early_cue': {'num_rule_tuned': 6},
    'DMS+DMRS_full_cue': {'num_rule_tuned': 6},
    'DMS+DMC': {'num_rule_tuned': 12},
    'DMS+DMRS+DMC': {'num_rule_tuned': 18},
    'location_DMS': {'num_motion_tuned': 72},
    'ABBA': SEQUENCE,
    'ABCA': SEQUENCE,
    'dualDMS': TWO_SAMPLES | {'num_motion_tuned': 48, 'num_rule_tuned': 6},
    'distractor': DISTRACTED | {'num_fix_tuned': 4, 'n_output': 9},
}
# other values, which every task accepts
OWN_CHOICE = {'sample_time': 350, 'ABBA_delay': 200, 'delay_time': 1600, 'test_time': 450}
OWN_CHOICE |= {
    'distractor_time': 100,
    'catch_trial_pct': 0.1,
    'num_motion_tuned': 36,
}
OWN_CHOICE |= {'num_rule_tuned': 9, 'num_fix_tuned': 2, 'n_output': 11}

TIMES = ['dead_time', 'fix_time', 'sample_time', 'delay_time', 'test_time', 'ABBA_delay']
TIMES += ['distractor_time', 'mask_duration', 'variable_delay_max', 'dt']
COUNTS = ['num_motion_tuned', 'num_fix_tuned', 'num_rule_tuned', 'n_hidden', 'n_output']
COUNTS += ['num_motion_dirs', 'batch_size', 'num_iterations', 'iters_between_outputs', 'save_every']
COUNTS += ['analysis_trials', 'decoding_reps', 'simulation_reps', 'tuning_batches']
INTEGERS = [*TIMES, *COUNTS, 'seed']
FLAGS = ['balance_EI', 'var_delay', 'svm_normalize', 'analyze_tuning', 'calculate_resp_matrix']
FLAGS += ['suppress_analysis', 'decode_test', 'decode_match', 'decode_rule', 'decode_stability']
FLAGS += ['decode_neuronal_groups']
TEXTS = ['save_dir', 'save_fn']
CHOICES = ['synapse_config', 'spike_regularization', 'trial_type']
NUMBERS = ['exc_inh_prop', 'connection_prob', 'membrane_time_constant', 'learning_rate', 'kappa']
NUMBERS += ['clip_max_grad_val', 'input_mean', 'noise_in_sd', 'noise_rnn_sd', 'tuning_height']
NUMBERS += ['spike_cost', 'weight_cost', 'test_cost_multiplier', 'rule_cue_multiplier']
NUMBERS += ['tau_fast', 'tau_slow', 'U_stf', 'U_std', 'stop_accuracy', 'catch_trial_pct']
MAY_BE_NONE = ['synapse_config', 'seed', 'stop_accuracy']


def fresh(**user) -> dict:
    """A copy of the parameters that follow from these settings alone."""
    reset_parameters()
    update_parameters(user)
    return deepcopy(par)


def assert_refused(updates, *words):
    """The update fails, its message holds the words, and nothing has changed."""
    before, user = deepcopy(par), asked()
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared below
        update_parameters(updates)
    assert [word for word in words if word not in str(error.value)] == []
    assert_equal(par, before)
    assert asked() == user


def test_import_has_no_side_effects():
    code = """
import pickle, random, sys
import numpy as np
states = lambda: pickle.dumps((random.getstate(), np.random.get_state()))
before = states()
import parameters
parameters.update_parameters({'trial_type': 'ABBA'})
assert states() == before
assert not [name for name in sys.modules if 'tensorflow' in name or 'keras' in name]
"""
    root = Path(__file__).parents[1]
    run = subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, '', '')


CHANGES = {
    'assignment': lambda: par.__setitem__('tau_slow', 3000),
    'assignment of a derived one': lambda: par.__setitem__('n_input', 7),
    'update': lambda: par.update(kappa=5),
    'update in place': lambda: operator.ior(par, {'kappa': 5}),
    'deletion': lambda: par.__delitem__('kappa'),
    'pop': lambda: par.pop('kappa'),
    'popitem': par.popitem,
    'clear': par.clear,
    'setdefault': lambda: par.setdefault('kappa', 5),
}


@pytest.mark.parametrize('change', CHANGES.values(), ids=CHANGES)
def test_direct_changes_are_refused(change):
    before = fresh(seed=1)
    with pytest.raises(TypeError, match='update_parameters'):
        change()
    assert_equal(par, before)
    with pytest.raises(TypeError, match=r"update_parameters\(\{'n_hidden': ...\}\)"):
        par['n_hidden'] = 50


def test_arrays_are_read_only():
    fresh(**SMALL, seed=1)
    arrays = [value for value in par.values() if isinstance(value, np.ndarray)]
    assert len(arrays) > 10
    for array in arrays:
        with pytest.raises(ValueError, match='read-only'):
            array[...] = 0


def test_copies_are_plain_dictionaries():
    for copied in (dict(par), deepcopy(par), pickle.loads(pickle.dumps(par)), par | {'kappa': 5}):
        assert type(copied) is dict
        copied['kappa'] = 7
    assert par['kappa'] == 2


def test_loading_the_module_again_keeps_dictionary_and_settings():
    before = fresh(trial_type='DMC', kappa=5, seed=1)
    again = importlib.reload(parameters)
    assert again.par is par
    assert_equal(par, before)
    again.update_parameters({'kappa': 3})
    update_parameters({'n_hidden': 20})  # the function from before
    assert (par['kappa'], par['n_hidden']) == (3, 20)
    assert asked() == {'trial_type': 'DMC', 'kappa': 3, 'n_hidden': 20, 'seed': 1}


def test_parameters_in_a_dictionary_of_their_own():
    """They are what `update_parameters` makes of the same changes, and leave `par` as it is."""
    updates = {'trial_type': 'DMC', 'n_hidden': 10, 'seed': 1}
    before = fresh(trial_type='ABBA', kappa=5, seed=1)
    own = parameters.parameters_with(updates)
    changed = parameters.parameters_with(updates, par)
    assert_equal(par, before)
    update_parameters(updates)
    assert_equal(changed, par)
    assert_equal(own, fresh(**updates))
    assert (changed['kappa'], own['kappa']) == (5, 2)
    with pytest.raises(ValueError, match='n_hiden'):
        parameters.parameters_with({'n_hiden': 3}, changed)


# The order: defaults, task, user


@pytest.mark.parametrize('task', TASKS)
def test_task_suggests(task):
    fresh(trial_type=task, seed=1)
    defaults = {name: setting.default for name, setting in SETTINGS.items()}
    expected = defaults | SUGGESTED.get(task, {}) | {'trial_type': task, 'seed': 1}
    assert {name: par[name] for name in SETTINGS} == expected


@pytest.mark.parametrize('task', SUGGESTED)
@pytest.mark.parametrize('task_first', [True, False])
def test_user_wins_over_task(task, task_first):
    own = OWN_CHOICE | {'tuning_batches': 3}  # which no network restores
    choice = {name: own[name] for name in SUGGESTED[task]}
    updates = [{'trial_type': task}, choice]
    for update in updates if task_first else reversed(updates):
        update_parameters(update)
    assert {name: par[name] for name in choice} == choice


@pytest.mark.parametrize('first', TASKS)
def test_nothing_leaks_into_the_next_task(first):
    for second in TASKS:
        expected = fresh(**SMALL, seed=1, trial_type=second)
        fresh(**SMALL, seed=1, trial_type=first)
        update_parameters({'trial_type': second})
        assert_equal(par, expected)


VALID = {'trial_type': list(TASKS), 'seed': [0, 1, 2**63 - 1], 'dt': [5, 7, 10, 20]}
VALID |= {'dead_time': [0, 33], 'fix_time': [10, 123], 'sample_time': [100, 400]}
VALID |= {'delay_time': [205, 1000, 2400], 'test_time': [60, 500], 'ABBA_delay': [100, 400]}
VALID |= {'distractor_time': [55, 300], 'mask_duration': [0, 50], 'var_delay': [True, False]}
VALID |= {'num_motion_tuned': [24, 36, 72], 'num_rule_tuned': [6, 7], 'num_fix_tuned': [0, 2]}
VALID |= {'n_hidden': [1, 5], 'n_output': [3, 9], 'exc_inh_prop': [0.2, 0.5, 1]}
VALID |= {'synapse_config': ['full', 'exc_dep', None], 'connection_prob': [0.3, 1]}
VALID |= {'catch_trial_pct': [0, 0.25]}
REFUSABLE = {'n_hiden': [5], 'n_input': [24], 'batch_size': [0], 'kappa': ['high']}
REFUSABLE |= {'rotation_match': [0, 90, [0, 90]], 'num_rules': [1, 2]}


def updates_from(values: dict):
    pairs = [(name, value) for name, options in values.items() for value in options]
    return st.lists(st.sampled_from(pairs), max_size=5).map(dict)


@settings(max_examples=120)
@given(st.lists(updates_from(VALID | REFUSABLE), max_size=6))
def test_only_the_final_settings_count(sequence):
    wanted = {**SMALL, 'seed': 1}
    fresh(**wanted)
    for updates in sequence:
        before = deepcopy(par)
        try:
            update_parameters(updates)
        except ValueError:
            assert_equal(par, before)
        else:
            wanted |= updates
    after = deepcopy(par)
    assert_equal(after, fresh(**{name: wanted[name] for name in wanted if name in SETTINGS}))


# What belongs to the task alone


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('name', OWNED_BY_TASK)
def test_task_owns(task, name):
    before = fresh(**SMALL, seed=1, trial_type=task)
    same = par[name]
    for alike in (same, tuple(same) if isinstance(same, list) else np.int64(same)):
        update_parameters({'trial_type': 'DMC'})
        update_parameters({name: alike, 'trial_type': task})
        assert_equal(par, before)
    for other in (7, [7], '0', None):
        assert_refused({name: other}, f'{name} = {other!r}', task, repr(same))
    update_parameters({'trial_type': 'dualDMS' if task == 'DMS' else 'DMS'})  # nothing is left


@pytest.mark.parametrize('name', OWNED_BY_TASK)
@pytest.mark.parametrize('value', [[[1], [1, 2]], {}, True, False, np.array([7, 7])], ids=repr)
def test_task_owns_against_odd_values(name, value):
    assert_refused({name: value}, f'{name} = {value!r}', repr(par[name]))


# What a setting may be


def test_every_setting_is_listed_here():
    assert sorted(SETTINGS) == sorted(INTEGERS + NUMBERS + FLAGS + TEXTS + CHOICES)


NEVER = [[], [1], {}, {'a': 1}, (), b'x', 1j, object(), range(3), np.array([1.0, 2.0])]
NEVER += [float('nan'), float('inf'), -float('inf'), np.float32('nan'), np.complex64(1)]


@pytest.mark.parametrize('name', SETTINGS)
def test_no_setting_is_of_another_kind(name):
    update_parameters(SMALL)
    wrong = NEVER + [True, np.True_] * (name not in FLAGS) + [None] * (name not in MAY_BE_NONE)
    wrong += ['neither'] * (name not in TEXTS) + [1, -2] * (name in FLAGS + TEXTS + CHOICES)
    wrong += [-1, 0.5, 2.0, np.float64(3)] * (name in INTEGERS)
    for value in wrong:
        assert_refused({name: value}, f'{name} = {plain(value)!r} is not allowed: it must be ')


@pytest.mark.parametrize('name', [*INTEGERS, *NUMBERS])
def test_integer_beyond_all_floats(name):
    for huge in (10**400, -(10**400)):
        assert_refused({name: huge}, name, repr(huge)[:80])


@pytest.mark.parametrize('name', INTEGERS)
@pytest.mark.parametrize('kind', [int, np.int16, np.uint64, np.array])
def test_integers(name, kind):
    update_parameters({'trial_type': 'distractor', 'n_output': 25, 'mask_duration': 0})
    update_parameters({name: kind(24)})
    assert (par[name], type(par[name])) == (24, int)


@pytest.mark.parametrize('name', NUMBERS)
@pytest.mark.parametrize('kind', [float, np.float16, np.float32, np.array])
def test_numbers(name, kind):
    value = 250.5 if name.startswith(('tau', 'membrane')) else 0.75
    update_parameters({name: kind(value)})
    assert (par[name], type(par[name])) == (value, float)


@pytest.mark.parametrize('name', FLAGS)
def test_flags(name):
    for value in (True, False, np.True_, np.False_):
        update_parameters({name: value})
        assert par[name] is bool(value)


@pytest.mark.parametrize('value', ['ABCA', np.str_('ABCA'), np.array('ABCA')], ids=repr)
def test_text(value):
    update_parameters({'trial_type': value, 'save_fn': value})
    assert type(par['trial_type']) is type(par['save_fn']) is str


BAD = [
    ({'n_hiden': 100}, 'n_hiden', '100', 'the nearest name is n_hidden'),
    ({'Kappa': 2}, 'Kappa', 'the nearest name is kappa'),
    ({'N_HIDDEN': 2}, 'N_HIDDEN', 'the nearest name is n_hidden'),
    ({5: 2}, '5 = 2', 'there is no parameter'),
    ({'n_input': 24}, 'n_input', '24', 'follows from other parameters'),
    ({'EI_matrix': None}, 'EI_matrix', 'follows from other parameters'),
    ({'num_time_steps': 250}, 'num_time_steps', '250', 'follows from other parameters'),
    ({'trial_type': 'DMRS60'}, 'trial_type', "'DMRS60'", 'DMRS180', 'the nearest name is DMRS'),
    ({'trial_type': 'dms'}, 'trial_type', "'dms'", 'the nearest name is DMS'),
    ({'synapse_config': 'ful'}, 'synapse_config', "'ful'", 'exc_dep_inh_fac, None'),
    ({'spike_regularization': 'L3'}, 'spike_regularization', "'L3'", 'L1, L2'),
    ({'exc_inh_prop': 2}, 'exc_inh_prop', '2', '>= 0', '<= 1'),
    ({'connection_prob': 0}, 'connection_prob', '0', '<= 1', '> 0'),
    ({'catch_trial_pct': 1}, 'catch_trial_pct', '1', '>= 0', '< 1'),
    ({'n_output': 2}, 'n_output', '2', 'at least 3', 'responses'),
    ({'seed': 2**63}, 'seed', str(2**63), 'None or an integer'),
    ({'stop_accuracy': 1.01}, 'stop_accuracy', '1.01', 'None or a finite number'),
    ({'save_dir': ''}, 'save_dir', "''", 'not empty'),
    ({'dt': 0}, 'dt', '0', 'an integer'),
    ({'dt': 600}, 'fix_time', '500', 'dt = 600 ms'),
    ({'dt': 101}, 'membrane_time_constant', '100', 'at least dt = 101 ms'),
    ({'tau_fast': 9.5}, 'tau_fast', '9.5', 'at least dt = 10 ms'),
    ({'mask_duration': 500}, 'mask_duration', '500', 'shorter than a test, 500 ms'),
    ({'test_time': 50}, 'mask_duration', '50', 'shorter than a test, 50 ms'),
    ({'trial_type': 'DMRS45', 'num_motion_dirs': 12}, 'num_motion_dirs', '12', '45 degrees'),
    ({'trial_type': 'DMS+DMRS', 'num_motion_dirs': 6}, 'num_motion_dirs', '6', '90 degrees'),
    ({'trial_type': 'DMC', 'num_motion_dirs': 7}, 'num_motion_dirs', '7', 'an even number'),
    ({'trial_type': 'dualDMS', 'var_delay': True}, 'var_delay', 'True', 'dualDMS', 'one test'),
    ({'trial_type': 'ABCA', 'var_delay': True}, 'var_delay', 'True', 'ABCA', 'one test'),
    ({'var_delay': True, 'variable_delay_max': 1001}, 'variable_delay_max', '1001', '1000 ms'),
    ({'trial_type': 'ABBA', 'ABBA_delay': 0}, 'ABBA_delay', '0', 'dt = 10 ms'),
    ({'trial_type': 'ABBA', 'ABBA_delay': 9}, 'ABBA_delay', '9', 'dt = 10 ms'),
    ({'trial_type': 'ABBA', 'ABBA_delay': 50}, 'mask_duration', '50', 'shorter than a test'),
    ({'trial_type': 'ABBA', 'delay_time': 790}, 'delay_time', '790', '800 ms'),
    ({'trial_type': 'ABBA', 'num_motion_dirs': 3}, 'num_motion_dirs', '3', 'more than the 3 tests'),
    ({'trial_type': 'distractor', 'distractor_time': 5}, 'distractor_time', '5', 'dt = 10 ms'),
    ({'trial_type': 'distractor', 'n_output': 8}, 'n_output', '8', 'at least 9'),
    ({'trial_type': 'distractor', 'num_motion_tuned': 7}, 'num_motion_tuned', '7', 'at least 8'),
    ({'num_motion_dirs': 129}, 'num_motion_dirs', '129', 'from 2 to 128'),
    ({'test_cost_multiplier': 0}, 'test_cost_multiplier', '0', '> 0'),
    ({'trial_type': 'dualDMS', 'num_motion_tuned': 25}, 'num_motion_tuned', '25', 'multiple of'),
    ({'trial_type': 'location_DMS', 'num_motion_tuned': 32}, 'num_motion_tuned', '32', 'the 3'),
]


@pytest.mark.parametrize(('updates', 'words'), [(bad, words) for bad, *words in BAD], ids=str)
def test_refused(updates, words):
    assert_refused(updates, *words)
    update_parameters({'n_hidden': 20, 'seed': 3})
    assert_refused({'learning_rate': 0.5, **updates}, *words)
    assert_refused({**updates, 'learning_rate': 0.5}, *words)


# Loading


def assert_loading_restores(saved: dict):
    before = deepcopy(par)
    fresh(trial_type='distractor', n_hidden=9, kappa=5, catch_trial_pct=0.4)
    for loaded in (saved, par):
        update_parameters(loaded)
        assert_equal(par, before)


def test_networks_without_a_seed_are_different():
    settings = {'n_hidden': 20}
    first, second = (parameters.parameters_with(settings) for _ in range(2))
    assert first['seed'] != second['seed']
    update_parameters({})
    drawn = par['seed']
    update_parameters(settings)  # an update changes only what it names
    assert par['seed'] == drawn


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('user', [{}, OWN_CHOICE, {'seed': 3, 'synapse_config': None}], ids=len)
def test_round_trip(task, user):
    update_parameters({**SMALL, **user, 'trial_type': task})
    assert_loading_restores(dict(par))


@settings(max_examples=60)
@given(st.sampled_from(list(TASKS)), st.lists(updates_from(VALID), max_size=4))
def test_round_trip_of_random_settings(task, sequence):
    fresh(**SMALL, trial_type=task)
    for updates in sequence:
        with contextlib.suppress(ValueError):
            update_parameters(updates)
    assert_loading_restores(dict(par))


@pytest.mark.parametrize('name', ANALYSIS)
def test_loading_takes_no_options_of_the_analysis(name):
    usual, used = par[name], not par[name] if name in FLAGS else 3
    update_parameters({name: used, 'kappa': 3})
    update_parameters(dict(par))
    assert (par[name], par['kappa']) == (usual, 3)


def saved_by_original_code(task: str) -> dict:
    """The `par` of a network as the original code wrote it."""
    fresh(trial_type=task, test_cost_multiplier=2.0)
    new = {'rules', 'seed', 'stop_accuracy', 'save_every', 'test_time_rng'}
    known = {name: value for name, value in par.items() if name not in new}
    junk = {'synaptic_config': 'full', 'savedir': './', 'analyze_test': False, 'probe_time': 25}
    return known | junk | {'rotation_match': [0, 45], 'catch_trial_pct': 0.0}


@pytest.mark.parametrize('task', TASKS)
def test_load_a_network_of_the_original_code(task):
    saved = saved_by_original_code(task)
    expected = fresh(trial_type=task, test_cost_multiplier=2, seed=1)
    fresh(n_hidden=9, trial_type='ABCA', sample_time=70, seed=2)
    update_parameters(saved)
    assert asked() == {'trial_type': task, 'test_cost_multiplier': 2}
    update_parameters({'seed': 1})
    assert_equal(par, expected)


def test_the_other_name_of_a_setting_in_a_saved_network():
    saved = saved_by_original_code('DMS') | {'synaptic_config': 'fac'}
    assert parameters.saved_settings(saved).get('synapse_config', 'full') == 'full'
    del saved['synapse_config']
    facilitating = {name: fresh(synapse_config='fac')[name] for name in RUN_WITH}
    assert parameters.saved_settings(saved | facilitating)['synapse_config'] == 'fac'


def test_a_network_that_ran_with_other_synapses_than_its_settings_say():
    """The original code saves U_stf, but does not use it."""
    saved = saved_by_original_code('DMS')
    parameters.analysis_parameters(saved)
    saved['U_stf'] = 0.3
    for updates in ({}, {'delay_time': 1500}, {'U_stf': 0.2}):
        with pytest.raises(ValueError, match='its U is not what its settings give'):
            parameters.analysis_parameters(saved, updates)
    corrected = parameters.analysis_parameters(saved, {'U_stf': 0.15})
    np.testing.assert_array_equal(corrected['U'], saved['U'])
    assert_refused(saved, 'its U is not what its settings give')
    right = saved | {'U_stf': 0.15}  # whose synapses can be changed
    assert (parameters.analysis_parameters(right, {'U_stf': 0.3})['U'] == np.float32(0.3)).any()


@pytest.mark.parametrize('name', ['U', 'alpha_std', 'alpha_stf', 'dynamic_synapse'])
@pytest.mark.parametrize('change', [lambda v: 0.5 * v, lambda v: v[:, 1:], lambda v: 'x'])
def test_each_part_of_the_synapses_must_follow_from_the_settings(name, change):
    saved = saved_by_original_code('DMS')
    saved[name] = change(saved[name])
    with pytest.raises(ValueError, match=f'its {name} is not what its settings give'):
        parameters.analysis_parameters(saved)


@pytest.mark.parametrize(
    ('task', 'name', 'value'),
    [
        ('DMS', 'num_receptive_fields', 2),
        ('DMS+DMRS+DMC', 'num_rules', 2),
        ('DMS+DMRS', 'num_rules', [[1], [1, 2]]),
    ],
)
def test_a_network_that_ran_with_what_another_task_sets(task, name, value):
    """The original code used settings of a task in the next one, and trained another task."""
    saved = saved_by_original_code(task)
    for load in (parameters.saved_settings, parameters.analysis_parameters, update_parameters):
        load(saved)
        with pytest.raises(ValueError, match=f'its {name} is not what its settings give'):
            load(saved | {name: value})


@pytest.mark.parametrize('task', SUGGESTED)
def test_another_task_after_loading(task):
    expected = fresh(seed=1, test_cost_multiplier=2, trial_type='DMS')
    update_parameters(saved_by_original_code(task))
    update_parameters({'trial_type': 'DMS', 'seed': 1})
    assert_equal(par, expected)


def test_derived_parameters_are_recomputed():
    before = fresh(**SMALL, seed=1)
    update_parameters(par | {'noise_rnn': 9, 'num_time_steps': None, 'w_in0': [], 'EI_list': 'x'})
    assert_equal(par, before)


@pytest.mark.parametrize(
    ('name', 'value'), [('trial_type', 'DMRS60'), ('n_hidden', 10.0), ('dt', 0), ('test_time', 5)]
)
def test_loading_checks_settings(name, value):
    saved = par | {'kappa': 3, name: value}
    update_parameters({**SMALL, 'learning_rate': 0.5})
    assert_refused(saved, f'{name} = {value!r}')


def test_a_part_of_par_is_an_update():
    saved = {name: par[name] for name in ('trial_type', 'dt', 'n_hidden', 'EI_list')}
    assert_refused(saved, 'EI_list', 'follows from other parameters')
