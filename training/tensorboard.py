"""Learning curves as TensorBoard events: `tensorboard --logdir savedir/<name>/logs`.

TensorBoard is optional: `pip install tensorboard`.
"""

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import results
from rnn.device import quiet


def is_available() -> bool:
    """Whether TensorBoard is installed."""
    return find_spec('tensorboard') is not None


class CurveLog:
    """Writes the curves of one network while it is trained, or all at once.

    In a `with` block it is called with the curves after every iteration, hands them on to `watch`,
    and writes what is new every `every` iterations. It begins with the first iteration, also in a
    run that goes on, in place of what earlier runs wrote. So no iteration is there twice, wherever
    a run was killed.
    """

    def __init__(self, folder: Path, every: int, watch: Callable = lambda curves: False):
        self.folder, self.every, self.watch = folder, every, watch
        self.curves, self.written, self.writer, self.failed = {}, 0, None, False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.write(self.curves)
        if self.writer and not self.failed:
            self.writer.close()

    def __call__(self, curves: dict[str, list]) -> bool:
        self.curves = curves
        if len(curves['iteration']) % self.every == 0:
            self.write(curves)
        return self.watch(curves)

    def write(self, curves: dict[str, list]) -> None:
        """Write the iterations that are not written yet."""
        steps = curves.get('iteration', [])[self.written :]
        if not steps or self.failed:
            return
        try:
            self._write(curves, steps)
        except Exception as error:  # of TensorFlow or the disk; training goes on without the log
            self.failed = True
            reason = ' '.join(str(error).split())
            warnings.warn(f'the log in {self.folder} is not written: {reason}', stacklevel=2)

    def _write(self, curves: dict[str, list], steps: list[int]) -> None:
        with quiet():
            import tensorflow as tf
        if self.writer is None:
            for earlier in self.folder.glob('events.out.tfevents.*'):
                earlier.unlink()
            self.writer = tf.summary.create_file_writer(str(self.folder))
        with self.writer.as_default():
            for step in steps:
                for name in results.CURVES[:-1]:
                    tf.summary.scalar(name, curves[name][step], step=step)
        self.writer.flush()
        self.written += len(steps)
