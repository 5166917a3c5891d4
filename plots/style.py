"""One look for all figures: a scheme of colours, and what several figures draw alike.

    from plots.style import COLORS, band, figure, mark_epochs, panels, save

The colours are those of Okabe and Ito, which colour-blind people can tell apart. Sizes are those of
a printed page: a figure fills one column or the whole width.
"""

import functools
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from measures.sampling import SUFFIX
from parameters import kept_parameters, par
from results import replacing

# what a colour means is the same in every figure
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
    'epoch': '#E5E5E5',  # shade of a stimulus
    'cue': '#F0E442',  # rule cue
}
GROUP_NAMES = {
    'exc_fac': 'exc. fac.',
    'exc_dep': 'exc. dep.',
    'inh_fac': 'inh. fac.',
    'inh_dep': 'inh. dep.',
    'all': 'all',
}
SIGNALS = {'neuronal': 'activity', 'synaptic': 'efficacy'}
MM = 1 / 25.4  # inches
COLUMN, PAGE = 89, 183  # mm: widths of a column and of a page in print
LEGEND_ENTRY = 22  # mm
FONT_SIZE = 7  # points
FORMATS = ('png', 'pdf', 'svg')  # of files with figures
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
# parts of a measure's name -> the option of the analysis that makes it; the first that fits
MADE_BY = {
    'stability': 'decode_stability',
    'suppression': 'suppress_analysis',
    'test_decoding': 'decode_test',
    'pev': 'analyze_tuning',
    'pref_dir': 'analyze_tuning',
    'tuning': 'analyze_tuning',
    'similarity': 'analyze_tuning',
    'manipulation': 'analyze_tuning',
}
# what networks that share a time axis and a panel must agree in
COMMON = ('trial_type', 'dt', 'num_time_steps', 'sample_time_rng', 'test_time_rng')
COMMON += ('num_motion_dirs', 'synapse_config')


class FigureError(ValueError):
    """A figure cannot be drawn; the message says why, and what would help."""


class MissingMeasure(FigureError):
    """Networks lack a measure; `others` are those that have it."""

    def __init__(self, message: str, others: list[Mapping]):
        super().__init__(message)
        self.others = others


def figure(draw: Callable) -> Callable:
    """Make draw(networks, axes) a figure: one network or a list of them, in the common style."""

    @functools.wraps(draw)
    def styled(networks=None, axes=None) -> Figure:
        networks = [networks] if isinstance(networks, Mapping) else list(networks or [])
        with matplotlib.rc_context(STYLE):
            return draw(networks, axes)

    return styled


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


def settings(network: Mapping) -> dict:
    """`par` as it is when the network is analysed, with the options of its analysis.

    Raises ValueError if the network's parameters are not complete.
    """
    from analysis import set_parameters  # brings TensorFlow, which takes seconds

    about = network.get('analysis', {})
    options = {name: value for name, value in about.get('options', {}).items() if name != 'seed'}
    with kept_parameters():
        set_parameters(network, options)
        return dict(par)


def common_settings(networks: Sequence[Mapping], tasks: Sequence[str] = ()) -> dict:
    """The parameters of networks of one task, of `tasks` if these are given.

    Raises FigureError if there is no network, if they are of another task, or if their trials
    differ.
    """
    if not networks:
        of_tasks = f' of {" or ".join(tasks)}' if tasks else ''
        raise FigureError(f'there is no network{of_tasks} to draw')
    every = [settings(network) for network in networks]
    for name in COMMON:
        values = sorted({str(p[name]) for p in every})
        if len(values) > 1:
            raise FigureError(
                f'the networks of one figure must agree in {name}, which is {" and ".join(values)}'
            )
    task = every[0]['trial_type']
    if tasks and task not in tasks:
        raise FigureError(f'this figure is about {" and ".join(tasks)}, not about {task}')
    return every[0]


def require(networks: Sequence[Mapping], *names: str) -> None:
    """Raise MissingMeasure, naming the option of the analysis, if a network lacks a measure."""
    for name in names:
        others = [network for network in networks if name in network]
        if len(others) < len(networks):
            lacking = f'{len(networks) - len(others)} of {len(networks)} networks lack {name}'
            raise MissingMeasure(f'{lacking}: {_remedy(name, networks)}', others)


def _remedy(name: str, networks: Sequence[Mapping]) -> str:
    """How networks that lack a measure can get it."""
    configs = {n.get('parameters', {}).get('synapse_config', '') for n in networks if name not in n}
    if configs == {None} and ('syn' in name or name == 'manipulation'):
        return 'synapses without plasticity have none'
    option = next((made for part, made in MADE_BY.items() if part in name), None)
    return 'analyse them' + (f' with --set {option}=True' if option else '')


def signal_names(p: Mapping) -> list[str]:
    """'neuronal', and 'synaptic' where there is plasticity."""
    return list(SIGNALS) if p['synapse_config'] is not None else ['neuronal']


def rule_name(rule: int, p: Mapping) -> str:
    """What a rule is called; '' in a task with one rule. In dualDMS: which samples are tested."""
    if p['trial_type'] == 'dualDMS':
        return f'tests of sample {1 + rule % 2}, then {1 + rule // 2}'
    if len(p['rules']) == 1:
        return ''
    kind, degrees = p['rules'][rule]
    if kind == 'category':
        return 'DMC rule'
    return f'DMRS{degrees} rule' if degrees else 'DMS rule'


def step_time(step, p: Mapping):
    """Time of steps in ms from the onset of the sample."""
    return (np.asarray(step) - p['sample_time_rng'].start) * p['dt']


def time_axis(p: Mapping) -> np.ndarray:
    """Time of every step, (time,), in ms from the onset of the sample."""
    return step_time(np.arange(p['num_time_steps']), p)


def stimuli(p: Mapping) -> dict[str, range]:
    """When directions are shown: steps of sample, distractor and tests by name."""
    tests = p['test_time_rng']
    names = ['test'] if len(tests) == 1 else [f'test {i}' for i in range(1, len(tests) + 1)]
    shown = {'sample': p['sample_time_rng'], 'distractor': p['distractor_time_rng']}
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


def mark_chance(ax, chance: float) -> None:
    """Draw a dotted line at the level of chance."""
    ax.axhline(chance, color=COLORS['chance'], linestyle=':', linewidth=0.8, label='chance')


def title(ax, text: str) -> None:
    """Put a title above the names of the epochs."""
    ax.set_title(text, pad=FONT_SIZE + 5)


def band(ax, x, values, color: str, label: str | None = None, errors=None, **line) -> None:
    """Draw the median of values (network, x) over networks, and their range as a band.

    NaN is left out. A single network is a line, with its standard `errors` (1, x), if given, as a
    band.
    """
    values = np.atleast_2d(values)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # nothing but NaN gives NaN
        middle, low, high = (f(values, 0) for f in (np.nanmedian, np.nanmin, np.nanmax))
    ax.plot(x, middle, color=color, label=label, **line)
    if len(values) == 1:
        error = np.zeros_like(middle) if errors is None else errors[0]
        low, high = middle - error, middle + error
    if len(values) > 1 or errors is not None:
        ax.fill_between(x, low, high, color=color, alpha=0.25, linewidth=0)


def points(
    ax, x: np.ndarray, values: np.ndarray, marker: str, color: str, label: str, errors=None
) -> None:
    """Draw values (network, x) as points, and their medians over networks as short lines.

    A single network gets bars of its standard `errors` (1, x), if given.
    """
    places = np.broadcast_to(x, values.shape).ravel()
    ax.plot(places, values.ravel(), marker, color=color, markersize=2.5, alpha=0.6, label=label)
    ax.plot(x, np.median(values, axis=0), '_', color=color, markersize=7)
    if errors is not None and len(values) == 1:
        error_bars(ax, x, values[0], color, yerr=errors[0])


def error_bars(ax, x, y, color: str, **errors) -> None:
    """Draw thin bars of standard errors, where they are known."""
    errors = {axis: np.nan_to_num(error) for axis, error in errors.items()}
    ax.errorbar(x, y, fmt='none', ecolor=color, elinewidth=0.6, **errors)


def standard_errors(networks: Sequence[Mapping], name: str) -> np.ndarray | None:
    """Those of a measure (network, ...), None unless all networks have them; see sampling.py."""
    found = [network.get(name + SUFFIX) for network in networks]
    return None if any(error is None for error in found) else np.array(found)


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
    fitting = int(whole.get_figwidth() / MM // LEGEND_ENTRY)
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
    """R and P of a test such as scipy.stats.pearsonr; 'n = ...' where they mean nothing."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = np.asarray(x)[known], np.asarray(y)[known]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return f'n = {len(x)}'
    r, p_value = test(x, y)
    return f'R = {r:.2f}, P = {p_value:.2g}'


def save(drawn: Figure, filename: str | os.PathLike) -> None:
    """Write a figure, whole or not at all, in the format that the file's suffix names.

    Raises OSError if the file cannot be written.
    """
    with replacing(filename) as temporary, matplotlib.rc_context(STYLE):
        drawn.savefig(temporary, format=Path(filename).suffix[1:])
