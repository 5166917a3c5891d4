"""The backward pass written by hand against automatic differentiation of the same cell."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import declare_cost

from model import Model
from parameters import par, update_parameters
from rnn import bptt, costs, graphs
from rnn.initial_values import SYNAPSES
from rnn.stack import stack
from rnn.state import State
from settings.costs import COSTS, loss_of
from settings.setting import Setting
from settings.validators import number
from stimulus import Stimulus

ITERATION = 4


def automatic(model: Model, trial):
    """Losses and gradients of the trained variables, by TensorFlow's own differentiation."""
    stimulus, target, mask = (
        trial[name] for name in ('neural_input', 'desired_output', 'train_mask')
    )
    power = costs.power(par)
    with tf.GradientTape() as tape:
        c = model.coefficients().repeated(stimulus.shape[1])
        start = model.initial_state(stimulus.shape[1])
        noise = model.noise([par['seed'], ITERATION, 0]).get('noise')
        arrays = bptt.forward(model.rnn_cell, c, tf.constant(stimulus), start, noise)
        states = State(*(array.stack()[1:] for array in arrays))
        y = model.output(states.h, c)
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(target, y)
        perf_loss = tf.reduce_mean(mask * cross_entropy)
        losses = {
            'perf_loss': perf_loss,
            'spike_loss': tf.reduce_mean(states.h**power),
            'weight_loss': tf.reduce_mean(tf.nn.relu(c.w_rnn) ** power),
        }
        loss = perf_loss + par['spike_cost'] * losses['spike_loss']
        loss += par['weight_cost'] * losses['weight_loss']
        for cost in costs.OF_STATES.keys() - {'spike_cost'}:  # those that a test adds
            losses[loss_of(cost)] = tf.reduce_mean(costs.OF_STATES[cost](states, power))
            loss += par[cost] * losses[loss_of(cost)]
    return losses, tape.gradient(loss, model.weights)


def by_hand(model: Model, trial):
    """The same by the code that trains."""
    (sums,) = model.losses_and_gradients(trial, ITERATION)
    weights = {name: variable.read_value() for name, variable in model.weights.items()}
    factors = {name: model._number(name, 0) for name in COSTS}
    gradients, of_weights = graphs.trained_gradients(
        Model, weights, model._sign(), sums, factors, costs.power(par)
    )
    return sums | of_weights, gradients


def assert_same_gradients(model: Model):
    trial = Stimulus(1).generate_trial()
    expected_losses, expected = automatic(model, trial)
    losses, gradients = by_hand(model, trial)
    for name, value in expected_losses.items():
        np.testing.assert_allclose(losses[name], value, rtol=1e-5, err_msg=name)
    assert gradients.keys() == expected.keys()
    for name, value in expected.items():
        largest = np.abs(value).max()
        assert largest > 0, name
        np.testing.assert_allclose(
            gradients[name], value, rtol=1e-4, atol=2e-6 * largest, err_msg=name
        )


@pytest.mark.parametrize(
    ('config', 'exc_inh_prop'), [('full', 1), (None, 1), *((config, 0.75) for config in SYNAPSES)]
)
def test_every_synapse_configuration(small, config, exc_inh_prop):
    small(synapse_config=config, exc_inh_prop=exc_inh_prop)
    assert_same_gradients(Model())


@pytest.mark.usefixtures('eager')
@pytest.mark.parametrize('power', ['L1', 'L2'])
def test_costs(small, power):
    small(spike_regularization=power, spike_cost=0.3, weight_cost=0.5, test_cost_multiplier=2)
    assert_same_gradients(Model())


@pytest.mark.parametrize('stacked', [False, True])
def test_a_new_cost_is_a_setting_and_a_function(small, monkeypatch, stacked):
    """One that depends on all parts of the state; also in a stack."""

    def transmission(state, power):
        return (state.syn_u * state.syn_x * state.h) ** power

    setting = Setting(0, number(0), 'weight of the mean (squared) transmission in the loss')
    declare_cost(monkeypatch, 'transmission_cost', setting)
    monkeypatch.setitem(costs.OF_STATES, 'transmission_cost', transmission)
    small(transmission_cost=0.7)
    if not stacked:
        assert_same_gradients(Model())
        return
    trial, networks = Stimulus(1).generate_trial(), [dict(par), par | {'transmission_cost': 0}]
    together = stack([Model(p=p) for p in networks]).optimize([trial] * 2, [0, 0])
    for p, values in zip(networks, together, strict=True):
        assert Model(p=p).optimize(trial, 0) == pytest.approx(values, rel=1e-5)
    assert together[0]['transmission_loss'] > 0
    more = together[0]['loss'] - together[1]['loss']
    assert more == pytest.approx(0.7 * together[0]['transmission_loss'], rel=1e-3)


@pytest.mark.usefixtures('eager')
@pytest.mark.parametrize('changes', [{'dead_time': 30}, {'delay_time': 130}, {'dt': 20}])
def test_lengths_and_steps(small, changes):
    small(**changes)
    assert_same_gradients(Model())


@pytest.mark.usefixtures('eager')
def test_outputs_of_the_distractor_task(small):
    small(
        trial_type='distractor',
        num_fix_tuned=2,
        distractor_time=30,
        num_motion_tuned=8,
        n_output=5,
        sample_time=50,
        delay_time=60,
    )
    assert_same_gradients(Model())


@pytest.mark.usefixtures('eager')
def test_saturated_synapses(small):
    """Units that start so active that x is clipped at 0 and u at 1, and one below 0."""
    small(noise_rnn_sd=0)
    model = Model()
    h = np.full((1, par['n_hidden']), 0.1, np.float32)
    h[0, 0:4], h[0, 5] = 5000, -1
    model.weights['h'].assign(h)
    _, _, syn_x, syn_u = model.run_model(Stimulus(1).generate_trial()['neural_input'])
    assert np.any(syn_x == 0)
    assert np.any(syn_u == 1)
    assert_same_gradients(model)


def test_ties_pass_no_gradient(small):
    """At exactly 0 and 1 the clip, and at exactly 0 the rectification, have derivative 0."""
    from model import clip

    value = tf.constant([-1.0, 0.0, 0.25, 1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(value)
        clipped = clip(value)
    np.testing.assert_array_equal(clipped, [0, 0, 0.25, 1, 1])
    np.testing.assert_array_equal(tape.gradient(clipped, value), [0, 0, 1, 0, 0])


def test_weights_at_zero_have_no_gradient(small):
    small(connection_prob=0.5)
    model = Model()
    _, gradients = by_hand(model, Stimulus(1).generate_trial())
    for name in ('w_in', 'w_rnn', 'w_out'):
        zero = model.weights[name].numpy() == 0
        assert zero.any()
        np.testing.assert_array_equal(gradients[name].numpy()[zero], 0)


@pytest.mark.parametrize('trials_per_part', [3, 4, 10, 100])
def test_parts_of_the_batch_add_up(small, request, trials_per_part):
    """Without noise, the batch in parts of any size makes the same update as in one part."""
    if trials_per_part > 3:
        request.getfixturevalue('eager')  # one size is enough to see it with graphs
    small(noise_rnn_sd=0)
    trial = Stimulus(1).generate_trial()
    whole, parts = Model(), Model(trials_per_part=trials_per_part)
    expected, losses = whole.optimize(trial, 0), parts.optimize(trial, 0)
    assert losses == pytest.approx(expected, rel=1e-5)
    found = parts.optimizer.slots.m
    for name, value in whole.optimizer.slots.m.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-7, err_msg=name)


def test_noise_is_gaussian_and_fresh():
    from scipy import stats

    draws = bptt.gaussian((10, 100, 101), tf.constant([1, 2], tf.int64)).numpy()
    assert draws.shape == (10, 100, 101)
    assert stats.kstest(draws.ravel(), 'norm').pvalue > 0.001
    for axis in range(3):
        a, b = np.split(np.moveaxis(draws, axis, 0)[: draws.shape[axis] // 2 * 2], 2)
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)
        assert abs(np.corrcoef(a.ravel() ** 2, b.ravel() ** 2)[0, 1]) < 5 / np.sqrt(a.size)
    other = bptt.gaussian((10, 100, 101), tf.constant([1, 3], tf.int64)).numpy()
    assert abs(np.corrcoef(draws.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(draws.size)


def test_noise_enters_with_its_sd(small):
    """Units far above 0 and without input show the noise: the SD of the steps is noise_rnn."""
    small(input_mean=0, noise_in_sd=0, n_hidden=100, batch_size=200)
    model = Model()
    for name in ('w_in', 'w_rnn'):
        model.weights[name].assign(tf.zeros_like(model.weights[name]))
    model.weights['b_rnn'].assign(np.full((1, 100), 50, np.float32))
    stimulus = np.zeros((23, 200, 6), np.float32)
    _, h, _, _ = model.run_model(stimulus, h_init=np.full((1, 100), 50), key=[3, 4])
    alpha = par['alpha_neuron']
    noise = h[1:] - (1 - alpha) * h[:-1] - alpha * 50
    assert np.std(noise) == pytest.approx(np.sqrt(2 * alpha) * 0.5, rel=0.01)
    assert np.mean(noise) == pytest.approx(0, abs=0.001)


@pytest.mark.slow
def test_the_derivation_holds_under_xla(small, monkeypatch):
    """XLA, used on a GPU, gives the same losses as the plain graph, without noise."""
    compiled, make = [], tf.function

    def noted(function, **options):
        compiled.append(options.get('jit_compile'))
        return make(function, **options)

    monkeypatch.setattr(tf, 'function', noted)
    small(noise_rnn_sd=0)
    # one block of steps: XLA takes longer to compile more
    update_parameters({'fix_time': 10, 'sample_time': 30, 'delay_time': 20, 'test_time': 40})
    plain, by_xla = Model(), Model(jit_compile=True)
    for iteration in range(3):
        trial = Stimulus([1, iteration]).generate_trial()
        expected = plain.optimize(trial, iteration)
        assert by_xla.optimize(trial, iteration) == pytest.approx(expected, rel=1e-4)
    assert compiled.count(True) == 2  # the gradients and the update
