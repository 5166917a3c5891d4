"""Forward in time and backpropagation through time, written out for `Model.rnn_cell`.

TensorFlow can differentiate the cell by itself, at two to three times the cost in time and memory.
Here the states of the forward pass are kept, and one pass backwards in time computes the gradient.
Both passes go through time in blocks of steps, whose noise, inputs and outputs stay in the cache.

Derivation. With a = alpha, s = u' x' h (what the synapses transmit) and r = dt h, a step is

    x' = clip(x + alpha_std (1 - x) - u x r)
    u' = clip(u + alpha_stf (U - u) + U (1 - u) r)
    h' = relu((1 - a) h + a (stimulus W_in + s W + b) + noise)

Write g_h, g_x, g_u for the gradients with respect to h', x', u', where g_h holds what comes from
the outputs and the activity cost of this step as well as what comes from the step after it. Then

    g_z = g_h [h' > 0]                                  gradient with respect to relu's argument
    g_s = a g_z W^T
    g_x <- (g_x + g_s u' h) [0 < x' < 1]                h' depends on x' and u' too, then the clip
    g_u <- (g_u + g_s x' h) [0 < u' < 1]
    of h:  (1 - a) g_z + g_s u' x' + dt (g_u U (1 - u) - g_x u x)
    of x:  g_x (1 - alpha_std - u r)
    of u:  g_u (1 - alpha_stf - U r) - g_x x r

and summed over steps and trials: W: a s^T g_z, W_in: a stimulus^T g_z, b: a g_z; h0: the gradient
of the first h. A test compares all of it with automatic differentiation of the cell.

Several networks of one shape are computed at once, as a stack: every array then has an axis of
networks before all others, such as stimulus (network, time, trial, input), and sums and products
are those of each network. The code is the same for one network, which has no such axis.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from rnn import costs
from rnn.state import State
from settings.costs import loss_of

STEPS_PER_BLOCK = 10  # a block of 128 trials and 100 units is half a megabyte


class Noise(NamedTuple):
    """Recurrent noise: its SD in one step, and the three integers that decide every draw.

    Of a stack: sd (network, 1, 1, 1), key (network, 3).
    """

    sd: tf.Tensor
    key: tf.Tensor


class Cost(NamedTuple):
    """How the loss weighs the costs of the states, and over what it averages."""

    factors: tuple[tf.Tensor, ...]  # of costs.OF_STATES; double, rounded after their division
    power: int
    num_trials: int  # of the whole batch, of which a call may see a part


def gaussian(shape, key: tf.Tensor) -> tf.Tensor:
    """Standard normal numbers of the shape (time, trial, unit), a function of the key (Box-Muller).

    Of a stack with a key for each network, (network, 2): (network, time, trial, unit).
    tf.random.stateless_normal draws the same distribution one number at a time, three times slower;
    noise then took a fifth of the training time.
    """
    half = (shape[0] + 1) // 2
    first, second = _uniform([2, half, *shape[1:]], key)
    radius, angle = tf.sqrt(-2 * tf.math.log(1 - first)), 2 * np.pi * second
    normal = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], -3)
    return normal if shape[0] % 2 == 0 else normal[..., : shape[0], :, :]


def _uniform(shape: list, key: tf.Tensor) -> list[tf.Tensor]:
    """Uniform numbers in [0, 1), (2, ...), as two tensors; in a stack (network, ...) each.

    The keys of a stack are taken one after the other, so a network draws the same in any stack.
    """
    if len(key.shape) == 1:
        return tf.unstack(_philox(shape, key))
    return tf.unstack(tf.stack([_philox(shape, k) for k in tf.unstack(key)]), axis=1)


def _philox(shape: list, key: tf.Tensor) -> tf.Tensor:
    """What tf.random.stateless_uniform draws, without its two passes that scale to [0, 1)."""
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=key)
    philox = tf.random.Algorithm.PHILOX.value
    return tf.raw_ops.StatelessRandomUniformV2(shape=shape, key=key, counter=counter, alg=philox)


def _seed(key: tf.Tensor, kind: tf.DType) -> tf.Tensor:
    """An integer that follows from a key, or one for each network.

    `_key` and it are tf.random.experimental.stateless_fold_in in two parts, since the seed of all
    blocks of steps is the same.
    """
    if len(key.shape) > 1:
        return tf.stack([_seed(of_network, kind) for of_network in tf.unstack(key)])
    return tf.random.stateless_uniform([], key, None, None, kind)


def _key(seed: tf.Tensor, number) -> tf.Tensor:
    """A key that follows from a seed and a number, or one for each network."""
    return tf.stack([seed, tf.broadcast_to(number, seed.shape)], -1)


def through_clip(gradient: tf.Tensor, clipped: tf.Tensor) -> tf.Tensor:
    """The gradient before a clip to [0, 1]: the one after it, but 0 where the result is 0 or 1."""
    return tf.raw_ops.ReluGrad(gradients=gradient, features=clipped * (1 - clipped))


def _blocks(num_steps: int) -> tuple[int, int]:
    """Steps in whole blocks, and the steps left over at the end."""
    rest = num_steps % STEPS_PER_BLOCK
    return num_steps - rest, rest


def forward(cell, c, stimulus: tf.Tensor, start, noise: Noise | None, record=tuple, gain=None):
    """Run `cell` over stimulus (time, trial, input) from the state `start`, (row, unit) each.

    Rows are the trials; or several conditions of the same trials one after the other, which share
    input and noise. `gain` (time, row, unit) multiplies the activity after each step. Returns a
    TensorArray for each tensor of record(state), by default the state itself; entry t belongs to
    the state before step t, so that entry 0 is that of `start`, and the last that of the end.
    """
    *stack, num_steps, num_trials, _ = _sizes(stimulus)
    *_, num_rows, num_units = _sizes(start[0])
    conditions = [1] * len(stack) + [1, num_rows // num_trials, 1]
    whole, rest = _blocks(num_steps)
    if noise is not None:
        key = _key(_seed(noise.key[..., :2], tf.int64), noise.key[..., 2])
        seed = _seed(key, tf.int32)

    def block(t, state, arrays, length=STEPS_PER_BLOCK):
        inputs = tf.tile(_steps_of(stimulus, t, length), conditions)
        inputs = tf.unstack(inputs, length, axis=-3)
        noises = [0.0] * length
        if noise is not None:
            draws = gaussian((length, num_trials, num_units), _key(seed, t))
            noises = tf.unstack(tf.tile(noise.sd * draws, conditions), length, axis=-3)
        for k in range(length):
            state = cell(inputs[k], noises[k], state, c)
            if gain is not None:
                state = state._replace(h=state.h * gain[t + k])
            index = t + (k + 1)
            arrays = tuple(a.write(index, v) for a, v in zip(arrays, record(state), strict=True))
        return t + length, state, arrays

    arrays = tuple(
        tf.TensorArray(
            tf.float32, num_steps + 1, clear_after_read=False, element_shape=v.shape
        ).write(0, v)
        for v in record(start)
    )
    _, state, arrays = tf.while_loop(
        lambda t, *_: t < whole, block, (0, start, arrays), parallel_iterations=1
    )
    return block(whole, state, arrays, rest)[2] if rest else arrays


def _sizes(tensor: tf.Tensor) -> list:
    """The shape of a tensor: numbers, and scalar tensors where the graph is made for any size."""
    sizes = tf.unstack(tf.shape(tensor))
    return [size if n is None else n for n, size in zip(tensor.shape, sizes, strict=True)]


class Fixed(NamedTuple):
    """What a step backwards needs of the coefficients, computed once."""

    alpha: tf.Tensor
    w_rnn_T: tf.Tensor
    dt: tf.Tensor
    dt_U: tf.Tensor
    keep_x: tf.Tensor  # 1 - alpha_std
    keep_u: tf.Tensor  # 1 - alpha_stf

    @classmethod
    def of(cls, c) -> 'Fixed':
        return cls(
            c.alpha,
            tf.linalg.matrix_transpose(c.w_rnn),
            c.dt,
            c.dt * c.U,
            1 - c.alpha_std,
            1 - c.alpha_stf,
        )


def step_back(g, state, new, fixed: Fixed):
    """Backwards through one step: from gradients with respect to the new state to the old state.

    The names are those of the derivation above. Also returns a g_z, the gradient with
    respect to the drive, and s, what the synapses transmit.
    """
    (g_h, g_x, g_u), (h, x, u), (new_h, new_x, new_u) = g, state, new
    g_z = tf.raw_ops.ReluGrad(gradients=g_h, features=new_h)
    g_drive = fixed.alpha * g_z
    g_s = tf.matmul(g_drive, fixed.w_rnn_T)
    g_s_h = g_s * h
    efficacy = new_u * new_x
    g_x = through_clip(g_x + g_s_h * new_u, new_x)
    g_u = through_clip(g_u + g_s_h * new_x, new_u)
    g_x_dt, g_u_U = fixed.dt * g_x, fixed.dt_U * g_u
    g_x_r = g_x_dt * h
    old = (
        (1 - fixed.alpha) * g_z + g_s * efficacy + g_u_U * (1 - u) - g_x_dt * u * x,
        g_x * fixed.keep_x - g_x_r * u,
        g_u * fixed.keep_u - g_u_U * h - g_x_r * x,
    )
    return old, g_drive, efficacy * h


def weights_back(g_drive, transmitted, stimulus) -> dict[str, tf.Tensor]:
    """Gradients of weights and bias, summed over rows, from what `step_back` returns (row, ...)."""
    return {
        'w_rnn': tf.matmul(transmitted, g_drive, transpose_a=True),
        'w_in': tf.matmul(stimulus, g_drive, transpose_a=True),
        'b_rnn': tf.reduce_sum(g_drive, -2, keepdims=True),
    }


def losses_and_gradients(model, c, trials, start, noise: Noise | None, cost: Cost):
    """Losses of one part of a batch, and their gradient with respect to the effective weights.

    `trials` are stimulus (time, trial, input), target (time, trial, output) and mask (time, trial).
    Returns a dictionary of sums that add up over the parts of a batch: perf_loss, the costs of the
    states, the numbers of scored and of correct time points, and the gradients named like the
    weights.
    """
    stimulus, target, mask = trials
    num_steps = stimulus.shape[-3]
    whole, rest = _blocks(num_steps)
    arrays = forward(model.rnn_cell, c, stimulus, start, noise)
    fixed = Fixed.of(c)

    def block(t, g, sums, length=STEPS_PER_BLOCK):
        t -= length
        states = [[array.read(t + k) for array in arrays] for k in range(length + 1)]
        here = [_joined(_steps_of(part, t, length)) for part in (stimulus, target)]
        here.append(_joined(_steps_of(mask[..., tf.newaxis], t, length))[..., 0])
        g_out, outputs = _outputs_back(model.output, c, states[1:], here, num_steps, cost)
        g_out = [v if v is None else tf.split(v, length, axis=-2) for v in g_out]
        steps = []
        for k in reversed(range(length)):
            g = [v if out is None else v + out[k] for v, out in zip(g, g_out, strict=True)]
            g, g_drive, transmitted = step_back(g, states[k], states[k + 1], fixed)
            steps.insert(0, (g_drive, transmitted))
        g_drive, transmitted = (tf.concat(parts, -2) for parts in zip(*steps, strict=True))
        new = outputs | weights_back(g_drive, transmitted, here[0])
        return t, g, {name: sums[name] + new[name] for name in sums}

    zeros = tuple(tf.zeros_like(v) for v in start)
    carry = (num_steps, zeros, _empty_sums(c, tf.zeros(mask.shape[:-2])))
    if rest:
        carry = block(*carry, rest)
    _, g, sums = tf.while_loop(lambda t, *_: t > 0, block, carry, parallel_iterations=1)
    return sums | {'h': tf.reduce_sum(g[0], -2, keepdims=True)}


def _empty_sums(c, zero: tf.Tensor) -> dict[str, tf.Tensor]:
    """Zeros for all that is summed over the blocks; `zero` is that of a loss."""
    of_states = map(loss_of, costs.OF_STATES)
    scalars = dict.fromkeys(('perf_loss', *of_states, 'scored', 'correct'), zero)
    weights = {name: tf.zeros_like(getattr(c, name)) for name in ('w_in', 'w_rnn', 'w_out')}
    biases = {name: tf.zeros_like(getattr(c, name)[..., :1, :]) for name in ('b_rnn', 'b_out')}
    return scalars | weights | biases


def _steps_of(part: tf.Tensor, t, length: int) -> tf.Tensor:
    """Steps t to t + length of a tensor (..., time, trial, feature)."""
    sizes = _sizes(part)
    first, sizes[-3] = [0] * len(sizes), length
    first[-3] = t
    return tf.slice(part, first, sizes)


def _joined(part: tf.Tensor) -> tf.Tensor:
    """A tensor (..., time, trial, feature) as (..., time * trial, feature)."""
    *stack, num_steps, num_trials, num_features = part.shape
    return tf.reshape(part, [*stack, num_steps * num_trials, num_features])


def _outputs_back(
    output, c, states, trials, num_steps: int, cost: Cost
) -> tuple[State, dict[str, tf.Tensor]]:
    """The gradient of the loss of a block with respect to its states, and the sums.

    `states` are those after each step of the block, `trials` as (time * trial, ...). The gradient
    (time * trial, unit) is None for parts of the state that cost nothing.
    """
    _, target, mask = trials
    states = State(*(tf.concat(part, -2) for part in zip(*states, strict=True)))
    h = states.h
    logits = output(h, c)
    rows = [-1, logits.shape[-1]]
    cross_entropy, g_logits = tf.raw_ops.SoftmaxCrossEntropyWithLogits(
        features=tf.reshape(logits, rows), labels=tf.reshape(target, rows)
    )
    cross_entropy, g_logits = (
        tf.reshape(cross_entropy, mask.shape),
        tf.reshape(g_logits, logits.shape),
    )
    num_points = num_steps * cost.num_trials
    num_activities = num_points * h.shape[-1]
    g_logits *= mask[..., tf.newaxis] / num_points
    shares = [tf.cast(factor / num_activities, tf.float32) for factor in cost.factors]
    of_states, g = costs.of_states(states, shares, cost.power)
    g_h = tf.matmul(g_logits, c.w_out, transpose_b=True)
    scored = (target[..., 0] == 0) & (mask > 0)
    correct = scored & (tf.argmax(logits, -1) == tf.argmax(target, -1))
    return g._replace(h=g_h if g.h is None else g_h + g.h), {
        'w_out': tf.matmul(h, g_logits, transpose_a=True),
        'b_out': tf.reduce_sum(g_logits, -2, keepdims=True),
        'perf_loss': tf.reduce_sum(mask * cross_entropy, -1) / num_points,
        **{name: value / num_activities for name, value in of_states.items()},
        'scored': tf.reduce_sum(tf.cast(scored, tf.float32), -1),
        'correct': tf.reduce_sum(tf.cast(correct, tf.float32), -1),
    }
