"""Worker processes, which end with the process that started them; a crash gives a clear error."""

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

POLL = 0.5  # s
TRIES = 2
NOT_FOR_TRACKERS = ('SIGHUP', 'SIGUSR1', 'SIGUSR2')  # they ignore Ctrl-C and SIGTERM themselves
LEFT_TO_THE_PARENT = ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2')


@cache
def follow(parent: int) -> None:
    """End this process soon after the one that started it; leave signals to that one.

    A worker may call it again and again. Nothing happens in the parent itself.
    """
    if os.getpid() == parent:
        return
    _leave_signals_to_parent()

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(POLL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _leave_signals_to_parent() -> None:
    """Ignore what asks a whole group of processes to stop: the parent tells this one what to do."""
    for name in LEFT_TO_THE_PARENT:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def start_trackers() -> None:
    """Start the processes that clean up after all others, out of reach of signals.

    Python and loky start one each when they are first needed. A signal to a group of processes
    would end them, and their end is a traceback. What arrives meanwhile is not lost.
    """
    if not hasattr(signal, 'pthread_sigmask'):  # Windows
        return
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as tracker_of_loky

    with _blocked(NOT_FOR_TRACKERS):
        resource_tracker.ensure_running()
        tracker_of_loky.ensure_running()


@contextmanager
def _blocked(names: Sequence[str]) -> Iterator[None]:
    """Block signals in this thread, and permanently in processes that it starts meanwhile."""
    if not hasattr(signal, 'pthread_sigmask'):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {getattr(signal, name) for name in names})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def outcomes(function: Callable, arguments: Sequence[tuple], jobs: int) -> Iterator:
    """Yield function(*a) for each tuple `a` in `arguments`, in order, computed by `jobs` processes.

    If a process dies, the missing results are computed once more. Raises ChildProcessError if one
    dies again.
    """
    done = 0
    if jobs > 1:
        start_trackers()
    for _ in range(TRIES):
        calls = (delayed(_followed)(os.getpid(), function, *a) for a in arguments[done:])
        try:
            # Large arrays are shared: joblib maps them into memory. Signals reach a new process
            # before it can leave them to its parent.
            with _blocked(LEFT_TO_THE_PARENT):
                started = Parallel(n_jobs=jobs, return_as='generator')(calls)
            with _closed(started) as found:
                for outcome in found:
                    yield outcome
                    done += 1
            return
        except BrokenProcessPool:
            continue
    raise ChildProcessError(
        f'a worker process was killed or crashed {TRIES} times; '
        'if memory ran out, use fewer jobs (--jobs)'
    )


def end_idle() -> None:
    """End the processes that `outcomes` keeps for its next call.

    A process that is itself a worker of loky would otherwise wait for them for minutes when it
    ends.
    """
    get_reusable_executor().shutdown()


@contextmanager
def _closed(generator):
    """Close a generator of joblib, which warns of work that is given up."""
    try:
        yield generator
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            generator.close()


def _followed(parent: int, function: Callable, *arguments):
    follow(parent)
    return function(*arguments)
