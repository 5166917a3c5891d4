"""Whether an earlier analysis makes another one needless."""

import numpy as np
import pytest

from measures.earlier import is_analyzed

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
    assert is_analyzed(SAVED, OPTIONS | changes) is expected


def test_a_measure_that_is_gone_is_taken_again():
    assert not is_analyzed({'analysis': SAVED['analysis']}, OPTIONS)
    assert not is_analyzed({}, OPTIONS)
