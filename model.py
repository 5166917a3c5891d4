"""The recurrent network with short-term synaptic plasticity (Masse et al. 2019, Methods).

    python model.py [GPU_ID|none] [--task DMS] [--set NAME=VALUE]... [--seed N] [--resume]

trains a network (training/) and saves it. `Model.rnn_cell` holds the network's equations, and
nothing else does; rnn/bptt.py derives their gradient. Arrays are (time, trial, unit), weights are
(from, to), everything is float32.
"""

import sys

if __name__ == '__main__':
    # before TensorFlow is imported, which takes seconds: a wrong request is reported immediately
    from commands.train import request

    REQUESTED = request()

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from parameters import par, user_settings
from rnn import bptt, graphs
from rnn.device import available_cores
from rnn.optimizer import Adam
from rnn.state import State
from training.loop import Watch, train
from training.start import begin

TRIALS_PER_PART = 128  # of a batch; their states in a block of steps stay in a core's cache
POWER = {'L1': 1, 'L2': 2}


class Coefficients(NamedTuple):
    """What multiplies the state and the input: weights as they act, rates per unit (1, unit).

    `repeated` repeats rates and bias for every trial: broadcasting would slow the cell by a tenth.
    """

    w_in: tf.Tensor  # relu(w_in)
    w_rnn: tf.Tensor  # diag(EI_list) relu(w_rnn), or w_rnn without E/I
    b_rnn: tf.Tensor
    w_out: tf.Tensor  # relu(w_out)
    b_out: tf.Tensor
    alpha: tf.Tensor  # dt / membrane time constant
    dt: tf.Tensor  # s; 0 for units without plasticity
    alpha_std: tf.Tensor  # dt / tau_x; 0 for units without plasticity
    alpha_stf: tf.Tensor  # dt / tau_u; 0 for units without plasticity
    U: tf.Tensor

    def repeated(self, num_trials: int | tf.Tensor) -> 'Coefficients':
        """The same for so many trials at once."""
        names = ('b_rnn', 'dt', 'alpha_std', 'alpha_stf', 'U')
        shape = (num_trials, self.dt.shape[1])
        return self._replace(**{n: tf.broadcast_to(getattr(self, n), shape) for n in names})


@tf.custom_gradient
def clip(value: tf.Tensor):
    """Clip to [0, 1]; no gradient passes where the result is exactly 0 or 1."""
    # one operation, where tf.clip_by_value makes two
    clipped = tf.raw_ops.ClipByValue(t=value, clip_value_min=0.0, clip_value_max=1.0)
    return clipped, lambda gradient: bptt.through_clip(gradient, clipped)


class Model:
    """One network with the parameters `p`, by default with those in `par` as it now is."""

    def __init__(
        self,
        weights: dict | None = None,
        jit_compile: bool = False,
        trials_per_part: int = TRIALS_PER_PART,
        threads: int | None = None,
        p: Mapping | None = None,
    ):
        """Start from the given weights (as in a result file), else from the initial ones.

        `jit_compile` has XLA compile the training step, which is fast on a GPU and slow on a CPU.
        `trials_per_part` trials are differentiated at once, on `threads` threads (default: all).
        """
        self.par = dict(par if p is None else p)
        self.trials_per_part = trials_per_part
        self.threads = graphs.threads(threads or available_cores())
        self.jit_compile = jit_compile
        # This pass may turn sums into operations that fail when two threads run one graph; the
        # time of a training step does not depend on it.
        tf.config.optimizer.set_experimental_options({'arithmetic_optimization': False})
        self.initialize_weights(weights)
        masks = {name: self.par.get(f'{name}_mask') for name in self.weights}
        self.optimizer = Adam(
            self.weights, masks, self.par['learning_rate'], self.par['clip_max_grad_val']
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
        """See `effective`."""
        return self.effective(self.weights, self._sign())

    def _sign(self) -> tf.Tensor | None:
        """Sign of each unit's recurrent weights (unit, 1); None where they are free."""
        return tf.constant(self.par['EI_list'][:, np.newaxis]) if self.par['EI'] else None

    @staticmethod
    def effective(weights: dict, sign: tf.Tensor | None) -> dict[str, tf.Tensor]:
        """The weights as they act: rectified, but the recurrent ones only where they have signs."""
        w_rnn = weights['w_rnn'] if sign is None else sign * tf.nn.relu(weights['w_rnn'])
        rectified = {name: tf.nn.relu(weights[name]) for name in ('w_in', 'w_out')}
        biases = {name: tf.identity(weights[name]) for name in ('b_rnn', 'b_out')}
        return {'w_rnn': tf.identity(w_rnn), **rectified, **biases}

    def coefficients(self) -> Coefficients:
        """Effective weights and rates."""
        p = self.par
        dynamic = p['dynamic_synapse']
        rates = {
            'alpha': p['alpha_neuron'],
            'dt': p['dt_sec'] * dynamic,
            'alpha_std': p['alpha_std'] * dynamic,
            'alpha_stf': p['alpha_stf'] * dynamic,
            'U': p['U'],
        }
        rates = {name: tf.constant(value, tf.float32) for name, value in rates.items()}
        return Coefficients(**self.effective_weights(), **rates)

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

    def noise(self, key: Sequence[int]) -> dict[str, bptt.Noise]:
        """{'noise': the recurrent noise that three integers decide}; {} where it has no SD."""
        if not self.par['noise_rnn']:
            return {}
        sd = tf.constant(self.par['noise_rnn'], tf.float32)
        return {'noise': bptt.Noise(sd, tf.constant(key, tf.int64))}

    def run_model(
        self, x, h_init=None, syn_x_init=None, syn_u_init=None, key=None, suppress_activity=None
    ):
        """Run the network on x (time, trial, input).

        Initial states are (1, unit) or (trial, unit). `key`, two integers, decides the recurrent
        noise; without it there is none. suppress_activity (time, unit) multiplies the activity
        after each step. Returns arrays y (time, trial, output), the logits, and h, syn_x, syn_u
        (time, trial, unit), the states after each step.
        """
        start = self.initial_state(np.shape(x)[1], h_init, syn_x_init, syn_u_init)
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
        xs = map(tf.constant, np.array_split(np.asarray(x, np.float32), num_parts, 1))
        split = zip(*(np.array_split(v, num_parts, 1) for v in start), strict=True)
        single = partial(tf.constant, dtype=tf.float32)
        starts = [State(*map(single, part)) for part in split]
        options = {} if gain is None else {'gain': tf.constant(gain, tf.float32)}
        noises = [{} if key is None else self.noise([*key, i]) for i in range(num_parts)]
        c = self.coefficients()
        kind = graphs.specs(c), graphs.specs(starts[0], 2), len(x), record, *noises[0], *options
        graph = graphs.running(Model, *kind)

        def run(start, x, noise):
            return graph(c, start, x, noise | options)

        parts = [list(values) for values in self.threads.map(run, starts, xs, noises)]
        # popped, so that what is joined already is freed: a batch takes hundreds of megabytes
        joined = [np.concatenate([v.pop(0) for v in parts], -2) for _ in range(len(parts[0]))]
        return tuple(joined) if record == 'all' else joined[0]

    def optimize(self, trial_info: dict, iteration: int) -> dict[str, float]:
        """Train on one batch. Returns its accuracy and losses, those before the update.

        The batch is differentiated in parts, as many at once as there are threads. Their number
        does not depend on the threads, and neither does the result.
        """
        p, sums = self.par, self.losses_and_gradients(trial_info, iteration)
        weights = {name: variable.read_value() for name, variable in self.weights.items()}
        costs = {name: tf.constant(p[name], tf.float32) for name in ('spike_cost', 'weight_cost')}
        tensors = (weights, self._sign(), sums, costs, self.optimizer.arguments())
        power = POWER[p['spike_regularization']]
        update = graphs.updating(Model, p['shape'], len(sums), p['EI'], power, self.jit_compile)
        weights, self.optimizer.slots, losses = update(*tensors, tf.constant(iteration, tf.int64))
        for name, value in weights.items():
            self.weights[name].assign(value)
        return {name: float(value) for name, value in losses.items()}

    def losses_and_gradients(self, trial_info: dict, iteration: int) -> list[dict[str, tf.Tensor]]:
        """Losses and gradients of each part of a batch, see `bptt.losses_and_gradients`.

        The gradients are those with respect to the effective weights, and to the first activity h.
        """
        p, c = self.par, self.coefficients()
        names = ('neural_input', 'desired_output', 'train_mask')
        num_parts = -(-trial_info['neural_input'].shape[1] // self.trials_per_part)
        split = (np.array_split(trial_info[name], num_parts, 1) for name in names)
        single = partial(tf.constant, dtype=tf.float32)
        parts = [tuple(map(single, part)) for part in zip(*split, strict=True)]
        # the seed, the iteration and the number of the part decide the noise
        noises = [self.noise([p['seed'], iteration, i]) for i in range(num_parts)]
        starts = [self.initial_state(part[0].shape[1]) for part in parts]
        spike_cost = tf.constant(p['spike_cost'], tf.float64)
        cost = POWER[p['spike_regularization']], p['batch_size']
        made = [
            graphs.differentiating(
                Model, *map(graphs.specs, (c, *trials)), cost, self.jit_compile, *noises[0]
            )
            for trials in zip(starts, parts, strict=True)
        ]

        def differentiate(graph, start, part, noise):
            return graph(c, start, part, spike_cost, noise)

        return list(self.threads.map(differentiate, made, starts, parts, noises))


def main(gpu_id: str | int | None = None, watch: Watch | None = None, **options) -> Path:
    """Train a network with the settings in `par` and save it.

    The options threads, resume and overwrite, and what is raised, are those of
    `training.start.begin` and `training.loop.train`, where `watch` is explained.
    """
    return train(Model, begin(par, user_settings(), gpu_id, **options), watch)


if __name__ == '__main__':
    from commands.train import outcome

    sys.exit(outcome(lambda: train(Model, REQUESTED)))
