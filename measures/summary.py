"""The few numbers that sum up an analysed network, from its result."""

from collections.abc import Mapping
from functools import partial

import numpy as np

import tasks
from results import analysis_of


def end_decoding(result: Mapping, signal: str) -> float:
    """Decoding of the sample in the last 100 ms of the delay, a mean over rules and fields.

    NaN where the signal was not decoded, and where rules differ in their chance.
    """
    p, scores = result['parameters'], result.get(f'{signal}_sample_decoding')
    if scores is None or not tasks.of(p).has_one_chance(p):
        return np.nan
    late = slice(*result['analysis']['end_of_delay'])
    return float(np.mean(scores[..., late]))  # (rule, field, repetition, time)


def shuffled(result: Mapping, signal: str) -> float:
    """Accuracy with `signal` ('neural' or 'syn') shuffled at the onset of the test, over rules.

    NaN where that was not measured.
    """
    accuracy = result.get(f'accuracy_{signal}_shuffled')  # (rule, period, repetition)
    return np.nan if accuracy is None else float(np.mean(accuracy[:, -1]))


SUMMARY = {
    'accuracy': lambda result: float(result['task_accuracy']),
    'neuronal decoding': partial(end_decoding, signal='neuronal'),
    'synaptic decoding': partial(end_decoding, signal='synaptic'),
    'neuronal shuffle': partial(shuffled, signal='neural'),
    'synaptic shuffle': partial(shuffled, signal='syn'),
}


def summary(result: Mapping) -> dict[str, float]:
    """Those numbers of SUMMARY that were measured; none where there was no analysis.

    Raises ValueError for measures that are damaged.
    """
    if not analysis_of(result):
        return {}
    try:
        found = {name: number(result) for name, number in SUMMARY.items()}
    except tasks.TaskError:
        raise
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f'its measures are damaged ({error!r})') from error
    return {name: value for name, value in found.items() if np.isfinite(value)}
