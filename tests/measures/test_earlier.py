"""Whether an earlier analysis makes another one needless."""

import numpy as np
import pytest

from measures.accuracy import task_accuracy
from measures.earlier import covers, is_there

OPTIONS = {'decoding_reps': 20, 'decode_test': False, 'seed': 0, 'w_in_mask': np.ones((2, 3))}
SAVED = {'analysis': {'options': OPTIONS, 'measures': ['task_accuracy']}, 'task_accuracy': 0.5}


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({}, True),
        ({'w_in_mask': np.ones((2, 3))}, True),
        ({'w_in_mask': np.zeros((2, 3))}, False),
        ({'decoding_reps': 10}, True),
        ({'decoding_reps': 30}, False),
        ({'decode_test': True}, False),
        ({'seed': 1}, False),
    ],
)
def test_more_of_the_same_is_enough(changes, expected):
    assert covers(SAVED, OPTIONS | changes) is expected


def test_a_network_without_an_analysis_covers_nothing():
    assert not covers({}, OPTIONS)


def test_a_measure_is_there_with_all_that_was_noted_of_it():
    assert is_there(task_accuracy, SAVED)
    assert not is_there(task_accuracy, {'analysis': SAVED['analysis']})
    noted = {'options': OPTIONS, 'measures': ['task_accuracy', 'task_accuracy_sem']}
    assert not is_there(task_accuracy, SAVED | {'analysis': noted})
    taken = SAVED['analysis'] | {'taken': ['task_accuracy']}
    assert is_there(task_accuracy, SAVED | {'analysis': taken})
    assert not is_there(task_accuracy, SAVED | {'analysis': taken | {'taken': ['shuffles']}})
