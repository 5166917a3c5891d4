"""Figures of the network itself: one trial, learning, weights.

    from plots.network import learning_curves
    learning_curves(networks).savefig('learning.png')

Each takes one network or a list of networks of one task, as `results.load_results` gives them, and
axes to draw in (a new figure without them), and returns the figure.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from scipy.special import softmax

import results
import tasks
from measures.groups import OF_KINDS, unit_groups, units_of_kinds
from measures.network import parameters_of
from measures.tuning import calculate_tuning
from parameters import analysis_parameters
from plots import style
from plots.figure import FigureError, figure, panels
from plots.style import COLORS, GROUP_NAMES, STYLE
from settings.costs import title_of
from stimulus import Stimulus

TRIALS_FOR_ORDER = 96  # enough to know what a unit prefers
CURVE_LABELS = {
    'accuracy': 'Accuracy',
    'loss': 'Loss',
    'perf_loss': 'Cross-entropy (nats)',
    'spike_loss': f'{title_of("spike_loss")} (Hz{{power}})',
    'weight_loss': title_of('weight_loss'),
}


class Trial(NamedTuple):
    """One trial of a network.

    stimulus (time, input); activity h in Hz and efficacy x u, both (time, unit); outputs, the
    probabilities of the responses (time, output). blocks: units in the order to draw them, by
    synapse and then by preferred direction, as indices for each kind of synapse that there is.
    labels: what the trial shows, as its title. p: its parameters.
    """

    stimulus: np.ndarray
    activity: np.ndarray
    efficacy: np.ndarray
    outputs: np.ndarray
    blocks: dict[str, np.ndarray]
    labels: str
    p: dict


@figure(name='trial', analyzed=False)
def one_trial(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Input, activity, efficacy and outputs of the first network in one trial; 4 axes."""
    from rnn.equations import EquationsError  # brings TensorFlow, which takes seconds

    try:
        trial = simulate_trial(networks[0])
    except EquationsError as error:
        raise FigureError(str(error)) from error
    return draw_trial(trial, axes)


def simulate_trial(network: Mapping, seed: int = 0, index: int = 0) -> Trial:
    """Run a network, with noise, in a small batch; return one trial of it.

    The same seed gives the same batch; `index` chooses its trial. Raises ValueError for a network
    that was trained with other equations.
    """
    from model import Model  # brings TensorFlow, which takes seconds
    from rnn.equations import require_same

    made = results.analysis_of(network).get('options', {})
    p = analysis_parameters(network['parameters'], {'analysis_trials': TRIALS_FOR_ORDER}, made)
    trial_info = Stimulus(seed, p).generate_trial()
    model = Model(network['weights'], p=p)
    require_same(model, network)
    run = model.run_model(trial_info['neural_input'], key=[seed, 0])
    y, h, x, u = (array[:, index] for array in run)
    blocks = _sorted_units(run[1], trial_info['sample'], p)
    outputs = softmax(y.astype(float), axis=-1)
    stimulus = trial_info['neural_input'][:, index]
    return Trial(stimulus, h, x * u, outputs, blocks, _labels(trial_info, index, p), p)


def _sorted_units(h: np.ndarray, sample: np.ndarray, p: Mapping) -> dict[str, np.ndarray]:
    """Units of each kind of synapse, by the direction that they prefer during the sample.

    Units that are silent then come last.
    """
    in_sample = h[p['sample_time_rng']].mean(0, keepdims=True)
    shown = sample if sample.ndim == 1 else sample[:, 0]
    tuned = calculate_tuning({'h': in_sample}, shown, p['num_motion_dirs'])['h']
    order = np.lexsort((tuned.pref_dir[:, 0] % (2 * np.pi), tuned.pev[:, 0] == 0))
    return {name: order[units[order]] for name, units in units_of_kinds(p).items() if units.any()}


def _labels(trial_info: Mapping, index: int, p: Mapping) -> str:
    task = tasks.of(p)
    labels = task.fields(trial_info, p)
    shown = [
        name + ' ' + ', '.join(task.value_name(label[index], p) for label in labels[name])
        for name in ('sample', 'test')
        if name in labels
    ]
    rule = task.rule_name(task.rule_index(trial_info)[index], p)
    return '\n'.join(filter(None, (f'{p["trial_type"]}: {"; ".join(shown)}', rule)))


@rc_context(STYLE)
def draw_trial(trial: Trial, axes=None) -> Figure:
    """Draw a trial from top to bottom: input, activity and efficacy of the units, outputs."""
    panel = panels(axes, 4, 1, style.COLUMN, 30)[:, 0]
    order = np.concatenate(list(trial.blocks.values()))
    limits = style.step_time([0, len(trial.stimulus)], trial.p)
    images = (trial.stimulus, 'Input'), (trial.activity[:, order], '$h$ (Hz)')
    images += ((trial.efficacy[:, order], '$x u$'),)
    for ax, (values, name) in zip(panel, images, strict=False):
        extent = (*limits, 0, values.shape[1])
        style.heat_map(ax, values.T, name, extent=extent)
    panel[0].set(ylabel='Input unit')
    for ax in panel[1:3]:
        _name_blocks(ax, trial.blocks)
    for values, name, color in _responses(trial):
        panel[3].plot(style.time_axis(trial.p), values, color=color, label=name)
    style.mark_epochs(panel[3], trial.p, names=False)
    panel[3].set(ylabel='Probability', ylim=(-0.03, 1.03))
    style.legend_beside(panel[3])
    for ax in panel[:3]:
        _mark_edges(ax, trial.p)
    panel[0].set_title(trial.labels)
    return panel[0].figure


def _name_blocks(ax, blocks: Mapping[str, np.ndarray]) -> None:
    """Name the kinds of synapses at the axis of units, and draw lines between them."""
    edges = np.cumsum([0, *(len(units) for units in blocks.values())])
    ax.set_yticks((edges[:-1] + edges[1:]) / 2, list(blocks), rotation=90, va='center')
    ax.tick_params(axis='y', length=0)
    for edge in edges[1:-1]:
        ax.axhline(edge, color='white', linewidth=1)
    ax.set_ylabel('Unit, by direction')


def _mark_edges(ax, p: Mapping) -> None:
    """Mark on and offsets of stimuli in an image; its time axis is that of the panel below."""
    style.mark_edges(ax.axvline, p)
    ax.set_xlim(*style.step_time([0, p['num_time_steps']], p))
    ax.tick_params(labelbottom=False)


def _responses(trial: Trial) -> Iterator[tuple[np.ndarray, str, str]]:
    """(values (time, output), name, colour) of the outputs; all further ones have the last name."""
    names, others = tasks.of(trial.p).responses, cycle(style.OTHERS)
    for i, name in enumerate(names):
        stop = i + 1 if i + 1 < len(names) else None
        yield trial.outputs[:, i:stop], name, COLORS.get(name) or next(others)


@figure(name='learning', analyzed=False)
def learning_curves(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Accuracy and each loss over the iterations: median and range over networks; an axes for each.

    A loss that falls to less than a tenth is on a logarithmic axis. Where networks were trained for
    different times, each counts as long as it was trained.
    """
    axes = panels(axes, 1, len(results.VALUES), height=42)
    longest = max((network['iteration'] for network in networks), key=len)
    if not len(longest):
        raise FigureError('the networks have no learning curves')
    for ax, name in zip(axes.flat, results.VALUES, strict=True):
        curves = curves_of(networks, name)
        style.band(ax, longest, curves, COLORS['all'], linewidth=0.7)
        known = curves[np.isfinite(curves)]
        if name != 'accuracy' and known.size and known.max() > 10 * known.min() > 0:
            ax.set_yscale('log')
            ax.yaxis.set_minor_formatter(NullFormatter())  # there is room for decades only
        power = '$^2$' if p['spike_regularization'] == 'L2' else ''
        label = CURVE_LABELS.get(name, title_of(name))
        ax.set(xlabel='Iteration', title=label.format(power=power))
    axes[0, 0].set(ylim=(0, 1.03), title=f'Accuracy (n = {len(networks)})')
    return axes[0, 0].figure


def curves_of(networks: Sequence[Mapping], name: str) -> np.ndarray:
    """A learning curve of all networks, (network, iteration), with NaN after the end of each."""
    curves = [network[name] for network in networks]
    together = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(together, curves, strict=True):
        row[: len(curve)] = curve
    return together


@figure(analyzed=False)
def weights(networks: Sequence[Mapping], p: Mapping, axes=None) -> Figure:
    """Mean effective weights between groups of units, and eigenvalues of all weights; 2 axes.

    Effective weights are rectified and have the sign of the unit from which they come. The mean is
    over all pairs of units, and over networks; a network's eigenvalues are points.
    """
    axes = panels(axes, 1, 2, height=70)
    matrices = [effective_weights(network) for network in networks]
    if not all(np.isfinite(matrix).all() for matrix in matrices):
        raise FigureError('weights that are not finite have no eigenvalues')
    groups = [unit_groups(parameters_of(network)) for network in networks]
    means = [mean_weights(w, of_units) for w, of_units in zip(matrices, groups, strict=True)]
    _draw_groups(axes[0, 0], style.over_networks(np.nanmean, np.array(means)))
    axes[0, 0].set_title(f'Mean effective weights, {p["trial_type"]}, n = {len(networks)}')
    plane = axes[0, 1]
    eigenvalues = [np.linalg.eigvals(matrix) for matrix in matrices]
    for values in eigenvalues:
        plane.plot(values.real, values.imag, '.', color=COLORS['all'], alpha=0.5)
    plane.axhline(0, color=COLORS['chance'], linewidth=0.5, zorder=0)
    plane.axvline(0, color=COLORS['chance'], linewidth=0.5, zorder=0)
    edge = 1.05 * max(np.abs(values).max() for values in eigenvalues) or 1  # all may be 0
    plane.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect='equal')
    plane.set(xlabel='Real part', ylabel='Imaginary part', title='Eigenvalues')
    return plane.figure


def effective_weights(network: Mapping) -> np.ndarray:
    """The recurrent weights (from, to) of a network as they act; see `Model.effective_weights`."""
    from model import Model  # brings TensorFlow, which takes seconds

    model = Model(network['weights'], p=parameters_of(network))
    return model.effective_weights()['w_rnn'].numpy()


def mean_weights(matrix: np.ndarray, groups: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mean of weights (from, to) between the groups of units: (group, group).

    Those from a unit to itself do not count, which networks with E/I do not have. NaN where there
    are none.
    """
    members = [groups[name] for name in OF_KINDS]
    others = ~np.eye(len(matrix), dtype=bool)
    means = np.full((len(members),) * 2, np.nan)
    for i, sources in enumerate(members):
        for j, targets in enumerate(members):
            between = np.ix_(sources, targets)
            if others[between].any():
                means[i, j] = matrix[between][others[between]].mean()
    return means


def _draw_groups(ax, means: np.ndarray) -> None:
    top = np.max(np.nan_to_num(np.abs(means))) or 1  # all groups may be empty, all weights 0
    style.heat_map(
        ax, means, 'Mean weight', cmap='RdBu_r', vmin=-top, vmax=top, aspect='equal', origin='upper'
    )
    for (i, j), value in np.ndenumerate(means):
        color = 'white' if abs(value) > 0.6 * top else 'black'
        text = '-' if np.isnan(value) else f'{value:.2g}'
        ax.text(j, i, text, ha='center', va='center', color=color)
    names = [GROUP_NAMES[name] for name in OF_KINDS]
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel='To', ylabel='From')
