"""Trains the networks of a set on this machine: each in a process of its own (loky).

    workers = LocalWorkers(plans)
    workers.run(plans[0].job)  # from as many threads as networks are to be trained at once

A process that is killed takes nothing but its own network with it, and all processes end when the
one that started them does.
"""

import os
import tempfile
import threading
from pathlib import Path

import numpy as np
from loky.process_executor import ProcessPoolExecutor, TerminatedWorkerError
from tqdm import tqdm

from rnn import device
from sets.job import Job, Plan, Report, train_network
from system import workers
from system.files import named


class LocalWorkers:
    """Runs jobs of one set, and knows how far they are."""

    unit = 'it'

    def __init__(self, plans: list[Plan]):
        workers.start_trackers()
        self.places = {plan.job.name: i for i, plan in enumerate(plans)}
        self.wanted = [plan.wanted for plan in plans]
        self.total = sum(self.wanted)
        with named('a temporary folder', 'made'):
            self.folder = tempfile.TemporaryDirectory()
        self.board = Board(Path(self.folder.name, 'board'), len(plans))
        self.board.done[:] = [plan.done for plan in plans]

    def run(self, job: Job) -> Report:
        """Train a network; to be called from a thread of its own."""
        place = self.places[job.name]
        if self.board.is_stopped():
            return Report('stopped', 'not begun')
        with ProcessPoolExecutor(1, initializer=_follow, initargs=(os.getpid(),)) as process:
            try:
                report = process.submit(_train, job, self.board.path, place).result()
            except TerminatedWorkerError:
                report = Report('failed', 'its process was killed, or crashed')
        if report.status != 'stopped':
            self.board.done[place] = self.wanted[place]
        return report

    def progress(self) -> int:
        """Iterations that are done, of `total`."""
        return int(self.board.done.sum())

    def stop(self) -> None:
        """Have all networks save a checkpoint and stop."""
        self.board.stop()

    def close(self) -> None:
        """Remove the temporary files."""
        self.folder.cleanup()


def check_gpu(gpu_id: str) -> None:
    """Raise device.DeviceError, in good time, for a GPU that is not there."""
    with ProcessPoolExecutor(1, initializer=_follow, initargs=(os.getpid(),)) as process:
        # TensorFlow is not imported in this one
        process.submit(device.select, gpu_id).result()


class Board:
    """A file that all processes of a set share: iterations done by each network, and a stop sign.

    Each number has one writer, so no lock is needed.
    """

    def __init__(self, path: Path, num_networks: int | None = None):
        """Open the board, or make one for `num_networks` networks."""
        self.path = path
        if num_networks is not None:
            path.write_bytes(bytes(8 * (num_networks + 1)))
        numbers = np.memmap(path, np.int64, 'r+')
        self.done, self._stop = numbers[:-1], numbers[-1:]

    def stop(self) -> None:
        """Put up the stop sign."""
        self._stop[0] = 1

    def is_stopped(self) -> bool:
        """Whether the stop sign is up."""
        return bool(self._stop[0])


def _train(job: Job, path: Path, place: int) -> Report:
    board = Board(path)

    def watch(curves: dict[str, list]) -> bool:
        board.done[place] = len(curves['iteration'])
        return board.is_stopped()

    return train_network(job, watch)


def _follow(parent: int) -> None:
    """Leave signals to the parent, which puts up the stop sign; end when the parent has ended."""
    workers.leave_signals_to_parent()
    tqdm.set_lock(threading.RLock())  # its own would be left over where this process is killed
    workers.follow(parent)
