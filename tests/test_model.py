"""The forward pass against a plain NumPy loop, and what Model promises."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import results
from model import Model
from parameters import par, update_parameters
from rnn import costs, equations, graphs
from rnn.initial_values import SYNAPSES
from rnn.stack import stack
from settings.costs import COSTS
from stimulus import Stimulus

REFERENCE = Path(__file__).parent.parent.parent / 'shared' / 'reference'
NETWORKS = ['DMS-run-0.pkl', 'DMS-run-1.pkl', 'DMS-run-2.pkl']


def relu(value):
    return np.maximum(value, 0)


def loop(stimulus, weights, p, h=None, x=None, u=None):
    """The equations of the paper, step by step in float64, without noise: y, h, x, u."""
    w = {name: np.asarray(value, float) for name, value in weights.items()}
    W = w['w_rnn']
    if p['exc_inh_prop'] < 1:
        num_exc = round(p['n_hidden'] * p['exc_inh_prop'])
        W = relu(W) * np.where(np.arange(p['n_hidden']) < num_exc, 1, -1)[:, None]
    num_trials = stimulus.shape[1]
    alpha, dt = p['dt'] / p['membrane_time_constant'], p['dt'] / 1000
    h = np.tile(w['h'] if h is None else h, (num_trials, 1))[:num_trials]
    x = p['syn_x_init'][:1] * np.ones((num_trials, 1)) if x is None else x
    u = p['syn_u_init'][:1] * np.ones((num_trials, 1)) if u is None else u
    history = []
    for step in stimulus.astype(float):
        dynamic = p['dynamic_synapse']
        dx = p['alpha_std'] * (1 - x) - dt * u * x * h
        du = p['alpha_stf'] * (p['U'] - u) + dt * p['U'] * (1 - u) * h
        x, u = np.clip(x + dynamic * dx, 0, 1), np.clip(u + dynamic * du, 0, 1)
        h = relu((1 - alpha) * h + alpha * (step @ relu(w['w_in']) + (u * x * h) @ W + w['b_rnn']))
        history.append((h @ relu(w['w_out']) + w['b_out'], h, x, u))
    return [np.stack(values) for values in zip(*history, strict=True)]


def assert_equals_loop(model, stimulus, **start):
    names = {'h': 'h_init', 'x': 'syn_x_init', 'u': 'syn_u_init'}
    found = model.run_model(stimulus, **{names[name]: value for name, value in start.items()})
    weights = {name: variable.numpy() for name, variable in model.weights.items()}
    for name, value, expected in zip(
        ('y', 'h', 'x', 'u'), found, loop(stimulus, weights, par, **start), strict=True
    ):
        assert value.shape == expected.shape, name
        error = np.abs(value - expected).max()
        assert error <= 1e-5 * np.abs(expected).max(), name


@pytest.mark.parametrize('name', NETWORKS)
def test_networks_of_the_original_code(name):
    if not REFERENCE.exists():
        pytest.skip('the networks that the original code trained are not on this machine')
    saved = results.load_results(REFERENCE / name)
    update_parameters(saved['parameters'])
    update_parameters({'batch_size': 64, 'seed': 1})
    assert_equals_loop(Model(saved['weights']), Stimulus().generate_trial()['neural_input'])


@pytest.mark.parametrize('name', NETWORKS)
def test_networks_of_the_original_code_do_the_task(name):
    """With noise, their accuracy is what their training ended with (a batch varies by .01)."""
    if not REFERENCE.exists():
        pytest.skip('the networks that the original code trained are not on this machine')
    saved = results.load_results(REFERENCE / name)
    update_parameters(saved['parameters'])
    update_parameters({'batch_size': 512, 'seed': 1})
    trial = Stimulus().generate_trial()
    y, _, _, _ = Model(saved['weights']).run_model(trial['neural_input'], key=[1, 2])
    scored = (trial['desired_output'][..., 0] == 0) & (trial['train_mask'] > 0)
    correct = np.argmax(y, -1) == np.argmax(trial['desired_output'], -1)
    assert np.mean(correct[scored]) == pytest.approx(np.mean(saved['accuracy'][-50:]), abs=0.04)


@pytest.mark.parametrize(
    ('config', 'exc_inh_prop'), [('full', 1), (None, 1), *((config, 0.75) for config in SYNAPSES)]
)
@pytest.mark.usefixtures('eager')
def test_every_synapse_configuration(small, config, exc_inh_prop):
    small(synapse_config=config, exc_inh_prop=exc_inh_prop)
    assert_equals_loop(Model(), Stimulus().generate_trial()['neural_input'])


def test_initial_states_for_all_trials_or_for_each(small):
    small()
    model, rng = Model(), np.random.default_rng(0)
    stimulus = Stimulus().generate_trial()['neural_input']
    size = (stimulus.shape[1], par['n_hidden'])
    start = {name: rng.random(size).astype(np.float32) for name in 'hxu'}
    assert_equals_loop(model, stimulus, **start)
    one = {name: value[:1] for name, value in start.items()}
    repeated = {name: np.repeat(value, size[0], 0) for name, value in one.items()}
    names = {'h': 'h_init', 'x': 'syn_x_init', 'u': 'syn_u_init'}
    for a, b in zip(
        model.run_model(stimulus, **{names[n]: v for n, v in one.items()}),
        model.run_model(stimulus, **{names[n]: v for n, v in repeated.items()}),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_a_run_goes_on_from_the_state_of_another(small):
    small()
    model = Model()
    stimulus = Stimulus().generate_trial()['neural_input']
    whole = model.run_model(stimulus)
    first = model.run_model(stimulus[:9])
    rest = model.run_model(stimulus[9:], *(state[-1] for state in first[1:]))
    for a, b, c in zip(whole, first, rest, strict=True):
        np.testing.assert_allclose(a, np.concatenate([b, c]), rtol=1e-5, atol=1e-6)


def test_without_plasticity_the_synapses_stand_still(small):
    small(synapse_config=None)
    _, _, syn_x, syn_u = Model().run_model(Stimulus().generate_trial()['neural_input'])
    np.testing.assert_array_equal(syn_x, 1)
    np.testing.assert_array_equal(syn_u, 1)


def test_noise_follows_the_key(small):
    small()
    model, stimulus = Model(), Stimulus().generate_trial()['neural_input']
    h = [model.run_model(stimulus, key=key)[1] for key in ([1, 2], [1, 2], [1, 3])]
    np.testing.assert_array_equal(h[0], h[1])
    assert not np.array_equal(h[0], h[2])


def test_a_model_keeps_the_parameters_it_was_made_with(small):
    small()
    model, stimulus = Model(), Stimulus().generate_trial()['neural_input']
    update_parameters({'trial_type': 'DMRS90', 'U_stf': 0.9, 'membrane_time_constant': 30})
    after = model.run_model(stimulus)
    small()
    assert_equals_loop(model, stimulus)
    np.testing.assert_array_equal(after[1], model.run_model(stimulus)[1])


def test_weights_of_another_shape_are_refused(small):
    small()
    weights = {name: variable.numpy() for name, variable in Model().weights.items()}
    update_parameters({'n_hidden': 13})
    with pytest.raises(ValueError, match=r'weight h has shape \(1, 12\)'):
        Model(weights)


def test_weights_that_are_missing_are_named(small):
    small()
    weights = {name: variable.numpy() for name, variable in Model().weights.items()}
    del weights['h'], weights['b_out']
    with pytest.raises(ValueError, match='the weights lack h, b_out'):
        Model(weights)


class Silent(Model):
    """Another network: none of its units is ever active."""

    @staticmethod
    def rnn_cell(stimulus, noise, state, c):
        """The state without activity."""
        return Model.rnn_cell(stimulus, noise, state, c)._replace(h=0 * state.h)


def test_a_subclass_has_its_own_equations(small):
    small()
    trials = Stimulus(1).generate_trial()
    silent = Silent()
    assert Model().run_model(trials['neural_input'])[1].max() > 0
    assert silent.run_model(trials['neural_input'])[1].max() == 0
    assert type(stack([silent, silent]).member(1)) is Silent
    with pytest.raises(ValueError, match='of models of one class, not of Model and Silent'):
        stack([silent, Model()])
    with pytest.raises(ValueError, match='of models of one class, not of no model'):
        stack([])


@pytest.mark.parametrize(
    'name', ['alpha', 'dt', 'alpha_std', 'alpha_stf', 'U', 'w_rnn', 'w_in', 'b_rnn']
)
@pytest.mark.parametrize('stacked', [False, True])
def test_the_derivative_must_be_that_of_the_cell(small, name, stacked):
    """In each of its terms; where it is, a subclass may train."""

    class Same(Model):
        @staticmethod
        def rnn_cell(stimulus, noise, state, c):
            return Model.rnn_cell(stimulus, noise, state, c)

    class Other(Model):
        @staticmethod
        def rnn_cell(stimulus, noise, state, c):
            changed = c._replace(**{name: 1.1 * getattr(c, name)})
            return Model.rnn_cell(stimulus, noise, state, changed)

    small()
    for kind in (Same, Other):
        model = stack([kind(), kind()]) if stacked else kind()
        check = partial(equations.require_derivative, model.rnn_cell, model.coefficients())
        if kind is Same:
            check(model.initial_state(2))
        else:
            with pytest.raises(ValueError, match='not the derivative of .*Other.rnn_cell'):
                check(model.initial_state(2))


def test_no_network_trains_with_the_derivative_of_another_cell(small):
    class Other(Model):
        @staticmethod
        def rnn_cell(stimulus, noise, state, c):
            return Model.rnn_cell(stimulus, noise, state, c._replace(alpha=0.5 * c.alpha))

    small()
    with pytest.raises(ValueError, match='step_back in rnn/bptt.py is not the derivative of'):
        Other().optimize(Stimulus(1).generate_trial(), 0)


@pytest.mark.parametrize(
    ('table', 'lacks'),
    [('OF_STATES', 'function in rnn/costs.py'), ('COSTS', 'setting in settings/costs.py')],
)
def test_a_cost_is_a_setting_and_a_function(small, monkeypatch, table, lacks):
    small()
    monkeypatch.setattr(costs, table, {})
    with pytest.raises(ValueError, match=f'the cost spike_cost has no {lacks}'):
        Model().optimize(Stimulus(1).generate_trial(), 0)


OTHER_COSTS = {'weight_cost': 0.5, 'spike_regularization': 'L1', 'clip_max_grad_val': 0.02}


@pytest.mark.parametrize(('changes', 'power'), [({}, 2), (OTHER_COSTS, 1)])
def test_a_training_step_in_numpy(small, changes, power):
    """Three updates from the same gradients: mask, clip to a norm, Adam, written out in NumPy."""
    small(noise_rnn_sd=0, learning_rate=0.05, **changes)
    cost, most = par['weight_cost'], par['clip_max_grad_val']
    model = Model()
    factors = {name: model._number(name, 0) for name in COSTS}
    weights = {name: variable.numpy().astype(float) for name, variable in model.weights.items()}
    m = dict.fromkeys(weights, 0)
    v = dict.fromkeys(weights, 0)
    for t in range(3):
        trial = Stimulus([1, t]).generate_trial()
        (sums,) = model.losses_and_gradients(trial, t)
        trained = {name: variable.read_value() for name, variable in model.weights.items()}
        gradients, _ = graphs.trained_gradients(Model, trained, model._sign(), sums, factors, power)
        losses = model.optimize(trial, t)
        _, h, _, _ = loop(trial['neural_input'], weights, par)
        assert losses['spike_loss'] == pytest.approx(np.mean(h**power), rel=1e-3)
        weight_loss = np.mean(relu(par['EI_list'][:, None] * relu(weights['w_rnn'])) ** power)
        loss = losses['perf_loss'] + par['spike_cost'] * losses['spike_loss'] + cost * weight_loss
        assert losses['loss'] == pytest.approx(loss, rel=1e-5)
        for name, gradient in gradients.items():
            g = gradient.numpy() * par.get(f'{name}_mask', 1)
            g = g * most / max(np.sqrt(np.sum(g**2)), most)
            m[name] = 0.9 * m[name] + 0.1 * g
            v[name] = 0.999 * v[name] + 0.001 * g**2
            rate = 0.05 * np.sqrt(1 - 0.999 ** (t + 1)) / (1 - 0.9 ** (t + 1))
            weights[name] = weights[name] - rate * m[name] / (np.sqrt(v[name]) + 1e-8)
            np.testing.assert_allclose(
                model.weights[name], weights[name], rtol=1e-4, atol=1e-6, err_msg=name
            )
    diagonal = np.diag(model.weights['w_rnn'].numpy())
    np.testing.assert_array_equal(diagonal, 0)
    np.testing.assert_array_equal(model.weights['w_out'].numpy()[par['ind_inh']], 0)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'x': (5, 2, 5)}, r'x has shape \(5, 2, 5\), but this network needs \(time, trial, 6\)'),
        ({'x': (5, 6)}, r'x has shape \(5, 6\)'),
        ({'suppress_activity': (4, 12)}, r'suppress_activity .* needs \(5, 12\)'),
        ({'key': (3,)}, r'key has shape \(3,\), but this network needs \(2\)'),
        ({'key': ()}, 'key has shape'),
        ({'h_init': (12,)}, r'h_init has shape \(12,\), but this network needs \(2, 12\)'),
        ({'syn_u_init': (3, 12)}, r'syn_u_init .* needs \(2, 12\)'),
    ],
)
def test_what_does_not_fit_a_network_is_refused(small, changes, words):
    small()
    given = {name: np.ones(shape, int) for name, shape in ({'x': (5, 2, 6)} | changes).items()}
    with pytest.raises(ValueError, match=words):
        Model().run_model(**given)
