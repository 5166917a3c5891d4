"""The few numbers that sum up an analysed network, from its result."""

from collections.abc import Mapping

import numpy as np

import tasks


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


def summary(result: Mapping) -> dict[str, float]:
    """Accuracy, decoding at the end of the delay, accuracy after shuffles; NaN if not measured."""
    return {
        'accuracy': float(result['task_accuracy']),
        'neuronal decoding': end_decoding(result, 'neuronal'),
        'synaptic decoding': end_decoding(result, 'synaptic'),
        'neuronal shuffle': shuffled(result, 'neural'),
        'synaptic shuffle': shuffled(result, 'syn'),
    }
