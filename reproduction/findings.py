"""The findings of the paper and its preprint, each beside these networks, with a verdict.

The rule of the verdicts stands in reproduction/statistics.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from measures.groups import GROUPS, OF_KINDS
from plots import style
from plots.style import GROUP_NAMES
from plots.tasks import COMPARED, variant_points
from reproduction.markdown import ends, mean_and_sd, number
from reproduction.measured import (
    Networks,
    attended,
    end_decoding,
    is_silent,
    shuffled,
    shuffled_groups,
    similarity,
    turned_groups,
    turned_towards_match,
)
from reproduction.published import (
    ALIKE,
    ATTENTION,
    MANIPULATION_OF_PAPER,
    MANIPULATION_OF_PREPRINT,
    OF_ORIGINAL,
    OF_PREPRINT,
    ORIGINAL,
    SILENCED,
    SILENT_OF_ORIGINAL,
    SILENT_OF_PREPRINT,
    UNLIKE,
)
from reproduction.statistics import (
    FEWEST,
    FEWEST_VARIANTS,
    Difference,
    agreed,
    compared_shares,
    correlation_interval,
    interval,
    interval_of_share,
    p_text,
    paired,
    rank_correlation,
    unpaired,
    verdict_of_direction,
    verdict_of_share,
    verdict_of_value,
)

DIRECTED, HALF_TURN = ('DMRS45', 'DMRS90', 'DMRS90ccw'), 'DMRS180'  # tasks with rotation
ROTATIONS = (*DIRECTED, HALF_TURN)
CHANCE = 1 / 8  # of decoding one of eight directions
FROM_PREPRINT = ' (preprint)'  # where a finding is known from there
CARRIES = 'inh. dep. units carry the rotated sample'
PAIRED, UNPAIRED = 'paired t', "Welch's t"  # tests
ByTask = Mapping[str, Networks]


class Row(NamedTuple):
    """One finding, as the table shows it."""

    finding: str
    paper: str
    original: str = ''
    project: str = ''
    interval: str = ''
    networks: str = ''
    test: str = ''
    verdict: str = 'undecided'


def evaluated(by_task: ByTask) -> list[Row]:
    """All findings, also those for which there is no network."""
    return [
        *_memory(by_task.get('DMS', ())),
        *_rotation(by_task),
        *_turned(by_task),
        *_sequences(by_task.get('ABCA', ()), by_task.get('ABBA', ())),
        *_attention(by_task.get('dualDMS', ())),
        _manipulation(all_networks(by_task)),
        _accuracy(all_networks(by_task)),
    ]


def all_networks(by_task: ByTask) -> list[Mapping]:
    """The networks of all tasks in one list."""
    return [network for networks in by_task.values() for network in networks]


def of_original(name: str) -> str:
    """Mean and SD of a measure over the original's networks."""
    mean, sd = ORIGINAL[name]
    return number(mean) if sd is None else f'{number(mean)} ± {number(sd)}'


def _shown(values: Sequence[float]) -> tuple[str, str, str]:
    """Mean and SD, interval, and number of networks."""
    found = ends(interval(values)) if len(values) >= FEWEST else ''
    return mean_and_sd(values), found, str(len(values))


def _value(
    name: str, published: float, no_effect: float, values: Sequence[float], original: str = ''
) -> Row:
    """A finding that was published as a number, by the preprint."""
    verdict = verdict_of_value(values, published, no_effect)
    return Row(name, f'{published:.3g}{FROM_PREPRINT}', original, *_shown(values), '', verdict)


def _direction(
    name: str,
    paper: str,
    values: Sequence[float],
    found: Difference | None,
    test: str,
    original: str = '',
) -> Row:
    """A finding that was published as a direction: one thing exceeds another."""
    words = '' if found is None else f'{shown_difference(found)} ({test})'
    return Row(name, paper, original, *_shown(values), words, verdict_of_direction(found))


def shown_difference(found: Difference) -> str:
    """Such as `0.564 (0.466 to 0.661), P = 7.7e-08`."""
    return f'{number(found.mean)} ({ends(found.interval)}), P = {p_text(found.p_value)}'


def _memory(networks: Networks) -> Iterator[Row]:
    """Where DMS networks hold the sample, and what they need for the decision."""
    synaptic, neuronal = ([end_decoding(n, s) for n in networks] for s in ('synaptic', 'neuronal'))
    name = 'decoding from synapses, end of delay'
    row = _value(f'DMS: {name}', 1, CHANCE, synaptic, of_original(name))
    yield row._replace(paper='1')
    name = 'decoding from activity, end of delay'
    original = f'{of_original(name)} (.128 to .572)'
    weak = 'weak or none: less than decoding from synapses'
    less = paired(synaptic, neuronal)
    yield _direction(f'DMS: {name}', weak, neuronal, less, PAIRED, original)
    activity, synapses = ([shuffled(n, s) for n in networks] for s in ('neural', 'syn'))
    name = 'accuracy, synapses shuffled at test onset'
    paper = 'lower than with activity shuffled'
    lower = paired(activity, synapses)
    yield _direction(f'DMS: {name}', paper, synapses, lower, PAIRED, of_original(name))
    yield _silent([is_silent(n) for n in networks])


def _silent(silent: Sequence[bool]) -> Row:
    """How many DMS networks have nothing of the sample in their activity when the delay ends."""
    count = sum(silent)
    row = Row(
        'DMS: silent networks',
        f'{SILENT_OF_PREPRINT} of {OF_PREPRINT}{FROM_PREPRINT}',
        f'{SILENT_OF_ORIGINAL} of {OF_ORIGINAL}',
        project=f'{count} of {len(silent)}',
        networks=str(len(silent)),
    )
    if len(silent) < FEWEST:
        return row
    found = interval_of_share(count, len(silent))
    p_value = compared_shares(count, len(silent), SILENT_OF_PREPRINT, OF_PREPRINT)
    return row._replace(
        interval=ends(found),
        test=f"P = {p_text(p_value)} (Fisher's exact)",
        verdict=verdict_of_share(found, p_value, SILENT_OF_PREPRINT / OF_PREPRINT),
    )


def _rotation(by_task: ByTask) -> Iterator[Row]:
    """Activity in the delay of tasks with rotation, and whose synapses they need."""
    tasks = {task: by_task.get(task, ()) for task in ROTATIONS}
    tasks['All rotations'] = all_networks(tasks)
    of_dms = [end_decoding(n, 'neuronal') for n in by_task.get('DMS', ())]
    for task, networks in tasks.items():
        name = f'{task}: decoding from activity, end of delay'
        decoded = [end_decoding(n, 'neuronal') for n in networks]
        more = unpaired(decoded, of_dms)
        yield _direction(name, 'clearly more than DMS', decoded, more, UNPAIRED)
    place = OF_KINDS.index('inh_dep')
    others = [i for i in range(len(OF_KINDS)) if i != place]
    group = GROUP_NAMES['inh_dep']
    for task, networks in tasks.items():
        accuracy = np.reshape([shuffled_groups(n) for n in networks], (-1, len(OF_KINDS)))
        own, worst_other = accuracy[:, place], accuracy[:, others].min(1)
        name = (
            f'{task}: accuracy, synapses of {group} units shuffled, lower than for any other group'
        )
        yield _direction(name, CARRIES, own, paired(worst_other, own), PAIRED)


def _turned(by_task: ByTask) -> Iterator[Row]:
    """Whether inhibitory depressing units turn their code so that a match meets the sample."""
    place, name = GROUPS.index('inh_dep'), f'{GROUP_NAMES["inh_dep"]} units turn their code'

    def degrees(networks: Networks, turned: Callable) -> np.ndarray:
        return np.array([turned(n)[place] for n in networks if 'synaptic_rotation' in n])

    tasks = {task: by_task.get(task, ()) for task in DIRECTED}
    tasks['Rotations by 45 and 90'] = all_networks(tasks)
    for task, networks in tasks.items():
        found = degrees(networks, turned_towards_match)
        about = f'{task}: degrees by which {name} towards the match'
        yield _direction(about, CARRIES, found, paired(found), 'one-sample t')
    # half a turn has no direction, so sizes are compared, with DMS as what chance turns
    half, none = (np.abs(degrees(by_task.get(t, ()), turned_groups)) for t in (HALF_TURN, 'DMS'))
    about = f'{HALF_TURN}: degrees by which {name}, either way, beside DMS'
    yield _direction(about, CARRIES, half, unpaired(half, none), UNPAIRED)


def _sequences(abca: Networks, abba: Networks) -> Iterator[Row]:
    """Similarity of the synaptic tunings to sample and test 1, during test 2.

    Two more rows test that they differ more in ABBA than in ABCA, and less so when the inh. fac.
    units are silenced.
    """
    alike, unlike = ([similarity(n) for n in networks] for networks in (abca, abba))
    silenced = [similarity(n, 'inh_fac') for n in abba]
    name = 'similarity of sample and test 1, during test 2'
    yield _value(f'ABCA: {name}', ALIKE, 0, alike)
    yield _value(f'ABBA: {name}', UNLIKE, ALIKE, unlike)
    by = f'ABBA: by how much {GROUP_NAMES["inh_fac"]} units silenced raise the {name}'
    rises, rise = np.subtract(silenced, unlike), SILENCED - UNLIKE
    row = _value(by, rise, 0, rises)
    yield row._replace(paper=f'{rise:.2f}, to {SILENCED:.2f}{FROM_PREPRINT}')
    about, paper = f'ABCA: {name}, beside ABBA', f'more than ABBA{FROM_PREPRINT}'
    yield _direction(about, paper, alike, unpaired(alike, unlike), UNPAIRED)
    about = f'ABBA: {name}, {GROUP_NAMES["inh_fac"]} units silenced, beside none'
    paper = f'more than without{FROM_PREPRINT}'
    yield _direction(about, paper, silenced, paired(silenced, unlike), PAIRED)


def _attention(networks: Networks) -> Iterator[Row]:
    """Decoding of the attended and of the other sample in the last 100 ms of either delay."""
    for signal, delays in ATTENTION.items():
        source = style.SIGNALS[signal]
        for delay, values in enumerate(delays):
            found = np.reshape([attended(n, signal, delay) for n in networks], (-1, 2)).T
            where = f'sample from {source}, delay {delay + 1}'
            for kind, value, decoded in zip(('attended', 'other'), values, found, strict=True):
                yield _value(f'dualDMS: {kind} {where}', value, CHANCE, decoded)
            if signal == 'neuronal':
                name, paper = f'dualDMS: attended {where}', f'more than the other{FROM_PREPRINT}'
                more = paired(*found)
                yield _direction(f'{name}, beside the other', paper, found[0], more, PAIRED)


def points_by_task(networks: Networks) -> dict[str, np.ndarray]:
    """Decoding from activity and manipulation, (network, variant, 2), of the tasks of Fig. 7."""
    of_task: dict[str, list] = {}
    for n in networks:
        if 'manipulation' in n and COMPARED.include(n['parameters']):
            of_task.setdefault(n['parameters']['trial_type'], []).append(n)
    return {task: points_of(found) for task, found in of_task.items()}


def points_of(networks: Networks) -> np.ndarray:
    """Decoding from activity and manipulation, (network, variant, 2), of networks of one task."""
    of_networks = [list(variant_points(n)) for n in networks]
    return np.array([[(p.decoding, p.manipulation) for p in points] for points in of_networks])


def _manipulation(networks: Networks) -> Row:
    """Spearman's R of manipulation and decoding from activity, over the variants of tasks."""
    points = [*points_by_task(networks).values()]
    variants = sum(of_task.shape[1] for of_task in points)
    published, of_paper = MANIPULATION_OF_PAPER
    in_preprint = '{:.2f}, {}'.format(*MANIPULATION_OF_PREPRINT)
    row = Row(
        'Manipulation and delay activity',
        f'R = {published:.2f}, {of_paper} variants; {in_preprint}{FROM_PREPRINT}',
        project='too few variants',
        networks=str(sum(map(len, points))),
    )
    if variants < FEWEST_VARIANTS:
        return row
    r, p_value, found = rank_correlation(points)
    row = row._replace(
        project=f'R = {r:.2f}, {variants} variants',
        interval=ends(found),
        test=f"P = {p_text(p_value)} (Spearman's R)",
    )
    if min(map(len, points)) < FEWEST or len(points) < FEWEST_VARIANTS:
        return row
    intervals = found, correlation_interval(r, len(points))
    return row._replace(verdict=agreed(intervals, published, 0))


def _accuracy(networks: Networks) -> Row:
    """The worst network of all tasks, without those whose training ended at an accuracy."""
    found = [n['task_accuracy'] for n in networks if n['parameters'].get('stop_accuracy') is None]
    worst = min(found, default=np.nan)
    verdict = 'reproduced' if worst > 0.9 else 'not reproduced'
    row = Row(
        'Accuracy of every network',
        'above .90',
        project=f'at least {number(worst)}',
        networks=str(len(found)),
    )
    return row._replace(verdict=verdict) if len(found) >= FEWEST else row
