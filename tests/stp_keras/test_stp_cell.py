"""`STPCell` against `Model`, and in all that Keras does with a cell."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from model import Model
from parameters import par, parameters_with
from rnn import graphs
from settings.costs import COSTS
from stimulus import Stimulus
from stp_keras import SpikeCost, STPCell, STPOutput, Trials, from_result

pytestmark = pytest.mark.usefixtures('eager')  # graphs would take most of the time

QUIET = {'noise_rnn_sd': 0}  # what is compared has no noise


def result(p=par) -> dict:
    """A network with the initial weights, and a start of each unit of its own."""
    weights = {name[:-1]: value.copy() for name, value in p.items() if name.endswith('0')}
    weights['h'] += np.linspace(0, 1, p['n_hidden'], dtype=np.float32)
    return {'weights': weights, 'parameters': dict(p)}


def layers(p=par, **options) -> tuple[keras.layers.RNN, STPOutput]:
    cell, output = from_result(result(p))
    return keras.layers.RNN(cell, return_sequences=True, **options), output


def trial_first(array) -> np.ndarray:
    return np.swapaxes(array, 0, 1)


def inputs() -> np.ndarray:
    """(trial, time, input)"""
    return trial_first(Stimulus(1).generate_trial()['neural_input'])


def expected(x) -> list[np.ndarray]:
    """y, h, syn_x, syn_u (trial, time, ...) of `Model.run_model`."""
    return [trial_first(v) for v in Model(result()['weights']).run_model(trial_first(x))]


def assert_close(found, wanted, tolerance=1e-5):
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    'changes',
    [{}, {'synapse_config': None, 'exc_inh_prop': 1}, {'synapse_config': 'exc_fac', 'dt': 20}],
)
def test_it_equals_run_model(small, changes):
    small(**changes)
    layer, output = layers(return_state=True)
    x = inputs()
    h, *state = layer(x)
    y, *states = expected(x)
    assert_close(h, states[0])
    assert_close(output(h), y)
    for found, wanted in zip(state, states, strict=True):
        assert_close(found, wanted[:, -1])


@pytest.mark.parametrize('power', ['L1', 'L2'])
def test_gradients_are_those_of_the_project(small, power):
    """With masks, one of which holds weights that are not 0."""
    mask = np.arange(144).reshape(12, 12) % 3 > 0
    small(**QUIET, spike_regularization=power, spike_cost=0.3, w_rnn_mask=mask, exc_inh_prop=0.75)
    p = dict(par) | {'w_rnn0': np.float32(par['w_rnn0'] + 0.1)}
    cost = SpikeCost(spike_cost=0.3, spike_regularization=power)
    layer, output = layers(p)
    network = keras.Sequential([layer, cost, output])
    x, target, weight = Trials(p, 1)[0]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        y = network(x, training=True)
        total = loss(target, y, sample_weight=weight) + sum(network.losses)
    names = (*layer.cell.WEIGHTS, *output.WEIGHTS)
    found = tape.gradient(total, [v.value for v in network.trainable_weights])
    model = Model(result(p)['weights'], p=p)
    (sums,) = model.losses_and_gradients(Stimulus([p['seed'], 0]).generate_trial(), 0)
    assert_close(total, sums['perf_loss'] + 0.3 * sums['spike_loss'])
    trained = {name: variable.read_value() for name, variable in model.weights.items()}
    factors = {name: model._number(name, 0) for name in COSTS}
    wanted, _ = graphs.trained_gradients(Model, trained, model._sign(), sums, factors, 2)
    for name, gradient in zip(names, found, strict=True):
        masked = wanted[name] * p.get(f'{name}_mask', 1)
        largest = np.abs(masked).max()
        assert largest > 0
        np.testing.assert_allclose(gradient, masked, rtol=1e-4, atol=1e-5 * largest, err_msg=name)


def test_noise_is_there_in_training_only(small):
    """Its SD is that of the parameters, and every step of every call has its own."""
    cell = STPCell(50, dt=20, noise_rnn_sd=0.3, exc_inh_prop=1, seed=1)
    layer = keras.layers.RNN(cell, return_sequences=True)
    x = np.zeros((100, 8, 1), np.float32)
    silent = layer(x)
    np.testing.assert_array_equal(silent, layer(x, training=False))
    for weight in (cell.w_in, cell.w_rnn):
        weight.assign(tf.zeros_like(weight.value))
    cell.b_rnn.assign(np.full((1, 50), 20))  # far above 0, where activity would be cut
    cell.h.assign(np.full((1, 50), 20))
    h = np.stack([layer(x, training=True) for _ in range(2)])
    alpha = 20 / 100
    noise = h[:, :, 1:] - (1 - alpha) * h[:, :, :-1] - alpha * 20
    assert np.std(noise) == pytest.approx(np.sqrt(2 * alpha) * 0.3, rel=0.02)
    steps = noise.transpose(0, 2, 1, 3).reshape(14, -1)
    assert np.abs(np.corrcoef(steps) - np.eye(14)).max() < 0.1


def test_the_seed_decides_weights_and_noise():
    x = np.ones((3, 4, 2), np.float32)
    found = []
    for seed in (7, 7, None, None):
        if len(found) == 2:
            keras.utils.set_random_seed(1)
        layer = keras.layers.RNN(STPCell(5, seed=seed))
        found.append(layer(x, training=True).numpy())
        keras.utils.set_random_seed(1 if len(found) == 3 else 2)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], found[3])
    assert not np.array_equal(found[0], found[2])


def test_a_cell_starts_with_the_weights_of_a_network_of_its_seed(small):
    small(connection_prob=0.6)
    cell = STPCell(12, seed=par['seed'], connection_prob=0.6)
    cell.build((None, 6))
    for name in cell.WEIGHTS:
        np.testing.assert_array_equal(getattr(cell, name), par[f'{name}0'], err_msg=name)


def test_masked_steps_leave_the_state(small):
    """At the beginning and at the end: each trial then is a shorter one."""
    small(**QUIET)
    x = inputs()
    before, after = np.full_like(x[:, :3], -1), np.full_like(x[:, :4], -1)
    layer, _ = layers(return_state=True)
    masking, cost = keras.layers.Masking(mask_value=-1), SpikeCost(spike_cost=0.5)
    h, *state = layer(masking(np.concatenate([before, x, after], 1)))
    cost(h)
    _, *states = expected(x)
    assert_close(h[:, 3:-4], states[0])
    assert_close(cost.losses[0], 0.5 * np.mean(states[0] ** 2))
    for found, wanted in zip(state, states, strict=True):
        assert_close(found, wanted[:, -1])


def test_masked_steps_do_not_count_in_the_loss(small):
    small(**QUIET)
    x, padding = inputs(), np.full_like(inputs()[:, :4], -1)
    layer, output = layers()
    model = keras.Sequential([keras.layers.Masking(mask_value=-1), layer, output])
    model.compile(loss=keras.losses.MeanSquaredError())
    targets = np.random.default_rng(1).random((*x.shape[:2], output.units))
    far = np.full_like(targets[:, :4], 9)
    padded = np.concatenate([x, padding], 1), np.concatenate([targets, far], 1)
    alone = model.evaluate(x, targets, verbose=0)
    assert model.evaluate(*padded, verbose=0) == pytest.approx(alone, rel=1e-4)


def test_a_stateful_layer_goes_on_and_starts_again(small):
    small(**QUIET)
    x = inputs()
    layer, _ = layers(stateful=True)
    layer.build(x.shape)
    layer.cell.h.assign(layer.cell.h + 1)  # as a file with weights does, after the layer is built
    weights = result()['weights']
    weights['h'] = weights['h'] + 1
    wanted = trial_first(Model(weights).run_model(trial_first(x))[1])
    for _ in range(2):
        parts = [layer(x[:, :9]), layer(x[:, 9:])]
        assert_close(np.concatenate(parts, 1), wanted)
        layer.reset_state()


@pytest.mark.parametrize('options', [{'unroll': True}, {'go_backwards': True}])
def test_options_of_the_layer(small, options):
    small(**QUIET)
    x = inputs()
    layer, _ = layers(**options)
    shown = x[:, ::-1] if 'go_backwards' in options else x
    for num_trials in (10, 3):
        assert_close(layer(x[:num_trials]), expected(shown[:num_trials])[1])


def test_both_directions(small):
    small(**QUIET)
    x = inputs()
    layer = keras.layers.Bidirectional(layers()[0])
    layer.build(x.shape)
    weights = result()['weights']
    for part in (layer.forward_layer, layer.backward_layer):
        for name in STPCell.WEIGHTS:
            getattr(part.cell, name).assign(weights[name])
    wanted = expected(x)[1], expected(x[:, ::-1])[1][:, ::-1]
    assert_close(layer(x), np.concatenate(wanted, -1))


def test_stacked_cells_and_shorter_numbers_around():
    cells = [STPCell(5, seed=1), STPCell(4, seed=2)]
    layer = keras.layers.RNN(cells, dtype='mixed_float16')
    h = layer(np.ones((3, 4, 2), np.float16))
    assert (h.shape, h.dtype) == ((3, 4), 'float16')
    first = keras.layers.RNN(cells[0], return_sequences=True)
    two = keras.layers.RNN(cells[1])(first(np.ones((3, 4, 2))))
    np.testing.assert_allclose(h, two, rtol=1e-3)


REFUSED = {
    'units': (0, 'units = 0 is not allowed: it must be an integer of at least 1'),
    'dt': (-1, 'dt = -1 is not allowed: it must be an integer of at least 1'),
    'tau_fast': (1, 'tau_fast = 1 is not allowed: it must be at least dt = 10 ms'),
    'synapse_config': ('all', "synapse_config = 'all' is not allowed: it must be one of full, "),
    'exc_inh_prop': (0.1, 'exc_inh_prop = 0.1 is not allowed: none of the 4 units is excitatory'),
    'seed': (0.5, 'seed = 0.5 is not allowed: it must be None or an integer'),
    'dtype': ('float16', 'dtype = float16 is not allowed: it must be float32'),
    'n_hidden': (4, "STPCell takes no argument 'n_hidden'; its settings are synapse_config, "),
    'w_in_mask': (
        [[2]],
        'w_in_mask = .* is not allowed: it must be None or an array of 0 or 1',
    ),
    'w_rnn_mask': ([[1]], r'w_rnn_mask has shape \(1, 1\), but these settings need \(4, 4\)'),
}


@pytest.mark.parametrize('name', REFUSED)
def test_impossible_arguments_of_a_cell(name):
    value, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=f'^{sentence}'):
        STPCell(**{'units': 4, name: value}).build((None, 3))


def test_impossible_arguments_of_the_others(monkeypatch):
    with pytest.raises(ValueError, match='^units = 0 is not allowed'):
        STPOutput(0)
    with pytest.raises(
        ValueError, match='^w_out_mask = .* is not allowed: it must be None or an array'
    ):
        STPOutput(2, w_out_mask=[[3, 0]]).build((None, 4))
    with pytest.raises(ValueError, match=r'^w_out_mask has shape \(1, 2\)'):
        STPOutput(2, w_out_mask=[[1, 0]]).build((None, 4))
    with pytest.raises(ValueError, match='^spike_cost = -1 is not allowed'):
        SpikeCost(spike_cost=-1)
    with pytest.raises(ValueError, match="^SpikeCost takes no argument 'cost'"):
        SpikeCost(cost=1)
    monkeypatch.setattr(keras.backend, 'backend', lambda: 'jax')
    with pytest.raises(ValueError, match='^Keras computes with jax, but STPCell needs TensorFlow'):
        STPCell(4)


def test_outputs_may_be_fewer_than_those_of_a_task():
    """Only the excitatory units project there."""
    output = STPOutput(2, exc_inh_prop=0.5, seed=3)
    assert output(np.ones((5, 7, 4), np.float32)).shape == (5, 7, 2)
    np.testing.assert_array_equal(output.w_out[2:], 0)
    assert parameters_with({'n_hidden': 4, 'exc_inh_prop': 0.5})['num_exc_units'] == 2
