"""The figure of networks that differ in a setting, such as those of a sweep.

    from plots.sweep import sweep
    sweep(networks).savefig('sweep.png')

It takes analysed networks, as `results.load_results` gives them, and axes to draw in (a new figure
without them), and returns the figure.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

import tasks
from measures.network import parameters_of
from measures.summary import summary
from parameters import settings_for
from plots import style
from plots.drawn_networks import differing_scalars
from plots.figure import FigureError, figure, panels
from plots.memory import chance
from plots.style import COLORS
from settings.compared import sort_key, written

# numbers of `measures.summary` that are drawn, with the names of their colours
DRAWN = {
    'accuracy': ('accuracy', 'all'),
    'neuronal decoding': ('from activity', 'neuronal'),
    'synaptic decoding': ('from efficacy', 'synaptic'),
}
MOST_PANELS = 24
COLUMNS = 3
NARROW = 110  # mm: width of a page with one panel
WIDE = 50  # ratio of largest to smallest value from which the axis is logarithmic
MOST_TICKS = 8  # at the values, if they are so far apart
LONG = 8  # letters of values that are written upwards


class Swept(NamedTuple):
    """Networks of a task, by their values of the one setting in which they differ.

    others: the settings that other networks of the task have otherwise, with the values of these.
    """

    task: str
    name: str
    others: Mapping[str, str]
    by_value: Mapping[str, Sequence[Mapping]]

    @property
    def title(self) -> str:
        """The task and the other settings, a line each."""
        return '\n'.join([self.task, *(f'{name} = {v}' for name, v in self.others.items())])


@figure(per_task=False)
def sweep(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Accuracy and decoding against a setting in which networks of one task differ.

    Decoding is that of the sample in the last 100 ms of the delay. Points are networks, lines join
    their means. An axes for each task, each setting that differs, and each combination of the other
    settings that do: the networks of one axes differ in one setting (and their seeds).
    """
    found = all_swept(networks)
    if not found:
        raise FigureError('no networks of one task differ in one setting alone')
    if len(found) > MOST_PANELS:
        words = f'it would have {len(found)} panels, more than {MOST_PANELS}'
        raise FigureError(f'{words}: draw part of the networks')
    columns = min(len(found), COLUMNS)
    width = NARROW if columns == 1 else style.PAGE
    own = panels(axes, -(-len(found) // columns), columns, width, 60)
    for ax, swept in zip(own.flat, found, strict=False):
        _draw(ax, swept)
    for ax in own.flat[len(found) :]:
        ax.set_axis_off()
    style.legend(own, inside=axes is not None)
    return own[0, 0].figure


def all_swept(networks: Sequence[Mapping]) -> list[Swept]:
    """What there is to draw, by task, setting, and values of the other settings."""
    found = []
    for task in sorted({network['parameters']['trial_type'] for network in networks}):
        of_task = [n for n in networks if n['parameters']['trial_type'] == task]
        names = differing_scalars([network['parameters'] for network in of_task])
        for name in names:
            found += _by_setting(task, name, [n for n in names if n != name], of_task)
    return found


def _by_setting(task: str, name: str, others: Sequence[str], networks) -> list[Swept]:
    """The networks that differ in one setting alone, for each combination of the others."""
    groups: dict[tuple, dict[str, list]] = {}
    for network in networks:
        value, *rest = (written(network['parameters'].get(n)) for n in [name, *others])
        groups.setdefault(tuple(rest), {}).setdefault(value, []).append(network)
    return [
        Swept(task, name, dict(zip(others, rest, strict=True)), by_value)
        for rest, by_value in sorted(groups.items(), key=lambda item: [*map(sort_key, item[0])])
        if len(by_value) > 1
    ]


def _draw(ax, swept: Swept) -> None:
    values = sorted(swept.by_value, key=sort_key)
    summaries = [[summary(network) for network in swept.by_value[value]] for value in values]
    places = _places(ax, values)
    for name, (label, color) in DRAWN.items():
        measured = [[found[name] for found in those if name in found] for those in summaries]
        known = [(place, y) for place, y in zip(places, measured, strict=True) if y]
        for place, y in known:
            ax.plot([place] * len(y), y, 'o', color=COLORS[color], alpha=0.6)
        if known:
            means = np.array([(place, np.mean(y)) for place, y in known])
            ax.plot(*means.T, color=COLORS[color], label=label)
    _mark_chance(ax, [network for those in swept.by_value.values() for network in those])
    unit = settings_for(swept.task)[swept.name].unit
    label = f'{swept.name} ({unit})' if unit else swept.name
    ax.set(xlabel=label, ylabel='Accuracy, decoding', ylim=(0, 1.03), title=swept.title)


def _places(ax, values: Sequence[str]) -> np.ndarray:
    """Where values stand on the x axis: numbers as they are, others side by side."""
    try:
        places = np.array(values, float)
    except ValueError:
        rotation = 90 if max(map(len, values)) > LONG else 0
        ax.set_xticks(range(len(values)), values, rotation=rotation)
        return np.arange(len(values))
    is_log = places[0] > 0 and places[-1] >= WIDE * places[0]
    if is_log:
        ax.set_xscale('log')
    scaled = np.log(places) if is_log else places
    if np.diff(scaled).min() * MOST_TICKS > np.ptp(scaled):
        ax.set_xticks(places, values)
        ax.minorticks_off()
    return places


def _mark_chance(ax, networks: Sequence[Mapping]) -> None:
    """Draw the level of chance of the decoding, if there is one of all networks and rules."""
    every = [parameters_of(network) for network in networks]
    if all(tasks.of(p).has_one_chance(p) for p in every):
        levels = {chance(0, p) for p in every}
        if len(levels) == 1:
            style.mark_chance(ax, levels.pop(), 'chance')
