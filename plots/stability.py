"""The figure of cross-temporal decoding: does the code of the sample change over time?

from plots.stability import stability
stability(networks).savefig('stability.png')
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from measures.measure import signal_names
from plots import style
from plots.figure import figure, panels
from plots.memory import over_repetitions, panel_title
from plots.style import SIGNALS


@figure(measures=('{signal}_sample_decoding_stability',))
def stability(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Decoding at each time by classifiers trained at another, as images; mean over networks.

    A column for activity and efficacy of each field, a row for each rule.
    """
    names = signal_names(p)
    decoded = [over_repetitions(networks, f'{n}_sample_decoding_stability').mean(0) for n in names]
    images = np.stack(decoded, axis=2)  # (rule, field, signal, time trained, time tested)
    num_rows, num_fields = images.shape[:2]
    own = panels(axes, num_rows, num_fields * len(names), height=65 if num_fields == 1 else 55)
    for ax, place in zip(own.flat, np.ndindex(images.shape[:3]), strict=True):
        bar = 'Decoding accuracy' if ax in own[:, -1] else None
        _draw_image(ax, images[place], bar, p)
        rule, field, signal = place
        ax.set_title('\n'.join([*panel_title(rule, field, p), SIGNALS[names[signal]]]))
    return own[0, 0].figure


def _draw_image(ax, values: np.ndarray, bar: str | None, p: Mapping) -> None:
    """Decoding (time trained, time tested), with lines at on and offsets of stimuli."""
    limits = style.step_time([0, p['num_time_steps']], p)
    look = {'vmin': 0, 'vmax': 1, 'aspect': 'equal', 'extent': (*limits, *limits)}
    style.heat_map(ax, values, bar, **look)
    for steps in style.stimuli(p).values():
        for edge in style.step_time([steps.start, steps.stop], p):
            ax.axvline(edge, color='white', linewidth=0.5, linestyle=':')
            ax.axhline(edge, color='white', linewidth=0.5, linestyle=':')
    ax.set(xlim=limits, ylim=limits, xlabel='Tested at (ms)', ylabel='Trained at (ms)')
