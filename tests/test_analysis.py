"""The whole analysis at small size: every measure of every task, and what it leaves behind.

TensorFlow runs eagerly here: runs are so short that tracing graphs would take most of the time.
"""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import SMALL

import analysis
import parameters
import results
from measures import shuffling
from measures.measure import MeasureError, all_measures, measure_of
from measures.plan import amount_of_work, kinds_of_trials
from model import Model
from parameters import par, reset_parameters, update_parameters, user_settings
from plots import memory
from rnn.initial_values import SYNAPSES
from stimulus import Stimulus
from tasks import TASKS, load_task

REFERENCE = Path(__file__).parent.parent.parent / 'shared' / 'reference'
NETWORK = {'weights', 'parameters', *results.CURVES}
TIMES = {'fix_time': 100, 'sample_time': 100, 'delay_time': 150, 'test_time': 150}
TINY = SMALL | TIMES | {'dt': 50, 'mask_duration': 50}
TASK_SETTINGS = {
    'DMRS45': {'num_motion_dirs': 8},
    'ABBA': {'ABBA_delay': 100, 'delay_time': 600},
    'ABCA': {'ABBA_delay': 100, 'delay_time': 600},
    'distractor': {'distractor_time': 50, 'n_output': 5},
}
TRIALS = {'dualDMS': 400, 'DMS+DMRS+DMC': 300, 'DMRS45': 200}  # 100 per rule are enough elsewhere
OPTIONS = {'analysis_trials': 120, 'tuning_batches': 1, 'decoding_reps': 2, 'simulation_reps': 2}
SWITCHES = (
    *('analyze_tuning', 'calculate_resp_matrix', 'suppress_analysis', 'decode_test'),
    *('decode_match', 'decode_rule', 'decode_neuronal_groups', 'decode_stability'),
)
ALL = OPTIONS | dict.fromkeys(SWITCHES, True)
QUICK = OPTIONS | {'analyze_tuning': False, 'calculate_resp_matrix': False}
# tasks that are like another but for an angle, a cue or a non-match show the other configurations
CONFIG_OF = {
    'DMRS45': 'fac',
    'DMRS90ccw': 'dep',
    'DMRS180': 'exc_fac',
    'DMC': 'exc_dep',
    'ABCA': 'inh_fac',
    'DMS+DMRS_early_cue': 'inh_dep',
    'DMS+DMRS_full_cue': 'exc_dep_inh_fac',
}
# synapse_config: whether it has units that are exc_fac, exc_dep, inh_fac, inh_dep, any
GROUPS_OF = {
    'full': (1, 1, 1, 1, 1),
    'fac': (1, 0, 1, 0, 1),
    'dep': (0, 1, 0, 1, 1),
    'exc_fac': (1, 0, 0, 0, 1),
    'exc_dep': (0, 1, 0, 0, 1),
    'inh_fac': (0, 0, 1, 0, 1),
    'inh_dep': (0, 0, 0, 1, 1),
    'exc_dep_inh_fac': (0, 1, 1, 0, 1),
    None: (0, 0, 0, 0, 1),
}


@pytest.fixture(autouse=True, scope='module')
def eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def set_task(task='DMS', **changes) -> None:
    reset_parameters()
    update_parameters(TINY | {'trial_type': task} | TASK_SETTINGS.get(task, {}) | changes)


def network(task='DMS', weights=(), **changes) -> dict:
    """What training would save of a network that is untrained, but for the given weights."""
    set_task(task, **changes)
    initial = {name: par[f'{name}0'] for name in results.WEIGHT_SHAPES}
    curves = {name: [0.5] for name in results.CURVES}
    saved = {'weights': initial | dict(weights), 'parameters': dict(par), **curves}
    reset_parameters()
    return saved


def analyze(folder: Path, saved: dict, update_params=None, **options) -> dict:
    """Save a network, analyse it, and check what holds of every analysis."""
    path, done = folder / 'net.pkl', []
    results.save(path, saved)
    before = path.read_bytes()
    settings = {'seed': 1, 'jobs': 1, 'progress': done.append} | options
    found = analysis.analyze_model_from_file(path, None, update_params, **settings)
    assert path.read_bytes() == before
    assert list(folder.iterdir()) == [path]
    p = parameters.analysis_parameters(saved['parameters'], update_params)
    assert sum(done) == amount_of_work(p)
    return found


# Every measure of every task


def shapes_of_sample(name: str, rules: int, fields: int, steps: int, p) -> dict:
    """Decoding of, and tuning to, the sample and the test."""
    N, D = p['n_hidden'], p['num_motion_dirs']
    per_unit = ['pev', 'pref_dir', 'category_index']
    shapes = {'sample_decoding': (rules, fields, 2, steps)}
    shapes |= {f'sample_{what}above_chance': (rules, fields) for what in ('', 'share_')}
    shapes['sample_tuning'] = (N, rules, D, fields, steps)
    if p['trial_type'] != 'distractor':
        per_unit += ['pev_test', 'pref_dir_test']
        shapes['similarity'] = (rules, fields, steps)
    shapes |= dict.fromkeys(per_unit, (N, rules, fields, steps))
    return {f'{name}_{what}': shape for what, shape in shapes.items()}


def shapes_of_decoding(name: str, rules: int, fields: int, p) -> dict:
    """What the switches of the decoding add."""
    T, tests = p['num_time_steps'], p['trial_type'] != 'distractor'
    shapes = {'sample_decoding_stability': (rules, fields, 2, T, T)}
    for what in ('sample', 'test', 'match') if tests else ('sample',):
        shapes[f'{what}_decoding'] = (rules, fields, 2, T)
        shapes[f'{what}_decoding_group'] = (4, rules, fields, 2, T)
    if rules > 1:
        shapes['rule_decoding'] = (1, fields, 2, T)
    return {f'{name}_{what}': shape for what, shape in shapes.items()}


def expected_shapes(p) -> dict[str, tuple]:
    """Shape of every measure, with all switches on and two repetitions."""
    task, N, D, T = p['trial_type'], p['n_hidden'], p['num_motion_dirs'], p['num_time_steps']
    plastic, tests = p['synapse_config'] is not None, task != 'distractor'
    rules = {'dualDMS': 4, 'DMS+DMRS+DMC': 3}.get(task, 1 + ('+' in task))
    fields = windows = 1 + (task == 'dualDMS')
    periods = 1 if task in ('dualDMS', 'ABBA', 'ABCA') else 2
    steps_of_probe = sum(p[f'{name}_time'] for name in ('fix', 'test')) // p['dt'] + 30
    steps_of_probe = T if task == 'DMS' else steps_of_probe
    shapes = {'task_accuracy': (), 'task_accuracy_per_rule': (rules,)}
    shapes |= {'simulation_accuracy': (rules, periods, 2), 'h_sample_mean': (T, N, D)}
    shapes['input_tuning'] = (N, p['num_receptive_fields'], D)
    for name in ('neural', 'syn')[: 1 + plastic]:
        shapes[f'accuracy_{name}_shuffled'] = (rules, periods, 2)
        shapes[f'accuracy_{name}_shuffled_grp'] = (rules, periods, 5, 2)
    probe = {'h_sample_mean': (steps_of_probe, N, D)}
    for name in ('neuronal', 'synaptic')[: 1 + plastic]:
        shapes |= shapes_of_sample(name, rules, fields, T, p)
        shapes |= shapes_of_decoding(name, rules, fields, p)
        probe |= shapes_of_sample(name, 1, 1, steps_of_probe, p)
    if plastic:
        shapes['synaptic_rotation'] = (rules, fields, 5)
    if not tests:
        return shapes
    shapes |= {f'{name}_dms': shape for name, shape in probe.items()}
    shapes |= {'resp_no_suppression': (N, D, D), 'resp_suppression': (N, N, D, D)}
    shapes |= {'acc_neuronal_suppression': (rules, windows, 5, 3)}
    shapes |= {'accuracy_no_suppression': (rules, 3)}
    if plastic:
        shapes['manipulation'] = ()
        for what in ('pev', 'pref_dir'):
            shapes[f'synaptic_{what}_test_suppression'] = (rules, windows, 5, N, T)
        shapes['synaptic_similarity_suppression'] = (rules, windows, 5, T)
    return shapes


def with_errors(shapes: dict[str, tuple]) -> dict[str, tuple]:
    """The same with the standard errors of what is measured in several batches."""
    found = dict(shapes)
    for name, shape in shapes.items():
        repeated = any(part in name for part in ('shuffled', 'simulation'))
        if repeated or any(part in name for part in BATCHED):
            found[f'{name}_sem'] = shape[:-1] if repeated else shape
    return found


# what several batches are needed for, beside repetitions
BATCHED = ('accuracy', 'acc_', 'similarity', 'category_index', 'rotation', 'manipulation')
# endings of names, and their axis of groups
SUPPRESSED = ('neuronal_suppression', 'test_suppression', 'similarity_suppression')
GROUP_AXIS = {'_grp': 2, '_group': 0, '_rotation': 2} | dict.fromkeys(SUPPRESSED, 2)
MAY_BE_UNDEFINED = ('category_index', 'similarity', 'resp_')
RANGES = {
    'acc': (0, 1),
    'decoding': (0, 1),
    'above_chance': (0, 1),
    'pev': (0, 1),
    'pref_dir': (-np.pi, np.pi),
    'similarity': (-1, 1),
    'category_index': (-1, 1),
    'manipulation': (0, 2),
    'rotation': (-180, 180),
    'resp_': (0, np.inf),
    'mean': (0, np.inf),
    'tuning': (0, np.inf),
}


def assert_in_range(found: dict, filled: tuple) -> None:
    """NaN, which is in no range, is allowed for empty groups and in what may be undefined."""
    for name in found['analysis']['measures']:
        value, is_error = np.asarray(found[name]), name.endswith('_sem')
        name = name.removesuffix('_sem')
        axis = next((axis for end, axis in GROUP_AXIS.items() if name.endswith(end)), None)
        if axis is not None:
            groups = np.array(filled[: value.shape[axis]], bool)
            value = np.moveaxis(value, axis, 0)
            assert np.isnan(value[~groups]).all(), name
            value = value[groups]
        if is_error and found['analysis']['options']['tuning_batches'] == 1:
            assert np.isnan(value).all(), name
            continue
        if any(part in name for part in MAY_BE_UNDEFINED):
            value = value[~np.isnan(value)]
            assert value.size, name
        low, high = next(limits for part, limits in RANGES.items() if part in name)
        low = 0 if is_error else low
        assert (value >= low - 1e-6).all(), name  # they are float32
        assert (value <= high + 1e-6).all(), name


def assert_undefined_where_it_must(found: dict) -> None:
    """No difference between directions; no unit that is tuned to both; no trial of a pair."""
    for curves_name in [name for name in found if '_sample_tuning' in name]:
        flat = np.ptp(found[curves_name], axis=2) == 0
        index = found[curves_name.replace('sample_tuning', 'category_index')]
        np.testing.assert_array_equal(np.isnan(index), flat)
    for similarity_name in [n for n in found if n.endswith(('_similarity', '_similarity_dms'))]:
        names = [similarity_name.replace('similarity', what) for what in ('pev', 'pev_test')]
        tuned = np.all([(found[name] > 0).all(2) for name in names], 0).any(0)  # (rule, time)
        assert not np.isnan(found[similarity_name]).any(1)[tuned].any()
    if 'resp_suppression' in found:
        of_pair = np.isnan(found['resp_no_suppression'][:1])
        for name in ('resp_no_suppression', 'resp_suppression'):
            assert (np.isnan(found[name]) == of_pair).all()


def assert_complete(found: dict, p) -> None:
    names = found['analysis']['measures']
    assert {name: np.shape(found[name]) for name in names} == with_errors(expected_shapes(p))
    assert found.keys() == NETWORK | set(names) | {'analysis'}
    for name in names:
        axes = measure_of(name).axes[name.removesuffix('_sem').removesuffix('_dms')]
        averaged = name.endswith('_sem') and 'repetition' in axes
        assert np.ndim(found[name]) == len(axes) - averaged, name
    filled = GROUPS_OF[p['synapse_config']]
    if p['num_inh_units'] == 0:
        filled = (*filled[:2], 0, 0, 1)
    assert_in_range(found, filled)
    assert_undefined_where_it_must(found)


@pytest.mark.parametrize('task', TASKS)
def test_every_task_and_configuration_of_synapses(tmp_path, task):
    saved = network(task, synapse_config=CONFIG_OF.get(task, 'full'))
    options = ALL | {'analysis_trials': TRIALS.get(task, 200 if '+' in task else 120)}
    options['tuning_batches'] = 2 if task in ('DMS', 'ABBA', 'dualDMS') else 1
    found = analyze(tmp_path, saved, options)
    assert_complete(found, saved['parameters'])
    if task == 'DMS+DMC':
        assert {name for m in all_measures() for name in m.axes} <= found.keys()
    if task == 'DMS':
        for name in [name for name in found if name.endswith('_dms')]:
            np.testing.assert_array_equal(found[name], found[name.removesuffix('_dms')])


@pytest.mark.parametrize(('config', 'exc_inh_prop'), [('full', 1), (None, 0.8)])
def test_without_inhibition_or_plasticity(tmp_path, config, exc_inh_prop):
    assert {*CONFIG_OF.values(), 'full', None} == {*SYNAPSES}
    saved = network(synapse_config=config, exc_inh_prop=exc_inh_prop)
    assert_complete(analyze(tmp_path, saved, ALL), saved['parameters'])


@pytest.mark.parametrize('task', ['ABBA', 'DMS+DMC', 'dualDMS', 'location_DMS'])
def test_probe_is_a_dms_trial_in_the_first_field(task):
    set_task(task, noise_in_sd=0, dead_time=50)
    own = par['n_input'], par['num_motion_tuned'] // par['num_receptive_fields']
    of_network = analysis.Analysis(Model(), 1, 1, lambda work: None)
    trial_info = of_network._stimulus('probe', 0).generate_trial(test_mode=True)
    assert par['trial_type'] == task
    assert of_network.kinds['probe']['trial_type'] == 'DMS'
    steps, _, num_inputs = trial_info['neural_input'].shape
    assert (steps, num_inputs) == (1 + 2 + 10 + 20 + 3, own[0])
    shown = trial_info['neural_input'].any(1)  # (time, input)
    expected = np.zeros_like(shown)
    expected[3:13, : own[1]] = expected[-3:, : own[1]] = True
    np.testing.assert_array_equal(shown, expected)


def test_a_sequence_with_a_short_end_has_a_probe_all_the_same():
    set_task('ABBA', test_time=50)
    assert len(kinds_of_trials(par)['probe']['test_time_rng'][0]) == 1


TWO_CHOICES = """
from tasks import Task

class TwoChoices(Task):
    suggested = {'fix_time': 0}

    def needed_times(self):
        return ['sample_time', 'delay_time', 'test_time']

    def values(self, label, p):
        return (0, p['num_motion_dirs'] // 2) if label == 'sample' else super().values(label, p)

    def trials(self, batch):
        sample = batch.rng.integers(2, size=batch.size) * (batch.p['num_motion_dirs'] // 2)
        batch.show(batch.p['sample_time_rng'], sample)
        test, match = batch.draw_test(sample, 0)
        period, catch = batch.single_test(1 + match)
        batch.show(period, test, where=~catch)
        return {'sample': sample, 'test': test, 'match': match, 'catch': catch}
"""


def test_an_own_task_of_few_directions_and_without_fixation(tmp_path):
    (tmp_path / 'two_choices.py').write_text(TWO_CHOICES)
    task, folder = load_task(tmp_path / 'two_choices.py'), tmp_path / 'networks'
    folder.mkdir()
    found = analyze(folder, network(task, fix_time=0), QUICK | {'analyze_tuning': True})
    assert np.isfinite(found['neuronal_sample_decoding']).all()
    shown = np.isfinite(found['neuronal_sample_tuning']).all((0, 1, 3, 4))
    assert shown.tolist() == [True, False, True, False]  # of four directions
    assert np.isfinite(found['manipulation'])
    assert memory.chance(0, found['parameters']) == 1 / 2


# What an analysis reads and leaves behind


def assert_same(found: dict, expected: dict) -> None:
    """The same measures, and so the same numbers."""
    names = expected['analysis']['measures']
    assert found['analysis']['measures'] == names
    for name in names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize('fails', [False, True])
def test_parameters_are_left_as_they_were(tmp_path, fails):
    saved = network('ABBA')
    update_parameters({'trial_type': 'DMRS90', 'n_hidden': 7, 'decoding_reps': 5})
    before, user = dict(par), user_settings()
    if fails:
        with pytest.raises(MeasureError, match='line .* fails: ZeroDivisionError'):
            analyze(tmp_path, saved, QUICK, progress=lambda work: 1 / 0)
    else:
        assert analyze(tmp_path, saved, QUICK)['neuronal_sample_decoding'].shape[2] == 2
    assert user_settings() == user
    assert par.keys() == before.keys()
    assert all(par[name] is before[name] for name in before)


def test_results_are_written_where_savefile_says(tmp_path):
    saved, path, out = network(), tmp_path / 'net.pkl', tmp_path / 'new' / 'out.pkl'
    results.save(path, saved)
    original = path.read_bytes()
    found = analysis.analyze_model_from_file(path, out, QUICK, jobs=1)
    assert path.read_bytes() == original
    np.testing.assert_equal(results.load_results(out), found)
    np.testing.assert_equal({name: found[name] for name in NETWORK}, saved)
    again = analysis.analyze_model_from_file(out, out, QUICK | {'decode_test': True}, jobs=1)
    np.testing.assert_equal(results.load_results(out), again)
    assert 'neuronal_test_decoding' in again
    fewer = analysis.analyze_model_from_file(out, None, QUICK | {'decoding_reps': 1}, jobs=1)
    assert fewer.keys() == found.keys()  # measures of other options would be left over


def test_run_multiple_goes_on_after_an_error(tmp_path):
    bad, good = tmp_path / 'bad.pkl', tmp_path / 'good.pkl'
    bad.write_bytes(b'no pickle')
    results.save(good, network())
    found = analysis.run_multiple([bad, str(good)], QUICK, jobs=1)
    assert isinstance(found[bad], results.ResultsError)
    np.testing.assert_equal(found[good], results.load_results(good))
    assert found[good]['analysis']['options']['seed'] == 0


def test_only_the_network_is_taken_from_the_file(tmp_path, monkeypatch):
    """Neither its options nor its batch count; delays are fixed and there are no catch trials."""
    saved = network('DMRS90')
    of_training = {'var_delay': True, 'variable_delay_max': 100, 'catch_trial_pct': 0.3}
    of_analysis = {'analysis_trials': 3, 'decoding_reps': 1, 'svm_normalize': False}
    other = network('DMRS90', batch_size=7, decode_match=True, **of_training, **of_analysis)
    for name, default in OPTIONS.items():
        changed = parameters.SETTINGS[name]._replace(default=default)
        monkeypatch.setitem(parameters.SETTINGS, name, changed)
    expected = analyze(tmp_path, saved)
    assert expected['accuracy_syn_shuffled'].shape == (1, 2, 2)
    update_parameters({'decoding_reps': 7, 'decode_test': True, 'noise_rnn_sd': 3})
    assert_same(analyze(tmp_path, other), expected)


def test_parameters_of_the_trials(small):
    small(trial_type='DMRS90', var_delay=True, variable_delay_max=60, catch_trial_pct=0.3)
    p = parameters.analysis_parameters(par, {'decode_test': True})
    assert p['trial_type'] == 'DMRS90'
    assert (p['n_hidden'], p['batch_size']) == (12, 1024)
    assert (p['decoding_reps'], p['simulation_reps'], p['decode_test']) == (100, 100, True)
    assert not Stimulus(1, p).generate_trial()['catch'].any()
    assert not p['var_delay']


def test_only_what_a_file_lacks_is_measured(tmp_path):
    """As with measures that are newer than the analysis; the numbers are those of a whole one."""
    path, options = tmp_path / 'a.pkl', OPTIONS | {'decode_test': True}
    results.save(path, network('DMS+DMRS'))
    whole = analysis.analyze_model_from_file(path, path, options, jobs=1)
    lost = {m for m in all_measures() if m.name in ('test', 'task_accuracy', 'manipulation')}
    names = {name for m in lost for name in m.saved_names()}
    assert len(names & whole.keys()) == 8
    results.save(path, {name: value for name, value in whole.items() if name not in names})
    done, fewer = [], options | {'decode_test': False, 'decoding_reps': 1}
    found = analysis.analyze_model_from_file(path, path, fewer, jobs=1, progress=done.append)
    lost = {m for m in lost if m.name != 'test'}  # for which the options do not ask
    assert found.keys() == whole.keys() - {'neuronal_test_decoding', 'synaptic_test_decoding'}
    assert sum(done) == amount_of_work(par | found['parameters'] | options, lost)
    assert found['analysis']['options'] == whole['analysis']['options']
    found = analysis.analyze_model_from_file(path, path, options, jobs=1)
    assert_same(found, whole)
    assert_same(results.load_results(path), whole)


def test_switches_add_what_they_ask_for(tmp_path):
    """One after the other they give what they give together, and nothing is measured twice."""
    path, done = tmp_path / 'a.pkl', []
    results.save(path, network('DMS'))
    whole = {'decode_test': True, 'decode_match': True, 'decode_neuronal_groups': True}
    expected = analysis.analyze_model_from_file(path, None, QUICK | whole, jobs=1)
    for switches, names in (
        (['decode_test'], None),
        (
            ['decode_match', 'decode_neuronal_groups'],
            ['match', 'match_from_groups', 'sample_from_groups'],
        ),
        (['decode_test', 'decode_neuronal_groups'], ['test_from_groups']),
    ):
        options = QUICK | dict.fromkeys(switches, True)
        found = analysis.analyze_model_from_file(path, path, options, jobs=1, progress=done.append)
        p = found['parameters'] | expected['analysis']['options']
        among = None if names is None else {m for m in all_measures() if m.name in names}
        if among:
            assert sum(done) == amount_of_work(par | p, among)
        done.clear()
    assert_same(found, expected)


def test_another_name_of_a_setting_in_an_analysis(tmp_path):
    with pytest.warns(UserWarning, match='synaptic_config is understood as synapse_config'):
        found = analyze(tmp_path, network(), QUICK | {'synaptic_config': 'fac'})
    assert found['analysis']['options']['synapse_config'] == 'fac'


def test_a_write_protected_file_is_refused_before_the_work(tmp_path, monkeypatch):
    path = tmp_path / 'net.pkl'
    results.save(path, network())
    path.chmod(0o444)
    monkeypatch.setattr(analysis.Analysis, 'measured', None)
    with pytest.raises(results.ResultsError, match='net.pkl is write-protected'):
        analysis.analyze_model_from_file(path, path)
    found = analysis.run_multiple(path)
    assert 'is write-protected' in str(found[path])


def test_another_network_is_not_replaced(tmp_path):
    results.save(tmp_path / 'a.pkl', network())
    results.save(tmp_path / 'b.pkl', network(seed=2))
    before = (tmp_path / 'b.pkl').read_bytes()
    with pytest.raises(ValueError, match='b.pkl holds another network'):
        analysis.analyze_model_from_file(tmp_path / 'a.pkl', tmp_path / 'b.pkl', QUICK, jobs=1)
    assert (tmp_path / 'b.pkl').read_bytes() == before


@pytest.mark.parametrize('name', ['seed', 'batch_size', 'var_delay', 'catch_trial_pct'])
def test_what_only_the_training_has_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=f'{name} applies to training only: .* the analysis'):
        analyze(tmp_path, network(), {name: 7})


def test_numbers_follow_the_seed_alone(tmp_path):
    saved, options = network(), ALL | {'tuning_batches': 2}
    one, two = (analyze(tmp_path, saved, options, jobs=jobs) for jobs in (1, 2))
    assert_same(two, one)
    other = analyze(tmp_path, saved, options, seed=2)
    for name in set(one['analysis']['measures']) - {'input_tuning'}:
        if 'chance' not in name and name != 'accuracy_no_suppression':
            assert not np.array_equal(one[name], other[name], equal_nan=True), name


@pytest.mark.parametrize('trials', [1, 15])
def test_too_few_trials(tmp_path, trials):
    words = f'analysis_trials = {trials} is too few to decode the sample .* 4 trials of each'
    with pytest.raises(ValueError, match=words):
        analyze(tmp_path, network(), QUICK | {'analysis_trials': trials})


@pytest.mark.parametrize('missing', sorted(parameters.WHOLE_PAR))
def test_parameters_that_are_not_whole(tmp_path, missing):
    saved = network()
    del saved['parameters'][missing]
    with pytest.raises(ValueError, match=f'parameters.* lack {missing}'):
        analyze(tmp_path, saved, QUICK)


def test_run_model_is_that_of_the_model():
    set_task()
    weights = {name: par[f'{name}0'] for name in results.WEIGHT_SHAPES}
    x, model = Stimulus(1).generate_trial()['neural_input'], Model(weights)
    start = weights['h'], par['syn_x_init'][:1], par['syn_u_init']
    suppress = np.ones((len(x), 12))
    suppress[3:5, 2:] = 0
    found = analysis.run_model(x, *start, weights, suppress, [3, 4])
    expected = model.run_model(x, key=[3, 4], suppress_activity=suppress)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not found[1][3:5, :, 2:].any()
    runs = [analysis.run_model(x, *start, weights)[1] for _ in range(2)]
    assert not np.array_equal(*runs)  # with noise that is new each time


# Networks of the original code


@pytest.fixture
def graphs():
    """Run TensorFlow's functions as graphs in one test."""
    tf.config.run_functions_eagerly(False)
    yield
    tf.config.run_functions_eagerly(True)


@pytest.mark.usefixtures('graphs')
@pytest.mark.parametrize(
    ('number', 'neuronal', 'neural_shuffled', 'syn_shuffled'),
    [(0, 0.381, 0.879, 0.525), (1, None, 0.834, 0.568), (2, None, 0.958, 0.507)],
)
def test_networks_of_the_original_code(
    monkeypatch, number, neuronal, neural_shuffled, syn_shuffled
):
    """Against the numbers that the original analysis gave; with graphs, for these runs are long."""
    path = REFERENCE / f'DMS-run-{number}.pkl'
    if not path.exists():
        pytest.skip('the networks that the original code trained are not on this machine')
    monkeypatch.setattr(shuffling, 'MOST_GROUP_REPETITIONS', 1)  # they would take longest
    options = QUICK | {'analysis_trials': 256, 'simulation_reps': 3}
    options['decoding_reps'] = 3 if neuronal else 1
    found = analysis.analyze_model_from_file(path, None, options, jobs=1)
    late = slice(*found['analysis']['end_of_delay'])
    decoded = {
        name: found[f'{name}_sample_decoding'][..., late].mean()
        for name in ('neuronal', 'synaptic')
    }
    assert decoded['synaptic'] == pytest.approx(1, abs=0.01)
    if neuronal:
        assert decoded['neuronal'] == pytest.approx(neuronal, abs=0.08)
    at_test = {name: found[f'accuracy_{name}_shuffled'][0, 1].mean() for name in ('neural', 'syn')}
    assert at_test['neural'] == pytest.approx(neural_shuffled, abs=0.06)
    assert at_test['syn'] == pytest.approx(syn_shuffled, abs=0.07)
