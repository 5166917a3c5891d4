"""A file says with which equations its network was trained, and no others run it."""

import numpy as np
import pytest
import tensorflow as tf

import analysis
import model
import results
from model import Model
from parameters import par
from plots.figure import FigureError
from plots.network import one_trial, simulate_trial
from rnn.equations import one_step, require_same
from system.signals import Interrupted
from training.start import RunError

QUICK = {'analysis_trials': 96, 'decoding_reps': 0, 'simulation_reps': 0, 'tuning_batches': 1}
QUICK |= {'analyze_tuning': False, 'calculate_resp_matrix': False}


class Slower(Model):
    """Another network: its units follow their input more slowly."""

    @staticmethod
    def rnn_cell(stimulus, noise, state, c):
        """A step with half of alpha."""
        return Model.rnn_cell(stimulus, noise, state, c._replace(alpha=0.5 * c.alpha))


class Squared(Model):
    """Another network: its outputs follow the square of the activity."""

    @staticmethod
    def output(h, c):
        """Outputs of the squared activity."""
        return Model.output(tf.square(h), c)


def saved_by(kind) -> dict:
    network = kind()
    weights = {name: variable.numpy() for name, variable in network.weights.items()}
    curves = {name: [0.5] for name in results.CURVES}
    return {'weights': weights, 'parameters': dict(par), 'one_step': one_step(network), **curves}


@pytest.mark.usefixtures('eager')
@pytest.mark.parametrize('kind', [Slower, Squared])
def test_networks_of_other_equations_are_refused(small, tmp_path, kind):
    small(mask_duration=0)
    own, other = tmp_path / 'own.pkl', tmp_path / 'other.pkl'
    results.save(own, saved_by(Model))
    results.save(other, saved_by(kind) | {'versions': {'commit': '1234-dirty'}})
    found = analysis.run_multiple([own, other], QUICK | {'tau_slow': 600}, jobs=1)
    assert 'task_accuracy' in found[own]
    words = 'this network was trained with other equations than Model.rnn_cell and output'
    words += ', or its parameters were changed since'
    assert str(found[other]) == f'{words}: use the code of that time (commit 1234-dirty)'
    with pytest.raises(ValueError, match='its commit is not known'):
        simulate_trial(saved_by(kind))
    with pytest.raises(FigureError, match='trained with other equations'):
        one_trial(saved_by(kind))
    require_same(kind(), saved_by(kind))
    cut = saved_by(Model)
    cut['weights'] = {name: 0 * weight for name, weight in cut['weights'].items()}
    require_same(Model(cut['weights']), cut)


@pytest.mark.parametrize('nonsense', [None, {}, {'y': 'a'}, {'y': np.zeros(3, 'f4')}])
def test_what_a_file_says_is_not_believed(small, nonsense):
    small()
    saved = saved_by(Model)
    require_same(Model(), saved)
    del saved['one_step']
    require_same(Model(), saved)  # an older file
    with pytest.raises(ValueError, match='trained with other equations than'):
        require_same(Model(), saved | {'one_step': nonsense})


def test_a_run_goes_on_with_its_own_equations(small, tmp_path):
    small(save_dir=str(tmp_path), num_iterations=3, save_every=1)
    with pytest.raises(Interrupted):
        model.main(watch=lambda curves: len(curves['iteration']) == 2)
    (checkpoint,) = tmp_path.glob('*.checkpoint')
    saved = results.load_results(checkpoint)
    noted = saved['one_step']
    results.save(checkpoint, saved | {'one_step': noted | {'h': noted['h'] + 1}})
    with pytest.raises(RunError, match='cannot be resumed: .* trained with other equations'):
        model.main(resume=True)
    results.save(checkpoint, saved)
    assert len(results.load_results(model.main(resume=True))['iteration']) == 3
