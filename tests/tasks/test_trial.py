"""Placing stimuli, targets and masks in time."""

import numpy as np
import pytest

import tasks
from parameters import parameters_with
from tasks.trial import Batch, Period, place


def test_place_sets_a_fixed_range_only():
    array = np.zeros((5, 2, 3))
    place(array, range(1, 3), np.array([[1, 2, 3], [4, 5, 6]]))
    assert array[1:3].tolist() == [[[1, 2, 3], [4, 5, 6]]] * 2
    assert not array[[0, 3, 4]].any()


def test_place_sets_the_own_period_of_each_trial():
    array = np.zeros((6, 3))
    place(array, Period(np.array([1, 4, 2]), np.array([3, 6, 2])), np.array([7, 8, 9]))
    assert array.T.tolist() == [[0, 7, 7, 0, 0, 0], [0, 0, 0, 0, 8, 8], [0] * 6]


@pytest.mark.parametrize('label', [[1, 130], [0.5, 1.0], [0, -129]])
def test_a_label_that_int8_does_not_hold_is_refused(label):
    p = parameters_with({'batch_size': 2})
    batch = Batch(tasks.of(p), p, np.random.default_rng(0))
    labels = dict.fromkeys(('sample', 'test', 'match'), np.array([0, 1]))
    found = batch.trial_info(labels | {'context': np.array([1, 127])})
    assert found['context'].tolist() == [1, 127]
    with pytest.raises(ValueError, match='integers from -128 to 127, but context has others'):
        batch.trial_info(labels | {'context': np.array(label)})
