"""What tests of the reproduction share: fabricated networks, and the cells of a table."""

import numpy as np
from drawing import fabricated

import results
import tasks


def network(task='DMS', seed=0, iterations=1200, settings=None, **changes) -> dict:
    """A fabricated network with all that the tables show, and learning curves of some length."""
    made, rng = fabricated(task, seed, **(settings or {})), np.random.default_rng(seed)
    p = made['parameters']
    for name in results.CURVES:
        made[name] = list(rng.random(iterations))
    made['iteration'] = list(range(iterations))
    made['task_accuracy'] = rng.random()
    made['neuronal_sample_above_chance'] = np.full((tasks.of(p).num_rule_indices(p), 1), seed > 0)
    made['h_sample_mean'] = rng.random((p['num_time_steps'], p['n_hidden'], 8))
    return made | changes


def cells(markdown: str) -> dict[str, list[str]]:
    """The rows of a table by their first cell."""
    rows = [line.split('|')[1:-1] for line in markdown.splitlines() if '|' in line]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
