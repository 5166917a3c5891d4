"""The recurrent network with short-term synaptic plasticity (Masse et al. 2019, Methods).

    python model.py [GPU_ID|none] [--task DMS] [--set NAME=VALUE]... [--seed N] [--resume]

trains a network (training/) and saves it. `Model.rnn_cell` holds the network's equations, and
nothing else does; `step_back` in rnn/bptt.py is their derivative (docs/equations.md). Arrays are
(time, trial, unit), weights are (from, to), everything is float32.
"""

import sys

if __name__ == '__main__':
    # before TensorFlow is imported, which takes seconds: a wrong request is reported immediately
    from commands.train import request

    REQUESTED = request()

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from parameters import par, update_parameters, user_settings
from results import CURVES
from rnn import bptt, costs, equations, graphs
from rnn.device import available_cores
from rnn.initial_values import MASKS, fitting_weights, rates
from rnn.optimizer import Adam
from rnn.sizes import TRIALS_PER_PART
from rnn.state import State, require_fitting
from settings.costs import COSTS
from training.loop import train
from training.member import Watch
from training.start import begin


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
        shape = (*self.dt.shape[:-2], num_trials, self.dt.shape[-1])
        return self._replace(**{n: tf.broadcast_to(getattr(self, n), shape) for n in names})


@tf.custom_gradient
def clip(value: tf.Tensor):
    """Clip to [0, 1]; no gradient passes where the result is exactly 0 or 1."""
    # one operation, where tf.clip_by_value makes two
    clipped = tf.raw_ops.ClipByValue(t=value, clip_value_min=0.0, clip_value_max=1.0)
    return clipped, lambda gradient: bptt.through_clip(gradient, clipped)


def _signed(sign: tf.Tensor | None, w_rnn: tf.Tensor) -> tf.Tensor:
    """Recurrent weights as they act, with the signs (unit, 1) of the units, if they have any."""
    return tf.identity(w_rnn) if sign is None else sign * tf.nn.relu(w_rnn)


class Model:
    """One network with the parameters `p`, by default with those in `par` as it now is.

    Several that are trained at once are a stack, see rnn/stack.py.
    """

    def __init__(
        self,
        weights: Mapping | None = None,
        jit_compile: bool = False,
        trials_per_part: int = TRIALS_PER_PART,
        threads: int | None = None,
        p: Mapping | None = None,
    ):
        """Start from the given weights (as in a result file), else from the initial ones.

        `jit_compile` has XLA compile the training step, which is fast on a GPU and slow on a CPU.
        `trials_per_part` trials are differentiated at once, on `threads` threads (default: all).
        Raises ValueError for weights that do not fit.
        """
        self.par = dict(par if p is None else p)
        self._compute_with(jit_compile, trials_per_part, threads or available_cores())
        self._hold(fitting_weights(self.par, weights))

    def _compute_with(self, jit_compile: bool, trials_per_part: int, threads: int) -> None:
        self.jit_compile, self.trials_per_part = jit_compile, trials_per_part
        self.num_threads, self.threads = threads, graphs.thread_pool(threads)
        self.is_checked = False

    def _hold(self, weights: Mapping) -> None:
        """Make variables of the weights, and their optimizer."""
        self.weights = {
            name: tf.Variable(value, dtype=tf.float32, name=name) for name, value in weights.items()
        }
        masks = dict.fromkeys(self.weights) | {name[:-5]: self._parameter(name) for name in MASKS}
        rate, norm = self._number('learning_rate'), self._number('clip_max_grad_val')
        self.optimizer = Adam(self.weights, masks, rate, norm)

    def _from_parameters(self, function: Callable):
        """What a function makes of the parameters; a stack has that of each of its networks."""
        return function(self.par)

    def _parameter(self, name: str) -> np.ndarray:
        return self._from_parameters(lambda p: np.asarray(p[name]))

    def _number(self, name: str, axes: int = 2, dtype=tf.float32) -> tf.Tensor:
        """A parameter that is a number; in a stack it has `axes` axes of size 1 after the first."""
        return tf.constant(self._parameter(name), dtype)

    def result(self, curves: Mapping[str, list] | None = None) -> dict:
        """What a result file holds of this network, for `results.save`.

        `curves` are those of results.CURVES; without them they are empty.
        """
        weights = {name: variable.numpy() for name, variable in self.weights.items()}
        curves = {name: [] for name in CURVES} if curves is None else curves
        return {
            'weights': weights,
            'parameters': dict(self.par),
            **curves,
            'one_step': equations.one_step(self),
        }

    def effective_weights(self) -> dict[str, tf.Tensor]:
        """See `effective`."""
        return self.effective(self.weights, self._sign())

    def _sign(self) -> tf.Tensor | None:
        """Sign of each unit's recurrent weights (unit, 1); None where they are free."""
        if not self.par['EI']:
            return None
        return tf.constant(self._parameter('EI_list')[..., np.newaxis])

    @staticmethod
    def effective(weights: dict, sign: tf.Tensor | None) -> dict[str, tf.Tensor]:
        """The weights as they act: rectified, but the recurrent ones only where they have signs.

        Those of w_rnn, w_in, w_out, b_rnn and b_out that are given.
        """
        acting = {'w_in': tf.nn.relu, 'w_out': tf.nn.relu, 'b_rnn': tf.identity}
        acting |= {'w_rnn': partial(_signed, sign), 'b_out': tf.identity}
        return {name: act(weights[name]) for name, act in acting.items() if name in weights}

    def coefficients(self) -> Coefficients:
        """Effective weights and rates."""
        every = self._from_parameters(rates).items()
        of_units = {name: tf.constant(rate, tf.float32) for name, rate in every}
        alpha = self._number('alpha_neuron')
        return Coefficients(**self.effective_weights(), alpha=alpha, **of_units)

    @staticmethod
    def rnn_cell(stimulus, noise, state: State, c: Coefficients) -> State:
        """One time step of the network (paper, Methods, equations of the model).

            x' = clip(x + alpha_std (1 - x) - dt u x h)
            u' = clip(u + alpha_stf (U - u) + dt U (1 - u) h)
            h' = relu((1 - alpha) h + alpha (stimulus W_in + (u' x' h) W_rnn + b_rnn) + noise)

        x and u follow the old activity; the recurrent drive is the old activity through the new
        x and u. stimulus is (trial, input), noise (trial, unit) with its SD for one step, or 0.
        What is changed here must be changed in bptt.step_back, too: tests/rnn/test_gradients.py.
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
        """State before the first step, (trial, unit) each; default: trained h, synapses at rest."""
        synapses = (self._parameter(name)[..., :1, :] for name in ('syn_x_init', 'syn_u_init'))
        default = self.weights['h'], *synapses
        start = (d if g is None else g for g, d in zip((h, syn_x, syn_u), default, strict=True))
        shape = (*self.weights['h'].shape[:-2], num_trials, self.par['n_hidden'])
        return State(*(tf.broadcast_to(tf.cast(v, tf.float32), shape) for v in start))

    def noise(self, key: Sequence) -> dict[str, bptt.Noise]:
        """{'noise': the recurrent noise that three integers decide}; {} where it has no SD."""
        if not np.any(self._parameter('noise_rnn')):
            return {}
        return {'noise': bptt.Noise(self._number('noise_rnn', 3), tf.constant(key, tf.int64))}

    def run_model(
        self, x, h_init=None, syn_x_init=None, syn_u_init=None, key=None, suppress_activity=None
    ):
        """Run the network on x (time, trial, input).

        Initial states are (1, unit) or (trial, unit). `key`, two integers, decides the recurrent
        noise; without it there is none. suppress_activity (time, unit) multiplies the activity
        after each step. Returns arrays y (time, trial, output), the logits, and h, syn_x, syn_u
        (time, trial, unit), the states after each step. Raises ValueError for other shapes.
        """
        states = {'h_init': h_init, 'syn_x_init': syn_x_init, 'syn_u_init': syn_u_init}
        require_fitting(self.par, x, suppress_activity, key, **states)
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
        threads; their noise depends on the key, on the numbers of trials and conditions, and on
        `trials_per_part`.
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
        graph = graphs.run_graph(type(self), *kind)

        def run(start, x, noise):
            return graph(c, start, x, noise | options)

        parts = [list(values) for values in self.threads.map(run, starts, xs, noises)]
        # popped, so that what is joined already is freed: a batch takes hundreds of megabytes
        joined = [np.concatenate([v.pop(0) for v in parts], -2) for _ in range(len(parts[0]))]
        return tuple(joined) if record == 'all' else joined[0]

    def optimize(self, trial_info: Mapping, iteration: int) -> dict[str, float]:
        """Train on one batch. Returns its accuracy and losses, those before the update.

        loss = mean(mask * cross-entropy) + spike_cost mean(h^n) + weight_cost mean(relu(W_rnn)^n),
        with n = 2 or 1 for L2 or L1. The first mean is over all steps, masked ones too. W_rnn holds
        effective weights (with E/I, only excitatory ones are above 0 and so add to the cost). The
        costs are those in rnn/costs.py.

        The batch is differentiated in parts, as many at once as there are threads. Their number
        does not depend on the threads, and neither does the result.
        """
        sums = self.losses_and_gradients(trial_info, iteration)
        losses = self.update(sums, tf.constant(iteration, tf.int64))
        return {name: float(value) for name, value in losses.items()}

    def update(self, sums: list[dict[str, tf.Tensor]], iteration: tf.Tensor) -> dict:
        """Update the weights, given what `losses_and_gradients` returns; return all losses."""
        weights = {name: variable.read_value() for name, variable in self.weights.items()}
        factors = {name: self._number(name, 0) for name in COSTS}
        tensors = (weights, self._sign(), sums, factors, self.optimizer.arguments())
        p, rows = self.par, tuple(self.weights['h'].shape)
        kind = p['shape'], rows, len(sums), p['EI'], costs.power(p), self.jit_compile
        update = graphs.update_graph(type(self), *kind)
        weights, self.optimizer.slots, losses = update(*tensors, iteration)
        for name, value in weights.items():
            self.weights[name].assign(value)
        return losses

    def losses_and_gradients(self, trial_info, iteration) -> list[dict[str, tf.Tensor]]:
        """Losses and gradients of each part of a batch, see `bptt.losses_and_gradients`.

        The gradients are those with respect to the effective weights, and to the first activity h.
        Raises what `require_trainable` raises.
        """
        self.require_trainable()
        parts, num_trials = self.parts(trial_info), trial_info['neural_input'].shape[1]
        c, factors = self.coefficients_and_factors()

        def differentiate(number: int) -> dict[str, tf.Tensor]:
            trials = tuple(tf.constant(array, tf.float32) for array in parts[number])
            start = self.initial_state(trials[0].shape[1])
            # the seed, the iteration and the number of the part decide the noise
            noise = self.noise([self.par['seed'], iteration, number])
            return self.differentiate(num_trials, c, factors, start, noise, trials)

        return list(self.threads.map(differentiate, range(len(parts))))

    def parts(self, trial_info: Mapping) -> list[tuple[np.ndarray, ...]]:
        """Input, target and mask of each part of a batch."""
        arrays = [trial_info[name] for name in ('neural_input', 'desired_output', 'train_mask')]
        num_parts = -(-arrays[0].shape[1] // self.trials_per_part)
        return list(zip(*(np.array_split(array, num_parts, 1) for array in arrays), strict=True))

    def require_trainable(self) -> None:
        """Raise ValueError where `bptt.step_back` is not the derivative of rnn_cell.

        Also for a cost that is only a setting.
        """
        if not self.is_checked:
            costs.require_functions()
            c = self.coefficients()
            equations.require_derivative(self.rnn_cell, c, self.initial_state(2))
            self.is_checked = True

    def coefficients_and_factors(self) -> tuple[Coefficients, tuple[tf.Tensor, ...]]:
        """The coefficients, and the factors of the costs in `costs.OF_STATES`."""
        factors = (self._number(name, 2, tf.float64) for name in costs.OF_STATES)
        return self.coefficients(), tuple(factors)

    def differentiate(self, num_trials: int, c, factors, start, noise: Mapping, trials) -> dict:
        """Losses and gradients of a part of a batch of so many trials."""
        arguments = c, start, trials, factors, tuple(noise.values())
        kind = *map(graphs.specs, arguments), (costs.power(self.par), num_trials)
        return graphs.gradient_graph(type(self), *kind, self.jit_compile)(*arguments)


def main(gpu_id: str | int | None = None, watch: Watch | None = None, **options) -> Path:
    """Train a network with the settings in `par` and save it.

    Where no seed is set, the next network has another one.

    The options threads, resume, overwrite and log, and what is raised, are those of
    `training.start.begin` and `training.loop.train`, where `watch` is explained.
    """
    path = train(Model, begin(par, user_settings(), gpu_id, **options), watch)
    if 'seed' not in user_settings():
        update_parameters({'seed': None})
    return path


if __name__ == '__main__':
    from commands.train import outcome

    sys.exit(outcome(lambda: train(Model, REQUESTED)))
