"""How a run starts: anew, from its checkpoint, or not at all where files or settings forbid it.

All of this is decided before TensorFlow, which takes seconds to load, so that a wrong request is
reported immediately.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

import results
from logs.log import prepared
from logs.writer import LoggedNetwork
from parameters import (
    ANALYSIS,
    ARRAYS,
    WHOLE_PAR,
    given_arrays,
    parameters_with,
    saved_settings,
    settings_for,
)
from rnn import device
from rnn.connectivity import require_path
from system import locks

SHOWN_ONLY = ('iters_between_outputs', 'save_every')  # they do not change the network
# what a resumed run may change; the place of the files follows the command
CHANGEABLE = ('num_iterations', 'stop_accuracy', *SHOWN_ONLY)
PLACE = ('save_dir', 'save_fn')


class RunError(ValueError):
    """The run that was asked for cannot start; the message says why in one sentence."""


class Start(NamedTuple):
    """A run that can start: its parameters, the result file, where it goes on, and how."""

    p: dict
    filename: Path
    gpu_id: str | int | None
    threads: int | None
    overwrite: bool
    log: tuple[str, ...]  # where its curves are logged
    is_finished: bool
    resume: bool  # whether that was asked for
    checkpoint: dict | None = None
    device_name: str = ''
    lock: locks.Lock | locks.OtherLock | None = None  # on its files, held until the run has ended

    @property
    def done(self) -> int:
        """Iterations that are done."""
        return len((self.checkpoint or {}).get('iteration', []))

    @property
    def network(self) -> LoggedNetwork:
        """The network, for its logs."""
        return network_of(self.filename, self.p, goes_on=self.checkpoint is not None)

    @property
    def words_if_finished(self) -> str:
        """What is said of a run that is finished."""
        return f'{self.filename} is finished already; --overwrite starts again.'

    @property
    def words_if_resumed(self) -> str:
        """What is said of a run that is to go on."""
        if self.checkpoint is not None:
            return f'Going on after iteration {self.done - 1}.'
        return f'There is no {results.checkpoint_name(self.filename)}: starting at iteration 0.'


def begin(
    p: Mapping,
    asked: Collection[str] = (),
    gpu_id: str | int | None = None,
    threads: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    locked: bool = False,
    log: str | Collection[str] = (),
) -> Start:
    """Look at the files of a run and choose the device.

    `p` are its parameters, and `asked` the settings among them that the user made, which a run that
    goes on must have. gpu_id: None or 'none' for the CPU. With `resume` the run goes on from its
    checkpoint, where there is one, with the settings saved in it. `locked`: whether the caller
    holds the lock on the files; otherwise the run locks them. `log` names one or several of
    `logs.log.WRITERS`, to which the curves go. Raises RunError or results.ResultsError where files
    are in the way or unusable, locks.Busy where another command works on them, device.DeviceError
    for a GPU that is not there, and LogError for a log that is not known or not installed.
    """
    log, filename = prepared(log), Path(p['save_dir'], p['save_fn'])
    if not locked and locks.is_held(filename):
        raise locks.Busy(filename)
    look = partial(_resumed, p, asked, filename, resume, overwrite)
    p, _ = look()
    require_path(p, drawn=True)
    is_finished = resume and filename.exists()
    start = Start(dict(p), filename, gpu_id, threads, overwrite, log, is_finished, resume)
    if not is_finished:
        results.check_writable(filename)
        start = _claimed(start, look, resume, locked)
    if start.is_finished:
        _remove_leftover(filename)
    return start


def _claimed(start: Start, look: Callable, resume: bool, locked: bool) -> Start:
    """A run with the lock on its files, unless they are `locked`, and what they hold now."""
    with ExitStack() as held:
        lock = None if locked else locks.acquire(start.filename)
        if lock:
            held.callback(lock.release)
        p, checkpoint = look()  # another command may just have ended
        start = start._replace(
            p=dict(p),
            checkpoint=checkpoint,
            is_finished=resume and start.filename.exists(),
            device_name=device.select(start.gpu_id, start.threads),
            lock=lock,
        )
        held.pop_all()  # the lock is held until the run has ended
    return start


def network_of(filename: Path, p: Mapping, goes_on: bool) -> LoggedNetwork:
    """A network for its logs, with the settings that `begin` lets no run change on its way."""
    changeable = {*CHANGEABLE, *PLACE, *ANALYSIS}
    return LoggedNetwork(filename, p, settings_for(p['trial_type']).keys() - changeable, goes_on)


def _resumed(p, asked, filename: Path, resume: bool, overwrite: bool) -> tuple:
    """The parameters of the run and the checkpoint to go on from, or None."""
    checkpoint = results.checkpoint_name(filename)
    if not resume:
        for path in (filename, checkpoint):
            if path.exists() and not overwrite:
                goes_on = '--resume goes on with it, ' if path == checkpoint else ''
                raise RunError(f'{path} exists: {goes_on}--overwrite starts again without it')
        return p, None
    if overwrite:
        raise RunError('--resume and --overwrite exclude each other')
    if filename.exists():
        # a damaged result, or that of another network, is not what should be finished
        restored(results.load_results(filename)['parameters'], p, asked, filename)
        return p, None
    if not checkpoint.exists():
        return p, None
    saved = results.load_results(checkpoint)
    return restored(saved['parameters'], p, asked, checkpoint), saved


def _remove_leftover(filename: Path) -> None:
    """Remove the checkpoint of a finished run that ended before it could do so itself.

    One that is newer than the result is of a run that was to replace it, and stays.
    """
    checkpoint = results.checkpoint_name(filename)
    with suppress(FileNotFoundError):
        if checkpoint.stat().st_mtime_ns <= filename.stat().st_mtime_ns:
            checkpoint.unlink()


def restored(saved: dict, p: Mapping, asked: Collection[str], file: Path) -> dict:
    """The parameters of a checkpoint or result; what the user asked for must agree with them."""
    if not saved.keys() >= WHOLE_PAR:
        raise RunError(f'{file} does not hold the parameters of a network')
    try:
        settings = saved_settings(saved)
        found = parameters_with(settings)
    except ValueError as error:
        raise RunError(f'{file} holds impossible settings: {error}') from error
    given = {*given_arrays(saved), *given_arrays(p)}
    changeable = (*CHANGEABLE, *ANALYSIS)  # training does without the options of the analysis
    for name in asked:
        # an array that nobody gave follows from the settings, and the version of the code
        is_free = name in (*changeable, *PLACE) or (name in ARRAYS and name not in given)
        if is_free or np.array_equal(p[name], found.get(name)):
            continue
        if name in ARRAYS:
            raise RunError(f'{name} contradicts {file}, in which it is another array')
        raise RunError(
            f'{name} = {p[name]!r} contradicts {file}, where it is {found.get(name)!r}: '
            f'only {", ".join(CHANGEABLE)} may change when a run goes on'
        )
    changes = [*PLACE, *(name for name in changeable if name in asked)]
    return parameters_with(settings | {name: p[name] for name in changes})
