"""Masks and initial weights that the user gives: checked, trained with, saved and restored."""

import numpy as np
import pytest
from conftest import SMALL

import results
from commands.arguments import setting
from commands.train import request
from model import Model, main
from parameters import ARRAYS, par, update_parameters
from rnn.initial_values import MASKS
from sets import compact
from sets.job import Job, finished
from stimulus import Stimulus
from system.signals import Interrupted
from training.start import RunError


def given_weights(**changes) -> dict[str, np.ndarray]:
    """Initial values and masks that a user may give, with connections that are fixed."""
    rng = np.random.default_rng(7)
    shapes = {name: par[name].shape for name in ARRAYS}
    arrays = {name: rng.random(shape).astype(np.float32) for name, shape in shapes.items()}
    for name in MASKS:
        arrays[name] = (arrays[name] < 0.7).astype(np.float32)
        arrays[f'{name[:-5]}0'] *= par[name]
    return arrays | changes


@pytest.mark.parametrize('exc_inh_prop', [0.75, 1])
def test_given_arrays_take_part(small, exc_inh_prop):
    small(exc_inh_prop=exc_inh_prop)
    usual, arrays = {name: par[name] for name in ARRAYS}, given_weights()
    update_parameters({name: value.tolist() for name, value in arrays.items()})
    for name in ARRAYS:
        expected = arrays[name] * usual[name] if name in MASKS else arrays[name]
        np.testing.assert_array_equal(par[name], expected)
        assert (par[name].dtype, par[name].flags.writeable) == (np.float32, False)
    assert par['given_arrays'] == tuple(ARRAYS)
    update_parameters(dict.fromkeys(ARRAYS))
    for name in ARRAYS:
        np.testing.assert_array_equal(par[name], usual[name])
    assert par['given_arrays'] == ()


def test_given_arrays_are_copied(small):
    small()
    mask = np.ones_like(par['w_rnn_mask'])
    update_parameters({'w_rnn_mask': mask})
    mask[:] = 0
    assert par['w_rnn_mask'].any()


@pytest.mark.parametrize('complete', [True, False])
def test_given_arrays_are_restored(small, complete):
    small()
    update_parameters(given_weights() if complete else {'w_rnn_mask': par['w_rnn_mask'] * 0})
    saved = dict(par)
    small(n_hidden=20)
    update_parameters(saved)
    for name in ARRAYS:
        np.testing.assert_array_equal(par[name], saved[name])
    assert par['given_arrays'] == saved['given_arrays']


def test_arrays_that_nobody_gave_are_not_restored(small):
    small()
    update_parameters(par | {'w_rnn0': par['w_rnn0'] + 1})
    assert par['given_arrays'] == ()
    small()
    expected = par['w_rnn0']
    update_parameters(dict(par))
    np.testing.assert_array_equal(par['w_rnn0'], expected)


@pytest.mark.parametrize(
    ('name', 'change', 'sentence'),
    [
        ('w_rnn_mask', lambda a: a[1:], r'w_rnn_mask has shape \(11, 12\), .* need \(12, 12\)'),
        ('w_rnn_mask', lambda a: a / 2, 'w_rnn_mask = .* is not allowed: .* an array of 0 or 1'),
        ('w_rnn_mask', lambda a: 'mask.npy', "w_rnn_mask = 'mask.npy' is not allowed"),
        ('w_in0', lambda a: a - 1, 'w_in0 must not be negative'),
        (
            'w_rnn0',
            lambda a: a * np.nan,
            'w_rnn0 = .* is not allowed: .* an array of finite numbers',
        ),
        ('w_rnn0', lambda a: a + 1, 'w_rnn0 must be 0 where the network has no connection'),
        ('w_out0', lambda a: a + 1, 'w_out0 must be 0 where'),
        ('b_rnn0', lambda a: a[0], r'b_rnn0 has shape \(12,\)'),
        ('h0', lambda a: [[1, 2], [3]], 'h0 = .* is not allowed'),
    ],
)
def test_wrong_arrays_are_refused(small, name, change, sentence):
    small()
    before = dict(par)
    with pytest.raises(ValueError, match=sentence):
        update_parameters({name: change(par[name])})
    assert all(par[n] is before[n] for n in ARRAYS)


def test_without_signs_recurrent_weights_may_be_negative(small):
    small(exc_inh_prop=1)
    update_parameters({'w_rnn0': -np.eye(12)})
    np.testing.assert_array_equal(par['w_rnn0'], -np.eye(12))


def test_a_changed_size_does_not_fit_given_arrays(small):
    small()
    update_parameters({'w_rnn_mask': par['w_rnn_mask']})
    with pytest.raises(ValueError, match='w_rnn_mask has shape'):
        update_parameters({'n_hidden': 20})
    update_parameters({'n_hidden': 20, 'w_rnn_mask': None})
    assert par['w_rnn_mask'].shape == (20, 20)


# Training


def trained(folder, **options) -> dict:
    """The network that training with the present parameters saves."""
    update_parameters({'save_dir': str(folder), 'num_iterations': 3, 'save_every': 1})
    return results.load_results(main(watch=lambda curves: False, **options))


@pytest.mark.usefixtures('eager')
def test_masked_weights_keep_their_initial_values_exactly(small, tmp_path):
    small(learning_rate=0.05)
    arrays = given_weights()
    update_parameters(arrays)
    saved = trained(tmp_path)
    for name in ('w_in', 'w_rnn', 'w_out'):
        before, after = arrays[f'{name}0'], saved['weights'][name]
        fixed = par[f'{name}_mask'] == 0
        assert (before[fixed] > 0).any() or name == 'w_out'
        np.testing.assert_array_equal(after[fixed], before[fixed])
        assert (after[~fixed] != before[~fixed]).any()


@pytest.mark.usefixtures('eager')
def test_resumed_networks_keep_their_arrays(small, tmp_path):
    small()
    update_parameters({'w_rnn_mask': given_weights()['w_rnn_mask']})
    whole = trained(tmp_path / 'whole')
    stopped = tmp_path / 'stopped'
    update_parameters({'save_dir': str(stopped)})
    with pytest.raises(Interrupted):
        main(watch=lambda curves: len(curves['iteration']) == 2)
    mask = par['w_rnn_mask']
    small(w_rnn_mask=1 - np.eye(12))
    update_parameters({'save_dir': str(stopped)})
    with pytest.raises(RunError, match='w_rnn_mask contradicts .* another array'):
        main(resume=True)
    for again in ({}, {'w_rnn_mask': mask}):
        small(**again)
        resumed = trained(stopped, resume=True)
        for name, weight in whole['weights'].items():
            np.testing.assert_array_equal(resumed['weights'][name], weight)
    np.testing.assert_array_equal(resumed['parameters']['w_rnn_mask'], mask)


def test_arrays_are_in_smaller_copies(small):
    small(w_in_mask=np.eye(6, 12), n_hidden=12)
    kept = np.eye(400, 12)
    update_parameters({'num_motion_tuned': 400, 'w_in_mask': kept})
    network = {name: [0.5] for name in results.CURVES} | {'parameters': dict(par)}
    smaller = compact.compact(network)['parameters']
    np.testing.assert_array_equal(smaller['w_in_mask'], kept)
    assert 'w_in0' not in smaller
    update_parameters(smaller)
    np.testing.assert_array_equal(par['w_in_mask'], kept)


def test_a_set_tells_of_another_array(small, tmp_path):
    small()
    file = tmp_path / 'set' / 'DMS-run-0.pkl'
    weights = {name: variable.numpy() for name, variable in Model().weights.items()}
    curves = {name: [0.5] for name in results.CURVES}
    results.save(file, {'weights': weights, 'parameters': dict(par), **curves})
    settings = SMALL | {'w_rnn_mask': np.zeros((12, 12))}
    job = Job(str(file.parent), 'DMS', 0, settings, 'none')
    assert 'another w_rnn_mask' in finished(job).reason


def test_given_weights_are_those_of_the_model(small):
    small()
    arrays = given_weights()
    update_parameters(arrays)
    for name, variable in Model().weights.items():
        np.testing.assert_array_equal(variable, arrays[f'{name}0'])
    assert Stimulus(1).generate_trial()['neural_input'].any()


# Commands


def test_arrays_are_read_from_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mask = np.eye(3)
    np.save('mask.npy', mask)
    name, value = setting('w_rnn_mask=mask.npy')
    assert name == 'w_rnn_mask'
    np.testing.assert_array_equal(value, mask)
    assert setting('w_rnn_mask=None') == ('w_rnn_mask', None)


def test_files_without_an_array_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save('objects.npy', np.array([{}], object), allow_pickle=True)
    np.savez('several.npz', a=np.eye(3))
    (tmp_path / 'text.npy').write_text('1 0')
    (tmp_path / 'cut.npz').write_bytes((tmp_path / 'several.npz').read_bytes()[:100])
    with open('huge.npy', 'wb') as file:
        header = {'descr': '<f8', 'fortran_order': False, 'shape': (3, 10**13)}
        np.lib.format.write_array_header_1_0(file, header)
    for name in ('absent.npy', 'objects.npy', 'several.npz', 'text.npy', 'cut.npz', 'huge.npy'):
        with pytest.raises(SystemExit, match='2'):
            request([f'--set=w_rnn_mask={name}'])
        usage, sentence = capsys.readouterr().err.split('error: ')
        assert name in sentence
        assert sentence.count('\n') == 1
