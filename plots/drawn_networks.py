"""Networks to draw: their parameters, and which of them can share a figure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

import results
from measures.network import parameters_of
from measures.sampling import OF_PROBE
from parameters import settings_as_saved
from plots.figure import COMMON
from settings.compared import differing, written
from system.files import naming
from training.start import PLACE, SHOWN_ONLY

# settings that tell networks apart by their place or identity, or only say what is shown and kept
NOT_COMPARED = {*PLACE, *SHOWN_ONLY, 'seed', 'trial_type'}


class DrawnNetwork(NamedTuple):
    """A network to draw, and the parameters with which it is analysed."""

    saved: dict
    p: dict

    @property
    def group(self) -> tuple[str, ...]:
        """The task, and what else networks of one figure must have in common."""
        return (self.p['trial_type'], *(str(self.p[name]) for name in COMMON))

    @property
    def is_analyzed(self) -> bool:
        """Whether it has measures."""
        return bool(results.analysis_of(self.saved))


def load(path: Path) -> DrawnNetwork:
    """The network in a file, without what no figure shows.

    Raises ValueError, which names the file, if it is damaged or no network, if its parameters are
    not complete, and if its task is not known.
    """
    try:
        saved = _without_what_is_not_drawn(results.load_results(path))
        return DrawnNetwork(saved, parameters_of(saved))
    except ValueError as error:
        raise ValueError(naming(path, error)) from error


def _without_what_is_not_drawn(network: Mapping) -> dict:
    """The network without response matrix and DMS probes, which are most of a large file."""
    return {
        name: value
        for name, value in network.items()
        if not name.startswith('resp_') and not name.endswith(OF_PROBE)
    }


def shown_together(networks: Sequence[DrawnNetwork]) -> Iterator[str]:
    """A sentence on networks that share figures but differ in more than their seeds."""
    for label, those in alike(networks).items():
        if names := _differing(those):
            yield _told_apart_by_sweep(label, names, 'networks')
    for task in sorted({network.p['trial_type'] for network in networks}):
        of_task = [network for network in networks if network.p['trial_type'] == task]
        if len({network.group for network in of_task}) > 1:
            yield _told_apart_by_sweep(task, _differing(of_task), 'tasks')


def _told_apart_by_sweep(label: str, names: Sequence[str], kind: str) -> str:
    words = f'of the figures of several {kind} only sweep distinguishes them'
    return f'{label} networks differ in {", ".join(names)}: {words}'


def _differing(networks: Sequence[DrawnNetwork]) -> list[str]:
    return differing_settings([network.saved['parameters'] for network in networks])


def alike(networks: Sequence[DrawnNetwork]) -> dict[str, list[DrawnNetwork]]:
    """Networks that can share a figure, by their task, and by settings that tell them apart."""
    by_task: dict[str, dict[tuple, list[DrawnNetwork]]] = {}
    for network in sorted(networks, key=lambda network: network.group):
        of_task = by_task.setdefault(network.group[0], {})
        of_task.setdefault(network.group, []).append(network)
    found: dict[str, list[DrawnNetwork]] = {}
    for task, of_task in by_task.items():
        groups = list(of_task.values())
        for those, values in zip(groups, _told_apart_by(groups), strict=True):
            label = '-'.join([task, *values])
            found[f'{label}-{len(found)}' if label in found else label] = those
    return found


def _told_apart_by(groups: Sequence[list[DrawnNetwork]]) -> list[list[str]]:
    """NAME=VALUE for each group: settings that differ between them, and nowhere within."""
    settings = [[network.saved['parameters'] for network in those] for those in groups]
    between = differing_scalars([those[0] for those in settings])
    within = {name for those in settings for name in differing_settings(those)}
    names = [name for name in between if name not in within]
    return [[f'{name}={written(those[0].get(name))}' for name in names] for those in settings]


def differing_settings(parameters: Sequence[Mapping]) -> list[str]:
    """Names of the settings in which networks of a task differ, of those that can be compared."""
    return differing(chain.from_iterable(map(own_settings, parameters)), parameters)


def differing_scalars(parameters: Sequence[Mapping]) -> list[str]:
    """Those of the `differing_settings` that are no arrays, and so can be written."""
    names = differing_settings(parameters)
    return [n for n in names if not any(isinstance(p.get(n), np.ndarray) for p in parameters)]


def own_settings(p: Mapping) -> dict:
    """The settings in `p` that differ from what the task sets by itself, and can be compared."""
    return {name: v for name, v in settings_as_saved(p).items() if name not in NOT_COMPARED}
