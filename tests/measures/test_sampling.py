"""Means over batches and their standard errors, and whether these say how sure a measure is."""

import numpy as np
import pytest
from test_analysis import OPTIONS, QUICK, analyze, eagerly, network, set_task  # noqa: F401

import analysis
import results
from measures import sampling
from measures.plan import wanted
from model import Model
from parameters import par, update_parameters

BATCHES = 8


def means(batches, degrees=False):
    """Those over batches, of results that have no repetitions."""
    return sampling.over_batches(batches, dict.fromkeys(batches[0], ()), degrees)


def test_mean_and_standard_error():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(BATCHES, 2, 3)).astype(np.float32)
    found = means([{'a': v, 'b': float(v[0, 0])} for v in values])
    assert found.keys() == {'a', 'a_sem', 'b', 'b_sem'}
    np.testing.assert_allclose(found['a'], values.mean(0), rtol=1e-5)
    expected = values.std(0, ddof=1) / np.sqrt(BATCHES)
    np.testing.assert_allclose(found['a_sem'], expected, rtol=1e-5)
    assert found['a'].dtype == found['a_sem'].dtype == np.float32
    assert (type(found['b']), type(found['b_sem'])) == (float, float)
    assert found['b_sem'] == pytest.approx(expected[0, 0])


def test_one_batch_has_no_standard_error():
    value = np.random.default_rng(1).random(5).astype(np.float32)
    found = means([{'a': value}])
    np.testing.assert_array_equal(found['a'], value)
    assert np.isnan(found['a_sem']).all()


def test_undefined_batches_are_left_out():
    values = np.array([[1, np.nan, np.nan], [3, 4, np.nan], [np.nan, 8, np.nan], [5, np.nan, 2]])
    found = means([{'a': v} for v in values])
    np.testing.assert_allclose(found['a'], [3, 6, 2])
    np.testing.assert_allclose(found['a_sem'], [2 / np.sqrt(3), np.sqrt(8) / np.sqrt(2), np.nan])


@pytest.mark.parametrize(
    ('degrees', 'mean'), [((178, -178, 180), 180), ((-10, 20), 5), ((100, 120, np.nan), 110)]
)
def test_angles_are_averaged_around_the_circle(degrees, mean):
    found = means([{'synaptic_rotation': np.array(v)} for v in degrees], degrees=True)
    assert abs(found['synaptic_rotation']) == pytest.approx(mean)
    turned = np.array(degrees)[~np.isnan(degrees)] % 360 if mean == 180 else np.array(degrees)
    expected = np.nanstd(turned, ddof=1) / np.sqrt(np.sum(~np.isnan(turned)))
    assert found['synaptic_rotation_sem'] == pytest.approx(expected)


def test_repetitions_of_batches_are_joined():
    parts = [np.array([[0.5, 0.7]]), np.array([[0.8]]), np.zeros((1, 0)), np.array([[0.9]])]
    found = sampling.over_batches([{'a': part} for part in parts], {'a': ('rule', 'repetition')})
    np.testing.assert_array_equal(found['a'], [[0.5, 0.7, 0.8, 0.9]])
    means = [0.6, 0.8, 0.9]
    np.testing.assert_allclose(found['a_sem'], [np.std(means, ddof=1) / np.sqrt(3)])


@pytest.mark.parametrize(('total', 'parts'), [(100, 8), (5, 8), (8, 8), (1, 3)])
def test_repetitions_are_spread_evenly(total, parts):
    shares = sampling.shares(total, parts)
    assert (len(shares), sum(shares)) == (parts, total)
    assert max(shares) - min(shares) <= 1


# Networks


def test_batches_do_not_share_trials_or_noise(tmp_path):
    """Every batch is another sample: its values differ, and those of the first stay."""
    options = OPTIONS | {'analyze_tuning': True, 'calculate_resp_matrix': False}
    saved = network('DMS')
    one, three = (analyze(tmp_path, saved, options | {'tuning_batches': n}) for n in (1, 3))
    for name in ('neuronal_pev', 'neuronal_sample_tuning', 'synaptic_sample_decoding'):
        np.testing.assert_array_equal(one[name], three[name])
    for name in ('task_accuracy', 'manipulation'):
        assert one[name] != three[name]
        assert np.isnan(one[f'{name}_sem'])
        assert three[f'{name}_sem'] > 0


def test_repetitions_are_as_many_as_asked_for(tmp_path):
    found = analyze(tmp_path, network('DMS'), QUICK | {'simulation_reps': 7, 'tuning_batches': 3})
    assert found['accuracy_neural_shuffled'].shape == (1, 2, 7)
    assert found['accuracy_neural_shuffled_grp'].shape == (1, 2, 5, 5)
    assert found['accuracy_neural_shuffled_sem'].shape == (1, 2)
    assert found['accuracy_neural_shuffled_grp_sem'].shape == (1, 2, 5)
    assert (found['accuracy_neural_shuffled_sem'] > 0).all()


# The test of location_DMS reaches a unit through other inputs than the sample. So the direction
# that a unit prefers in the test can be chosen, by how it is turned from that in the sample.
TURNS = (0, 0, 0, 180)  # degrees, of groups of units, each with all preferred directions
SIMILARITY = np.cos(np.radians(TURNS)).mean()


def turned_network() -> dict:
    """Facilitating units, driven by nothing but one direction of the sample and one of the test."""
    set_task(
        'location_DMS',
        num_motion_tuned=72,
        num_motion_dirs=8,
        n_hidden=8 * len(TURNS),
        exc_inh_prop=1,
        synapse_config='fac',
        seed=1,
    )
    unit = np.arange(par['n_hidden'])
    preferred, turn = unit % 8, np.array(TURNS)[unit // 8] // 45
    w_in = np.zeros((par['n_input'], par['n_hidden']), np.float32)
    w_in[3 * preferred, unit] = 4  # the inputs of a field prefer directions 15 degrees apart
    for field in (1, 2):
        w_in[24 * field + 3 * ((preferred + turn) % 8), unit] = 4
    w_rnn = np.zeros_like(par['w_rnn0'])
    return {name: par[f'{name}0'] for name in results.WEIGHT_SHAPES} | {
        'w_in': w_in,
        'w_rnn': w_rnn,
    }


def similarity(model: Model, seed: int) -> tuple[float, float]:
    """Of sample and test at the end of the test, and its standard error."""
    of_network = analysis.Analysis(model, seed, 1, lambda n: None)
    found = of_network._measured_in('independent', wanted('independent', model.par))
    return tuple(found[f'synaptic_similarity{end}'][0, 0, -1] for end in ('', '_sem'))


def test_known_similarity_and_its_standard_error():
    weights = turned_network()
    off = {'calculate_resp_matrix': False, 'decoding_reps': 0}
    update_parameters({'batch_size': 400, 'tuning_batches': BATCHES} | off)
    model = Model(weights, trials_per_part=400)
    values, errors = np.transpose([similarity(model, seed) for seed in range(20)])

    assert abs(values[0] - SIMILARITY) < 3 * errors[0]
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(ddof=1), rel=0.3)
