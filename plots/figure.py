"""What a figure is: one function with a decorator that says which networks and measures it needs.

    @figure(measures=('{signal}_sample_decoding',))
    def decoding(networks, p, axes=None) -> Figure:
        ...

It is called as decoding(networks, axes), with one network or a list, as `results.load_results`
gives them. Every figure that stands in a file of this folder is drawn by figures.py.
"""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from measures.measure import signal_names
from measures.network import parameters_of, require
from plots.style import FONT_SIZE, MM, PAGE, STYLE
from results import replacing

FORMATS = ('png', 'pdf', 'svg')  # of files with figures
IN_SHUFFLES = {'neuronal': 'neural', 'synaptic': 'syn'}  # what measures of shuffles call signals
# what networks that share a time axis and a panel must agree in
COMMON = ('trial_type', 'dt', 'num_time_steps', 'sample_time_rng', 'test_time_rng')
COMMON += ('num_motion_dirs', 'synapse_config')
NO_NETWORK = 'there is no network to draw'


class FigureError(ValueError):
    """A figure cannot be drawn; the message says why, and what would help."""


class Tasks(NamedTuple):
    """The tasks that a figure is about."""

    include: Callable[[Mapping], bool]  # whether they include that of these parameters
    about: str  # such as 'tasks with several samples'


@dataclass(eq=False)
class DeclaredFigure:
    """A figure that `figure` declares, to be called with networks and axes.

    name: of its file, if not that of the function. measures: names of results that all networks
    need; '{signal}' stands for neuronal and synaptic, '{state}' for neural and syn, the latter of
    which are left out without plasticity. tasks: those it is about, None for all. per_task: one
    figure for each task, whose networks must agree, and not one for all. analyzed: it needs
    measures, not only a trained network. is_general: it can be drawn without a network.
    """

    draw: Callable
    _: KW_ONLY
    name: str = ''
    measures: Sequence[str] = ()
    tasks: Tasks | None = None
    per_task: bool = True
    analyzed: bool = True
    is_general: bool = False

    def __post_init__(self):
        self.name = self.name or self.draw.__name__
        functools.update_wrapper(self, self.draw)

    def __call__(self, networks: Mapping | Sequence[Mapping] = (), axes=None) -> Figure:
        """Draw networks, in new axes if none are given.

        Raises FigureError where it cannot, MissingMeasure where networks lack what it shows.
        """
        networks = [networks] if isinstance(networks, Mapping) else list(networks)
        if not self.per_task:
            networks = [network for network in networks if self.suits(parameters_of(network))]
        p = self._parameters(networks)
        with matplotlib.rc_context(STYLE):
            return self.draw(networks, p, axes)

    def suits(self, p: Mapping) -> bool:
        """Whether the figure is about the task of these parameters."""
        return self.tasks is None or self.tasks.include(p)

    def _parameters(self, networks: list[Mapping]) -> dict | None:
        """The common parameters of networks, or the first ones, once their measures are checked."""
        if self.is_general and not networks:
            return None
        if not networks and self.tasks:
            raise FigureError(f'{NO_NETWORK}: this figure is about {self.tasks.about}')
        p = common_parameters(networks if self.per_task else networks[:1])
        if not self.suits(p):
            words = f'this figure is about {self.tasks.about}, not about {p["trial_type"]}'
            raise FigureError(words)
        require(networks, *of_signals(self.measures, p))
        return p


def figure(**about) -> Callable[[Callable], DeclaredFigure]:
    """Declare a function draw(networks, p, axes) as a figure; `about`: see `DeclaredFigure`.

    The function gets a list of networks and their common parameters: those of the first network if
    there is not one figure per task, None if there is no network.
    """
    return functools.partial(DeclaredFigure, **about)


def of_signals(names: Sequence[str], p: Mapping) -> list[str]:
    """The names of measures, with those of the signals that there are in place of {...}."""
    found = [
        name.format(signal=signal, state=IN_SHUFFLES[signal])
        for name in names
        for signal in signal_names(p)
    ]
    return list(dict.fromkeys(found))


def common_parameters(networks: Sequence[Mapping]) -> dict:
    """The parameters of networks of one task.

    Raises FigureError if there is no network, or if their trials differ.
    """
    if not networks:
        raise FigureError(NO_NETWORK)
    every = [parameters_of(network) for network in networks]
    for name in COMMON:
        values = sorted({str(p[name]) for p in every})
        if len(values) > 1:
            raise FigureError(
                f'the networks of one figure must agree in {name}, which is {" and ".join(values)}'
            )
    return every[0]


def panels(
    axes, rows: int, columns: int, width: float = PAGE, height: float = 45, **options
) -> np.ndarray:
    """The axes to draw in, (row, column): those given, or those of a new figure.

    `width` of the figure and `height` of a row are in mm; `options` are those of Figure.subplots.
    Raises FigureError if another number of axes is given.
    """
    if axes is not None:
        given = np.array(axes, object).reshape(-1)
        if len(given) != rows * columns:
            raise FigureError(f'this figure needs {rows * columns} axes, not {len(given)}')
        return given.reshape(rows, columns)
    new = Figure(figsize=(width * MM, rows * height * MM), layout='constrained')
    made = new.subplots(rows, columns, squeeze=False, **options)
    for ax in made.flat:
        # ticks are made when the figure is drawn, maybe outside the style
        ax.tick_params(which='both', labelsize=FONT_SIZE, width=STYLE['axes.linewidth'])
    return made


def save(drawn: Figure, filename: str | os.PathLike) -> None:
    """Write a figure, whole or not at all, in the format that the file's suffix names.

    Raises OSError if the file cannot be written.
    """
    with replacing(filename) as temporary, matplotlib.rc_context(STYLE):
        drawn.savefig(temporary, format=Path(filename).suffix[1:])
