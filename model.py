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

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from parameters import par, update_parameters, user_settings
from rnn import bptt, costs, equations, graphs, stacks
from rnn.device import available_cores
from rnn.initial_values import MASKS, fitting_weights, rates
from rnn.optimizer import Adam
from rnn.sizes import TRIALS_PER_PART
from rnn.state import State, require_fitting
from settings.costs import COSTS
from training.loop import train
from training.member import Watch
from training.stacks import require_alike
from training.start import begin

ACTIVITIES_AT_ONCE = 2**17  # of a step, of all networks and trials differentiated at once


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

    A sequence of parameters makes a stack of networks, which are trained at once, each as if it
    were alone. All arrays of a stack have an axis of networks before all others.
    """

    def __init__(
        self,
        weights: Mapping | Sequence[Mapping] | None = None,
        jit_compile: bool = False,
        trials_per_part: int = TRIALS_PER_PART,
        threads: int | None = None,
        p: Mapping | Sequence[Mapping] | None = None,
    ):
        """Start from the given weights (as in a result file), else from the initial ones.

        `jit_compile` has XLA compile the training step, which is fast on a GPU and slow on a CPU.
        `trials_per_part` trials are differentiated at once, on `threads` threads (default: all).
        Raises ValueError for weights that do not fit, and for networks that cannot be stacked.
        """
        p = par if p is None else p
        self.is_stack = not isinstance(p, Mapping)
        self.networks = [dict(q) for q in (p if self.is_stack else [p])]
        self.par = self.networks[0]
        require_alike(self.networks)
        self.trials_per_part = trials_per_part
        self.num_threads = threads or available_cores()
        self.threads = graphs.thread_pool(self.num_threads)
        self.jit_compile, self.is_checked = jit_compile, False
        # This pass may turn sums into operations that fail when two threads run one graph; the
        # time of a training step does not depend on it.
        tf.config.optimizer.set_experimental_options({'arithmetic_optimization': False})
        given = weights if self.is_stack else [weights]
        given = given or [None] * len(self.networks)
        every = [fitting_weights(q, w) for q, w in zip(self.networks, given, strict=True)]
        self.weights = {
            name: tf.Variable(self._stacked(w[name] for w in every), dtype=tf.float32, name=name)
            for name in every[0]
        }
        masks = dict.fromkeys(self.weights) | {n[:-5]: self._of_each(n) for n in MASKS}
        rate, norm = self._number('learning_rate'), self._number('clip_max_grad_val')
        self.optimizer = Adam(self.weights, masks, rate, norm)

    @classmethod
    def stack(cls, models: Sequence['Model']) -> 'Model':
        """One model of several single ones, with their weights and slots as they now are."""
        first, p = models[0], [model.par for model in models]
        weights = [{name: w.numpy() for name, w in model.weights.items()} for model in models]
        made = cls(weights, p=p, **first._how())
        slots = [model.optimizer.slots for model in models]
        made.optimizer.slots = tf.nest.map_structure(lambda *values: tf.stack(values), *slots)
        return made

    def members(self) -> list['Model']:
        """A single model of each network, with its weights and slots as they now are."""
        return [self.member(i) for i in range(len(self.networks))]

    def member(self, i: int) -> 'Model':
        """A single model of one network, with its weights and slots as they now are."""
        if not self.is_stack:
            return self
        weights = {name: variable.numpy()[i] for name, variable in self.weights.items()}
        made = type(self)(weights, p=self.networks[i], **self._how())
        made.optimizer.slots = tf.nest.map_structure(lambda v: v[i], self.optimizer.slots)
        return made

    def _how(self) -> dict:
        """How this model computes, which another one can then do."""
        how = {'jit_compile': self.jit_compile, 'trials_per_part': self.trials_per_part}
        return how | {'threads': self.num_threads}

    def _stacked(self, arrays: Iterable) -> np.ndarray:
        """Arrays of the networks as one; that of a single network as it is."""
        arrays = list(arrays)
        return np.stack(arrays) if self.is_stack else arrays[0]

    def _of_each(self, name: str) -> np.ndarray:
        """An array among the parameters, of all networks."""
        return self._stacked(q[name] for q in self.networks)

    def _number(self, name: str, axes: int = 2, dtype=tf.float32) -> tf.Tensor:
        """A number among the parameters; of a stack as (network, 1, ...) with so many axes."""
        shape = [1] * axes if self.is_stack else []
        return tf.constant(self._stacked(np.reshape(q[name], shape) for q in self.networks), dtype)

    def effective_weights(self) -> dict[str, tf.Tensor]:
        """See `effective`."""
        return self.effective(self.weights, self._sign())

    def _sign(self) -> tf.Tensor | None:
        """Sign of each unit's recurrent weights (unit, 1); None where they are free."""
        if not self.par['EI']:
            return None
        return tf.constant(self._stacked(q['EI_list'][:, np.newaxis] for q in self.networks))

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
        every = [rates(q) for q in self.networks]
        stacked = {
            name: tf.constant(self._stacked(r[name] for r in every), tf.float32)
            for name in every[0]
        }
        alpha = self._number('alpha_neuron')
        return Coefficients(**self.effective_weights(), alpha=alpha, **stacked)

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
        synapses = (self._of_each(name)[..., :1, :] for name in ('syn_x_init', 'syn_u_init'))
        default = self.weights['h'], *synapses
        start = (d if g is None else g for g, d in zip((h, syn_x, syn_u), default, strict=True))
        shape = (*self.weights['h'].shape[:-2], num_trials, self.par['n_hidden'])
        return State(*(tf.broadcast_to(tf.cast(v, tf.float32), shape) for v in start))

    def noise(self, key: Sequence) -> dict[str, bptt.Noise]:
        """{'noise': the recurrent noise that three integers decide}; {} where it has no SD.

        A stack has three integers for each network.
        """
        if not any(q['noise_rnn'] for q in self.networks):
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
        if self.is_stack:
            raise ValueError('a stack can only be trained: run its members()')
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

    def optimize(self, trial_info, iteration):
        """Train on one batch. Returns its accuracy and losses, those before the update.

        loss = mean(mask * cross-entropy) + spike_cost mean(h^n) + weight_cost mean(relu(W_rnn)^n),
        with n = 2 or 1 for L2 or L1. The first mean is over all steps, masked ones too. W_rnn holds
        effective weights (with E/I, only excitatory ones are above 0 and so add to the cost). The
        costs are those in rnn/costs.py.

        A stack takes a batch and an iteration for each network, and returns a list. The batch is
        differentiated in parts, as many at once as there are threads. Their number does not depend
        on the threads, and neither does the result, but for the rounding in a stack.
        """
        sums = self.losses_and_gradients(trial_info, iteration)
        weights = {name: variable.read_value() for name, variable in self.weights.items()}
        factors = {name: self._number(name, 0) for name in COSTS}
        tensors = (weights, self._sign(), sums, factors, self.optimizer.arguments())
        p, number = self.par, len(self.networks) if self.is_stack else 0
        kind = p['shape'], number, len(sums), p['EI'], costs.power(p)
        update = graphs.update_graph(type(self), *kind, self.jit_compile)
        t = tf.constant(iteration, tf.int64)
        t = t[:, tf.newaxis, tf.newaxis] if self.is_stack else t
        weights, self.optimizer.slots, losses = update(*tensors, t)
        for name, value in weights.items():
            self.weights[name].assign(value)
        of_networks = [
            {name: float(value) for name, value in zip(losses, values, strict=True)}
            for values in zip(*(np.atleast_1d(v) for v in losses.values()), strict=True)
        ]
        return of_networks if self.is_stack else of_networks[0]

    def losses_and_gradients(self, trial_info, iteration) -> list[dict[str, tf.Tensor]]:
        """Losses and gradients of each part of a batch, see `bptt.losses_and_gradients`.

        The gradients are those with respect to the effective weights, and to the first activity h.
        A stack is also split by networks, so that all threads work. Raises ValueError where
        `bptt.step_back` is not the derivative of rnn_cell.
        """
        infos = trial_info if self.is_stack else [trial_info]
        iterations = iteration if self.is_stack else [iteration]
        num_trials = infos[0]['neural_input'].shape[1]
        num_parts = -(-num_trials // self.trials_per_part)
        chunks = self._chunks(num_parts)
        c = self.coefficients()
        factors = tuple(self._number(name, 2, tf.float64) for name in costs.OF_STATES)
        if not self.is_checked:
            equations.require_derivative(self.rnn_cell, c, self.initial_state(2))
            self.is_checked = True
        keys = [[q['seed'], i] for q, i in zip(self.networks, iterations, strict=True)]
        cost = costs.power(self.par), num_trials
        parts = np.array_split(np.arange(num_trials), num_parts)
        starts = [self.initial_state(len(part)) for part in parts]

        def differentiate(chunk: slice | None, part: int) -> dict[str, tf.Tensor]:
            trials = [_part_of(info, part, num_parts) for info in infos[chunk or slice(None)]]
            trials = tuple(stacks.stacked(v, chunk) for v in zip(*trials, strict=True))
            # the seed, the iteration and the number of the part decide the noise
            every = [[*key, part] for key in keys]
            noise = self.noise(every if self.is_stack else every[0])
            whole = c, starts[part], factors, tuple(noise.values())
            c_, start, factors_, noise = stacks.members(whole, chunk)
            arguments = c_, start, trials, factors_, noise
            kind = *map(graphs.specs, arguments), cost, self.jit_compile
            return graphs.gradient_graph(type(self), *kind)(*arguments)

        jobs = [(chunk, part) for part in range(num_parts) for chunk in chunks]
        sums = list(self.threads.map(differentiate, *zip(*jobs, strict=True)))
        num = len(chunks)
        return [stacks.joined(sums[i : i + num], chunks) for i in range(0, len(sums), num)]

    def _chunks(self, num_parts: int) -> list[slice | None]:
        """Which networks of a stack are differentiated at once; [None] for a single network.

        On a GPU all; on a CPU as many as fit the cache, but no fewer chunks than keep all threads
        busy.
        """
        if not self.is_stack:
            return [None]
        if self.jit_compile:
            return [slice(0, len(self.networks))]
        rows = min(self.trials_per_part, self.par['batch_size'])
        most = max(1, ACTIVITIES_AT_ONCE // (rows * self.par['n_hidden']))
        needed = -(-self.num_threads // num_parts)
        num = max(-(-len(self.networks) // most), min(needed, len(self.networks)))
        parts = np.array_split(np.arange(len(self.networks)), num)
        return [slice(int(part[0]), int(part[-1]) + 1) for part in parts]


def _part_of(trial_info: Mapping, part: int, num_parts: int) -> list[np.ndarray]:
    """Input, target and mask of the trials of a part."""
    names = ('neural_input', 'desired_output', 'train_mask')
    return [np.array_split(trial_info[name], num_parts, 1)[part] for name in names]


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
