"""Learning curves of all networks as lines of an SVG."""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from page.folder import Network
from page.tables import Column, choice

MOST_POINTS = 160  # of a curve: more are not seen
WIDTH, HEIGHT = 480, 300  # of the picture
LEFT, RIGHT, TOP, BOTTOM = 48, 20, 12, 42  # margins
COLORS, DASHES = 6, 3  # in page.css; networks get all pairs of them in turn
STEPS = np.array([1, 2, 2.5, 5, 10])


class Line(NamedTuple):
    """The curve of a network.

    network: its number in the table. path: of the line, for SVG. look: color and dashes, a class of
    page.css. last: the mean over the last 20 iterations, as text.
    """

    network: int
    name: str
    path: str
    look: str
    last: str


class Chart(NamedTuple):
    """One panel: its lines, and its ticks (place, text)."""

    name: str
    label: str
    lines: list[Line]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]


def looks(networks: Sequence[Network], every: Sequence[Column]) -> tuple[list[str], dict[str, str]]:
    """The look of each network, and what looks stand for.

    That is the first thing in which the networks differ: the task, or a setting.
    """
    choosing = [c for c in every if c.is_filter and len({choice(c, n) for n in networks}) > 1]
    values = [choice(choosing[0], network) if choosing else '' for network in networks]
    numbers = dict(zip(dict.fromkeys(values), count(), strict=False))
    named = {v: f'c{i % COLORS} d{i // COLORS % DASHES}' for v, i in numbers.items()}
    legend = {f'{choosing[0].title} {v}': look for v, look in named.items()} if choosing else {}
    return [named[value] for value in values], legend


def charts(networks: Sequence[Network], look: Sequence[str]) -> list[Chart]:
    """Accuracy and loss; none if no network was trained."""
    longest = max(len(network.curves['iteration']) for network in networks)
    if not longest:
        return []
    return [
        _chart('accuracy', 'Accuracy', networks, look, longest, is_log=False),
        _chart('loss', 'Loss', networks, look, longest, _is_wide(networks)),
    ]


def _is_wide(networks: Sequence[Network]) -> bool:
    """Whether losses need a logarithmic axis."""
    low, high = _limits(networks, 'loss')
    return high > 10 * low > 0


def _limits(networks: Sequence[Network], name: str) -> tuple[float, float]:
    """The smallest and largest of the points that are drawn."""
    points = np.concatenate([thinned(network, name)[1] for network in networks])
    points = points[np.isfinite(points)]
    return (points.min(), points.max()) if len(points) else (0.0, 1.0)


def thinned(network: Network, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Iterations and a curve, averaged in bins of iterations, so that few points are left."""
    x, y = network.curves['iteration'], network.curves[name]
    size = bin_size(len(x))
    starts = np.arange(0, len(x), size)
    known = np.isfinite(y)
    numbers = np.add.reduceat(known, starts) if len(x) else np.zeros(0)
    sums = np.add.reduceat(np.where(known, y, 0), starts) if len(x) else np.zeros(0)
    middle = np.add.reduceat(x, starts) / np.add.reduceat(np.ones(len(x)), starts) if len(x) else x
    with np.errstate(invalid='ignore'):
        return middle, sums / np.where(numbers, numbers, np.nan)


def bin_size(length: int) -> int:
    """Over how many iterations a point is the mean."""
    return -(-length // MOST_POINTS) or 1


def _chart(name: str, label: str, networks, look, longest: int, is_log: bool) -> Chart:
    low, high = (0.0, 1.0) if name == 'accuracy' else _limits(networks, name)
    low = low if is_log else 0.0
    y_ticks = _decades(low, high) if is_log else _even(high)
    if is_log:
        low, high = min(low, y_ticks[0]), max(high, y_ticks[-1])
    else:
        high = max(high, y_ticks[-1])

    def x_of(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * np.asarray(value) / longest

    def y_of(value):
        a, b, v = (np.log(i) if is_log else i for i in (low, high, np.asarray(value)))
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (v - a) / ((b - a) or 1)

    lines = []
    for i, network in enumerate(networks):
        x, y = thinned(network, name)
        known = np.isfinite(y) & ((y > 0) | (not is_log))
        path = _path(x_of(x[known]), y_of(y[known]))
        lines.append(Line(i, network.name, path, look[i], f'{network.last(name):.3f}'))
    ticks = [(float(x_of(v)), f'{v:g}') for v in _even(longest)]
    return Chart(name, label, lines, ticks, [(float(y_of(v)), f'{v:g}') for v in y_ticks])


def _path(x: np.ndarray, y: np.ndarray) -> str:
    points = [f'{a:.1f},{b:.1f}' for a, b in zip(x, y, strict=True)]
    if len(points) == 1:
        return f'M{points[0]}h0.1'  # a dot
    return f'M{"L".join(points)}' if points else ''


def _even(high: float) -> list[float]:
    """About five round numbers from 0 up to a number."""
    if high <= 0:
        return [0.0]
    size = 10 ** np.floor(np.log10(high / 5))
    step = size * STEPS[np.searchsorted(STEPS, high / 5 / size - 1e-9)]
    return list(map(float, np.arange(0, high + step / 1e6, step)))


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten from below `low` to above `high`."""
    first, last = np.floor(np.log10(low)), np.ceil(np.log10(high))
    return list(10.0 ** np.arange(first, last + 1))
