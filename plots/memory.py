"""Figures of what holds the sample in memory: activity or synapses (paper, Fig. 2 to 4).

    from plots.memory import decoding
    decoding(networks).savefig('decoding.png')

Each takes one analysed network or a list of networks of one task, as `results.load_results` gives
them, and axes to draw in (a new figure without them), and returns the figure. A measure of a
network is its mean over repetitions; R rules and F receptive fields have panels of their own.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import pearsonr

from measures import fields as measures
from measures.shuffling import GROUPS, num_rules, shuffle_onsets, unit_groups
from measures.tuning import calculate_tuning
from plots import style
from plots.style import COLORS, GROUP_NAMES, SIGNALS, figure, panels, require

SHUFFLES = {
    'no shuffle': ('simulation_accuracy', 'all', 'o'),
    'activity shuffled': ('accuracy_neural_shuffled', 'neuronal', 's'),
    'synapses shuffled': ('accuracy_syn_shuffled', 'synaptic', '^'),
}
GROUP_SHUFFLES = {name: SHUFFLES[name] for name in list(SHUFFLES)[1:]}


def chance(rule: int, p: Mapping) -> float:
    """Share of samples that a guess decodes: 1/2 where categories are decoded, else 1/D."""
    every = np.arange(p['num_motion_dirs'])
    return 1 / len(np.unique(measures.conditions(every, 'sample', rule, p)))


def over_repetitions(networks: Sequence[Mapping], name: str) -> np.ndarray:
    """A measure (R, F, repetition, ...) averaged over repetitions: (network, R, F, ...)."""
    return np.array([np.mean(network[name], axis=2) for network in networks])


def remembered_field(rule: int, p: Mapping) -> int:
    """The field of the sample that the test after the shuffle is about: in dualDMS the second."""
    return rule // 2 if p['trial_type'] == 'dualDMS' else 0


def before(step: int, p: Mapping) -> slice:
    """The last 100 ms before a step."""
    return slice(max(0, step - measures.END_OF_DELAY // p['dt']), step)


def panel_title(rule: int, field: int, p: Mapping) -> list[str]:
    """What tells a panel from others: its rule and its sample, where the task has several."""
    sample = f'sample {1 + field}' if p['trial_type'] == 'dualDMS' else ''
    return [part for part in (style.rule_name(rule, p), sample) if part]


@figure
def decoding(networks: Sequence[Mapping], axes=None) -> Figure:
    """Decoding of the sample over time from activity and efficacy (paper, Fig. 2B, 4B, 4D).

    Median and range over networks; R x F axes.
    """
    p = style.common_settings(networks)
    names = {name: f'{name}_sample_decoding' for name in style.signal_names(p)}
    require(networks, *names.values())
    decoded = {name: over_repetitions(networks, key) for name, key in names.items()}
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
        style.title(ax, ': '.join(panel_title(rule, field, p)))
    style.legend(own, inside=axes is not None)
    return own[0, 0].figure


@figure
def shuffles(networks: Sequence[Mapping], axes=None) -> Figure:
    """Decoding at the end of the delay against accuracy after shuffles (paper, Fig. 2C).

    Activity or synapses are shuffled across trials at the onset of the test (the second one in
    dualDMS); the decoding is that of activity in the 100 ms before, of the sample that this test is
    about. A point is a network; R and P are Pearson's, over networks. Bars are the standard error
    of a single network. An axes for each rule.
    """
    p = style.common_settings(networks)
    drawn = _possible(SHUFFLES, p)
    require(networks, 'neuronal_sample_decoding', *(key for key, _, _ in drawn.values()))
    decoded = over_repetitions(networks, 'neuronal_sample_decoding')
    late = before(shuffle_onsets(p)[-1], p)
    num_panels = num_rules(p)
    width = style.COLUMN if num_panels == 1 else style.PAGE
    rows = 2 if num_panels == 4 else 1  # of dualDMS
    own = panels(axes, rows, num_panels // rows, width, 65)
    for rule, ax in zip(range(num_panels), own.flat, strict=True):
        x = decoded[:, rule, remembered_field(rule, p), late].mean(-1)
        for name, (key, color, marker) in drawn.items():
            y = np.array([network[key][rule, -1].mean() for network in networks])
            label = f'{name}: {style.correlation(pearsonr, x, y)}'
            ax.plot(x, y, marker, color=COLORS[color], label=label)
            errors = style.standard_errors(networks, key)
            if errors is not None and len(networks) == 1:
                style.error_bars(ax, x, y, COLORS[color], yerr=errors[:, rule, -1])
        ax.set(xlabel='Decoding from activity, end of delay', ylabel='Accuracy', xlim=(0, 1.03))
        ax.set(ylim=(0, 1.03), title=style.rule_name(rule, p))
        ax.legend(loc='lower right')
    return own[0, 0].figure


def _possible(names: Mapping, p: Mapping) -> dict:
    """Without plasticity, synapses cannot be shuffled."""
    signals = style.signal_names(p)
    return {name: entry for name, entry in names.items() if entry[1] in ('all', *signals)}


@figure
def tuning(networks: Sequence[Mapping], axes=None) -> Figure:
    """Tuning curves of each group, and accuracy after shuffling it (paper, Fig. 3D to H).

    Curves of activity and efficacy in the sample and in the last 100 ms of the delay, aligned to
    the direction that the unit's activity prefers in the sample, averaged over the units of a
    group; median and range over networks. R x 5 axes.
    """
    p = style.common_settings(networks)
    drawn = _possible(GROUP_SHUFFLES, p)
    signals = style.signal_names(p)
    require(networks, *(f'{name}_sample_tuning' for name in signals))
    require(networks, *(f'{key}_grp' for key, _, _ in drawn.values()))
    columns = 2 * len(signals)
    own = panels(axes, num_rules(p), columns + 1, height=52)
    for rule, row in enumerate(own):
        by_network = [group_curves(network, rule, style.settings(network)) for network in networks]
        _draw_curves(row[:columns], by_network, signals, style.rule_name(rule, p))
        _draw_group_shuffles(row[-1], networks, rule, drawn)
    style.legend(own, inside=axes is not None)
    return own[0, 0].figure


def group_curves(network: Mapping, rule: int, p: Mapping) -> dict[tuple[str, str], np.ndarray]:
    """Mean aligned tuning curves: {(signal, epoch): (group of four, direction)}.

    The preferred direction is at index D // 2; NaN for an empty group. In dualDMS directions are
    those of the sample that test 1 is about.
    """
    field = rule % 2 if p['trial_type'] == 'dualDMS' else 0
    epochs = {'sample': p['sample_time_rng'], 'end of delay': measures.end_of_delay(p)}
    epochs = {name: slice(steps.start, steps.stop) for name, steps in epochs.items()}
    curves = {
        (signal, epoch): network[f'{signal}_sample_tuning'][:, rule, :, field, steps].mean(-1)
        for signal in style.signal_names(p)
        for epoch, steps in epochs.items()
    }
    preferred = preferred_index(curves['neuronal', 'sample'])
    groups = unit_groups(p)
    found = {}
    for name, curve in curves.items():
        aligned = align(curve, preferred)
        means = [
            aligned[groups[g]].mean(0) if groups[g].any() else np.full(curve.shape[1], np.nan)
            for g in GROUPS[:-1]
        ]
        found[name] = np.array(means)
    return found


def preferred_index(curves: np.ndarray) -> np.ndarray:
    """The direction (unit,) nearest to the one that a curve (unit, direction) prefers."""
    num_directions = curves.shape[1]
    every = np.arange(num_directions)
    tuned = calculate_tuning({'curve': curves.T[np.newaxis]}, every, num_directions)['curve']
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
        for group, name in enumerate(GROUPS[:-1]):
            style.band(ax, angle, circle[:, group], COLORS[name], GROUP_NAMES[name])
        ax.set(xlabel='From preferred (°)', ylabel=quantity[key[0]], xticks=(-180, 0, 180))
        ax.set(xlim=(-190, 190), title=key[1])
    axes[0].set_title('\n'.join(filter(None, (rule, keys[0][1]))))


def _draw_group_shuffles(ax, networks, rule: int, drawn: Mapping) -> None:
    """Points for networks, and their median as a line, for each group."""
    place = np.arange(len(GROUPS))
    for i, (name, (key, color, marker)) in enumerate(drawn.items()):
        x = place + 0.3 * (i - 0.5)
        values = np.array([n[f'{key}_grp'][rule, -1].mean(-1) for n in networks])
        errors = style.standard_errors(networks, f'{key}_grp')
        errors = None if errors is None else errors[:, rule, -1]
        style.points(ax, x, values, marker, COLORS[color], name, errors)
    ax.set_xticks(place, [GROUP_NAMES[g] for g in GROUPS], rotation=90)
    ax.set(ylim=(0, 1.03), ylabel='Accuracy', title='after shuffle')


@figure
def stability(networks: Sequence[Mapping], axes=None) -> Figure:
    """Decoding at each time with what was learned at another, as images; mean over networks.

    A column for activity and efficacy of each field, a row for each rule.
    """
    p = style.common_settings(networks)
    names = {name: f'{name}_sample_decoding_stability' for name in style.signal_names(p)}
    require(networks, *names.values())
    decoded = {name: over_repetitions(networks, key).mean(0) for name, key in names.items()}
    num_rows, num_fields = decoded['neuronal'].shape[:2]
    own = panels(axes, num_rows, num_fields * len(names), height=65 if num_fields == 1 else 55)
    cells = [
        (rule, field, name)
        for rule in range(num_rows)
        for field in range(num_fields)
        for name in names
    ]
    limits = style.step_time([0, p['num_time_steps']], p)
    look = {'vmin': 0, 'vmax': 1, 'aspect': 'equal', 'extent': (*limits, *limits)}
    for ax, (rule, field, name) in zip(own.flat, cells, strict=True):
        bar = 'Decoding accuracy' if ax in own[:, -1] else None
        style.heat_map(ax, decoded[name][rule, field], bar, **look)
        ax.set(xlabel='Tested at (ms)', ylabel='Trained at (ms)')
        ax.set_title('\n'.join([*panel_title(rule, field, p), SIGNALS[name]]))
        for steps in style.stimuli(p).values():
            for edge in style.step_time([steps.start, steps.stop], p):
                ax.axvline(edge, color='white', linewidth=0.5, linestyle=':')
                ax.axhline(edge, color='white', linewidth=0.5, linestyle=':')
        ax.set(xlim=limits, ylim=limits)
    return own[0, 0].figure
