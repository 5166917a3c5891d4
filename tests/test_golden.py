"""The golden numbers: what networks, trials and measures were before the code was rearranged."""

import json

import golden
import numpy as np
import pytest

from tasks import TASKS

GOLDEN = json.loads(golden.FILE.read_text())


def assert_golden(computed, part: str):
    """The same names as in the file, labels exactly, all other numbers but for rounding.

    Of large arrays these are the mean and the SD (golden.summary). Rounding can turn single
    decisions of a classifier.
    """
    assert computed.keys() == {name for name in GOLDEN if name.startswith(part)}
    for name, value in computed.items():
        exact = value.dtype.kind in 'iub'
        rtol = 0 if exact else 1e-3 if 'decoding' in name else 1e-4
        np.testing.assert_allclose(
            golden.summary(value),
            GOLDEN[name],
            rtol=rtol,
            atol=rtol / 10,
            err_msg=f'{name} has changed',
        )


@pytest.mark.parametrize('task', golden.TRAINED)
def test_training_is_as_before(task):
    assert_golden(golden.of_training(task), f'training/{task}/')


@pytest.mark.parametrize('task', TASKS)
def test_batches_are_as_before(task):
    assert_golden(golden.of_batch(task), f'batch/{task}/')


def test_measures_are_as_before():
    assert_golden(golden.of_analysis(), 'analysis/')


def test_a_changed_number_is_noticed():
    computed = golden.of_batch('DMS')
    computed['batch/DMS/neural_input'] = computed['batch/DMS/neural_input'] * np.float32(1.001)
    with pytest.raises(AssertionError, match='neural_input has changed'):
        assert_golden(computed, 'batch/DMS/')
