"""The tables of the page: what was trained, and one row for each network."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from page.folder import Network
from parameters import parameters_with
from settings.compared import differing
from settings.costs import COSTS, loss_of, title_of

MOST_LISTED = 6  # seeds and values in one cell
NOTHING = '–'
NOT_A_SETTING = object()


class Column(NamedTuple):
    """A column of the table of networks.

    value: of a network, None if there is none. form: how numbers are written. is_share: from 0 to
    1, which a bar shows. is_filter: one can choose among its values.
    """

    title: str
    value: Callable[[Network], object]
    form: str = ''
    is_share: bool = False
    is_filter: bool = False


class Cell(NamedTuple):
    """One value as it is written, and as it is sorted: a number, or a text; '' is the last."""

    text: str
    key: str
    share: str = ''  # in percent


class Row(NamedTuple):
    """A network of the table; `choices` are its values in the columns that filter."""

    network: Network
    cells: list[Cell]
    choices: list[str]


def swept_settings(networks: Sequence[Network]) -> list[str]:
    """Names of settings that are not the defaults, and not the same in all networks."""
    names = chain.from_iterable(network.settings for network in networks)
    return differing(names, networks, value_of)


def value_of(network: Network, name: str) -> object:
    """The value of a setting; NOT_A_SETTING if the task does not have it."""
    return network.settings.get(name, network.p.get(name, NOT_A_SETTING))


def shown(value: object) -> str:
    """A setting, number or text, as it is written."""
    if value is NOT_A_SETTING:
        return NOTHING
    return f'{value:g}' if isinstance(value, float) else str(value)


def columns(networks: Sequence[Network]) -> list[Column]:
    """Those of the table, without those that have no value in any network."""
    swept = [
        Column(name, lambda n, name=name: value_of(n, name), is_filter=True)
        for name in swept_settings(networks)
    ]
    all_finished = all(network.is_finished for network in networks)
    status = [] if all_finished else [Column('Status', _status, is_filter=True)]
    every = [Column('Task', lambda n: n.task, is_filter=True), *status, *swept, *_numbers()]
    return [c for c in every if any(not _is_missing(c.value(network)) for network in networks)]


def _numbers() -> list[Column]:
    def last(curve: str) -> Callable:
        return lambda n: n.last(curve)

    def measure(name: str) -> Callable:
        return lambda n: n.measures.get(name)

    return [
        Column('Iterations', lambda n: len(n.curves['iteration'])),
        Column('Accuracy', last('accuracy'), '.3f', is_share=True),
        Column('Accuracy, analysed', measure('accuracy'), '.3f', is_share=True),
        Column('Decoding, activity', measure('neuronal decoding'), '.3f', is_share=True),
        Column('Decoding, synapses', measure('synaptic decoding'), '.3f', is_share=True),
        Column('Activity shuffled', measure('neuronal shuffle'), '.3f', is_share=True),
        Column('Synapses shuffled', measure('synaptic shuffle'), '.3f', is_share=True),
        Column('Manipulation', measure('manipulation'), '.3f', is_share=True),
        Column('Loss', last('loss'), '.4f'),
        Column('Cross-entropy', last('perf_loss'), '.4f'),
        *(Column(title_of(loss_of(cost)), partial(_cost, cost), '.3f') for cost in COSTS),
        Column('Minutes', lambda n: n.minutes, '.1f'),
        Column('Seed', lambda n: n.p.get('seed')),
    ]


def _cost(cost: str, network: Network) -> float | None:
    """Only where it is a part of the loss."""
    return network.last(loss_of(cost)) if network.p.get(cost) else None


def _status(network: Network) -> str:
    return 'finished' if network.is_finished else 'unfinished'


def _is_missing(value: object) -> bool:
    return (
        value is NOT_A_SETTING or value is None or (isinstance(value, float) and math.isnan(value))
    )


def rows(networks: Sequence[Network], every: Sequence[Column]) -> list[Row]:
    """One row for each network."""
    return [
        Row(
            network,
            [cell(column, network) for column in every],
            [choice(column, network) for column in every if column.is_filter],
        )
        for network in networks
    ]


def cell(column: Column, network: Network) -> Cell:
    """The value of a network in a column. None is a value of a setting, else a missing number."""
    value = column.value(network)
    if column.is_filter:
        text = shown(value)
        key = repr(value) if _is_number(value) else text
        return Cell(text, '' if value is NOT_A_SETTING else key)
    if _is_missing(value):
        return Cell(NOTHING, '')
    text = format(value, column.form)
    share = f'{100 * min(max(value, 0), 1):.1f}' if column.is_share else ''
    return Cell(text, repr(float(value)) if isinstance(value, float) else str(value), share)


def choice(column: Column, network: Network) -> str:
    """What a filter compares."""
    return shown(column.value(network))


def filters(networks: Sequence[Network], every: Sequence[Column]) -> list[tuple[str, int, list]]:
    """(title, number among the filters, values) of each filter that has something to choose."""
    found = []
    for number, column in enumerate(c for c in every if c.is_filter):
        values = {choice(column, n): column.value(n) for n in networks}
        if len(values) > 1:
            found.append((column.title, number, sorted(values, key=lambda v: _order(values[v]))))
    return found


def _order(value: object) -> tuple:
    """Numbers in their order, then texts in theirs."""
    return (0, value, '') if _is_number(value) else (1, 0, shown(value))


def _is_number(value: object) -> bool:
    """Whether a value is sorted by its size."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class Trained(NamedTuple):
    """What was trained on one task, as it is written."""

    task: str
    count: int
    settings: list[str]
    swept: list[str]
    iterations: str
    seeds: str
    minutes: str


def trained(networks: Sequence[Network]) -> list[Trained]:
    """What was trained, for each task."""
    by_task: dict[str, list[Network]] = {}
    for network in networks:
        by_task.setdefault(network.task, []).append(network)
    return [_trained(task, those) for task, those in by_task.items()]


def _trained(task: str, networks: list[Network]) -> Trained:
    swept = swept_settings(networks)
    names = {name for network in networks for name in network.settings} - {*swept}
    default = parameters_with({'trial_type': task})
    iterations = sorted({len(network.curves['iteration']) for network in networks})
    minutes = [network.minutes for network in networks if network.minutes is not None]
    return Trained(
        task,
        len(networks),
        [
            f'{n} = {shown(value_of(networks[0], n))} ({_default(default, n)})'
            for n in sorted(names)
        ],
        [f'{n} = {_values(networks, n)} ({_default(default, n)})' for n in swept],
        _span(iterations),
        _listed([shown(network.p.get('seed')) for network in networks]),
        f'{sum(minutes):.1f}' if minutes else NOTHING,
    )


def _default(default: Mapping, name: str) -> str:
    value = default.get(name)
    return 'default: derived' if hasattr(value, 'shape') else f'default {shown(value)}'


def _values(networks: Sequence[Network], name: str) -> str:
    values = {shown(value_of(n, name)): value_of(n, name) for n in networks}
    return _listed(sorted(values, key=lambda v: _order(values[v])))


def _span(values: Sequence[int]) -> str:
    return ' to '.join(map(str, dict.fromkeys((values[0], values[-1]))))


def _listed(texts: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(texts) - MOST_LISTED
    return ', '.join(texts[:MOST_LISTED]) + (f' and {more} more' if more > 0 else '')


def versions(networks: Sequence[Network]) -> list[str]:
    """Such as `tensorflow 2.21.0 (12 networks)`; none for files that do not say it."""
    found = Counter(pair for network in networks for pair in network.versions.items())
    some = len(networks)
    return [
        f'{name} {version}' + ('' if count == some else f' ({count} of {some} networks)')
        for (name, version), count in sorted(found.items())
    ]


def facts(network: Network) -> list[tuple[str, str]]:
    """What there is to know of a single network beside its row: (name, value)."""
    own = [(name, shown(value)) for name, value in sorted(network.settings.items())]
    about = [('task', network.task), ('seed', shown(network.p.get('seed')))]
    wanted = '' if network.is_finished else f' of {network.p["num_iterations"]}'
    iterations = [('iterations', f'{len(network.curves["iteration"])}{wanted}')]
    minutes = [('minutes', f'{network.minutes:.1f}')] if network.minutes is not None else []
    stated = [(name, version) for name, version in sorted(network.versions.items())]
    return [*about, *iterations, *minutes, *own, *stated]
