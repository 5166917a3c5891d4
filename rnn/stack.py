"""Networks that are trained at once, as a stack: each as if it were alone.

Their operations are made once for all, on arrays with an axis of networks before all others. The
networks of a stack that are differentiated at once are a chunk. In a chunk of one network, arrays
have no axis of networks, so that its products are those of a network alone: those of several
matrices may round differently.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
import tensorflow as tf

from rnn.alike import require_alike

ACTIVITIES_AT_ONCE = 2**17  # of a step, of all networks and trials differentiated at once


def stack(models: Sequence) -> 'Stack':
    """One model of several, with their weights and slots as they now are.

    They stay as they are. Raises ValueError for networks that cannot be stacked: of several
    classes, or see rnn/alike.py.
    """
    kinds = {type(model) for model in models}
    if len(kinds) != 1:
        names = ' and '.join(sorted(kind.__name__ for kind in kinds)) or 'no model'
        raise ValueError(f'a stack is made of models of one class, not of {names}')
    return _stack_of(*kinds)(models)


@cache
def _stack_of(network: type) -> type:
    """A class with the equations and all else of a class of models, but for several at once."""
    return type(f'Stack of {network.__name__}', (Stack, network), {})


class Stack:
    """What differs in a `Model` of several networks: a mixin, see `stack`."""

    def __init__(self, models: Sequence):
        first, self.networks = models[0], [model.par for model in models]
        require_alike(self.networks)
        self.kind, self.par = type(first), first.par
        self._compute_with(first.jit_compile, first.trials_per_part, first.num_threads)
        self._hold(_map(tf.stack, [model.weights for model in models]))
        self.optimizer.slots = _map(tf.stack, [model.optimizer.slots for model in models])

    def members(self) -> list:
        """A model of each network, with its weights and slots as they now are."""
        return [self.member(i) for i in range(len(self.networks))]

    def member(self, i: int):
        """A model of one network, with its weights and slots as they now are."""
        how = self.jit_compile, self.trials_per_part, self.num_threads
        weights = {name: variable.numpy()[i] for name, variable in self.weights.items()}
        made = self.kind(weights, *how, p=self.networks[i])
        made.optimizer.slots = tf.nest.map_structure(lambda v: v[i], self.optimizer.slots)
        return made

    def _from_parameters(self, function: Callable):
        return _map(np.stack, [function(p) for p in self.networks])

    def _number(self, name: str, axes: int = 2, dtype=tf.float32) -> tf.Tensor:
        return tf.reshape(super()._number(name, axes, dtype), [-1, *[1] * axes])

    def run_conditions(self, *args, **options):
        """Raise ValueError."""
        raise ValueError('a stack can only be trained: run its members()')

    def optimize(self, trial_infos: Sequence[Mapping], iterations: Sequence[int]) -> list[dict]:
        """Train each network on its batch; see `Model.optimize`.

        The number of threads may change the rounding. Raises ValueError unless there are as many
        batches and iterations as networks.
        """
        for name, given in (('batches', trial_infos), ('iterations', iterations)):
            if len(given) != len(self.networks):
                raise ValueError(f'{len(given)} {name} for {len(self.networks)} networks')
        sums = self.losses_and_gradients(trial_infos, iterations)
        t = tf.constant(iterations, tf.int64)[:, tf.newaxis, tf.newaxis]
        losses = {name: values.numpy() for name, values in self.update(sums, t).items()}
        return [
            {name: float(values[i]) for name, values in losses.items()}
            for i in range(len(self.networks))
        ]

    def losses_and_gradients(self, trial_infos, iterations) -> list[dict[str, tf.Tensor]]:
        """Losses and gradients of each part of the batches; see `Model.losses_and_gradients`.

        A stack is also split by networks, so that all threads work.
        """
        self.require_trainable()
        parts = list(zip(*map(self.parts, trial_infos), strict=True))  # each of all networks
        chunks, num_trials = self.chunks(len(parts)), trial_infos[0]['neural_input'].shape[1]
        c, factors = self.coefficients_and_factors()
        starts = [self.initial_state(arrays[0].shape[1]) for arrays, *_ in parts]

        def differentiate(chunk: slice, number: int) -> dict[str, tf.Tensor]:
            trials = zip(*parts[number][chunk], strict=True)
            trials = tuple(_stacked(arrays, chunk) for arrays in trials)
            seeds = zip(self.networks, iterations, strict=True)
            noise = self.noise([[p['seed'], iteration, number] for p, iteration in seeds])
            given = _taken((c, factors, starts[number], noise), chunk)
            return self.differentiate(num_trials, *given, trials)

        jobs = [(chunk, number) for number in range(len(parts)) for chunk in chunks]
        sums = list(self.threads.map(differentiate, *zip(*jobs, strict=True)))
        num = len(chunks)
        return [_joined(sums[i : i + num], chunks) for i in range(0, len(sums), num)]

    def chunks(self, num_parts: int) -> list[slice]:
        """Which networks are differentiated at once.

        On a GPU all; on a CPU as many as fit the cache, but no fewer chunks than keep all threads
        busy.
        """
        if self.jit_compile:
            return [slice(0, len(self.networks))]
        rows = min(self.trials_per_part, self.par['batch_size'])
        most = max(1, ACTIVITIES_AT_ONCE // (rows * self.par['n_hidden']))
        needed = -(-self.num_threads // num_parts)
        num = max(-(-len(self.networks) // most), min(needed, len(self.networks)))
        parts = np.array_split(np.arange(len(self.networks)), num)
        return [slice(int(part[0]), int(part[-1]) + 1) for part in parts]


class Alone:
    """One model, to be trained as if it were in a stack, but as fast as it is by itself."""

    def __init__(self, model):
        self.model = model

    def member(self, i: int):
        """The model."""
        return self.model

    def optimize(self, trial_infos: Sequence[Mapping], iterations: Sequence[int]) -> list[dict]:
        """See `Model.optimize`."""
        return [self.model.optimize(trial_infos[0], iterations[0])]


def together(models: Sequence) -> 'Stack | Alone':
    """What trains the models at once."""
    return stack(models) if len(models) > 1 else Alone(models[0])


def _map(function: Callable, structures: Sequence):
    """Apply a function to the tuples of corresponding parts of structures; keep the structure."""
    return tf.nest.map_structure(lambda *parts: function(parts), *structures)


def _is_one(chunk: slice) -> bool:
    return chunk.stop - chunk.start == 1


def _taken(tensors, chunk: slice):
    """The chunk of each tensor (network, ...) of a nested structure."""
    which = chunk.start if _is_one(chunk) else chunk
    return tf.nest.map_structure(lambda v: v[which], tensors)


def _stacked(arrays: Sequence[np.ndarray], chunk: slice) -> tf.Tensor:
    """The arrays of the networks of a chunk as one tensor."""
    return tf.constant(arrays[0] if _is_one(chunk) else np.stack(arrays), tf.float32)


def _joined(results: Sequence[dict[str, tf.Tensor]], chunks: Sequence[slice]) -> dict:
    """The results of all chunks as tensors (network, ...)."""
    whole = [
        {name: v[tf.newaxis] if _is_one(chunk) else v for name, v in result.items()}
        for result, chunk in zip(results, chunks, strict=True)
    ]
    return {name: tf.concat([result[name] for result in whole], 0) for name in whole[0]}
