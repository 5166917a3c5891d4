"""Training one network from the start to its result file, with checkpoints on the way.

A run is a function of its settings and seed alone: the batch and the noise of an iteration follow
from the seed and the iteration's number. So a checkpoint needs no state of a random generator, and
a run that was stopped and resumed ends as if it had never stopped.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import results
from rnn import device
from stimulus import Stimulus
from system import outputs
from training.accuracy import accurate_enough
from training.display import Curves, Display, duration, header
from training.guard import guarded
from training.signals import Interrupted, Signals
from training.start import RunError, Start

Watch = Callable[[Curves], bool]


class TrainingError(RuntimeError):
    """The run failed on its way; the message says why in one sentence."""


def train(make_model: Callable, start: Start, watch: Watch | None = None) -> Path:
    """Train a network; return the path of its result file.

    `make_model` is `model.Model`, `start` comes from `start.begin`. `watch`, if given, gets the
    curves after every iteration, in place of what is printed, and stops the run by returning True.
    Raises RunError for a checkpoint that does not fit, TrainingError where the loss is not finite,
    MemoryError with its sizes, and Interrupted after a signal (training/signals.py) or a stop by
    `watch`. A result that has appeared meanwhile is kept, which a TrainingError says.
    """
    with guarded(start), outputs.courtesy():
        return _train(make_model, start, watch)


def _train(make_model: Callable, start: Start, watch: Watch | None) -> Path:
    began, say = time.perf_counter(), _silent if watch else print
    p, filename, checkpoint = start.p, start.filename, start.checkpoint or {}
    if start.is_finished:
        say(start.words_if_finished)
        return filename
    if start.overwrite:
        _remove(filename, results.checkpoint_name(filename))
    with Signals() as signals:
        model = _build(make_model, start)
        curves = {name: list(checkpoint.get(name, [])) for name in results.CURVES}
        done = len(curves['iteration'])
        say(header(p, start.device_name, done))
        with Display(p, done, watch is None) as display:
            _iterate(model, curves, filename, signals, watch or display)
    written = filename
    if start.overwrite:
        results.save(filename, _result(model, curves, filename))
    else:
        written = results.save_as_new(filename, _result(model, curves, filename))
    _remove(results.checkpoint_name(filename))
    if written != filename:
        raise TrainingError(
            f'{filename} has appeared since this run began, and stays: the network is in {written}'
        )
    say(f'Saved {filename} after {duration(time.perf_counter() - began)}.')
    return filename


def _build(make_model: Callable, start: Start):
    """The network, as initialised or as in the checkpoint, on a GPU compiled as one whole batch."""
    whole_batch = {'jit_compile': True, 'trials_per_part': start.p['batch_size']}
    options = {} if device.is_cpu(start.gpu_id) else whole_batch
    options |= {'p': start.p, 'threads': start.threads or device.available_cores()}
    if not start.checkpoint:
        return make_model(**options)
    try:
        model = make_model(start.checkpoint['weights'], **options)
        model.optimizer.restore(start.checkpoint['optimizer'])
    except (KeyError, ValueError, TypeError) as error:
        name = results.checkpoint_name(start.filename)
        raise RunError(f'{name} does not fit the settings in it: {error!r}') from error
    return model


def _iterate(model, curves: Curves, filename: Path, signals: Signals, watch: Watch) -> None:
    """Train until the last iteration or stop_accuracy, saving checkpoints."""
    p, checkpoint = model.par, results.checkpoint_name(filename)
    for iteration, trial_info in batches(p, len(curves['iteration']), p['num_iterations']):
        values = model.optimize(trial_info, iteration)
        _require_finite(values['loss'], 'loss', iteration, checkpoint)
        for name, value in {**values, 'iteration': iteration}.items():
            curves[name].append(value)
        stopped = watch(curves)
        if accurate_enough(curves['accuracy'], p['stop_accuracy']):
            return
        stopped = stopped or signals.received
        if stopped or (iteration + 1) % p['save_every'] == 0:
            slots = {'optimizer': model.optimizer.state()}
            results.save(checkpoint, _result(model, curves, filename) | slots)
        if stopped:
            raise Interrupted(signals.received or signal.SIGTERM)


def batches(p: Mapping, first: int, last: int) -> Iterator[tuple[int, dict]]:
    """Iterations and their batches; each is made while the one before is trained on."""

    def batch(iteration):
        return Stimulus([p['seed'], iteration], p).generate_trial()

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(batch, first)
        for iteration in range(first, last):
            trial_info = following.result()
            following = pool.submit(batch, iteration + 1)
            yield iteration, trial_info


def _require_finite(values, what: str, iteration: int, checkpoint: Path) -> None:
    if not np.all(np.isfinite(values)):
        kept = f'the last good state is in {checkpoint}' if checkpoint.exists() else 'none is saved'
        raise TrainingError(
            f'the {what} is not finite at iteration {iteration} ({kept}): '
            'a smaller learning_rate or weaker initial weights may help'
        )


def _result(model, curves: Curves, filename: Path) -> dict:
    """What is saved; raises TrainingError where weights are not finite."""
    weights = {name: variable.numpy() for name, variable in model.weights.items()}
    for name, weight in weights.items():
        done = len(curves['iteration'])
        _require_finite(weight, f'weight {name}', done - 1, results.checkpoint_name(filename))
    return {'weights': weights, 'parameters': dict(model.par), **curves}


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _silent(text: str) -> None:
    """Print nothing."""
