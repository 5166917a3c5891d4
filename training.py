"""Training one network from the start to its result file, with checkpoints on the way.

A run is a function of its settings and seed alone: the batch and the noise of an iteration follow
from the seed and the iteration's number. So a checkpoint needs no state of a random generator, and
a run that was stopped and resumed ends as if it had never stopped.
"""

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

import device
import results
from parameters import WHOLE_PAR, kept_parameters, par, update_parameters, user_settings
from stimulus import Stimulus

# what a resumed run may change; the place of the files follows the command
CHANGEABLE = ('num_iterations', 'save_every', 'iters_between_outputs', 'stop_accuracy')
PLACE = ('save_dir', 'save_fn')
ITERATIONS_TO_STOP = 20  # whose mean accuracy is compared with stop_accuracy


class RunError(ValueError):
    """The run that was asked for cannot start; the message says why in one sentence."""


class TrainingError(RuntimeError):
    """The run failed on its way; the message says why in one sentence."""


class Interrupted(BaseException):
    """A signal stopped the run, and its checkpoint is saved."""

    def __init__(self, signum: int):
        super().__init__(signum)
        self.signum = signum


def train(
    gpu_id: str | int | None = None,
    *,
    threads: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> Path:
    """Train a network with the settings in `par`; return the path of its result file.

    gpu_id: None or 'none' for the CPU. With `resume` the run goes on from its checkpoint, where
    there is one, with the settings saved in it. Raises RunError or results.ResultsError where files
    are in the way or unusable, device.DeviceError for a GPU that is not there, TrainingError where
    the loss is not finite, and Interrupted after Ctrl-C or SIGTERM.
    """
    start = time.perf_counter()
    filename = Path(par['save_dir'], par['save_fn'])
    checkpoint = _checkpoint(filename, resume, overwrite)
    if resume and filename.exists():
        print(f'{filename} is finished already.')
        return filename
    results.check_writable(filename)
    device_name = device.select(gpu_id, threads)
    if overwrite:
        _remove(filename, results.checkpoint_name(filename))
    with _Signals() as signals:
        model = _build(gpu_id, threads, checkpoint, filename)
        curves = {name: list((checkpoint or {}).get(name, [])) for name in results.CURVES}
        _print_header(device_name, len(curves['iteration']))
        _iterate(model, curves, filename, signals)
    results.save(filename, _result(model, curves, filename))
    _remove(results.checkpoint_name(filename))
    print(f'Saved {filename} after {_duration(time.perf_counter() - start)}.')
    return filename


def _checkpoint(filename: Path, resume: bool, overwrite: bool) -> dict | None:
    """The checkpoint to go on from, with `par` set to it; or None. Raises where files forbid it."""
    checkpoint = results.checkpoint_name(filename)
    if not resume:
        for path in (filename, checkpoint):
            if path.exists() and not overwrite:
                raise RunError(
                    f'{path} exists: --resume goes on with it, --overwrite starts again without it'
                )
        return None
    if overwrite:
        raise RunError('--resume and --overwrite exclude each other')
    if filename.exists():
        with kept_parameters():
            # a damaged result, or that of another network, is not what should be finished
            _restore_settings(results.load_results(filename)['parameters'], filename)
        _remove(checkpoint)
        return None
    if not checkpoint.exists():
        return None
    saved = results.load_results(checkpoint)
    _restore_settings(saved['parameters'], checkpoint)
    return saved


def _restore_settings(saved: dict, file: Path) -> None:
    """Take the settings of a checkpoint or result; what the user set must agree with them."""
    asked, place = user_settings(), {name: par[name] for name in PLACE}
    if not saved.keys() >= WHOLE_PAR:
        raise RunError(f'{file} does not hold the parameters of a network')
    try:
        update_parameters(saved)
    except ValueError as error:
        raise RunError(f'{file} holds impossible settings: {error}') from error
    for name, value in asked.items():
        if name not in CHANGEABLE + PLACE and value != par[name]:
            raise RunError(
                f'{name} = {value!r} contradicts {file}, where it is {par[name]!r}: '
                f'only {", ".join(CHANGEABLE)} may change on --resume'
            )
    update_parameters(place | {name: asked[name] for name in CHANGEABLE if name in asked})


def _build(gpu_id, threads: int | None, checkpoint: dict | None, filename: Path):
    """The network, as initialised or as in the checkpoint, on a GPU compiled as one whole batch."""
    # imported only now: TensorFlow takes seconds, and wrong requests are told at once
    from model import Model

    whole_batch = {'jit_compile': True, 'trials_per_part': par['batch_size']}
    options = {} if device.is_cpu(gpu_id) else whole_batch
    options['threads'] = threads or device.available_cores()
    if not checkpoint:
        return Model(**options)
    try:
        model = Model(checkpoint['weights'], **options)
        model.optimizer.restore(checkpoint['optimizer'])
    except (KeyError, ValueError, TypeError) as error:
        name = results.checkpoint_name(filename)
        raise RunError(f'{name} does not fit the settings in it: {error!r}') from error
    return model


def _iterate(model, curves: dict[str, list], filename: Path, signals: '_Signals') -> None:
    """Train until the last iteration or stop_accuracy, saving checkpoints."""
    checkpoint = results.checkpoint_name(filename)
    first, last = len(curves['iteration']), par['num_iterations']
    with tqdm(total=last, initial=first, unit='it', disable=None) as bar:
        for iteration, trial_info in batches(first, last):
            start = time.perf_counter()
            values = model.optimize(trial_info, iteration)
            _require_finite(values['loss'], 'loss', iteration, checkpoint)
            for name, value in {**values, 'iteration': iteration}.items():
                curves[name].append(value)
            _show(bar, curves, 1000 * (time.perf_counter() - start))
            if _accurate_enough(curves['accuracy']):
                return
            if signals.received or (iteration + 1) % par['save_every'] == 0:
                slots = {'optimizer': model.optimizer.state()}
                results.save(checkpoint, _result(model, curves, filename) | slots)
            if signals.received:
                raise Interrupted(signals.received)


def batches(first: int, last: int) -> Iterator[tuple[int, dict]]:
    """Iterations and their batches; each is made while the one before is trained on."""

    def batch(iteration):
        return Stimulus([par['seed'], iteration]).generate_trial()

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(batch, first)
        for iteration in range(first, last):
            trial_info = following.result()
            following = pool.submit(batch, iteration + 1)
            yield iteration, trial_info


def _accurate_enough(accuracy: list[float]) -> bool:
    wanted, recent = par['stop_accuracy'], accuracy[-ITERATIONS_TO_STOP:]
    return (
        wanted is not None and len(recent) == ITERATIONS_TO_STOP and bool(np.mean(recent) > wanted)
    )


def _require_finite(values, what: str, iteration: int, checkpoint: Path) -> None:
    if not np.all(np.isfinite(values)):
        kept = f'the last good state is in {checkpoint}' if checkpoint.exists() else 'none is saved'
        raise TrainingError(
            f'the {what} is not finite at iteration {iteration} ({kept}): '
            'a smaller learning_rate or weaker initial weights may help'
        )


def _result(model, curves: dict[str, list], filename: Path) -> dict:
    """What is saved; raises TrainingError where weights are not finite."""
    weights = {name: variable.numpy() for name, variable in model.weights.items()}
    for name, weight in weights.items():
        done = len(curves['iteration'])
        _require_finite(weight, f'weight {name}', done - 1, results.checkpoint_name(filename))
    return {'weights': weights, 'parameters': dict(par), **curves}


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _print_header(device_name: str, done: int) -> None:
    p = par
    print(
        f'Task {p["trial_type"]}, synapses {p["synapse_config"]}, {device_name}, seed {p["seed"]}'
    )
    print(
        f'{p["n_hidden"]} units ({p["num_exc_units"]} excitatory), {p["n_input"]} inputs, '
        f'{p["n_output"]} outputs, {p["num_time_steps"]} steps of {p["dt"]} ms, '
        f'{p["batch_size"]} trials per iteration, {p["num_iterations"]} iterations, '
        f'learning rate {p["learning_rate"]}, spike cost {p["spike_cost"]}, '
        f'test cost multiplier {p["test_cost_multiplier"]}'
    )
    if done:
        print(f'Going on after iteration {done - 1}.')


def _show(bar: tqdm, curves: dict[str, list], milliseconds: float) -> None:
    """Move the bar, and print a plain line every iters_between_outputs."""
    last = {name: values[-1] for name, values in curves.items()}
    names = ('perf_loss', 'spike_loss', 'weight_loss')
    losses = {name.replace('_', ' '): f'{last[name]:.4f}' for name in names}
    shown = {'accuracy': f'{last["accuracy"]:.3f}', **losses, 'ms': f'{milliseconds:.0f}'}
    bar.set_postfix(shown, refresh=False)
    bar.update()
    if last['iteration'] % par['iters_between_outputs'] == 0:
        text = '  '.join(f'{name} {value}' for name, value in shown.items())
        bar.write(f'iteration {last["iteration"]:5d}  {text}')


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes} min {seconds} s' if minutes else f'{seconds} s'


class _Signals:
    """Notes Ctrl-C and SIGTERM, which would end the process; a second one does."""

    def __init__(self):
        self.received = 0
        self.before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for signum in (signal.SIGINT, signal.SIGTERM):
                self.before[signum] = signal.signal(signum, self._note)
        return self

    def _note(self, signum, frame):
        self.received = signum
        self.__exit__()

    def __exit__(self, *error):
        for signum, handler in self.before.items():
            signal.signal(signum, handler)
