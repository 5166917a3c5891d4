"""Figures of what holds the sample in memory: activity or synapses (paper, Fig. 2 to 4).

    from plots.memory import decoding
    decoding(networks).savefig('decoding.png')

Each takes one analysed network or a list of networks of one task, as `results.load_results` gives
them, and axes to draw in (a new figure without them), and returns the figure. A measure of a
network is its mean over repetitions. R is the number of rules, F that of samples in a trial (not of
receptive fields), D that of directions; each rule and each sample has a panel of its own.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import pearsonr

import tasks
from measures.groups import GROUPS, OF_KINDS, unit_groups
from measures.measure import signal_names
from measures.network import parameters_of
from measures.run import end_of_delay, end_of_wait
from measures.task_decoding import possible_conditions
from measures.tuning import calculate_tuning
from plots import style
from plots.figure import figure, panels
from plots.style import COLORS, GROUP_NAMES, SIGNALS

SHUFFLES = {
    'no shuffle': ('simulation_accuracy', 'all', 'o'),
    'activity shuffled': ('accuracy_neural_shuffled', 'neuronal', 's'),
    'synapses shuffled': ('accuracy_syn_shuffled', 'synaptic', '^'),
}
GROUP_SHUFFLES = {name: SHUFFLES[name] for name in list(SHUFFLES)[1:]}


def chance(rule: int, p: Mapping) -> float:
    """Share of samples that a guess decodes: 1/2 where categories are decoded, else 1/D."""
    return 1 / len(possible_conditions('sample', rule, p))


def over_repetitions(networks: Sequence[Mapping], name: str) -> np.ndarray:
    """A measure (R, F, repetition, ...) averaged over repetitions: (network, R, F, ...)."""
    return np.array([np.mean(network[name], axis=2) for network in networks])


def remembered_field(rule: int, p: Mapping) -> int:
    """The sample that the test after the last shuffle is about, counted from 0."""
    task = tasks.of(p)
    earlier = [test for test in p['test_time_rng'] if test.start < task.shuffle_onsets(p)[-1]]
    return task.sample_of(rule, len(earlier))


def panel_title(rule: int, field: int, p: Mapping) -> list[str]:
    """What distinguishes a panel: its rule and its sample, where the task has several."""
    task = tasks.of(p)
    sample = f'sample {1 + field}' if task.num_samples > 1 else ''
    return [part for part in (task.rule_name(rule, p), sample) if part]


@figure(measures=('{signal}_sample_decoding',))
def decoding(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Decoding of the sample over time from activity and efficacy (paper, Fig. 2B, 4B, 4D).

    Median and range over networks; R x F axes.
    """
    names = signal_names(p)
    decoded = {name: over_repetitions(networks, f'{name}_sample_decoding') for name in names}
    _, num_rows, num_columns, _ = decoded['neuronal'].shape
    width = style.COLUMN if num_columns == 1 else style.PAGE
    own = panels(axes, num_rows, num_columns, width, 48)
    for (rule, field), ax in np.ndenumerate(own):
        style.mark_epochs(ax, p)
        style.mark_chance(ax, chance(rule, p))
        for name, values in decoded.items():
            time = style.time_axis(p)
            style.band(ax, time, values[:, rule, field], COLORS[name], SIGNALS[name])
        ax.set(ylim=(-0.03, 1.03), ylabel='Decoding accuracy')
        style.mark_number(ax, networks)
        style.title(ax, ': '.join(panel_title(rule, field, p)))
    style.legend(own, inside=axes is not None)
    return own[0, 0].figure


@figure(
    measures=(
        'neuronal_sample_decoding',
        'simulation_accuracy',
        'accuracy_{state}_shuffled',
    )
)
def shuffles(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Decoding at the end of the delay against accuracy after shuffles (paper, Fig. 2C).

    Activity or synapses are shuffled across trials at the onset of the test (the second one where
    there are several samples); the decoding is that of activity in the 100 ms before, of the sample
    that this test is about. A point is a network; R and P are Pearson's, over networks. Bars are
    the standard error of a single network. An axes for each rule.
    """
    decoded = over_repetitions(networks, 'neuronal_sample_decoding')
    task = tasks.of(p)
    late, num_panels = end_of_wait(task.shuffle_onsets(p)[-1], p), task.num_rule_indices(p)
    width = style.COLUMN if num_panels == 1 else style.PAGE
    columns = max(number for number in (1, 2, 3) if num_panels % number == 0)
    own = panels(axes, num_panels // columns, columns, width, 65)
    for rule, ax in enumerate(own.flat):
        x = decoded[:, rule, remembered_field(rule, p), late].mean(-1)
        _draw_shuffles(ax, x, networks, rule, p)
        ax.set(xlabel='Decoding from activity, end of delay', ylabel='Accuracy', xlim=(0, 1.03))
        ax.set(ylim=(0, 1.03), title=task.rule_name(rule, p))
        ax.legend(loc='lower right')
    return own[0, 0].figure


def _draw_shuffles(ax, x: np.ndarray, networks, rule: int, p: Mapping) -> None:
    """Draw a point for each network; a single network gets its standard error."""
    style.mark_chance(ax, tasks.of(p).accuracy_without_sample(p), 'without the sample')
    for name, (key, color, marker) in _possible(SHUFFLES, p).items():
        y = np.array([network[key][rule, -1].mean() for network in networks])
        label = f'{name}: {style.correlation(pearsonr, x, y)}'
        ax.plot(x, y, marker, color=COLORS[color], label=label)
        errors = style.standard_errors(networks, key, (rule, -1))
        if len(networks) == len(errors) == 1:
            style.error_bars(ax, x, y, COLORS[color], yerr=errors)


def _possible(names: Mapping, p: Mapping) -> dict:
    """Without plasticity, synapses cannot be shuffled."""
    signals = signal_names(p)
    return {name: entry for name, entry in names.items() if entry[1] in ('all', *signals)}


@figure(measures=('{signal}_sample_tuning', 'accuracy_{state}_shuffled_grp'))
def tuning(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Tuning curves of each group, and accuracy after shuffling it (paper, Fig. 3D to H).

    Curves of activity and efficacy in the sample and in the last 100 ms of the delay, aligned to
    the direction that the unit's activity prefers in the sample, averaged over the units of a
    group; median and range over networks. R x 5 axes, R x 3 without plasticity.
    """
    signals, task = signal_names(p), tasks.of(p)
    columns = 2 * len(signals)
    own = panels(axes, task.num_rule_indices(p), columns + 1, height=52)
    for rule, row in enumerate(own):
        by_network = [group_curves(network, rule, parameters_of(network)) for network in networks]
        _draw_curves(row[:columns], by_network, signals, task.rule_name(rule, p))
        draw_group_shuffles(row[-1], networks, rule, p)
    style.legend(own, inside=axes is not None)
    return own[0, 0].figure


def group_curves(network: Mapping, rule: int, p: Mapping) -> dict[tuple[str, str], np.ndarray]:
    """Mean aligned tuning curves: {(signal, epoch): (group of four, direction)}.

    The preferred direction is at index D // 2; NaN for an empty group. Directions are those of the
    sample that test 1 is about.
    """
    field = tasks.of(p).sample_of(rule, 0)
    epochs = {'sample': tasks.of(p).sample_period(field, p), 'end of delay': end_of_delay(p)}
    epochs = {name: slice(steps.start, steps.stop) for name, steps in epochs.items()}
    curves = {
        (signal, epoch): network[f'{signal}_sample_tuning'][:, rule, :, field, steps].mean(-1)
        for signal in signal_names(p)
        for epoch, steps in epochs.items()
    }
    preferred, groups = preferred_index(curves['neuronal', 'sample']), unit_groups(p)
    return {name: _group_means(align(curve, preferred), groups) for name, curve in curves.items()}


def _group_means(curves: np.ndarray, groups: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mean (group of four, direction) of curves (unit, direction); NaN for an empty group."""
    members = [groups[name] for name in OF_KINDS]
    return np.array([style.over_networks(np.nanmean, curves[units]) for units in members])


def preferred_index(curves: np.ndarray) -> np.ndarray:
    """The direction (unit,) nearest to the one that a curve (unit, direction) prefers.

    Curves are NaN at directions that the task does not show.
    """
    num_directions = curves.shape[1]
    shown = np.flatnonzero(np.isfinite(curves).all(axis=0))
    at_shown = {'curve': curves.T[np.newaxis, shown]}
    tuned = calculate_tuning(at_shown, shown, num_directions)['curve']
    step = 2 * np.pi / num_directions
    return np.rint(tuned.pref_dir[:, 0] / step).astype(int) % num_directions


def align(curves: np.ndarray, preferred: np.ndarray) -> np.ndarray:
    """Turn curves (unit, direction) so that the preferred direction (unit,) is at index D // 2."""
    num_directions = curves.shape[1]
    shift = np.arange(num_directions) - num_directions // 2
    return np.take_along_axis(curves, (preferred[:, np.newaxis] + shift) % num_directions, axis=1)


def _draw_curves(axes, by_network: list[dict], signals: list[str], rule: str) -> None:
    quantity = {'neuronal': 'Activity (Hz)', 'synaptic': 'Efficacy $x u$'}
    keys = [(signal, epoch) for signal in signals for epoch in ('sample', 'end of delay')]
    for ax, key in zip(axes, keys, strict=True):
        values = np.array([curves[key] for curves in by_network])  # (network, group, direction)
        num_directions = values.shape[-1]
        angle = (np.arange(num_directions + 1) - num_directions // 2) * 360 / num_directions
        circle = np.concatenate([values, values[..., :1]], axis=-1)  # -180 degrees again as 180
        for group, name in enumerate(OF_KINDS):
            style.band(ax, angle, circle[:, group], COLORS[name], GROUP_NAMES[name])
        ax.set(xlabel='From preferred (°)', ylabel=quantity[key[0]], xticks=(-180, 0, 180))
        ax.set(xlim=(-190, 190), title=key[1])
    axes[0].set_title('\n'.join(filter(None, (rule, keys[0][1]))))


def draw_group_shuffles(ax, networks: Sequence[Mapping], rule: int, p: Mapping) -> None:
    """Accuracy after a shuffle of each group: points for networks, lines for their medians."""
    place = np.arange(len(GROUPS))
    style.mark_chance(ax, tasks.of(p).accuracy_without_sample(p), 'without the sample')
    for i, (name, (key, color, marker)) in enumerate(_possible(GROUP_SHUFFLES, p).items()):
        x = place + 0.3 * (i - 0.5)
        values = np.array([n[f'{key}_grp'][rule, -1].mean(-1) for n in networks])
        errors = style.standard_errors(networks, f'{key}_grp', (rule, -1))
        style.points(ax, x, values, marker, COLORS[color], name, errors)
    ax.set_xticks(place, [GROUP_NAMES[g] for g in GROUPS], rotation=90)
    ax.set(ylim=(0, 1.03), ylabel='Accuracy', title='after shuffle')


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
    style.mark_edges(ax.axvline, p)
    style.mark_edges(ax.axhline, p)
    ax.set(xlim=limits, ylim=limits, xlabel='Tested at (ms)', ylabel='Trained at (ms)')
