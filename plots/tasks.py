"""Figures that compare tests, attention and tasks (paper, Fig. 5 to 7).

    from plots.tasks import manipulation
    manipulation(networks).savefig('manipulation.png')

Each takes one analysed network or a list, as `results.load_results` gives them, and axes to draw in
(a new figure without them), and returns the figure. A measure of a network is its mean over
repetitions.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from measures import fields as measures
from measures.sampling import SUFFIX
from measures.shuffling import GROUPS
from plots import style
from plots.memory import chance, over_repetitions
from plots.style import COLORS, GROUP_NAMES, SIGNALS, FigureError, figure, panels, require

SEQUENCES = ('ABBA', 'ABCA')
DUAL = ('dualDMS',)
# the variants of Fig. 7, from little to much manipulation, with marker and colour
VARIANTS = {
    'DMS': ('o', 'exc_fac'),
    'DMRS45': ('s', 'exc_dep'),
    'DMRS90': ('s', 'inh_dep'),
    'DMRS180': ('s', 'inh_fac'),
    'DMS+DMRS, DMS rule': ('D', 'exc_fac'),
    'DMS+DMRS, DMRS90 rule': ('D', 'inh_dep'),
    'ABCA': ('^', 'neuronal'),
    'ABBA': ('^', 'synaptic'),
    'dualDMS, attended': ('v', 'exc_fac'),
    'dualDMS, unattended': ('v', 'chance'),
}

PLOTTED_TASKS = tuple(dict.fromkeys(variant.split(',')[0] for variant in VARIANTS))


class Point(NamedTuple):
    """One network in one variant of a task: its manipulation, and decoding from its activity."""

    variant: str
    manipulation: float
    decoding: float
    error: float  # standard error of the manipulation; NaN if unknown


@figure
def sequence(networks: Sequence[Mapping], axes=None) -> Figure:
    """ABBA or ABCA: decoding and similarity of sample and test, groups suppressed (paper, Fig. 5).

    Decoding of sample and first test from activity and from efficacy; similarity of the synaptic
    tuning to both from test 1 on, and with each group silenced for 200 ms before; accuracy in
    test 2 of networks with each group silenced. Medians and ranges over networks, or the standard
    errors of a single one; 2 x 2 axes.
    """
    p = style.common_settings(networks, SEQUENCES)
    signals = style.signal_names(p)
    labels = ('sample', 'test')
    require(networks, *(f'{s}_{label}_decoding' for s in signals for label in labels))
    require(networks, 'synaptic_similarity', 'synaptic_similarity_suppression')
    require(networks, 'acc_neuronal_suppression', 'accuracy_no_suppression')
    own = panels(axes, 2, 2, height=55)
    for ax, signal in zip(own[0], signals, strict=True):
        _draw_decoding(ax, networks, signal, p)
    _draw_similarity(own[1, 0], networks, p)
    _draw_suppression(own[1, 1], networks)
    return own[0, 0].figure


def _draw_decoding(ax, networks, signal: str, p: Mapping) -> None:
    style.mark_epochs(ax, p)
    style.mark_chance(ax, chance(0, p))
    for label, name in (('sample', 'sample'), ('test', 'test 1')):
        decoded = over_repetitions(networks, f'{signal}_{label}_decoding')[:, 0, 0]
        style.band(ax, style.time_axis(p), decoded, COLORS[label], name)
    ax.set(ylim=(-0.03, 1.03), ylabel=f'Decoding from {SIGNALS[signal]}')
    style.legend_beside(ax)


def _draw_similarity(ax, networks, p: Mapping) -> None:
    onset = p['test_time_rng'][0].start
    time = style.time_axis(p)[onset:]
    style.mark_epochs(ax, p)
    names = ('synaptic_similarity', 'synaptic_similarity_suppression')
    whole, suppressed = (np.array([n[name][0, 0] for n in networks]) for name in names)
    errors, of_groups = (style.standard_errors(networks, name) for name in names)
    error = None if errors is None else errors[:, 0, 0, onset:]
    style.band(ax, time, whole[:, onset:], COLORS['all'], 'none', error)
    for group, name in enumerate(GROUPS[:-1]):
        error = None if of_groups is None else of_groups[:, 0, 0, group, onset:]
        values = suppressed[:, group, onset:]
        style.band(ax, time, values, COLORS[name], GROUP_NAMES[name], error)
    ax.set(ylim=(-1.03, 1.03), ylabel='Similarity of synaptic tuning')
    style.legend_beside(ax, 'Silenced')


def _draw_suppression(ax, networks) -> None:
    """Accuracy in test 2 with no and with each group silenced; all, non-matching, matching."""
    names = ('none', *(GROUP_NAMES[name] for name in GROUPS))
    place = np.arange(len(names))
    accuracies = _with_none(networks)  # (network, none and groups, kind of test)
    errors = _with_none(networks, SUFFIX) if len(networks) == 1 else None
    kinds = ('all tests', 'all', 'o'), ('non-match', 'non-match', 's'), ('match', 'match', '^')
    for i, (label, color, marker) in enumerate(kinds):
        x, error = place + 0.22 * (i - 1), None if errors is None else errors[..., i]
        style.points(ax, x, accuracies[..., i], marker, COLORS[color], label, error)
    ax.set_xticks(place, [name.replace(' ', '\n') for name in names])
    ax.set(ylim=(0, 1.03), xlabel='Silenced before test 1', ylabel='Accuracy in test 2')
    style.legend_beside(ax)


def _with_none(networks, suffix: str = '') -> np.ndarray | None:
    """Accuracies with no and with each group silenced, or what has this suffix, if it is there."""
    names = [f'{name}{suffix}' for name in ('accuracy_no_suppression', 'acc_neuronal_suppression')]
    if any(name not in network for network in networks for name in names):
        return None
    return np.array([np.vstack([n[names[0]][0], n[names[1]][0, 0]]) for n in networks])


@figure
def attention(networks: Sequence[Mapping], axes=None) -> Figure:
    """dualDMS: decoding of the attended and of the other sample (paper, Fig. 6).

    From activity and from efficacy; medians and ranges over networks; 2 axes.
    """
    p = style.common_settings(networks, DUAL)
    names = style.signal_names(p)
    require(networks, *(f'{name}_sample_decoding' for name in names))
    own = panels(axes, 1, len(names), height=55)
    for ax, name in zip(own.flat, names, strict=True):
        style.mark_epochs(ax, p)
        style.mark_chance(ax, chance(0, p))
        traces = attended_traces(over_repetitions(networks, f'{name}_sample_decoding'), p)
        for label, values in zip(('attended', 'unattended'), traces, strict=True):
            style.band(ax, style.time_axis(p), values, COLORS[label], f'{label} sample')
        ax.set(ylim=(-0.03, 1.03), ylabel=f'Decoding from {SIGNALS[name]}')
    style.legend(own, inside=axes is not None)
    return own[0, 0].figure


def attended_traces(decoded: np.ndarray, p: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """Decoding (..., time) of the attended and of the unattended sample, averaged over cues.

    `decoded` (..., rule r1 + 2 r2, location, time) of dualDMS. Until the end of test 1 the attended
    sample is the one at location r1, which test 1 is about; after that the one at location r2.
    """
    second = np.arange(decoded.shape[-1]) >= p['test_time_rng'][0].stop
    attended, other = [], []
    for rule in range(decoded.shape[-3]):
        location = np.where(second, rule // 2, rule % 2)  # (time,)
        of_rule = decoded[..., rule, :, :]
        attended.append(np.where(location == 0, of_rule[..., 0, :], of_rule[..., 1, :]))
        other.append(np.where(location == 1, of_rule[..., 0, :], of_rule[..., 1, :]))
    return np.mean(attended, axis=0), np.mean(other, axis=0)


@figure
def manipulation(networks: Sequence[Mapping], axes=None) -> Figure:
    """How much networks change their code against how much activity they need (paper, Fig. 7).

    Manipulation is measured in DMS trials, decoding from activity in the last 100 ms of the delay
    before the first test of the own task. Small points are networks, large ones the means of a
    variant, with the standard error where there is one network; R and P are Spearman's, over the
    means. Networks of other tasks are left out. 1 axes.
    """
    networks = [network for network in networks if _task(network) in PLOTTED_TASKS]
    if not networks:
        raise FigureError(f'this figure is about {", ".join(PLOTTED_TASKS)}')
    require(networks, 'manipulation', 'neuronal_sample_decoding')
    points = by_variant(networks)
    own = panels(axes, 1, 1, 130, 80)
    ax = own[0, 0]
    means = [of_variant.mean(axis=0) for of_variant in points.values()]
    for (variant, of_variant), mean in zip(points.items(), means, strict=True):
        marker, color = VARIANTS[variant]
        x, y, error = mean
        ax.plot(*of_variant[:, :2].T, marker, color=COLORS[color], markersize=2.5, alpha=0.5)
        ax.plot(x, y, marker, color=COLORS[color], markersize=6, label=variant)
        if len(of_variant) == 1:
            style.error_bars(ax, [x], [y], COLORS[color], xerr=[error])
    text = f'Spearman, over variants: {style.correlation(spearmanr, *np.array(means).T[:2])}'
    ax.set(xlabel='Manipulation', ylabel='Decoding from activity, end of delay')
    ax.set(ylim=(0, 1.03), title=text)
    style.legend_beside(ax)
    return ax.figure


def _task(network: Mapping) -> str:
    return network['parameters']['trial_type']


def by_variant(networks: Sequence[Mapping]) -> dict[str, np.ndarray]:
    """Manipulation, decoding and error (network, 3) in each of VARIANTS that these have."""
    points = [point for network in networks for point in variant_points(network)]
    found = {v: [point[1:] for point in points if point.variant == v] for v in VARIANTS}
    return {variant: np.array(of_variant) for variant, of_variant in found.items() if of_variant}


def variant_points(network: Mapping) -> Iterator[Point]:
    """The points of a network in Fig. 7: one, or one for each rule, or attended and unattended."""
    p, task = style.settings(network), _task(network)
    late = measures.end_of_delay(p)
    decoded = np.mean(network['neuronal_sample_decoding'], axis=2)  # (rule, field, time)
    if task == 'dualDMS':
        traces = dict(zip(('attended', 'unattended'), attended_traces(decoded, p), strict=True))
    else:
        traces = {style.rule_name(rule, p): trace for rule, trace in enumerate(decoded[:, 0])}
    for name, trace in traces.items():
        variant = ', '.join(filter(None, (task, name)))
        error = network.get(f'manipulation{SUFFIX}', np.nan)
        yield Point(variant, network['manipulation'], trace[late].mean(), error)
