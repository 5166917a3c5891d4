"""DMS networks beside the 20 of the original code (docs/reproduction.md).

python -m reproduction FOLDER --figures FOLDER
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

import tasks
from plots import style
from plots.figure import Tasks, figure, panels
from plots.network import curves_of
from plots.style import COLORS
from reproduction.measured import dms_measures
from reproduction.published import ITERATIONS, OF_ORIGINAL, ORIGINAL

SHOWN = {
    'decoding from\nactivity': 'decoding from activity, end of delay',
    'activity\nshuffled': 'accuracy, activity shuffled at test onset',
    'synapses\nshuffled': 'accuracy, synapses shuffled at test onset',
    'silenced\nbefore test': 'accuracy, all silenced for 100 ms before the test',
}
DMS = Tasks(lambda p: tasks.of(p).probe == 'own', 'DMS')  # its own trials are DMS trials


@figure(tasks=DMS)
def comparison(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """DMS networks: learning curves and measures at the end of the delay, beside the original's.

    The curves are median and range over networks, the points single networks; of the original, mean
    and SD; 2 axes.
    """
    own = panels(axes, 1, 2, height=60)
    _draw_curves(own[0, 0], networks)
    _draw_measures(own[0, 1], networks)
    style.mark_chance(own[0, 0], tasks.of(p).accuracy_without_sample(p))
    return own[0, 0].figure


def _draw_curves(ax, networks) -> None:
    curves = curves_of(networks, 'accuracy')
    label = f'this project, median and range, n = {len(networks)}'
    style.band(ax, np.arange(curves.shape[1]), curves, COLORS['neuronal'], label)
    means, sds = np.array([ORIGINAL[f'accuracy, iteration {i}'] for i in ITERATIONS]).T
    _draw_original(ax, ITERATIONS, means, sds)
    ax.set(xlabel='Iteration', ylabel='Accuracy', ylim=(0, 1.03))
    ax.legend(loc='lower right')


def _draw_measures(ax, networks) -> None:
    found = [dms_measures(network) for network in networks]
    names = {label: name for label, name in SHOWN.items() if all(name in f for f in found)}
    place = np.arange(len(names))
    for measured in found:
        values = [measured[name] for name in names.values()]
        ax.plot(place - 0.1, values, 'o', color=COLORS['neuronal'])
    means, sds = np.array([ORIGINAL[name] for name in names.values()]).T
    _draw_original(ax, place + 0.1, means, sds)
    ax.set_xticks(place, names)
    ax.set(ylabel='Decoding or accuracy', ylim=(0, 1.03), xlim=(-0.5, len(names) - 0.5))


def _draw_original(ax, x, means, sds) -> None:
    label = f'original code, mean ± SD, n = {OF_ORIGINAL}'
    ax.errorbar(x, means, sds, fmt='s', color=COLORS['all'], capsize=2, label=label)
