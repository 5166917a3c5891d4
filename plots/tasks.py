"""Figures that compare tests, attention and tasks (paper, Fig. 5 to 7).

    from plots.tasks import manipulation
    manipulation(networks).savefig('manipulation.png')

Each takes one analysed network or a list, as `results.load_results` gives them, and axes to draw in
(a new figure without them), and returns the figure. A measure of a network is its mean over
repetitions.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import sem, spearmanr

import tasks
from measures.groups import GROUPS, OF_KINDS
from measures.measure import signal_names
from measures.network import parameters_of
from measures.run import end_of_delay
from measures.sampling import SUFFIX
from plots import style
from plots.figure import Tasks, figure, panels
from plots.memory import chance, over_repetitions
from plots.style import COLORS, GROUP_NAMES, SIGNALS

SEQUENCES = Tasks(
    lambda p: (
        tasks.of(p).num_samples == 1
        and len(p['test_time_rng']) > 1
        and 'test' in tasks.of(p).decodable(p)
    ),
    'tasks that compare several tests with one sample',
)
SEVERAL_SAMPLES = Tasks(
    lambda p: tasks.of(p).num_samples > 1 and tasks.of(p).num_rule_indices(p) > 1,
    'tasks with several samples of which a rule picks one',
)
COMPARED = Tasks(
    lambda p: tasks.of(p).compared and tasks.of(p).probe is not None,
    'tasks that are compared by manipulation in DMS trials',
)
# the variants of Fig. 7, from little to much manipulation, with marker and name of the colour
VARIANTS = {
    'DMS': ('o', 'exc_fac'),
    'DMRS45': ('s', 'exc_dep'),
    'DMRS90': ('s', 'inh_dep'),
    'DMRS180': ('s', 'inh_fac'),
    'DMS+DMRS, DMS rule': ('d', 'exc_fac'),
    'DMS+DMRS, DMRS90 rule': ('d', 'inh_dep'),
    'ABCA': ('^', 'neuronal'),
    'ABBA': ('^', 'synaptic'),
    'dualDMS, attended': ('v', 'exc_fac'),
    'dualDMS, unattended': ('v', 'chance'),
}
OTHER_MARKERS = ('P', 'X', '*', 'h', 'p')  # of the variants of other tasks, which are black
SUPPRESSED = ('accuracy_no_suppression', 'acc_neuronal_suppression')


class Point(NamedTuple):
    """One network in one variant of a task: its manipulation, and decoding from its activity."""

    variant: str
    manipulation: float
    decoding: float
    error: float  # standard error of the manipulation; NaN if unknown


@figure(
    tasks=SEQUENCES,
    measures=(
        '{signal}_sample_decoding',
        '{signal}_test_decoding',
        'synaptic_similarity',
        'synaptic_similarity_suppression',
        'acc_neuronal_suppression',
        'accuracy_no_suppression',
    ),
)
def sequence(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Decoding and similarity of sample and test, groups suppressed (paper, Fig. 5).

    Decoding of sample and first test from activity and from efficacy; similarity of the synaptic
    tuning to both from test 1 on, and with each group silenced before test 1; accuracy in a test
    (in ABBA and ABCA the second) of networks with each group silenced. Medians and ranges over
    networks, or the standard errors of a single one; 2 x 2 axes for each rule.
    """
    task = tasks.of(p)
    own = panels(axes, 2 * task.num_rule_indices(p), 2, height=55)
    for rule, quarters in enumerate(own.reshape(-1, 4)):
        for ax, signal in zip(quarters, signal_names(p), strict=False):
            _draw_decoding(ax, networks, signal, rule, p)
        _draw_similarity(quarters[2], networks, rule, p)
        _draw_suppression(quarters[3], networks, rule, p)
        style.title(quarters[0], task.rule_name(rule, p))
    return own[0, 0].figure


def _draw_decoding(ax, networks, signal: str, rule: int, p: Mapping) -> None:
    style.mark_epochs(ax, p)
    style.mark_chance(ax, chance(rule, p))
    for label, name in (('sample', 'sample'), ('test', 'test 1')):
        decoded = over_repetitions(networks, f'{signal}_{label}_decoding')[:, rule, 0]
        style.band(ax, style.time_axis(p), decoded, COLORS[label], name)
    ax.set(ylim=(-0.03, 1.03), ylabel=f'Decoding from {SIGNALS[signal]}')
    style.mark_number(ax, networks)
    style.legend_beside(ax)


def _draw_similarity(ax, networks, rule: int, p: Mapping) -> None:
    onset = p['test_time_rng'][0].start
    steps = slice(onset, None)
    style.mark_epochs(ax, p)

    def draw(name: str, index: tuple, color: str, label: str) -> None:
        values = np.array([network[name][index] for network in networks])
        errors = style.standard_errors(networks, name, index)
        style.band(ax, style.time_axis(p)[steps], values, color, label, errors)

    draw('synaptic_similarity', (rule, 0, steps), COLORS['all'], 'none')
    for group, name in enumerate(OF_KINDS):
        index, label = (rule, 0, group, steps), GROUP_NAMES[name]
        draw('synaptic_similarity_suppression', index, COLORS[name], label)
    ax.set(ylim=(-1.03, 1.03), ylabel='Similarity of synaptic tuning')
    style.legend_beside(ax, 'Silenced')


def _draw_suppression(ax, networks, rule: int, p: Mapping) -> None:
    """Accuracy in a test with no and with each group silenced; all, non-matching, matching."""
    names = ('none', *(GROUP_NAMES[name] for name in GROUPS))
    place = np.arange(len(names))
    accuracies = np.array(_with_none(networks, rule))  # (network, none and groups, kind of test)
    errors = _with_none([n for n in networks if f'{SUPPRESSED[1]}{SUFFIX}' in n], rule, SUFFIX)
    kinds = ('all tests', 'all', 'o'), ('non-match', 'non-match', 's'), ('match', 'match', '^')
    for i, (label, color, marker) in enumerate(kinds):
        x, of_kind = place + 0.22 * (i - 1), [error[:, i] for error in errors]
        style.points(ax, x, accuracies[..., i], marker, COLORS[color], label, of_kind)
    ax.set_xticks(place, [name.replace(' ', '\n') for name in names])
    window, test = tasks.of(p).silencing_windows(p)[0]
    silenced, scored = (_number_of_test(step, p) for step in (window.stop, test.start))
    ax.set(xlabel=f'Silenced before test {silenced}', ylabel=f'Accuracy in test {scored}')
    ax.set(ylim=(0, 1.03))
    style.legend_beside(ax)


def _number_of_test(step: int, p: Mapping) -> int:
    """Which test is the first from this step on, counted from 1."""
    return 1 + sum(test.start < step for test in p['test_time_rng'])


def _with_none(networks, rule: int, suffix: str = '') -> list[np.ndarray]:
    """Accuracies (none and groups, kind of test) of each network, or what has this suffix."""
    none, groups = (f'{name}{suffix}' for name in SUPPRESSED)
    return [np.vstack([n[none][rule], n[groups][rule, 0]]) for n in networks]


@figure(tasks=SEVERAL_SAMPLES, measures=('{signal}_sample_decoding',))
def attention(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Decoding of the attended and of the other sample, as in dualDMS (paper, Fig. 6).

    From activity and from efficacy; medians and ranges over networks; 2 axes, 1 without plasticity.
    """
    names = signal_names(p)
    own = panels(axes, 1, len(names), height=55)
    for ax, name in zip(own.flat, names, strict=True):
        style.mark_epochs(ax, p)
        style.mark_chance(ax, chance(0, p))
        decoded = over_repetitions(networks, f'{name}_sample_decoding')
        traces = tasks.of(p).attended(decoded, p)
        for label, values in zip(('attended', 'unattended'), traces, strict=True):
            style.band(ax, style.time_axis(p), values, COLORS[label], f'{label} sample')
        ax.set(ylim=(-0.03, 1.03), ylabel=f'Decoding from {SIGNALS[name]}')
        style.mark_number(ax, networks)
    style.legend(own, inside=axes is not None)
    return own[0, 0].figure


@figure(tasks=COMPARED, measures=('manipulation', 'neuronal_sample_decoding'), per_task=False)
def manipulation(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """How much networks change their code against how much activity they need (paper, Fig. 7).

    Manipulation is measured in DMS trials, decoding from activity in the last 100 ms of the delay
    before the first test of the own task. Small points are networks, large ones the means of a
    variant, with standard errors over its networks (of one network, that of its manipulation over
    batches); R and P are Spearman's, over the means. Networks of tasks that are not compared are
    left out. 1 axes.
    """
    points = by_variant(networks)
    own = panels(axes, 1, 1, 130, 80)
    ax, others = own[0, 0], cycle(OTHER_MARKERS)
    for variant, of_variant in points.items():
        marker, color = VARIANTS.get(variant) or (next(others), 'all')
        y, x, error = of_variant.mean(axis=0)
        small = of_variant[:, 1], of_variant[:, 0]
        ax.plot(*small, marker, color=COLORS[color], markersize=2.5, alpha=0.5)
        label = f'{variant}, n = {len(of_variant)}'
        ax.plot(x, y, marker, color=COLORS[color], markersize=6, mec='white', mew=0.4, label=label)
        errors = [error, np.nan]
        if len(of_variant) > 1:
            errors = sem(of_variant[:, :2])
        style.error_bars(ax, [x], [y], COLORS[color], xerr=[errors[1]], yerr=[errors[0]])
    means = np.array([of_variant.mean(axis=0) for of_variant in points.values()])
    text = f'Spearman, over variants: {style.correlation(spearmanr, *means.T[:2])}'
    ax.set(xlabel='Decoding from activity, end of delay', ylabel='Manipulation')
    ax.set(xlim=(0, 1.03), title=text)
    style.legend_beside(ax)
    return ax.figure


def by_variant(networks: Sequence[Mapping]) -> dict[str, np.ndarray]:
    """Manipulation, decoding and error (network, 3) by variant: VARIANTS, then those of others."""
    points = [point for network in networks for point in variant_points(network)]
    names = dict.fromkeys([*VARIANTS, *(point.variant for point in points)])
    found = {v: [point[1:] for point in points if point.variant == v] for v in names}
    return {variant: np.array(of_variant) for variant, of_variant in found.items() if of_variant}


def variant_points(network: Mapping) -> Iterator[Point]:
    """The points of a network in Fig. 7: one for each variant of its task, see `Task.variants`."""
    p = parameters_of(network)
    late = end_of_delay(p)
    decoded = np.mean(network['neuronal_sample_decoding'], axis=2)  # (rule, field, time)
    for name, trace in tasks.of(p).variants(decoded, p).items():
        variant = ', '.join(filter(None, (p['trial_type'], name)))
        error = network.get(f'manipulation{SUFFIX}', np.nan)
        yield Point(variant, network['manipulation'], trace[late].mean(), error)
