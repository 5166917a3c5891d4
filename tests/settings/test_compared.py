"""In which settings networks differ."""

import numpy as np

from settings.compared import differing


def test_equal_numbers_are_alike_and_what_is_absent_is_none():
    one = {'a': 3, 'b': 'x', 'c': np.float64(0.5), 'd': 1}
    other = {'a': 3.0, 'b': 'y', 'c': 0.5, 'e': None}
    assert differing(['e', 'd', 'b', 'a', 'c', 'b'], [one, other]) == ['b', 'd']


def test_arrays_are_compared_as_a_whole():
    mask = np.ones((2, 3))
    changed = mask.copy()
    changed[1, 2] = 0
    for other, names in ((mask.copy(), []), (changed, ['m']), (mask.T, ['m']), (None, ['m'])):
        assert differing(['m'], [{'m': mask}, {'m': other}]) == names
