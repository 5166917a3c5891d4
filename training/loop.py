"""Training one network from the start to its result file, with checkpoints on the way.

A run is a function of its settings and seed alone: the batch and the noise of an iteration follow
from the seed and the iteration's number. So a checkpoint needs no state of a random generator, and
a run that was stopped and resumed ends as if it had never stopped.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

import results
from parameters import (
    ANALYSIS,
    ARRAYS,
    WHOLE_PAR,
    kept_parameters,
    par,
    update_parameters,
    user_settings,
)
from rnn import device
from stimulus import Stimulus

# what a resumed run may change; the place of the files follows the command
CHANGEABLE = ('num_iterations', 'save_every', 'iters_between_outputs', 'stop_accuracy')
PLACE = ('save_dir', 'save_fn')
ITERATIONS_TO_STOP = 20  # whose mean accuracy is compared with stop_accuracy

Curves = dict[str, list]  # one entry per iteration, see results.CURVES
Watch = Callable[[Curves], bool]


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
    watch: Watch | None = None,
) -> Path:
    """Train a network with the settings in `par`; return the path of its result file.

    gpu_id: None or 'none' for the CPU. With `resume` the run goes on from its checkpoint, where
    there is one, with the settings saved in it. `watch`, if given, gets the curves after every
    iteration, in place of what is printed, and stops the run by returning True. Raises RunError or
    results.ResultsError where files are in the way or unusable, device.DeviceError for a GPU that
    is not there, TrainingError where the loss is not finite, and Interrupted after Ctrl-C, SIGTERM
    or a stop by `watch`.
    """
    start, say = time.perf_counter(), _silent if watch else print
    filename = Path(par['save_dir'], par['save_fn'])
    checkpoint = _checkpoint(filename, resume, overwrite)
    if resume and filename.exists():
        say(f'{filename} is finished already.')
        return filename
    results.check_writable(filename)
    device_name = device.select(gpu_id, threads)
    if overwrite:
        _remove(filename, results.checkpoint_name(filename))
    with Signals() as signals:
        model = _build(gpu_id, threads, checkpoint, filename)
        curves = {name: list((checkpoint or {}).get(name, [])) for name in results.CURVES}
        say(_header(device_name, len(curves['iteration'])))
        with _Display(len(curves['iteration']), watch is None) as display:
            _iterate(model, curves, filename, signals, watch or display)
    results.save(filename, _result(model, curves, filename))
    _remove(results.checkpoint_name(filename))
    say(f'Saved {filename} after {_duration(time.perf_counter() - start)}.')
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
    asked, place = {n: par[n] for n in user_settings()}, {name: par[name] for name in PLACE}
    if not saved.keys() >= WHOLE_PAR:
        raise RunError(f'{file} does not hold the parameters of a network')
    try:
        update_parameters(saved)
    except ValueError as error:
        raise RunError(f'{file} holds impossible settings: {error}') from error
    changeable = (*CHANGEABLE, *ANALYSIS)  # training does without the options of the analysis
    for name, value in asked.items():
        if name in (*changeable, *PLACE) or np.array_equal(value, par[name]):
            continue
        if name in ARRAYS:
            raise RunError(f'{name} contradicts {file}, in which it is another array')
        raise RunError(
            f'{name} = {value!r} contradicts {file}, where it is {par[name]!r}: '
            f'only {", ".join(CHANGEABLE)} may change on --resume'
        )
    update_parameters(place | {name: asked[name] for name in changeable if name in asked})


def _build(gpu_id, threads: int | None, checkpoint: dict | None, filename: Path):
    """The network, as initialised or as in the checkpoint, on a GPU compiled as one whole batch."""
    # imported only now: TensorFlow takes seconds, and wrong requests are reported immediately
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


def _iterate(model, curves: Curves, filename: Path, signals: 'Signals', watch: Watch) -> None:
    """Train until the last iteration or stop_accuracy, saving checkpoints."""
    checkpoint = results.checkpoint_name(filename)
    for iteration, trial_info in batches(len(curves['iteration']), par['num_iterations']):
        values = model.optimize(trial_info, iteration)
        _require_finite(values['loss'], 'loss', iteration, checkpoint)
        for name, value in {**values, 'iteration': iteration}.items():
            curves[name].append(value)
        stopped = watch(curves)
        if _accurate_enough(curves['accuracy']):
            return
        stopped = stopped or signals.received
        if stopped or (iteration + 1) % par['save_every'] == 0:
            slots = {'optimizer': model.optimizer.state()}
            results.save(checkpoint, _result(model, curves, filename) | slots)
        if stopped:
            raise Interrupted(signals.received or signal.SIGTERM)


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


def _result(model, curves: Curves, filename: Path) -> dict:
    """What is saved; raises TrainingError where weights are not finite."""
    weights = {name: variable.numpy() for name, variable in model.weights.items()}
    for name, weight in weights.items():
        done = len(curves['iteration'])
        _require_finite(weight, f'weight {name}', done - 1, results.checkpoint_name(filename))
    return {'weights': weights, 'parameters': dict(par), **curves}


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _silent(text: str) -> None:
    """Print nothing."""


def _header(device_name: str, done: int) -> str:
    p = par
    going_on = f'\nGoing on after iteration {done - 1}.' if done else ''
    return (
        f'Task {p["trial_type"]}, synapses {p["synapse_config"]}, {device_name}, seed {p["seed"]}\n'
        f'{p["n_hidden"]} units ({p["num_exc_units"]} excitatory), {p["n_input"]} inputs, '
        f'{p["n_output"]} outputs, {p["num_time_steps"]} steps of {p["dt"]} ms, '
        f'{p["batch_size"]} trials per iteration, {p["num_iterations"]} iterations, '
        f'learning rate {p["learning_rate"]}, spike cost {p["spike_cost"]}, '
        f'test cost multiplier {p["test_cost_multiplier"]}{going_on}'
    )


class _Display:
    """A bar of the iterations, and a plain line every iters_between_outputs."""

    def __init__(self, done: int, shown: bool):
        self.bar = tqdm(
            total=par['num_iterations'],
            initial=done,
            unit='it',
            disable=None if shown else True,  # None: where the output is no terminal
        )
        self.last = time.perf_counter()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.bar.close()

    def __call__(self, curves: Curves) -> bool:
        now = time.perf_counter()
        milliseconds, self.last = 1000 * (now - self.last), now
        last = {name: values[-1] for name, values in curves.items()}
        shown = {'accuracy': f'{last["accuracy"]:.3f}', **losses(last), 'ms': f'{milliseconds:.0f}'}
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update()
        if last['iteration'] % par['iters_between_outputs'] == 0:
            text = '  '.join(f'{name} {value}' for name, value in shown.items())
            self.bar.write(f'iteration {last["iteration"]:5d}  {text}')
        return False


def losses(values: Mapping) -> dict[str, str]:
    """The parts of the loss, as they are shown to people."""
    names = ('perf_loss', 'spike_loss', 'weight_loss')
    return {name.replace('_', ' '): f'{values[name]:.4f}' for name in names}


def _duration(seconds: float) -> str:
    """Minutes and seconds, human-readable."""
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes} min {seconds} s' if minutes else f'{seconds} s'


class Signals:
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
