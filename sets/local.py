"""Trains the networks of a set on this machine: each process one network, or stack, after another.

    workers = LocalWorkers(plans, at_once=2)
    workers.run([plans[0].job])  # from as many threads as processes are to train at once

A process that is killed takes nothing but its own networks with it, and another one takes its
place, also that of one whose memory has grown. All processes end when the one that started them
does. They are those of the copy of loky in joblib, since two copies in one process would each wait
for the trackers of the other.
"""

import os
import queue
import tempfile
import threading
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from joblib.externals.loky.process_executor import ProcessPoolExecutor, TerminatedWorkerError
from tqdm import tqdm

from rnn import device
from sets.job import Job, Report
from sets.plan import Plan
from sets.train import train_networks
from system import workers
from system.files import named


class LocalWorkers:
    """Runs jobs of one set, and knows how far they are."""

    unit = 'it'

    def __init__(self, plans: list[Plan], at_once: int):
        """`at_once` processes are to train."""
        self.at_once = at_once
        # loky ends a process that has grown by 300 MB, as each new shape of networks makes it grow,
        # and warns of that
        warnings.filterwarnings('ignore', 'A worker (stopped|was restarted)', UserWarning)
        workers.start_trackers()
        self.places = {plan.job.name: i for i, plan in enumerate(plans)}
        self.wanted = [plan.wanted for plan in plans]
        self.total = sum(self.wanted)
        with named('a temporary folder', 'made'):
            self.folder = tempfile.TemporaryDirectory()
        self.board = Board(Path(self.folder.name, 'board'), len(plans))
        self.board.done[:] = [plan.done for plan in plans]
        self.idle: queue.SimpleQueue[ProcessPoolExecutor] = queue.SimpleQueue()

    def run(self, jobs: list[Job]) -> list[Report]:
        """Train networks at once, in one process; to be called from a thread of its own."""
        places = [self.places[job.name] for job in jobs]
        if self.board.is_stopped():
            return [Report('stopped', 'not begun')] * len(jobs)
        reports = self._run(jobs, places)
        if reports is None:
            reports = [Report('failed', 'its process was killed, or crashed')] * len(jobs)
        for place, report in zip(places, reports, strict=True):
            if report.status != 'stopped':
                self.board.done[place] = self.wanted[place]
        return reports

    def _run(self, jobs: list[Job], places: list[int]) -> list[Report] | None:
        """The reports, from a process that waits or a new one; None if it was killed at its work.

        One that was killed while it waited has cost nothing: the next one takes the networks.
        """
        while True:
            try:
                process, is_new = self.idle.get_nowait(), False
            except queue.Empty:
                process, is_new = _process(), True
            try:
                reports = process.submit(_train, jobs, self.board.path, places).result()
            except TerminatedWorkerError:
                process.shutdown()
                if is_new or self.board.begun[places].any():
                    return None
                continue
            self.idle.put(process)
            return reports

    def progress(self) -> int:
        """Iterations that are done, of `total`."""
        return int(self.board.done.sum())

    def stop(self) -> None:
        """Have all networks save a checkpoint and stop."""
        self.board.stop()

    def close(self) -> None:
        """End the processes, which have nothing to do any more, and remove the temporary files."""
        while not self.idle.empty():
            self.idle.get().shutdown()
        self.folder.cleanup()


def _process() -> ProcessPoolExecutor:
    """A process that starts when it gets its first work."""
    return ProcessPoolExecutor(1, initializer=_follow, initargs=(os.getpid(),))


def memory_of(gpu_id: str) -> int:
    """Bytes of a GPU. Raises device.DeviceError, in good time, if it is not there."""
    with _process() as process:
        # TensorFlow is not imported in this one
        return process.submit(device.memory, gpu_id).result()


class Board:
    """A file that all processes of a set share: of each network, whether a process has begun it and
    how many iterations are done, and a stop sign.

    Each number has one writer, so no lock is needed.
    """

    def __init__(self, path: Path, num_networks: int | None = None):
        """Open the board, or make one for `num_networks` networks."""
        self.path = path
        if num_networks is not None:
            path.write_bytes(bytes(8 * (2 * num_networks + 1)))
        numbers = np.memmap(path, np.int64, 'r+')
        self.done, self.begun = numbers[:-1].reshape(2, -1)
        self._stop = numbers[-1:]

    def stop(self) -> None:
        """Put up the stop sign."""
        self._stop[0] = 1

    def is_stopped(self) -> bool:
        """Whether the stop sign is up."""
        return bool(self._stop[0])


def _train(jobs: list[Job], path: Path, places: list[int]) -> list[Report]:
    board = Board(path)
    board.begun[places] = 1

    def watch(place: int, curves: dict[str, list]) -> bool:
        board.done[place] = len(curves['iteration'])
        return board.is_stopped()

    return train_networks(jobs, [partial(watch, place) for place in places])


def _follow(parent: int) -> None:
    """Leave signals to the parent, which puts up the stop sign, and end when it has ended."""
    tqdm.set_lock(threading.RLock())  # its own would be left over where this process is killed
    workers.follow(parent)
