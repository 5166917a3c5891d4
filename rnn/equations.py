"""Checks: training uses the derivative of the equations, saved networks were trained with them."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from rnn.bptt import Fixed, step_back, weights_back
from rnn.state import State


class EquationsError(ValueError):
    """The equations in the code are not those that are needed; the message says why."""


def _drawing() -> Callable:
    """A function draw(low, high, shape) of numbers that are always the same."""
    rng = np.random.RandomState(0)  # the generator whose numbers no version of NumPy changes
    return lambda low, high, shape: tf.constant(rng.uniform(low, high, shape), tf.float32)


def _any_step(draw, c, start) -> tuple:
    """Stimulus, noise and state of a step far from all bounds."""
    shape = start[0].shape
    state = start._make(draw(0.2, 0.8, shape) for _ in start)
    return draw(0, 1, (*shape[:-1], c.w_in.shape[-2])), draw(-1, 1, shape), state


def require_derivative(cell, c, start) -> None:
    """Raise EquationsError unless `step_back` agrees with automatic differentiation of the cell.

    They are compared in one step of networks with coefficients `c`, from any state like `start`:
    the gradients with respect to the state, and to weights and bias, as training computes them.
    """
    with tf.device('CPU'):  # GPUs may round the factors of products to fewer bits
        stimulus, noise, state = _any_step(_drawing(), c, start)
        g = start._make(1 - 2 * value for value in reversed(state))
        sources = *state, c.w_rnn, c.w_in, c.b_rnn
        with tf.GradientTape() as tape:
            tape.watch(sources)
            new = cell(stimulus, noise, state, c)
        wanted = tape.gradient(new, sources, g, unconnected_gradients='zero')
        old, g_drive, transmitted = step_back(g, state, new, Fixed.of(c))
        found = *old, *weights_back(g_drive, transmitted, stimulus).values()
    for derived, automatic in zip(found, wanted, strict=True):
        if not _is_same(derived.numpy(), automatic.numpy(), 1e-5):
            words = f'step_back in rnn/bptt.py is not the derivative of {cell.__qualname__}'
            raise EquationsError(f'{words}: change it, too, or train the cell as a Keras layer')


def one_step(model) -> dict[str, np.ndarray]:
    """Output and state (1, ...) of a network after one step, with fixed untrained weights.

    All numbers except the network's parameters are always the same. Saved with the network, the
    result shows whether the equations are still those it was trained with, even if its weights
    have been changed since.
    """
    draw = _drawing()
    with tf.device('CPU'):
        weights = {n: draw(-1, 1, v.shape) for n, v in sorted(model.weights.items()) if n != 'h'}
        c = model.coefficients()._replace(**model.effective(weights, model._sign()))
        new = model.rnn_cell(*_any_step(draw, c, model.initial_state(1)), c)
        found = zip(('y', *State._fields), (model.output(new[0], c), *new), strict=True)
    return {name: value.numpy() for name, value in found}


def require_same(model, saved: Mapping) -> None:
    """Raise EquationsError if a saved network was trained with equations other than `model`'s.

    `model` has the parameters in the file. Older files do not note the equations, and pass.
    """
    if 'one_step' not in saved:
        return
    noted = saved['one_step'] if isinstance(saved['one_step'], Mapping) else {}
    for name, value in one_step(model).items():
        if not _is_same(value, noted.get(name), 1e-4):
            cell = model.rnn_cell.__qualname__
            words = f'this network was trained with other equations than {cell} and output'
            words += ', or its parameters were changed since'
            raise EquationsError(f'{words}: use the code of that time ({_code_of(saved)})')


def _is_same(value: np.ndarray, other, tolerance: float) -> bool:
    """Whether `other` has the same numbers but for rounding."""
    if type(other) is not np.ndarray or other.dtype.kind != 'f' or other.shape != value.shape:
        return False
    error = tolerance * max(1, np.abs(other).max())
    return np.allclose(value, other, rtol=0, atol=error, equal_nan=True)


def _code_of(saved: Mapping) -> str:
    versions = saved.get('versions')
    commit = versions.get('commit') if isinstance(versions, Mapping) else None
    return f'commit {commit}' if commit else 'its commit is not known'
