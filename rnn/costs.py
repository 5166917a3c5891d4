"""What activity, synapses and weights cost: the functions whose means the loss adds up.

    loss = perf_loss + the sum over all costs of: setting NAME_cost times NAME_loss

Each function belongs to a setting in settings/costs.py. Its arguments are the states or the
weights, as the name of its table below says, and a power. TensorFlow differentiates it.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from rnn.state import State
from settings.costs import COSTS, loss_of


def power(p: Mapping) -> int:
    """To which power costs are taken: 1 or 2, as spike_regularization is L1 or L2."""
    return {'L1': 1, 'L2': 2}[p['spike_regularization']]


def activity(state: State, power: int) -> tf.Tensor:
    """The activity to the power."""
    return tf.square(state.h) if power == 2 else state.h


def positive_weights(weights: dict, power: int) -> tf.Tensor:
    """The recurrent weights above 0 (with E/I, those of excitatory units) to the power."""
    return tf.nn.relu(weights['w_rnn']) ** power


# of the state after each step, (trial, unit) each: the mean over time, trials and units
OF_STATES = {'spike_cost': activity}
# of the weights as they act, see `Model.effective`: the mean over the entries
OF_WEIGHTS = {'weight_cost': positive_weights}


def require_functions() -> None:
    """Raise ValueError for a cost that is only a setting, or only a function."""
    for name in sorted({*OF_STATES, *OF_WEIGHTS} ^ COSTS.keys()):
        lacks = 'function in rnn/costs.py' if name in COSTS else 'setting in settings/costs.py'
        raise ValueError(f'the cost {name} has no {lacks}')


def of_states(
    states: State, shares: Sequence[tf.Tensor], power: int
) -> tuple[dict[str, tf.Tensor], State]:
    """The sum of each cost of the states over rows and units, and the gradient of their total.

    `states` are (row, unit), `shares` what each cost has in the loss for one row and unit, in the
    order of OF_STATES. A part of the state on which no cost depends has None as its gradient.
    """
    with tf.GradientTape() as tape:
        tape.watch(states)
        values = [cost(states, power) for cost in OF_STATES.values()]
    shares = [tf.broadcast_to(s, tf.shape(v)) for s, v in zip(shares, values, strict=True)]
    names = map(loss_of, OF_STATES)
    sums = {n: tf.reduce_sum(v, (-2, -1)) for n, v in zip(names, values, strict=True)}
    return sums, tape.gradient(values, states, shares)


def of_weights(weights: dict, power: int) -> dict[str, tf.Tensor]:
    """The costs of the weights as they act."""
    return {
        loss_of(name): tf.reduce_mean(cost(weights, power), (-2, -1))
        for name, cost in OF_WEIGHTS.items()
    }
