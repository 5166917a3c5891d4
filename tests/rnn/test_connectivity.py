"""Networks that cannot learn are refused."""

import numpy as np
import pytest

from model import Model
from parameters import par, parameters_with, update_parameters
from rnn.connectivity import require_path
from stimulus import Stimulus
from training.start import begin

NO_PATH = 'no connection that can learn leads from the inputs to the outputs'


def mask(*cut: int, shape=(12, 12)) -> np.ndarray:
    """A mask without what goes from, or to, some units."""
    full = np.ones(shape)
    full[:, list(cut)] = 0
    return full


def connected(**there) -> dict:
    """Settings of a network with these connections alone, each given by w_in, w_rnn or w_out."""
    masks = {f'{name}_mask': weights for name, weights in there.items()}
    return masks | {f'{name}0': weights for name, weights in there.items()}


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'exc_inh_prop': 0}, 'exc_inh_prop = 0 is not allowed: none of the 12 units is exc'),
        ({'exc_inh_prop': 0.04}, 'exc_inh_prop = 0.04 is not allowed'),
        ({'w_in0': np.zeros((6, 12))}, NO_PATH),
        ({'w_out0': np.zeros((12, 3))}, NO_PATH),
        (connected(w_in=mask(*range(6), shape=(6, 12)), w_rnn=np.zeros((12, 12))), None),
        (
            connected(
                w_in=mask(*range(1, 12), shape=(6, 12)),
                w_out=mask(*range(11), shape=(3, 12)).T,
                w_rnn=np.zeros((12, 12)),
            )
            | {'exc_inh_prop': 1},
            NO_PATH,
        ),
    ],
)
def test_settings_without_a_path(small, changes, words):
    small()
    before = dict(par)
    if words is None:
        update_parameters(changes)
        return
    with pytest.raises(ValueError, match=words):
        update_parameters(changes)
    assert par == before


FIXED = {
    'w_in_mask': np.zeros((6, 12)),
    'w_rnn_mask': np.zeros((12, 12)),
    'w_out_mask': np.zeros((12, 3)),
}


@pytest.mark.parametrize('fixed', [*((name,) for name in FIXED), ('w_in_mask', 'w_rnn_mask')])
def test_fixed_weights_are_connections(small, fixed, eager):
    """A mask fixes weights at their initial values, which may lead from inputs to outputs."""
    small(**{name: FIXED[name] for name in fixed})
    require_path(par, drawn=True)
    model = Model()
    before = {name: variable.numpy() for name, variable in model.weights.items()}
    model.optimize(Stimulus(1).generate_trial(), 0)
    for name in ('w_in', 'w_rnn', 'w_out'):
        is_same = np.array_equal(model.weights[name], before[name])
        assert is_same == (f'{name}_mask' in fixed)
        assert before[name].any()


def test_what_is_fixed_learns_nothing(small):
    """There is a path, but no weight of it may change."""
    masks = {'w_in_mask': np.zeros((6, 12)), 'w_out_mask': np.zeros((12, 3))}
    masks |= {'w_rnn_mask': np.zeros((12, 12)), 'w_in0': np.ones((6, 12))}
    out = np.ones((12, 3))
    out[10:] = 0
    small()
    with pytest.raises(ValueError, match=NO_PATH):
        update_parameters(masks | {'w_out0': out})
    p = dict(par) | {name: value for name, value in masks.items() if 'mask' in name}
    with pytest.raises(ValueError, match=NO_PATH):
        require_path(p, drawn=True)


def test_weights_that_are_drawn_count_when_a_run_begins(tmp_path):
    """Rectified weights that start at 0 stay there."""
    p = parameters_with({'connection_prob': 1e-9, 'save_dir': tmp_path, 'seed': 1})
    with pytest.raises(ValueError, match=f'{NO_PATH}: with connection_prob = 1e-09, seed 1'):
        begin(p)
    assert list(tmp_path.iterdir()) == []


def test_a_path_may_lead_through_several_units_but_not_backwards(small):
    chain = np.zeros((12, 12))
    chain[[0, 3, 6], [3, 6, 9]] = 1
    ends = connected(
        w_in=mask(*range(1, 12), shape=(6, 12)), w_out=mask(*range(9), 10, 11, shape=(3, 12)).T
    )
    small()
    update_parameters(ends | connected(w_rnn=chain))
    for broken in (chain.T, chain * (np.arange(12) != 6)):
        with pytest.raises(ValueError, match=NO_PATH):
            update_parameters(connected(w_rnn=broken))
