"""A closer look at two findings: which synapses rotations need, and what manipulation grows with.

Printed by `python -m reproduction`.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.stats import spearmanr

from measures.groups import OF_KINDS
from plots.style import GROUP_NAMES
from reproduction.findings import (
    DIRECTED,
    ROTATIONS,
    ByTask,
    all_networks,
    points_by_task,
    points_of,
    shown_difference,
)
from reproduction.markdown import mean_and_sd, table
from reproduction.measured import end_decoding, shuffled_groups, turned_towards_match
from reproduction.statistics import (
    FEWEST_VARIANTS,
    correlation_within,
    p_text,
    paired,
)

ABSENT = '–'
NOT_DRAWN = ('DMRS90ccw', 'DMC')  # tasks that Fig. 7 leaves out
Points = Mapping[str, np.ndarray]  # (network, variant, 2) by task


def rotation_table(by_task: ByTask) -> str:
    """For each group of units: what shuffling its synapses costs, and how far its code turns.

    R is that of decoding from activity and accuracy with the synapses shuffled, of ranks within the
    tasks that rotate.
    """
    rotating = {task: by_task[task] for task in ROTATIONS if task in by_task}
    sets = all_networks(rotating), by_task.get('DMS', ())
    shuffled = [np.array([shuffled_groups(n) for n in networks]) for networks in sets]
    directed = [n for task in DIRECTED for n in rotating.get(task, ())]
    turned = [turned_towards_match(n) for n in directed if 'synaptic_rotation' in n]
    correlated = [
        np.array([[end_decoding(n, 'neuronal'), *shuffled_groups(n)] for n in networks])
        for networks in rotating.values()
    ]
    rows = []
    for place, group in enumerate(OF_KINDS):
        cells = [cell for accuracy in shuffled for cell in _costs(accuracy, place)]
        turn = paired([degrees[place] for degrees in turned])
        cells.append(ABSENT if turn is None else shown_difference(turn))
        points = [of_task[:, [0, place + 1]] for of_task in correlated]
        rows.append([GROUP_NAMES[group], *cells, _within(points)])
    header = ['Synapses shuffled', 'Accuracy, rotations', 'Lowest in', 'Accuracy, DMS', 'Lowest in']
    return table([*header, 'Degrees turned towards the match', 'R within tasks'], rows)


def _costs(accuracy: np.ndarray, place: int) -> tuple[str, str]:
    """Accuracy (network, group) of one group, and in how many networks it is the lowest."""
    if not len(accuracy):
        return ABSENT, ABSENT
    lowest = np.sum(accuracy.argmin(axis=1) == place)
    return mean_and_sd(accuracy[:, place]), f'{lowest} of {len(accuracy)}'


def manipulation_table(to_the_end: ByTask, early: ByTask) -> str:
    """Spearman's R of manipulation and decoding from activity, over other sets of points."""
    sets = [dict(_sets_of_points(by_task)) for by_task in (to_the_end, early)]
    rows = [[name, *(found[name] for found in sets)] for name in sets[0]]
    return table(['Manipulation and delay activity', 'Trained to the end', 'Until .90'], rows)


def _sets_of_points(by_task: ByTask) -> Iterator[tuple[str, str]]:
    """The name of a set of points, and R over it in words."""
    compared = points_by_task(all_networks(by_task))
    averaged = {task: p.mean(1, keepdims=True) for task, p in compared.items()}
    yield 'variants of tasks (Figure 7)', _over(compared)
    yield 'one point for each task', _over(averaged)
    yield 'variants without ABBA', _over(_without('ABBA', compared))
    fewer = _without('dualDMS', compared)
    yield 'variants without dualDMS', _over(fewer)
    left_out = {t: [n for n in by_task.get(t, ()) if 'manipulation' in n] for t in NOT_DRAWN}
    others = {task: points_of(found) for task, found in left_out.items() if found}
    yield f'variants without dualDMS, with {" and ".join(NOT_DRAWN)}', _over(fewer | others)
    yield 'networks, within tasks', _within([p.mean(1) for p in compared.values()])


def _without(left_out: str, points: Points) -> Points:
    return {task: of_task for task, of_task in points.items() if task != left_out}


def _over(points: Points) -> str:
    """R over the means of the variants of all tasks."""
    means = [mean for of_task in points.values() for mean in of_task.mean(0)]
    if len(means) < FEWEST_VARIANTS:
        return ABSENT
    found = spearmanr(*np.transpose(means))
    return _words(found.statistic, found.pvalue, len(means))


def _within(points: Sequence[np.ndarray]) -> str:
    """R over networks, (network, 2) for each task, of ranks within the tasks."""
    number = sum(map(len, points))
    if number - len(points) < FEWEST_VARIANTS:
        return ABSENT
    return _words(*correlation_within(points), number)


def _words(r: float, p_value: float, number: int) -> str:
    return ABSENT if np.isnan(r) else f'R = {r:.2f}, P = {p_text(p_value)}, n = {number}'
