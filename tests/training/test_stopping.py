"""The accuracy with which training stops."""

import math

import numpy as np
import pytest

from training.stopping import accurate_enough, last_mean


@pytest.mark.parametrize(
    ('accuracy', 'wanted', 'expected'),
    [
        ([1.0] * 20, 0.9, True),
        ([1.0] * 19, 0.9, False),
        ([1.0] * 19 + [math.nan], 0.9, False),
        ([1.0] + [math.nan, 1.0] * 19, 0.9, True),
        ([0.0] * 30 + [math.nan, 1.0] * 20, 0.9, True),
        ([math.nan] * 100, 0.9, False),
        ([0.9] * 20, 0.95, False),
        ([1.0] * 20, None, False),
        ([], 0.9, False),
    ],
)
def test_iterations_without_an_accuracy_are_left_out(accuracy, wanted, expected):
    assert accurate_enough(accuracy, wanted) is expected


def test_mean_of_the_last_twenty():
    assert last_mean([0.0] * 30 + [math.nan, 1.0] * 20) == 1
    assert last_mean(np.arange(30.0)) == np.arange(10, 30).mean()
    assert math.isnan(last_mean([math.nan]))
