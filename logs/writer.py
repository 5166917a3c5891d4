"""What every kind of log is: `Log` in log.py calls it, and deals with its failures."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple


class LoggedNetwork(NamedTuple):
    """The network that a log is about.

    identity: names of the settings that make it what it is, which a run that goes on cannot change.
    goes_on: continue an existing log of a network with the same name and identity settings.
    """

    filename: Path  # of its result
    p: Mapping
    identity: Collection[str] = ()
    goes_on: bool = False

    @property
    def name(self) -> str:
        """Such as DMS-run-0."""
        return self.filename.stem

    @property
    def folder(self) -> Path:
        """Where the logs of all networks go whose results are in the same folder."""
        return self.filename.parent / 'logs'


class Writer:
    """Writes the curves of one network to one place. Any of its methods may raise anything.

    They are called in the order in which they stand here, `write` with `start` 0 at first.
    """

    title = ''  # human-readable
    package: str | None = None  # what it needs, where that is not in requirements.txt

    def __init__(self, network: LoggedNetwork):
        self.network = network

    @classmethod
    def prepare(cls) -> None:
        """Do what does not depend on the network, before anything starts."""

    @property
    def place(self) -> Path:
        """The file or folder that is written."""
        raise NotImplementedError

    def open(self) -> None:
        """Open the log; remove what an earlier run wrote if it would otherwise be logged twice."""

    def write(self, curves: Mapping[str, list], start: int) -> None:
        """Write the iterations from `start` on, which are not written yet."""
        raise NotImplementedError

    def summarize(self, values: Mapping[str, float]) -> None:
        """Write the summary of the network's measures, where there is a place for it."""

    def close(self) -> None:
        """End what `open` began."""
