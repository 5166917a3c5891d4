"""The example of docs/keras.md: it learns, and its files serve Keras and the project."""

import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from shell import ROOT, TIMEOUT, environment

import results
from analysis import analyze_model_from_file
from model import Model
from parameters import par, parameters_with
from stimulus import Stimulus
from stp_keras import STPCell, STPOutput, from_parameters, from_result, to_result

TEXT = (ROOT / 'docs' / 'keras.md').read_text('utf-8')
(EXAMPLE,) = re.findall(r'```python\n(.*?)```', TEXT, re.S)
QUICK = {'analysis_trials': 64, 'tuning_batches': 1, 'decoding_reps': 0, 'simulation_reps': 0}
QUICK |= {'analyze_tuning': False, 'calculate_resp_matrix': False}


def python(folder, source: str, **variables) -> str:
    """Run a source as a user would who has the project on the path; return what it printed."""
    (folder / 'example.py').write_text(source)
    env = environment(PYTHONPATH=str(ROOT), CUDA_VISIBLE_DEVICES='-1', **variables)
    done = subprocess.run(
        [sys.executable, 'example.py'],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def example(tmp_path_factory):
    """The folder in which the example ran, and what it printed."""
    folder = tmp_path_factory.mktemp('keras')
    return folder, python(folder, EXAMPLE)


def test_the_example_learns(example):
    _, printed = example
    assert float(re.search(r'accuracy on new trials: (\S+)', printed)[1]) > 0.9


def test_a_loaded_model_is_the_trained_one(example):
    folder, _ = example
    model = keras.models.load_model(folder / 'DMS.keras')
    saved = results.load_results(folder / 'savedir' / 'keras' / 'DMS.pkl')
    trial = Stimulus([1, 3], saved['parameters']).generate_trial()
    y, *_ = Model(saved['weights'], p=saved['parameters']).run_model(trial['neural_input'])
    found = model(np.swapaxes(trial['neural_input'], 0, 1))
    np.testing.assert_allclose(np.swapaxes(found, 0, 1), y, rtol=1e-4, atol=1e-4)
    assert model.optimizer.clipnorm == 0.1


def test_the_analysis_takes_the_result(example):
    folder, _ = example
    found = analyze_model_from_file(
        folder / 'savedir' / 'keras' / 'DMS.pkl', update_params=QUICK, jobs=1
    )
    assert found['task_accuracy'] > 0.9


def test_from_a_result_and_back():
    """A network that comes with the project; its parameters and weights stay."""
    saved = results.load_results(ROOT / 'networks' / 'full' / 'DMS-run-0.pkl')
    cell, output = from_result(saved)
    p = parameters_with({}, saved['parameters'])
    back = to_result(cell, output, saved['parameters'])
    for name, value in saved['weights'].items():
        np.testing.assert_array_equal(back['weights'][name], value, err_msg=name)
    assert back['parameters'].keys() == p.keys()
    for name, value in p.items():
        np.testing.assert_array_equal(back['parameters'][name], value, err_msg=name)


def test_a_result_has_the_masks_of_the_layers(small):
    small()
    mask = np.tri(12)
    cell, output = STPCell(12, w_rnn_mask=mask), STPOutput(3)
    cell.build((None, 6))
    output.build((None, 12))
    p = to_result(cell, output, par)['parameters']
    np.testing.assert_array_equal(p['w_rnn_mask'], mask * par['w_rnn_mask'])
    assert p['given_arrays'] == ('w_rnn_mask',)


def test_layers_that_do_not_fit(small):
    small()
    cell, output = from_parameters(par)
    with pytest.raises(ValueError, match='a layer has no weights yet'):
        to_result(STPCell(12), output, par)
    other = parameters_with({'dt': 20}, par)
    with pytest.raises(ValueError, match='^dt is 10 in the STPCell, but 20 in the parameters'):
        to_result(cell, output, other)
    other = parameters_with({'num_fix_tuned': 2}, par)
    with pytest.raises(ValueError, match=r'^weight w_in has shape \(6, 12\), but these parameters'):
        to_result(cell, output, other)


CHOSEN = """
import os, sys
from rnn import device
device.select('none')
print('keras' in sys.modules, 'TF_USE_LEGACY_KERAS' in os.environ)
import tensorflow as tf
from tensorflow.keras.layers import RNN
from stp_keras import STPCell
print(tf.keras.layers.RNN is RNN, RNN(STPCell(3)).cell.units)
"""


def test_commands_import_keras_only_where_it_is_used(tmp_path):
    assert python(tmp_path, CHOSEN) == 'False False\nTrue 3\n'


def test_it_comes_after_model_and_without_a_keras_in_tensorflow(tmp_path):
    source = 'import model\nfrom stp_keras import STPCell\nprint(STPCell(3).units)'
    assert python(tmp_path, source, TF_USE_LEGACY_KERAS='1') == '3\n'
