"""The recurrent network with short-term synaptic plasticity (Masse et al. 2019, Methods).

    python model.py [GPU_ID|none] [--task DMS] [--set NAME=VALUE]... [--seed N] [--resume]

trains a network (training.py) and saves it. `Model.rnn_cell` holds the network's equations, and
nothing else does; bptt.py derives their gradient. Arrays are (time, trial, unit), weights are
(from, to), everything is float32.
"""

import sys

if __name__ == '__main__':
    # before TensorFlow is imported, which takes seconds, so that a wrong setting is told at once
    from command import run

    sys.exit(run())

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

import bptt
from device import available_cores
from optimizer import Adam
from parameters import par

TRIALS_PER_PART = 128  # of a batch; their states in a block of steps stay in a core's cache
POWER = {'L1': 1, 'L2': 2}


class State(NamedTuple):
    """Activity h, available neurotransmitter x and utilisation u, each (trial, unit)."""

    h: tf.Tensor
    syn_x: tf.Tensor
    syn_u: tf.Tensor


class Coefficients(NamedTuple):
    """What multiplies the state and the input in a run: weights as they act, rates per unit.

    Rates and bias are repeated for every trial: broadcasting would slow the cell by a tenth.
    """

    w_in: tf.Tensor  # relu(w_in)
    w_rnn: tf.Tensor  # diag(EI_list) relu(w_rnn), or w_rnn without E/I
    b_rnn: tf.Tensor
    w_out: tf.Tensor  # relu(w_out)
    b_out: tf.Tensor
    alpha: float  # dt / membrane time constant
    dt: tf.Tensor  # s; 0 for units without plasticity
    alpha_std: tf.Tensor  # dt / tau_x; 0 for units without plasticity
    alpha_stf: tf.Tensor  # dt / tau_u; 0 for units without plasticity
    U: tf.Tensor


@tf.custom_gradient
def clip(value: tf.Tensor):
    """Clip to [0, 1]; no gradient passes where the result is exactly 0 or 1."""
    # one operation, where tf.clip_by_value makes two
    clipped = tf.raw_ops.ClipByValue(t=value, clip_value_min=0.0, clip_value_max=1.0)
    return clipped, lambda gradient: bptt.through_clip(gradient, clipped)


class Model(tf.Module):
    """One network with the settings in `par` at the time when it is made."""

    def __init__(
        self,
        weights: dict | None = None,
        jit_compile: bool = False,
        trials_per_part: int = TRIALS_PER_PART,
        threads: int | None = None,
    ):
        """Start from the given weights (as in a result file), else from the initial ones.

        `jit_compile` has XLA compile the training step, which is fast on a GPU and slow on a CPU.
        `trials_per_part` trials are differentiated at once, on `threads` threads (default: all).
        """
        super().__init__()
        self.par = dict(par)
        self.trials_per_part = trials_per_part
        self.threads = ThreadPoolExecutor(threads or available_cores())
        # This pass may turn sums into operations that fail when two threads run one graph; the
        # time of a training step does not depend on it.
        tf.config.optimizer.set_experimental_options({'arithmetic_optimization': False})
        # graphs of this network's own
        self._differentiate = tf.function(self._losses_and_gradients, jit_compile=jit_compile)
        self._update = tf.function(self._sum_and_update)
        self._run = tf.function(self._run_part)
        self.initialize_weights(weights)
        names = self.weights
        masks = {name: self.par.get(f'{name}_mask') for name in names}
        self.optimizer = Adam(
            names, masks, self.par['learning_rate'], self.par['clip_max_grad_val']
        )

    def initialize_weights(self, weights: dict | None = None) -> None:
        """Make the trained variables: every key of `par` that ends in 0, named without it.

        Raises ValueError where given weights do not fit the network's shape.
        """
        initial = {key[:-1]: value for key, value in self.par.items() if key.endswith('0')}
        given = initial if weights is None else weights
        for name, value in initial.items():
            if given[name].shape != value.shape:
                raise ValueError(
                    f'weight {name} has shape {given[name].shape}, but these parameters make a '
                    f'network in which it is {value.shape}'
                )
        self.weights = {
            name: tf.Variable(given[name], dtype=tf.float32, name=name) for name in initial
        }

    def effective_weights(self) -> dict[str, tf.Tensor]:
        """The weights as they act: input and output rectified, recurrent ones with their sign."""
        w = self.weights
        w_rnn = w['w_rnn']
        if self.par['EI']:
            w_rnn = self.par['EI_list'][:, tf.newaxis] * tf.nn.relu(w_rnn)
        rectified = {name: tf.nn.relu(w[name]) for name in ('w_in', 'w_out')}
        biases = {name: tf.identity(w[name]) for name in ('b_rnn', 'b_out')}
        return {'w_rnn': w_rnn, **rectified, **biases}

    def coefficients(self, weights: dict[str, tf.Tensor], num_trials: int) -> Coefficients:
        """Effective weights and rates for a run of `num_trials` trials at once."""
        p = self.par
        dynamic = p['dynamic_synapse']
        per_unit = {
            'b_rnn': weights['b_rnn'],
            'dt': p['dt_sec'] * dynamic,
            'alpha_std': p['alpha_std'] * dynamic,
            'alpha_stf': p['alpha_stf'] * dynamic,
            'U': p['U'],
        }
        shape = (num_trials, p['n_hidden'])
        repeated = {
            name: tf.broadcast_to(tf.cast(value, tf.float32), shape)
            for name, value in per_unit.items()
        }
        return Coefficients(alpha=p['alpha_neuron'], **{**weights, **repeated})

    @staticmethod
    def rnn_cell(stimulus, noise, state: State, c: Coefficients) -> State:
        """One time step of the network (paper, Methods, equations of the model).

            x' = clip(x + alpha_std (1 - x) - dt u x h)
            u' = clip(u + alpha_stf (U - u) + dt U (1 - u) h)
            h' = relu((1 - alpha) h + alpha (stimulus W_in + (u' x' h) W_rnn + b_rnn) + noise)

        x and u follow the old activity; the recurrent drive is the old activity through the new
        x and u. stimulus is (trial, input), noise (trial, unit) with its SD for one step, or 0.
        """
        h, x, u = state
        spikes = c.dt * h  # expected number in this step, h being a rate in Hz
        new_x = clip(x + c.alpha_std * (1 - x) - u * x * spikes)
        new_u = clip(u + c.alpha_stf * (c.U - u) + c.U * (1 - u) * spikes)
        drive = tf.matmul(stimulus, c.w_in) + tf.matmul(new_u * new_x * h, c.w_rnn) + c.b_rnn
        return State(tf.nn.relu((1 - c.alpha) * h + c.alpha * drive + noise), new_x, new_u)

    @staticmethod
    def output(h: tf.Tensor, c: Coefficients) -> tf.Tensor:
        """Logits of the outputs, (..., n_output), from activity (..., unit)."""
        return tf.matmul(h, c.w_out) + c.b_out

    def initial_state(self, num_trials: int, h=None, syn_x=None, syn_u=None) -> State:
        """State before the first step, (1, unit) repeated for every trial; default: as trained."""
        p = self.par
        given = (h, syn_x, syn_u)
        default = (self.weights['h'], p['syn_x_init'][:1], p['syn_u_init'][:1])
        start = (d if g is None else g for g, d in zip(given, default, strict=True))
        shape = (num_trials, p['n_hidden'])
        return State(*(tf.broadcast_to(tf.cast(v, tf.float32), shape) for v in start))

    def run_model(
        self, x, h_init=None, syn_x_init=None, syn_u_init=None, key=None, suppress_activity=None
    ):
        """Run the network on x (time, trial, input).

        Initial states are (1, unit) or (trial, unit). `key`, two integers, decides the recurrent
        noise; without it there is none. suppress_activity (time, unit) multiplies the activity
        after each step. Returns arrays y (time, trial, output), the logits, and h, syn_x, syn_u
        (time, trial, unit), the states after each step.
        """
        start = self.initial_state(x.shape[1], h_init, syn_x_init, syn_u_init)
        start = State(*(v.numpy()[np.newaxis] for v in start))
        gain = None if suppress_activity is None else np.asarray(suppress_activity)[:, np.newaxis]
        return tuple(v[:, 0] for v in self.run_conditions(x, start, key, gain))

    def run_conditions(self, x, start: State, key=None, gain=None, record: str = 'all'):
        """Run the network under several conditions of the same trials, with the same noise in all.

        x is (time, trial, input), each part of `start` (condition, trial, unit); gain (time,
        condition, unit) multiplies the activity. Returns what `record` says: 'all' y, h, syn_x and
        syn_u, 'output' y alone, each (time, condition, trial, ...); 'activity' the mean of h over
        time, (condition, trial, unit). Trials are run in parts, as many at once as there are
        threads; their noise depends on the key alone.
        """
        num_conditions, num_trials, _ = start.h.shape
        num_parts = -(-num_trials // max(1, self.trials_per_part // num_conditions))
        xs = np.array_split(np.asarray(x, np.float32), num_parts, 1)
        starts = zip(*(np.array_split(v, num_parts, 1) for v in start), strict=True)
        keys = [None if key is None else np.array([*key, i], np.int64) for i in range(num_parts)]
        gain = None if gain is None else np.asarray(gain, np.float32)

        def run(x, start, key):
            return self._run(x, State(*start), key, gain, record)

        parts = self.threads.map(run, xs, starts, keys)
        joined = (np.concatenate(v, -2) for v in zip(*parts, strict=True))
        return tuple(joined) if record == 'all' else next(joined)

    def _run_part(self, x, start: State, key, gain, record: str) -> tuple[tf.Tensor, ...]:
        num_conditions, num_trials, _ = start.h.shape
        rows = num_conditions * num_trials
        c = self.coefficients(self.effective_weights(), rows)
        start = State(*(tf.reshape(v, [rows, -1]) for v in start))
        noise = bptt.Noise(0.0, None)
        if key is not None:
            key = tf.random.experimental.stateless_fold_in(key[:2], key[2])
            noise = bptt.Noise(self.par['noise_rnn'], key)
        if gain is not None:
            gain = tf.repeat(gain, rows // gain.shape[1], 1)
        recorded = {
            'all': lambda state: (self.output(state.h, c), *state),
            'output': lambda state: (self.output(state.h, c),),
            'activity': lambda state: (state.h,),
        }[record]
        arrays = bptt.forward(self.rnn_cell, c, x, start, noise, recorded, gain)
        values = (array.stack()[1:] for array in arrays)
        if record == 'activity':
            values = (tf.reduce_mean(value, 0) for value in values)
        shape = (num_conditions, num_trials)
        return tuple(tf.reshape(v, [*v.shape[:-2], *shape, v.shape[-1]]) for v in values)

    def optimize(self, trial_info: dict, iteration: int) -> dict[str, float]:
        """Train on one batch. Returns its accuracy and losses, those before the update.

        The batch is differentiated in parts, as many at once as there are threads. Their number
        does not depend on the threads, and neither does the result.
        """
        names = ('neural_input', 'desired_output', 'train_mask')
        num_parts = -(-trial_info['neural_input'].shape[1] // self.trials_per_part)
        parts = zip(*(np.array_split(trial_info[n], num_parts, 1) for n in names), strict=True)
        # arrays, not Python numbers, for which TensorFlow would trace the function anew
        keys = np.array([[self.par['seed'], iteration, i] for i in range(num_parts)], np.int64)
        sums = list(self.threads.map(self._differentiate, keys, *zip(*parts, strict=True)))
        losses = self._update(sums, np.int64(iteration))
        return {name: float(value) for name, value in losses.items()}

    def _losses_and_gradients(self, key, stimulus, target, mask) -> dict[str, tf.Tensor]:
        """Losses and gradients of one part of the batch, see `bptt.losses_and_gradients`.

        key: the seed, the iteration and the number of the part, which decide the noise.
        """
        p, num_trials = self.par, stimulus.shape[1]
        key = tf.random.experimental.stateless_fold_in(key[:2], key[2])
        c = self.coefficients(self.effective_weights(), num_trials)
        cost = bptt.Cost(p['spike_cost'], POWER[p['spike_regularization']], p['batch_size'])
        return bptt.losses_and_gradients(
            self,
            c,
            (stimulus, target, mask),
            self.initial_state(num_trials),
            bptt.Noise(p['noise_rnn'], key),
            cost,
        )

    def _sum_and_update(self, parts: list[dict[str, tf.Tensor]], iteration) -> dict[str, tf.Tensor]:
        """Add up the parts, go from the effective weights to the trained ones, and update these."""
        sums = {name: tf.add_n([part[name] for part in parts]) for name in parts[0]}
        p = self.par
        with tf.GradientTape() as tape:
            effective = self.effective_weights()
            weight_loss = tf.reduce_mean(
                tf.nn.relu(effective['w_rnn']) ** POWER[p['spike_regularization']]
            )
            weight_cost = p['weight_cost'] * weight_loss
        gradients = tape.gradient(
            [*effective.values(), weight_cost],
            self.weights,
            output_gradients=[*(sums[name] for name in effective), tf.ones([])],
        )
        self.optimizer.apply(gradients | {'h': sums['h']}, iteration)
        losses = {
            'perf_loss': sums['perf_loss'],
            'spike_loss': sums['spike_loss'],
            'weight_loss': weight_loss,
        }
        loss = losses['perf_loss'] + p['spike_cost'] * losses['spike_loss'] + weight_cost
        return {'accuracy': sums['correct'] / sums['scored'], 'loss': loss, **losses}


def main(gpu_id: str | int | None = None, **options) -> Path:
    """Train a network with the settings in `par` and save it; see `training.train`."""
    import training

    return training.train(gpu_id, **options)
