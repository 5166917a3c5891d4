"""Figures 2 to 7 of the paper and two of its supplement, and networks beside the original's.

    python -m reproduction FOLDER --figures FOLDER

docs/paper.md shows them, and says what to see.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

import tasks
from measures.network import MissingMeasure
from plots import style
from plots.figure import FigureError, panels, save
from plots.memory import decoding, draw_group_shuffles, shuffles, tuning
from plots.network import curves_of
from plots.style import COLORS, MM, PAGE, STYLE
from plots.sweep import sweep
from plots.tasks import attention, manipulation, sequence
from reproduction.comparison import comparison
from reproduction.findings import all_networks
from reproduction.load import ByKind, of_tasks
from reproduction.plan import EARLY, PLAN, named

STATIC = named('DMS', {'synapse_config': None})


def beside_original(by_kind: ByKind) -> Figure:
    """DMS networks beside those of the original code."""
    return comparison(_of(by_kind, 'DMS'))


def figure_2(by_kind: ByKind) -> Figure:
    """DMS: decoding over time, and accuracy after shuffles."""
    own = panels(None, 1, 2, height=65)
    _draw_memory(_of(by_kind, 'DMS'), own[0, 0], own[0, 1])
    return own[0, 0].figure


def figure_3(by_kind: ByKind, tuned: ByKind) -> Figure:
    """DMRS90: as figure 2; tuning curves of groups, and shuffles of them."""
    networks = _of(by_kind, 'DMRS90')
    whole = Figure(figsize=(PAGE * MM, 130 * MM), layout='constrained')
    above, below = whole.subfigures(2, 1, height_ratios=(65, 55))
    _draw_memory(networks, *above.subplots(1, 2))
    axes = below.subplots(1, 5)
    tuning(_of(tuned or by_kind, 'DMRS90'), axes)
    _put_legend_below(axes)
    axes[-1].clear()  # the shuffles of those with tuning curves, which may be few
    draw_group_shuffles(axes[-1], networks, 0, networks[0]['parameters'])
    return whole


def figure_4(by_kind: ByKind) -> Figure:
    """DMS+DMRS: as figure 2, for each rule."""
    own = panels(None, 2, 2, height=60)
    _draw_memory(_of(by_kind, 'DMS+DMRS'), *own)
    return own[0, 0].figure


def _draw_memory(networks: Sequence[Mapping], of_decoding, of_shuffles) -> None:
    decoding(networks, of_decoding)
    shuffles(networks, of_shuffles)
    _put_legend_below(np.atleast_1d(of_decoding))


def _put_legend_below(axes: np.ndarray) -> None:
    """Move the legend of the first of these axes below the figure: beside curves is no place."""
    axes[0].get_legend().remove()
    style.legend(axes, inside=False)


def figure_5(by_kind: ByKind) -> Figure:
    """ABBA and ABCA: decoding, similarity, groups of units silenced."""
    both = [_of(by_kind, task) for task in ('ABBA', 'ABCA')]
    whole = Figure(figsize=(PAGE * MM, 230 * MM), layout='constrained')
    for networks, part in zip(both, whole.subfigures(2, 1), strict=True):
        part.suptitle(networks[0]['parameters']['trial_type'])
        sequence(networks, part.subplots(2, 2))
    return whole


def figure_6(by_kind: ByKind) -> Figure:
    """dualDMS: decoding of the attended and of the other sample."""
    return attention(_of(by_kind, 'dualDMS'))


def figure_7(by_kind: ByKind) -> Figure:
    """Manipulation against decoding from activity, over tasks."""
    return manipulation(all_networks(of_tasks(by_kind)))


def figure_7_early(by_kind: ByKind) -> Figure:
    """The same for networks whose training stopped when they passed .90."""
    return manipulation(all_networks(of_tasks(by_kind, EARLY)))


def supplement_plasticity(by_kind: ByKind) -> Figure:
    """Learning curves of DMS networks with and without plasticity."""
    own = panels(None, 1, 1, style.COLUMN, 60)
    kinds = ('DMS', 'with plasticity', 'neuronal'), (STATIC, 'without', 'all')
    for kind, label, color in kinds:
        networks = _of(by_kind, kind)
        curves, label = curves_of(networks, 'accuracy'), f'{label}, n = {len(networks)}'
        style.band(own[0, 0], np.arange(curves.shape[1]), curves, COLORS[color], label)
    p = networks[0]['parameters']
    style.mark_chance(own[0, 0], tasks.of(p).accuracy_without_sample(p))
    own[0, 0].set(xlabel='Iteration', ylabel='Accuracy', ylim=(0, 1.03))
    own[0, 0].legend(loc='center right', bbox_to_anchor=(1, 0.73))  # between the curves
    return own[0, 0].figure


def supplement_delay(by_kind: ByKind) -> Figure:
    """Decoding at the end of the delay, for DMS networks trained with delays of several lengths."""
    kinds = 'DMS', *(kind.name for kind in PLAN if [*kind.swept] == ['delay_time'])
    return sweep([network for kind in kinds for network in by_kind.get(kind, ())])


def _of(by_kind: ByKind, kind: str) -> Sequence[Mapping]:
    """The networks of a kind. Raises FigureError if there is none."""
    if not by_kind.get(kind):
        raise FigureError(f'there is no network of {kind}')
    return by_kind[kind]


FIGURES = figure_2, figure_3, figure_4, figure_5, figure_6, figure_7, figure_7_early
FIGURES += supplement_plasticity, supplement_delay


def draw(by_kind: ByKind, tuned: ByKind, folder: Path) -> Iterator[str]:
    """Draw all that these networks allow; yield a sentence on each that they do not.

    The figures of the paper are drawn into folder/paper. `tuned` are networks with tuning curves,
    if the others have none.
    """
    every = {'comparison': beside_original}
    every |= {f'paper/{figure.__name__}': figure for figure in FIGURES}
    every['paper/figure_3'] = partial(figure_3, tuned=tuned)
    for name, figure in every.items():
        try:
            with rc_context(STYLE):
                drawn = figure(by_kind)
        except (FigureError, MissingMeasure) as error:
            yield f'{Path(name).name} is left out: {error}'
        else:
            save(drawn, folder / f'{name}.png')
