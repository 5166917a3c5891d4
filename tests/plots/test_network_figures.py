"""Figures of a network: what is drawn is what is given."""

import numpy as np
import pytest
from drawing import bands, fabricated, lines
from matplotlib.figure import Figure
from test_analysis import eagerly  # noqa: F401

import results
import simulate_STP
from measures.groups import unit_groups
from measures.network import parameters_of
from model import Model
from parameters import analysis_parameters, par, update_parameters
from plots import network as net
from plots import style
from plots.figure import FigureError
from stimulus import Stimulus


@pytest.fixture
def coarse(monkeypatch):
    """Simulate synapses in steps of 1 ms."""
    exact = simulate_STP.simulate
    monkeypatch.setattr(
        simulate_STP, 'simulate', lambda *args, **options: exact(*args, delta_t=1.0, **options)
    )


def responses(drawn: Figure) -> dict[str, list]:
    """x, u and efficacy of each column."""
    axes = np.reshape(drawn.axes, (3, 2))
    return {
        kind: [*(line.get_ydata() for line in axes[1, i].get_lines()), axes[2, i].get_lines()[1]]
        for i, kind in enumerate(simulate_STP.SYNAPSES)
    }


def test_synapses_are_those_of_the_simulation(coarse):
    for kind, (x, u, efficacy) in responses(simulate_STP.synapse_responses()).items():
        expected = simulate_STP.simulate(kind)
        np.testing.assert_array_equal([x, u], [expected.x, expected.u])
        np.testing.assert_array_equal(efficacy.get_data(), [expected.time, expected.efficacy])


def test_synapses_have_the_constants_of_the_network(coarse):
    x, u, _ = responses(simulate_STP.synapse_responses(fabricated(U_stf=0.3)))['stf']
    assert u[0] == pytest.approx(0.3)
    assert par['U_stf'] == 0.15


# One trial


def test_a_trial_is_a_run_of_the_network():
    network = fabricated()
    trial = net.simulate_trial(network, seed=3, index=5)
    p = analysis_parameters(network['parameters'], {'analysis_trials': net.TRIALS_FOR_ORDER})
    trial_info = Stimulus(3, p).generate_trial()
    model = Model(network['weights'], p=p)
    y, h, x, u = model.run_model(trial_info['neural_input'], key=[3, 0])
    np.testing.assert_array_equal(trial.stimulus, trial_info['neural_input'][:, 5])
    np.testing.assert_array_equal(trial.activity, h[:, 5])
    np.testing.assert_array_equal(trial.efficacy, x[:, 5] * u[:, 5])
    odds = np.exp(y[:, 5].astype(float))
    np.testing.assert_allclose(trial.outputs, odds / odds.sum(-1, keepdims=True), rtol=1e-5)
    sample, test = (45 * int(trial_info[name][5]) for name in ('sample', 'test'))
    assert trial.labels == f'DMS: sample {sample}°; test {test}°'


def test_units_are_sorted_by_synapse_and_preferred_direction():
    update_parameters({'n_hidden': 10, 'dt': 50})
    sample = np.arange(80) % 8
    preferred = np.array([3, 1, 0, 7, 2, 5, 6, 4, 1, 2])
    h = np.zeros((par['num_time_steps'], 80, 10))
    h[par['sample_time_rng']] = 2 + np.cos((sample[:, None] - preferred) * np.pi / 4 - 0.1)
    h[:, :, 4] = 0  # silent
    blocks = net._sorted_units(h, sample, par)
    assert {name: list(units) for name, units in blocks.items()} == {
        'fac': [2, 8, 0, 6, 4],  # even units; the silent one last
        'dep': [1, 9, 7, 5, 3],
    }


def test_static_units_are_a_block():
    update_parameters({'n_hidden': 10, 'dt': 50, 'synapse_config': None})
    h = np.ones((par['num_time_steps'], 8, 10))
    blocks = net._sorted_units(h, np.arange(8), par)
    assert {name: sorted(units) for name, units in blocks.items()} == {'static': list(range(10))}


def test_a_trial_is_drawn_as_given():
    trial = net.simulate_trial(fabricated())
    axes = [ax for ax in net.draw_trial(trial).axes if ax.get_subplotspec() is not None]
    order = [*trial.blocks['fac'], *trial.blocks['dep']]
    given = (trial.stimulus, trial.activity[:, order], trial.efficacy[:, order])
    for ax, values in zip(axes, given, strict=False):
        (image,) = ax.get_images()
        np.testing.assert_array_equal(image.get_array(), values.T)
        assert image.get_extent() == [-500, 2000, 0, values.shape[1]]
        assert ax.get_xlim() == axes[3].get_xlim() == (-500, 2000)
    assert [ax.child_axes[0].get_ylabel() for ax in axes[:3]] == ['Input', '$h$ (Hz)', '$x u$']
    for i, name in enumerate(('fixate', 'non-match', 'match')):
        x, y = lines(axes[3])[name]
        np.testing.assert_array_equal(x, style.time_axis(trial.p))
        np.testing.assert_array_equal(y, trial.outputs[:, i])
    assert [text.get_text() for text in axes[1].get_yticklabels()] == ['fac', 'dep']
    assert axes[0].get_title() == trial.labels


def test_one_trial_is_of_the_first_network():
    networks = [fabricated(seed=seed) for seed in (1, 2)]
    drawn = net.one_trial(networks)
    expected = net.simulate_trial(networks[0]).stimulus
    np.testing.assert_array_equal(drawn.axes[0].get_images()[0].get_array(), expected.T)
    with pytest.raises(FigureError, match='there is no network to draw'):
        net.one_trial([])


def test_a_trial_of_the_distractor_task_shows_all_directions():
    trial = net.simulate_trial(fabricated('distractor'))
    assert trial.labels.startswith('distractor: sample ')
    assert 'test' not in trial.labels
    panel = net.draw_trial(trial).axes[3]
    drawn = [line.get_ydata() for line in panel.get_lines()]
    np.testing.assert_array_equal(drawn, trial.outputs.T)


# Learning


def test_learning_curves_of_one_network():
    network = fabricated()
    axes = net.learning_curves(network).axes
    for ax, name in zip(axes, results.VALUES, strict=True):
        (line,) = ax.get_lines()
        np.testing.assert_array_equal(line.get_data(), [network['iteration'], network[name]])
        assert ax.get_xlabel() == 'Iteration'
        assert bands(ax) == []
        assert ax.get_yscale() == ('linear' if name == 'accuracy' else 'log')
    assert set(net.CURVE_LABELS) == set(results.VALUES)
    assert axes[0].get_title() == 'Accuracy (n = 1)'
    assert [ax.get_title() for ax in axes[2:4]] == [
        'Cross-entropy (nats)',
        'Activity loss (Hz$^2$)',
    ]


def test_learning_curves_of_networks_that_were_trained_for_different_times():
    networks = [fabricated(seed=seed) for seed in range(3)]
    for name in results.CURVES:
        networks[0][name] = networks[0][name][:4]
    axes = net.learning_curves(networks).axes
    for ax, name in zip(axes, results.VALUES, strict=True):
        x, y = ax.get_lines()[0].get_data()
        np.testing.assert_array_equal(x, range(6))
        np.testing.assert_allclose(y[:4], np.median([n[name][:4] for n in networks], 0))
        np.testing.assert_allclose(y[4:], np.median([n[name][4:] for n in networks[1:]], 0))
        ((low, high),) = bands(ax)
        np.testing.assert_allclose(low[:4], np.min([n[name][:4] for n in networks], 0))
        np.testing.assert_allclose(high[4:], np.max([n[name][4:] for n in networks[1:]], 0))


def test_learning_curves_need_no_analysis():
    network = fabricated(spike_regularization='L1')
    bare = {k: network[k] for k in ('weights', 'parameters', *results.CURVES)}
    bare |= {'perf_loss': [1.0, 0, 0, 0, 0, 0], 'weight_loss': [1.0, 2, 3, 4, 5, 6]}
    axes = net.learning_curves(bare).axes
    assert [ax.get_yscale() for ax in axes] == ['linear', 'log', 'linear', 'log', 'linear']
    assert axes[3].get_title() == 'Activity loss (Hz)'
    empty = bare | {name: [] for name in results.CURVES}
    with pytest.raises(FigureError, match='have no learning curves'):
        net.learning_curves(empty)


# Weights


def test_effective_weights_have_the_sign_of_the_unit():
    network = fabricated()
    network['weights']['w_rnn'] = np.random.default_rng(0).normal(size=(10, 10))
    expected = np.maximum(network['weights']['w_rnn'], 0)
    expected[8:] *= -1  # the last fifth is inhibitory
    np.testing.assert_allclose(net.effective_weights(network), expected, rtol=1e-6)
    free = fabricated(exc_inh_prop=1)
    np.testing.assert_allclose(net.effective_weights(free), free['weights']['w_rnn'], rtol=1e-6)


def test_mean_weights_between_groups():
    groups = {
        'exc_fac': np.array([True, False, False, False, True]),
        'exc_dep': np.array([False, True, False, False, False]),
        'inh_fac': np.array([False, False, True, True, False]),
        'inh_dep': np.zeros(5, bool),
    }
    matrix = np.arange(25.0).reshape(5, 5)  # (from, to)
    means = net.mean_weights(matrix, groups)
    assert means[0, 0] == np.mean([4, 20])  # no unit projects to itself
    assert means[0, 1] == np.mean([1, 21])
    assert means[1, 2] == np.mean([7, 8])
    assert means[2, 1] == np.mean([11, 16])
    assert np.isnan(means[1, 1])  # a single unit
    assert np.isnan(means[3]).all()
    assert np.isnan(means[:, 3]).all()


@pytest.mark.parametrize('number', [1, 3])
def test_weights_are_an_image_and_points(number):
    networks = [fabricated(seed=seed) for seed in range(number)]
    image_ax, plane = net.weights(networks).axes[:2]
    matrices = [net.effective_weights(network) for network in networks]
    groups = unit_groups(parameters_of(networks[0]))
    expected = np.mean([net.mean_weights(matrix, groups) for matrix in matrices], 0)
    (image,) = image_ax.get_images()
    np.testing.assert_allclose(image.get_array(), expected)
    assert image.origin == 'upper'
    low, high = image.get_clim()
    assert -low == high == np.nanmax(np.abs(expected))
    texts = {text.get_position(): text.get_text() for text in image_ax.texts}
    shown = {(j, i): f'{value:.2g}' for (i, j), value in np.ndenumerate(expected)}
    assert texts == {place: text.replace('nan', '-') for place, text in shown.items()}
    assert (image_ax.get_xlabel(), image_ax.get_ylabel()) == ('To', 'From')
    points = [line for line in plane.get_lines() if line.get_marker() == '.']
    for line, matrix in zip(points, matrices, strict=True):
        values = np.linalg.eigvals(matrix)
        np.testing.assert_allclose(line.get_data(), [values.real, values.imag])
        assert np.abs(values).max() < plane.get_xlim()[1] == plane.get_ylim()[1]
    assert (plane.get_xlabel(), plane.get_ylabel()) == ('Real part', 'Imaginary part')


def test_a_group_that_one_network_lacks_is_shown_of_the_others():
    both, only = ([fabricated(), fabricated(exc_inh_prop=1)][:n] for n in (2, 1))
    with_groups, expected = (net.weights(networks).axes[0].texts for networks in (both, only))
    places = [text.get_position() for text in expected]
    inhibitory = [i for i, (to, origin) in enumerate(places) if to == 2 != origin]
    for i in inhibitory:
        assert with_groups[i].get_text() == expected[i].get_text() != '-'


def test_weights_of_empty_groups_and_of_zeros():
    ax = net.weights(fabricated(synapse_config='fac')).axes[0]
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts[1, 0] == texts[0, 3] == '-'
    assert texts[0, 0] != '-'
    silent = fabricated()
    silent['weights']['w_rnn'] = np.zeros((10, 10))
    ax, plane = net.weights(silent).axes[:2]
    static = net.weights(fabricated(synapse_config=None)).axes[0]
    assert {text.get_text() for text in static.texts} == {'-'}
    assert ax.get_images()[0].get_clim() == (-1, 1)
    assert plane.get_xlim() == (-1, 1)
    silent['weights']['w_rnn'][0, 1] = np.nan
    with pytest.raises(FigureError, match='weights that are not finite'):
        net.weights(silent)
