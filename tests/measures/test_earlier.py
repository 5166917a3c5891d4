"""Whether an earlier analysis makes another one needless."""

import numpy as np
import pytest

from measures.accuracy import task_accuracy
from measures.earlier import DEFAULTS, combined, is_there

OPTIONS = DEFAULTS | {'decoding_reps': 20, 'decode_rule': True, 'seed': 0}
OPTIONS |= {'w_in_mask': np.ones((2, 3))}
SAVED = {'analysis': {'options': OPTIONS, 'measures': ['task_accuracy']}, 'task_accuracy': 0.5}


@pytest.mark.parametrize(
    ('asked', 'both'),
    [
        ({}, {}),
        ({'w_in_mask': np.ones((2, 3))}, {}),
        ({'decoding_reps': 10}, {}),
        ({'decode_rule': False}, {}),
        ({'decode_test': True, 'decode_rule': False}, {'decode_test': True}),
    ],
)
def test_options_that_go_together(asked, both):
    np.testing.assert_equal(combined(SAVED, OPTIONS | asked), OPTIONS | both)


@pytest.mark.parametrize(
    'asked',
    [
        {'w_in_mask': np.zeros((2, 3))},
        {'decoding_reps': 30},
        {'svm_normalize': False},
        {'seed': 1},
        {'delay_time': 500},
    ],
)
def test_options_that_do_not(asked):
    assert combined(SAVED, OPTIONS | asked) is None


def test_a_new_option_had_its_default_before():
    older = {name: value for name, value in OPTIONS.items() if name != 'decode_match'}
    saved = SAVED | {'analysis': SAVED['analysis'] | {'options': older}}
    assert combined(saved, OPTIONS | {'decode_match': True})['decode_match']
    assert not combined(saved, OPTIONS)['decode_match']
    older.pop('svm_normalize')
    assert combined(saved, OPTIONS | {'svm_normalize': False}) is None


def test_nothing_goes_together_with_no_analysis():
    assert combined({}, OPTIONS) is None


def test_a_measure_is_there_with_all_that_was_noted_of_it():
    assert is_there(task_accuracy, SAVED)
    assert not is_there(task_accuracy, {'analysis': SAVED['analysis']})
    noted = {'options': OPTIONS, 'measures': ['task_accuracy', 'task_accuracy_sem']}
    assert not is_there(task_accuracy, SAVED | {'analysis': noted})
    other = {'options': OPTIONS, 'measures': ['neuronal_pev']}
    assert not is_there(task_accuracy, SAVED | {'analysis': other})
    taken = SAVED['analysis'] | {'taken': ['task_accuracy']}
    assert is_there(task_accuracy, SAVED | {'analysis': taken})
    assert not is_there(task_accuracy, SAVED | {'analysis': taken | {'taken': ['shuffles']}})
