"""Worker processes: they end with the process that started them, and their death is a sentence."""

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

POLL = 0.5  # s
TRIES = 2
LEFT_TO_THE_PARENT = ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2')


@cache
def follow(parent: int) -> None:
    """End this process soon after the one that started it; nothing in that process itself.

    A worker may call it again and again.
    """
    if os.getpid() == parent:
        return

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(POLL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def leave_signals_to_parent() -> None:
    """Ignore what asks a whole group of processes to stop: the parent tells this one what to do."""
    for name in LEFT_TO_THE_PARENT:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def outcomes(function: Callable, arguments: Sequence[tuple], jobs: int) -> Iterator:
    """What a function returns for each of `arguments`, in order, from so many processes.

    If one of them dies, what is missing is computed once more. Raises ChildProcessError if one dies
    again.
    """
    done = 0
    for _ in range(TRIES):
        calls = (delayed(_followed)(os.getpid(), function, *a) for a in arguments[done:])
        try:
            # large arrays are shared: joblib maps them into memory
            with _closed(Parallel(n_jobs=jobs, return_as='generator')(calls)) as found:
                for outcome in found:
                    yield outcome
                    done += 1
            return
        except BrokenProcessPool:
            continue
    raise ChildProcessError(
        f'a process of the analysis was killed or crashed, {TRIES} times; '
        'with too little memory, fewer jobs help'
    )


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
