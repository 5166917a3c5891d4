"""Logs the curves of a network in several ways at once.

    with Log(['csv', 'wandb'], LoggedNetwork(filename, p), watch) as log:
        log(curves)  # after every iteration

A log that fails causes a warning and never stops the training.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib.util import find_spec

from logs.csv import CsvWriter
from logs.tensorboard import TensorBoardWriter
from logs.wandb import WandbWriter
from logs.writer import LoggedNetwork, Writer
from system.outputs import one_line

WRITERS: dict[str, type[Writer]] = {
    'tensorboard': TensorBoardWriter,
    'wandb': WandbWriter,
    'csv': CsvWriter,
}


class LogError(ValueError):
    """A log that is not known, or whose package is not installed; the message is a sentence."""


def prepared(names: str | Iterable[str]) -> tuple[str, ...]:
    """Check and set up the logs with these names; return the names without duplicates.

    Without an account, Weights & Biases is set to work offline. Raises LogError for an unknown log,
    or if a package is missing.
    """
    names = tuple(dict.fromkeys([names] if isinstance(names, str) else names))
    for name in names:
        if name not in WRITERS:
            raise LogError(f'log = {name!r} is not allowed: it must be one of {", ".join(WRITERS)}')
        title, package = WRITERS[name].title, WRITERS[name].package
        if package and find_spec(package) is None:
            raise LogError(f'--log {name} needs {title}: pip install {package}')
        WRITERS[name].prepare()
    return names


class Log:
    """Logs one network with the named writers, during its training or all at once.

    In a `with` block it is called with the curves after every iteration, passes them on to `watch`,
    and writes what is new every `save_every` iterations. A resumed run is logged from the first
    iteration again, so that each iteration is logged once, wherever the run was killed.
    """

    def __init__(
        self,
        names: Iterable[str],
        network: LoggedNetwork,
        watch: Callable[[dict], bool] = lambda curves: False,
    ):
        self.writers = [WRITERS[name](network) for name in names]
        self.every, self.watch = network.p.get('save_every', 1), watch
        self.curves, self.written = {}, 0
        self.opened: list[Writer] = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.write(self.curves)
        if self.written:
            self.opened = []  # each is closed once
            self._each(lambda writer: writer.close())

    def __call__(self, curves: dict[str, list]) -> bool:
        self.curves = curves
        if len(curves['iteration']) % self.every == 0:
            self.write(curves)
        return self.watch(curves)

    def write(self, curves: Mapping[str, list]) -> None:
        """Write the iterations that are not written yet."""
        start, stop = self.written, len(curves.get('iteration', []))
        if stop <= start:
            return
        if start == 0:
            self._each(lambda writer: writer.open())
            self.opened = [*self.writers]
        self._each(lambda writer: writer.write(curves, start))
        self.written = stop

    def summarize(self, values: Mapping[str, float]) -> None:
        """Write the summary of the network's measures, after its curves."""
        self._each(lambda writer: writer.summarize(values))

    def _each(self, deed: Callable[[Writer], None]) -> None:
        """Do it with each writer; one that fails is left out from then on."""
        for writer in list(self.writers):
            try:
                deed(writer)
            except Exception as error:  # of a package, the disk or the network
                self.writers.remove(writer)
                if writer in self.opened:
                    self.opened.remove(writer)
                    with suppress(Exception):  # it has failed already
                        writer.close()
                reason = one_line(error) or type(error).__name__
                warnings.warn(f'the log in {writer.place} is not written: {reason}', stacklevel=2)
