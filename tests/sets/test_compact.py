"""Smaller copies of result files hold the same network and the measures that were kept."""

import numpy as np
import pytest
from test_analysis import QUICK, eagerly, network  # noqa: F401

import analysis
import results
from parameters import analysis_parameters, par, parameters_with, update_parameters
from plots import memory
from reproduction import tables
from sets import compact


@pytest.fixture(scope='module')
def file(tmp_path_factory, eagerly):  # noqa: F811
    """An analysed network of a task with a DMS probe."""
    path = tmp_path_factory.mktemp('full') / 'DMRS90-run-0.pkl'
    results.save(path, network('DMRS90'))
    analysis.analyze_model_from_file(path, path, QUICK | {'analyze_tuning': True}, jobs=1)
    return path


def test_what_is_kept_is_equal(file, tmp_path, capsys):
    assert compact.run([str(file), '--out', str(tmp_path), '--without', '*_dms', 'h_*']) == 0
    before, after = results.load_results(file), results.load_results(tmp_path / file.name)
    gone = {name for name in before if name.endswith('_dms') or name == 'h_sample_mean'}
    assert len(gone) > 5
    assert before.keys() - after.keys() == gone
    assert set(after['analysis']['measures']) == set(before['analysis']['measures']) - gone
    for name in after.keys() - {'parameters', 'analysis'}:
        expected = before[name]
        if name in results.VALUES:
            expected = np.array(expected)
        np.testing.assert_equal(after[name], expected)
    assert (tmp_path / file.name).stat().st_size < file.stat().st_size


def test_a_pattern_need_not_match_every_file(file, tmp_path, capsys):
    bare = tmp_path / 'bare.pkl'
    results.save(bare, {n: v for n, v in results.load_results(file).items() if n != 'analysis'})
    out = tmp_path / 'small'
    assert compact.run([str(bare), str(file), '--out', str(out), '--without', '*_dms']) == 0
    smaller = results.load_results(out / file.name)
    assert not any(name.endswith('_dms') for name in smaller)
    assert 'neuronal_pev' in smaller


@pytest.mark.parametrize(
    ('curve', 'dtype'), [([0.5, np.nan], np.float32), ([0.1], np.float64), ([1], np.float32)]
)
def test_curves_become_the_smallest_arrays_that_hold_them(file, curve, dtype):
    smaller = compact.compact(results.load_results(file) | {'accuracy': curve})
    assert smaller['accuracy'].dtype == dtype
    np.testing.assert_array_equal(smaller['accuracy'], curve)


def test_settings_are_restored_from_a_copy(file, monkeypatch):
    monkeypatch.setattr(compact, 'LARGE', 100)  # bytes; the network is small
    saved = results.load_results(file)
    smaller = compact.compact(saved)
    assert 'w_rnn0' not in smaller['parameters']
    assert 'syn_x_init' not in smaller['parameters']
    update_parameters(saved['parameters'])
    expected = dict(par)
    update_parameters({'trial_type': 'DMS', 'n_hidden': 3})
    update_parameters(smaller['parameters'])
    np.testing.assert_equal(par, expected)


def test_whole_par_adds_what_a_copy_left_out(file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compact, 'LARGE', 100)
    smaller, whole = tmp_path / 'smaller' / file.name, tmp_path / 'whole' / file.name
    assert compact.run([str(file), '--out', str(smaller.parent)]) == 0
    assert compact.run([str(smaller), '--out', str(whole.parent), '--whole-par']) == 0
    before, left, after = (results.load_results(f)['parameters'] for f in (file, smaller, whole))
    assert 'w_rnn0' in before.keys() - left.keys()
    assert par.keys() <= after.keys()
    np.testing.assert_equal(after, before)


def test_what_no_seed_gives_again_is_kept(file):
    """As in networks of the original code."""
    saved = results.load_results(file)
    del saved['parameters']['seed']
    np.testing.assert_equal(compact.compact(saved)['parameters'], saved['parameters'])


def test_means_over_repetitions(file, tmp_path, capsys):
    assert compact.run([str(file), '--out', str(tmp_path), '--average']) == 0
    before, after = results.load_results(file), results.load_results(tmp_path / file.name)
    for name, axis in (
        ('neuronal_sample_decoding', 2),
        ('synaptic_sample_decoding_dms', 2),
        ('accuracy_syn_shuffled', 2),
        ('accuracy_neural_shuffled_grp', 3),
        ('h_sample_mean', 1),
    ):
        assert before[name].shape[axis] > 1
        expected = before[name].mean(axis, keepdims=True)
        np.testing.assert_allclose(after[name], expected, rtol=1e-5)
        assert after[name].dtype == np.float32
    assert after['synaptic_pev'].dtype == np.float32
    np.testing.assert_allclose(after['synaptic_pev'], before['synaptic_pev'], rtol=1e-6)
    np.testing.assert_allclose(
        tables.end_decoding(after, 'neuronal'), tables.end_decoding(before, 'neuronal'), rtol=1e-5
    )


def test_what_is_averaged_follows_from_the_declared_axes():
    axes = compact.averaged_axes()
    declared = {
        'neuronal_sample_decoding': 2,
        'synaptic_rule_decoding_dms': 2,
        'neuronal_sample_decoding_group': 3,
        'simulation_accuracy': 2,
        'accuracy_neural_shuffled': 2,
        'accuracy_syn_shuffled_grp': 3,
        'h_sample_mean': 1,
        'h_sample_mean_dms': 1,
    }
    assert {name: axes.get(name) for name in declared} == declared
    assert not any('_sem' in name or 'pev' in name for name in axes)


def test_standard_errors_stay(file):
    saved = results.load_results(file)
    errors = {name for name in saved if name.endswith('_sem')}
    assert 'simulation_accuracy_sem' in errors
    after = compact.average(saved)
    for name in errors:
        np.testing.assert_allclose(after[name], saved[name], rtol=1e-6)


def test_copy_can_be_analysed_and_drawn(file, tmp_path):
    copy = tmp_path / file.name
    results.save(copy, compact.compact(results.load_results(file), ['*_tuning']))
    assert len(memory.decoding(results.load_results(copy)).axes) == 1
    again = analysis.analyze_model_from_file(copy, None, QUICK | {'analyze_tuning': True}, jobs=1)
    full = results.load_results(file)
    np.testing.assert_equal(again['neuronal_sample_tuning'], full['neuronal_sample_tuning'])


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['--without', 'resp_*'], "'resp_*' matches no measure"),
        ([], 'DMRS90-run-0.pkl exists, and stays as it is'),
    ],
)
def test_wrong_requests(file, tmp_path, capsys, arguments, sentence):
    out = tmp_path if arguments else file.parent
    before = file.read_bytes()
    assert compact.run([str(file), '--out', str(out), *arguments]) == 2
    shown, err = capsys.readouterr()
    assert (shown, err.count('\n')) == ('', 1)
    assert sentence in err
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_a_large_network_can_be_analysed():
    p = parameters_with({'n_hidden': 300, 'batch_size': 2, 'seed': 1})
    whole = dict.fromkeys(results.CURVES, [0.5]) | {'parameters': p}
    smaller = compact.compact(whole)['parameters']
    assert 'w_rnn0' not in smaller
    assert analysis_parameters(smaller)['n_hidden'] == 300


def test_average_rounds_measures_alone():
    exact = np.array([0.1, 0.2])
    after = compact.average({'accuracy': exact, 'task_accuracy_per_rule': exact})
    assert (after['accuracy'].dtype, after['task_accuracy_per_rule'].dtype) == (float, np.float32)
