"""One look for all figures: a scheme of colours, and what several figures draw alike.

    from plots.style import COLORS, band, mark_epochs

The colours are those of Okabe and Ito, which colour-blind people can tell apart. Sizes are those of
a printed page: a figure fills one column or the whole width.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from measures.sampling import SUFFIX

# each thing has one colour in all figures; some things share one
COLORS = {
    'neuronal': '#009E73',  # from activity
    'synaptic': '#CC79A7',  # from synaptic efficacy x u
    'x': '#56B4E9',  # available neurotransmitter
    'u': '#D55E00',  # utilisation
    'exc_fac': '#0072B2',
    'exc_dep': '#56B4E9',
    'inh_fac': '#D55E00',
    'inh_dep': '#E69F00',
    'all': '#000000',
    'chance': '#7F7F7F',
    'attended': '#0072B2',
    'unattended': '#E69F00',
    'sample': '#0072B2',
    'test': '#D55E00',
    'fixate': '#000000',
    'non-match': '#D55E00',
    'match': '#0072B2',
    'directions': '#0072B2',  # outputs that report a direction
    'epoch': '#E5E5E5',  # shade of a stimulus
    'cue': '#F0E442',  # rule cue
}
OTHERS = ('#E69F00', '#56B4E9', '#009E73', '#CC79A7')  # of what COLORS has no name for
GROUP_NAMES = {
    'exc_fac': 'exc. fac.',
    'exc_dep': 'exc. dep.',
    'inh_fac': 'inh. fac.',
    'inh_dep': 'inh. dep.',
    'all': 'all',
}
SIGNALS = {'neuronal': 'activity', 'synaptic': 'efficacy'}  # as figures name them
FEWEST_CORRELATED = 4  # points whose correlation has a meaning
MM = 1 / 25.4  # inches
COLUMN, PAGE = 89, 183  # mm: widths of a column and of a page in print
LEGEND_ENTRY = 22  # mm
FONT_SIZE = 7  # points
STYLE = {
    'font.size': FONT_SIZE,
    'axes.labelsize': FONT_SIZE,
    'axes.titlesize': FONT_SIZE,
    'xtick.labelsize': FONT_SIZE,
    'ytick.labelsize': FONT_SIZE,
    'legend.fontsize': FONT_SIZE,
    'legend.frameon': False,
    'legend.handlelength': 1.5,
    'axes.linewidth': 0.6,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'lines.linewidth': 1,
    'lines.markersize': 3,
    'xtick.major.width': 0.6,
    'ytick.major.width': 0.6,
    'savefig.dpi': 300,
    'pdf.fonttype': 42,  # text stays text
}


def step_time(step, p: Mapping):
    """Time of steps in ms from the onset of the sample."""
    return (np.asarray(step) - p['sample_time_rng'].start) * p['dt']


def time_axis(p: Mapping) -> np.ndarray:
    """Time of the states, (time,), in ms from the onset of the sample: those after each step."""
    return step_time(np.arange(p['num_time_steps']) + 1, p)


def stimuli(p: Mapping) -> dict[str, range]:
    """When directions are shown: steps of sample, tests and other stimuli by name."""
    tests = p['test_time_rng']
    names = ['test'] if len(tests) == 1 else [f'test {i}' for i in range(1, len(tests) + 1)]
    shown = {'sample': p['sample_time_rng'], **p['other_time_rng']}
    shown |= dict(zip(names, tests, strict=True))
    return {name: steps for name, steps in shown.items() if steps}


def mark_epochs(ax, p: Mapping, names: bool = True) -> None:
    """Shade the stimuli of the task on a time axis in ms, name them above, and mark rule cues."""
    for name, steps in stimuli(p).items():
        start, stop = step_time([steps.start, steps.stop], p)
        ax.axvspan(start, stop, color=COLORS['epoch'], linewidth=0, zorder=0)
        if names:
            middle, above = (start + stop) / 2, ax.get_xaxis_transform()
            ax.text(middle, 1.01, name, transform=above, ha='center', va='bottom')
    for steps in filter(len, p['rule_time_rng']):
        start, stop = step_time([steps.start, steps.stop], p)
        ax.axvspan(start, stop, 0, 0.04, color=COLORS['cue'], linewidth=0, label='rule cue')
    ax.set_xlim(*step_time([0, p['num_time_steps']], p))
    ax.set_xlabel('Time from sample onset (ms)')


def mark_edges(draw: Callable, p: Mapping) -> None:
    """Mark on and offsets of stimuli in an image, with its axvline or axhline."""
    for steps in stimuli(p).values():
        for edge in step_time([steps.start, steps.stop], p):
            draw(edge, color='white', linewidth=0.6, linestyle=':')


def mark_chance(ax, chance: float, label: str = 'chance') -> None:
    """Draw a dotted line at the level of chance."""
    ax.axhline(chance, color=COLORS['chance'], linestyle=':', linewidth=0.8, label=label)


def mark_number(ax, networks: Sequence[Mapping]) -> None:
    """Write how many networks there are, below the level of chance, where few tasks have a cue."""
    ax.text(0.01, 0.01, f'n = {len(networks)}', transform=ax.transAxes, va='bottom')


def title(ax, text: str) -> None:
    """Put a title above the names of the epochs."""
    ax.set_title(text, pad=FONT_SIZE + 5)


def band(ax, x, values, color: str, label: str | None = None, errors=(), **line) -> None:
    """Draw the median of values (network, x) over networks, and their range as a band.

    NaN is left out. A single network is a line, with its standard error, the only one of `errors`
    (network, x), as a band.
    """
    values = np.atleast_2d(values)
    middle, low, high = (over_networks(f, values) for f in (np.nanmedian, np.nanmin, np.nanmax))
    ax.plot(x, middle, color=color, label=label, **line)
    if len(values) == len(errors) == 1:
        low, high = middle - errors[0], middle + errors[0]
    if len(values) > 1 or len(errors):
        ax.fill_between(x, low, high, color=color, alpha=0.25, linewidth=0)


def over_networks(summarized: Callable, values: np.ndarray) -> np.ndarray:
    """Apply a function such as np.nanmedian to the first axis; NaN where all values are NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)
        return summarized(values, 0)


def points(
    ax, x: np.ndarray, values: np.ndarray, marker: str, color: str, label: str, errors=()
) -> None:
    """Draw values (network, x) as points, and their medians over networks as short lines.

    A single network gets bars of its standard error, the only one of `errors` (network, x).
    """
    places = np.broadcast_to(x, values.shape).ravel()
    ax.plot(places, values.ravel(), marker, color=color, markersize=2.5, alpha=0.6, label=label)
    ax.plot(x, over_networks(np.nanmedian, values), '_', color=color, markersize=7)
    if len(values) == len(errors) == 1:
        error_bars(ax, x, values[0], color, yerr=errors[0])


def error_bars(ax, x, y, color: str, **errors) -> None:
    """Draw thin bars of standard errors, where they are known."""
    errors = {axis: np.nan_to_num(error) for axis, error in errors.items()}
    ax.errorbar(x, y, fmt='none', ecolor=color, elinewidth=0.6, **errors)


def standard_errors(networks: Sequence[Mapping], name: str, index: tuple = ()) -> list:
    """Those of a measure, at an index, of the networks that have them; see measures/sampling.py."""
    return [np.asarray(n[name + SUFFIX])[index] for n in networks if name + SUFFIX in n]


def heat_map(ax, values: np.ndarray, label: str | None, **options) -> None:
    """Draw values (row, column) as an image from the bottom up, with a colour bar.

    The bar is outside the axes, whose size it leaves alone; there is none without a label.
    """
    options = {'cmap': 'viridis', 'aspect': 'auto', 'origin': 'lower'} | options
    image = ax.imshow(values, interpolation='none', **options)
    if label:
        bar = ax.figure.colorbar(image, cax=ax.inset_axes([1.03, 0, 0.04, 1]), label=label)
        bar.ax.tick_params(labelsize=FONT_SIZE, width=STYLE['axes.linewidth'])


def legend(axes: np.ndarray, inside: bool) -> None:
    """Name lines and points once: in the first of the axes, or below all of them."""
    named = _named(axes.flat)
    if inside:
        axes.flat[0].legend(named.values(), named.keys())
        return
    whole = axes.flat[0].figure
    fitting = int(whole.figure.get_figwidth() / MM // LEGEND_ENTRY)
    whole.legend(
        named.values(), named.keys(), loc='outside lower center', ncols=min(len(named), fitting)
    )


def legend_beside(ax, title: str | None = None) -> None:
    """Name the lines and points of one of the axes at its right."""
    named = _named([ax])
    place = {'loc': 'center left', 'bbox_to_anchor': (1, 0.5)}
    ax.legend(named.values(), named.keys(), title=title, **place)


def _named(axes) -> dict:
    """What is drawn in the axes, by its label; the first where there are several."""
    named = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    return named


def correlation(test: Callable, x: np.ndarray, y: np.ndarray) -> str:
    """R and P of a test such as scipy.stats.pearsonr; 'n = ...' with few points, or all alike."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = np.asarray(x)[known], np.asarray(y)[known]
    if len(x) < FEWEST_CORRELATED or np.ptp(x) == 0 or np.ptp(y) == 0:
        return f'n = {len(x)}'
    r, p_value = test(x, y)
    return f'R = {r:.2f}, P = {p_value:.2g}'
