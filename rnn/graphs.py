"""TensorFlow's graphs of a run, of the gradient of a part of a batch, and of an update.

To make a graph takes seconds and some 5 MB. So weights, rates and costs are its arguments, and all
networks of one shape share it. A graph is made when it is first asked for, and kept until
GRAPHS_KEPT others of its kind were needed since.

`network` is the class that has the equations: rnn_cell, output, and effective (see `model.Model`).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial, wraps
from threading import RLock

import tensorflow as tf

from rnn import bptt, costs
from rnn.optimizer import adam_step
from settings.costs import COSTS, loss_of

GRAPHS_KEPT = 32  # an analysis needs about ten of the first kind


def cached_graph(make: Callable) -> Callable:
    """Decorate `make` so that it returns a TensorFlow graph, which is cached by its arguments.

    `make` returns the function, the specs of its arguments (None: taken from the first call), and
    options of tf.function. Where TensorFlow runs functions eagerly, as for debugging, the function
    itself is returned.
    """

    lock = RLock()

    @lru_cache(GRAPHS_KEPT)
    def graph(*kind):
        function, arguments, options = make(*kind)
        made = tf.function(function, autograph=False, **options)  # loops are tf.while_loop
        return made if arguments is None else made.get_concrete_function(*arguments)

    @wraps(make)
    def get(*kind):
        if tf.config.functions_run_eagerly():
            return make(*kind)[0]
        with lock:  # else threads that need a graph at the same time would each make it
            return graph(*kind)

    get.cache_info, get.cache_clear = graph.cache_info, graph.cache_clear
    return get


@lru_cache
def thread_pool(number: int) -> ThreadPoolExecutor:
    """A pool of `number` threads, shared by all models that use as many."""
    # This pass of TensorFlow may turn sums into operations that fail when two threads run one
    # graph; the time of a training step does not depend on it.
    tf.config.optimizer.set_experimental_options({'arithmetic_optimization': False})
    return ThreadPoolExecutor(number)


def specs(tensors: Sequence, free_axes: int = 0) -> Sequence[tf.TensorSpec]:
    """Shapes and types of a (named) tuple of tensors, by which a graph can be looked up.

    The first `free_axes` axes may have any size.
    """

    def spec(tensor) -> tf.TensorSpec:
        return tf.TensorSpec([None] * free_axes + [*tensor.shape[free_axes:]], tensor.dtype)

    return tf.nest.map_structure(spec, tensors)


def _noise_spec() -> bptt.Noise:
    return bptt.Noise(tf.TensorSpec([]), tf.TensorSpec([3], tf.int64))


@cached_graph
def run_graph(network, c, start, num_steps: int, record: str, *given: str):
    """A run of any number of trials and conditions, see `Model.run_conditions`.

    A function of the coefficients, the first state (condition, trial, unit), the input (time,
    trial, input), and a dictionary of the tensors that are `given`: the noise, and the gain (time,
    condition, unit) of the activity. `c` and `start` are the specs of the first two.
    """

    def run(c, start, x, given: dict) -> tuple[tf.Tensor, ...]:
        num_conditions, num_trials, _ = tf.unstack(tf.shape(start[0]))
        rows = num_conditions * num_trials
        c = c.repeated(rows)
        start = tf.nest.map_structure(lambda v: tf.reshape(v, [rows, v.shape[-1]]), start)
        gain = tf.repeat(given['gain'], num_trials, 1) if 'gain' in given else None
        recorded = {
            'all': lambda state: (network.output(state.h, c), *state),
            'output': lambda state: (network.output(state.h, c),),
            'activity': lambda state: (state.h,),
        }[record]
        arrays = bptt.forward(network.rnn_cell, c, x, start, given.get('noise'), recorded, gain)
        steps = tf.range(1, num_steps + 1)  # without the state before the first
        values = (array.gather(steps) for array in arrays)
        if record == 'activity':
            values = (tf.reduce_mean(value, 0) for value in values)
        time = [num_steps] * (record != 'activity')
        return tuple(
            tf.reshape(v, [*time, num_conditions, num_trials, v.shape[-1]]) for v in values
        )

    num_inputs, num_units = c.w_in.shape
    options = {'noise': _noise_spec(), 'gain': tf.TensorSpec([num_steps, None, num_units])}
    x = tf.TensorSpec([num_steps, None, num_inputs])
    return run, (c, start, x, {name: options[name] for name in given}), {}


@cached_graph
def gradient_graph(network, c, start, part, factors, noise: tuple, cost: tuple, jit_compile):
    """Losses and gradients of a part of a batch, see `bptt.losses_and_gradients`.

    A function of the coefficients, the first state (trial, unit), the stimulus, targets and mask of
    the part, the factors of `costs.OF_STATES`, and a tuple with the noise, if there is any; here
    these are their specs. `cost`: the power in the costs, and the number of trials of the batch.
    """

    def differentiate(c, start, part, factors, noise: tuple):
        weighed = bptt.Cost(factors, *cost)
        c = c.repeated(start.h.shape[-2])
        return bptt.losses_and_gradients(network, c, part, start, *noise or [None], weighed)

    return differentiate, (c, start, part, factors, noise), {'jit_compile': jit_compile}


@cached_graph
def update_graph(network, *kind):
    """One update of the trained weights, see `Model.optimize`; `kind` distinguishes it from others.

    A function of the weights, their sign, the results of `gradient_graph` for the parts of the
    batch, the factors of the costs by name, the arguments of the optimizer, and the iteration.
    """
    *_, power, jit_compile = kind
    # a partial: TensorFlow would take all functions that are defined in one place for one that it
    # traces again and again, and warn
    return partial(_update, network, power), None, {'jit_compile': jit_compile}


def _update(network, power, weights, sign, parts: list[dict], factors, optimizer, iteration):
    sums = {name: tf.add_n([part[name] for part in parts]) for name in parts[0]}
    gradients, of_weights = trained_gradients(network, weights, sign, sums, factors, power)
    weights, slots = adam_step(weights, gradients, iteration, **optimizer)
    found = sums | of_weights
    losses = {name: found[name] for name in ('perf_loss', *map(loss_of, COSTS))}
    loss = losses['perf_loss']
    for cost in COSTS:
        loss += factors[cost] * losses[loss_of(cost)]
    accuracy = sums['correct'] / sums['scored']
    return weights, slots, {'accuracy': accuracy, 'loss': loss, **losses}


def trained_gradients(network, weights: dict, sign, sums: dict, factors, power: int) -> tuple:
    """From gradients with respect to the effective weights to those of the trained ones.

    `sums` are those of `bptt.losses_and_gradients` over all parts of a batch. The costs of the
    weights are added, with `factors` by the names of their settings. Returns the gradients and
    these costs.
    """
    with tf.GradientTape() as tape:
        tape.watch(weights)
        effective = network.effective(weights, sign)
        of_weights = costs.of_weights(effective, power)
    shares = [factors[name] for name in costs.OF_WEIGHTS]
    gradients = tape.gradient(
        [*effective.values(), *of_weights.values()],
        weights,
        output_gradients=[*(sums[name] for name in effective), *shares],
    )
    return gradients | {'h': sums['h']}, of_weights
