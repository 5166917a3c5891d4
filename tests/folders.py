"""Folders of small networks that tests of the page share."""

from pathlib import Path

from drawing import fabricated

import results
from page.folder import Folder, read

SWEPT = (0.01, 0.02, 0.1)  # the second one is the default
SUMMARY = """network,status,iterations,accuracy,minutes,reason
DMS-run-0,trained,6,0.5,1.5,
DMS-run-9,failed,,,,"the loss is not finite at iteration 3 <b>"
DMS-run-8,stopped,,,,
DMC-run-5,finished,6,0.5,,
"""


def trained(task: str = 'DMS', seed: int = 0, **settings) -> dict:
    """What training saves of a network: no measures."""
    saved = fabricated(task, seed, **settings)
    kept = ('weights', 'parameters', *results.CURVES)
    return {name: saved[name] for name in kept}


def analyzed(task: str = 'DMS', seed: int = 0, **settings) -> dict:
    """A network with random measures."""
    return fabricated(task, seed, **settings) | {'task_accuracy': 0.9 + seed / 200}


def write_folder(path: Path) -> Path:
    """A sweep of DMS networks, a DMC network that is not analysed, one that is half trained.

    And one that failed, a damaged file, and a table that tells of them.
    """
    for i, spike_cost in enumerate(SWEPT):
        results.save(path / f'DMS-run-{i}.pkl', analyzed(seed=i, spike_cost=spike_cost))
    results.save(path / 'DMS-run-10.pkl', analyzed(seed=10))
    results.save(path / 'DMC-run-0.pkl', trained('DMC'))
    results.save(path / 'DMS-run-8.checkpoint', trained(seed=8))
    (path / 'cut.pkl').write_bytes(b'nothing')
    (path / 'summary.csv').write_text(SUMMARY)
    return path


def whole(path: Path) -> Folder:
    """What is read from such a folder."""
    return read(write_folder(path))
