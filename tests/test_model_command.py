"""The command `python model.py` as a user meets it, whole runs in processes of their own.

What is wrong with a command has to be reported before TensorFlow is imported, which takes seconds.
So the wrong commands find no TensorFlow: in a process of its own one of them, the others in this
one.
"""

import csv
import os
import pickle
import re
import signal
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from shell import (
    SHORT,
    assert_same_network,
    command_line,
    environment,
    fatal_tensorflow,
    refusal,
    refusal_here,
    run,
    run_here,
    run_on_terminal,
    started,
    wait_for,
)

import results
from commands import train as command
from model import Model
from parameters import par
from rnn import device
from system.signals import Interrupted
from training.loop import train
from training.member import TrainingError
from training.start import RunError


@pytest.fixture
def refused(tmp_path):
    """Run a command that has to be refused before TensorFlow is imported; return the sentence."""
    return partial(refusal_here, tmp_path)


def train_here(arguments: list[str]) -> int:
    """Run model.py in this process; return its exit status."""
    try:
        start = command.request(arguments)
    except SystemExit as end:
        return end.code
    return command.outcome(lambda: train(Model, start))


def assert_finished(path, shown: str, task: str, num_iterations: int):
    """What a run printed, and the result that it left alone in its folder."""
    lines = shown.splitlines()
    assert lines[0].startswith(f'Task {task}, synapses full, CPU, ')
    assert lines[0].endswith(f', seed {results.load_results(path)["parameters"]["seed"]}')
    assert sum(line.startswith('iteration     0  accuracy ') for line in lines) == 1
    assert re.match(rf'Saved \S*{path.name} after ', lines[-1])
    assert_whole(path, task, num_iterations)


def assert_whole(path, task: str, num_iterations: int):
    """The result of a run that ended is finite, and alone in its folder."""
    result = results.load_results(path)
    assert result['parameters']['trial_type'] == task
    assert result['iteration'] == list(range(num_iterations))
    for value in (*result['weights'].values(), *(result[name] for name in results.CURVES)):
        assert np.all(np.isfinite(value))
    assert list(path.parent.iterdir()) == [path]


# Whole runs


def test_run_is_quiet_where_there_is_no_terminal(tmp_path):
    """It takes the place of what is there, which need not be readable."""
    path = tmp_path / 'net.pkl'
    for old in (path, results.checkpoint_name(path)):
        old.write_text('old')
    settings = SHORT | {'save_dir': '.', 'save_fn': 'net.pkl', 'num_iterations': 3, 'save_every': 1}
    status, out, err = run(tmp_path, 'none', '--task', 'dualDMS', '--overwrite', **settings)
    assert (status, err) == (0, '')
    assert_finished(path, out, 'dualDMS', 3)


def stop(folder, signum, *arguments, **settings) -> tuple[int, str]:
    """Send a signal to a run after 8 iterations; return its status and what it printed before."""
    with started(folder, *arguments, iters_between_outputs=1, **settings) as process:
        lines = [process.stdout.readline() for _ in range(11)]
        process.send_signal(signum)
        _, err = process.communicate()
    assert 'Traceback' not in err
    return process.returncode, ''.join(lines)


def test_stopped_runs_end_as_if_never_stopped(tmp_path):
    """Killed, then stopped by Ctrl-C, on two threads, and at last on a terminal with its bar.

    The other run is in this process and on one thread. No line is held back by the run that is
    killed: a log in a file shows the header.
    """
    settings = SHORT | {'batch_size': 300, 'num_iterations': 10**6}  # three parts on the threads
    del settings['seed']
    path = tmp_path / 'new' / 'net.pkl'
    checkpoint, place = results.checkpoint_name(path), {'save_dir': 'new', 'save_fn': 'net.pkl'}
    env = environment()
    del env['PYTHONUNBUFFERED']
    first = settings | place | {'save_every': 5, 'iters_between_outputs': 10**6}
    with started(tmp_path, '--task=distractor', '--threads=2', env=env, **first) as process:
        wait_for(checkpoint.exists, process)
        process.kill()
        out, err = process.communicate()
    assert (process.returncode, err) == (-signal.SIGKILL, '')
    assert out.startswith('Task distractor')
    saved = results.load_results(checkpoint)
    killed = len(saved['iteration'])
    assert killed % 5 == 0
    again = place | {'save_every': 10**6}
    status, shown = stop(tmp_path, signal.SIGINT, '--resume', '--threads=2', **again)
    assert status == 128 + signal.SIGINT
    assert f'Going on after iteration {killed - 1}.' in shown
    assert list(checkpoint.parent.glob('*')) == [checkpoint]
    done = len(results.load_results(checkpoint)['iteration'])
    assert done > killed
    last = place | {'num_iterations': done + 3, 'iters_between_outputs': 100}
    status, out, shown = run_on_terminal(tmp_path, '--resume', '--threads=2', **last)
    assert status == 0
    assert b'100%|' in shown
    assert b'accuracy=' in shown
    assert shown.count(b'\n') == 1
    assert f'Going on after iteration {done - 1}.' in out
    whole = settings | {'save_dir': str(tmp_path / 'whole'), 'num_iterations': done + 3}
    seed = f'--seed={saved["parameters"]["seed"]}'
    words = command_line('model.py', ['--task=distractor', seed, '--threads=1'], whole)[2:]
    assert train_here(words) == 0
    assert_same_network(path, tmp_path / 'whole' / 'model_results.pkl')
    assert_whole(path, 'distractor', done + 3)
    finished = run_here(tmp_path, '--resume', **place)
    assert finished == (0, 'new/net.pkl is finished already; --overwrite starts again.\n', '')


# What is refused before TensorFlow is imported


def test_a_process_is_refused_before_tensorflow_is_imported(tmp_path):
    """Which proves something only if a good command fails here."""
    env = fatal_tensorflow(tmp_path)
    status, _, err = run(tmp_path, env=env)
    assert (status, err) == (1, 'TensorFlow imported\n')
    assert 'n_hidden = 0 is not allowed' in refusal(tmp_path, n_hidden=0, env=env)


def test_tensorflow_is_missing_in_the_tests_that_follow(tmp_path):
    with pytest.raises(ImportError, match='tensorflow'):
        run_here(tmp_path, '0')


@pytest.mark.parametrize(
    ('argument', 'sentence'),
    [
        ('--task=DMZ', "trial_type = 'DMZ' is not allowed: it must be one of DMS, DMRS45, "),
        ('--set=n_hiden=5', 'there is no parameter .n_hiden.; the nearest name is n_hidden'),
        ('--set=n_hidden', "'n_hidden' is not of the form NAME=VALUE"),
        ('--set==5', "'=5' is not of the form NAME=VALUE"),
        ('--set=n_hidden=many', "n_hidden = 'many' is not allowed: it must be an integer"),
        ('--set=n_hidden=5.5', 'n_hidden = 5.5 is not allowed: it must be an integer'),
        ('--set=n_input=5', 'n_input follows from other parameters'),
        ('--set=rotation_match=45', 'rotation_match = 45: the task DMS fixes it'),
        ('--set=dt=0', 'dt = 0 is not allowed: it must be an integer of at least 1'),
        ('--set=dt=600', 'fix_time = 500 is not allowed with DMS: .* dt = 600 ms'),
        ('--set=delay_time=-10', 'delay_time = -10 is not allowed: .* at least 0'),
        ('--set=batch_size=0', 'batch_size = 0 is not allowed: .* at least 1'),
        ('--set=synapse_config=half', "synapse_config = 'half' is not allowed: .* one of full, "),
        ('--set=exc_inh_prop=2', 'exc_inh_prop = 2 is not allowed: .* <= 1'),
        ('--set=learning_rate=inf', "learning_rate = 'inf' is not allowed: .* a finite number > 0"),
        ('--seed=one', "seed = 'one' is not allowed: "),
        ('--threads=0', "'0' is not a whole number from 1"),
        ('--treads=2', 'unrecognized arguments: --treads=2'),
        ('--set=seed=2 --seed=3', 'seed is given twice'),
        ('--set=dt=5 --set=dt=10', 'dt is given twice'),
        ('--set=trial_type=DMS --task=ABBA', 'trial_type is given twice'),
    ],
)
def test_wrong_commands(tmp_path, refused, argument, sentence):
    assert re.search(sentence, refused(*argument.split()))
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written(tmp_path, refused):
    (tmp_path / 'occupied').write_text('')
    for folder in ('occupied', 'occupied/below'):
        assert f'cannot write to the folder {folder}: ' in refused(save_dir=folder)


def saved_network(**changes) -> dict:
    """What a result file holds, of a network that has been trained for one iteration."""
    weights = {name: par[f'{name}0'] for name in results.WEIGHT_SHAPES}
    curves = {name: [0.0] for name in results.CURVES}
    return {'weights': weights, 'parameters': dict(par), **curves, **changes}


FILES = pytest.mark.parametrize('name', ['net.pkl', 'net.checkpoint'])


@FILES
def test_existing_files_are_kept(tmp_path, refused, name):
    path = tmp_path / name
    results.save(path, saved_network())
    before = path.read_bytes()
    sentence = refused(save_dir='.', save_fn='net.pkl')
    assert all(word in sentence for word in (name, '--overwrite'))
    assert ('--resume' in sentence) == (name == 'net.checkpoint')
    assert 'not allowed with' in refused('--resume', '--overwrite', save_dir='.', save_fn='net.pkl')
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_other_network_than_that_of_the_checkpoint(tmp_path, refused):
    path = tmp_path / 'net.checkpoint'
    results.save(path, saved_network())
    before = path.read_bytes()
    sentence = refused('--resume', save_dir='.', save_fn='net.pkl', n_hidden=5)
    assert 'n_hidden = 5 contradicts net.checkpoint, where it is 100' in sentence
    assert path.read_bytes() == before


class Hostile:
    """Opens a file when it is unpickled, which leaves the file behind."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return open, (self.trace, 'w')


@FILES
def test_hostile_files_run_nothing(tmp_path, refused, name):
    path, trace = tmp_path / name, tmp_path / 'trace'
    stream = pickle.dumps(saved_network(accuracy=Hostile(trace)))
    pickle.loads(stream).clear()
    assert trace.exists()
    trace.unlink()
    path.write_bytes(stream)
    sentence = refused('--resume', save_dir='.', save_fn='net.pkl')
    assert sentence.startswith(f'{name} is refused: it would run ')
    assert path.read_bytes() == stream
    assert list(tmp_path.iterdir()) == [path]


@FILES
def test_damaged_files(tmp_path, refused, name):
    path = tmp_path / name
    whole = pickle.dumps(saved_network())
    no_network = pickle.dumps({'weights': {}})
    for stream in (whole[: len(whole) // 2], whole[:9] + b'?' * 9 + whole[18:], b'', no_network):
        path.write_bytes(stream)
        assert refused('--resume', save_dir='.', save_fn='net.pkl').startswith(f'{name} is ')
        assert path.read_bytes() == stream


# Within this process


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('dt=20', 20),
        ('dt = 20 ', 20),
        ('learning_rate=1e-3', 0.001),
        ('synapse_config=None', None),
        ('var_delay=True', True),
        ('save_fn=a=b.pkl', 'a=b.pkl'),
        ("save_dir='2'", '2'),
        ('trial_type=DMS+DMC', 'DMS+DMC'),
        ('x=__import__("os").getcwd()', '__import__("os").getcwd()'),
    ],
)
def test_values_are_literals_or_text(text, value):
    assert command.setting(text) == (text.split('=')[0].strip(), value)


@pytest.mark.parametrize(
    ('error', 'status'),
    [
        (RunError('reason'), 2),
        (results.ResultsError('reason'), 2),
        (device.DeviceError('reason'), 2),
        (OSError('reason'), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_status_of_a_run_that_cannot_start(monkeypatch, capsys, error, status):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(command, 'begin', fail)
    assert train_here([]) == status
    if status < 128:
        assert capsys.readouterr().err == 'error: reason\n'


@pytest.mark.parametrize(
    ('error', 'status'),
    [
        (RunError('reason'), 2),
        (results.ResultsError('reason'), 2),
        (TrainingError('reason'), 1),
        (OSError('reason'), 1),
        (Interrupted(signal.SIGTERM), 143),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_status_of_a_run_that_fails(capsys, error, status):
    def fail():
        raise error

    assert command.outcome(fail) == status
    if status < 128:
        assert capsys.readouterr().err == 'error: reason\n'


def test_huge_learning_rate_is_explained(tmp_path, capsys):
    settings = SHORT | {'save_dir': str(tmp_path), 'learning_rate': 1e30}
    assert train_here(command_line('model.py', [], settings)[2:]) == 1
    err = capsys.readouterr().err
    assert re.match(r'error: the loss is .* at iteration 1 \(none is saved\).*learning_rate', err)
    assert list(tmp_path.iterdir()) == []


def test_log_of_a_run(tmp_path, eager):
    place = {'save_dir': str(tmp_path), 'save_fn': 'net.pkl', 'num_iterations': 2}
    assert train_here(command_line('model.py', ['--log=csv'], SHORT | place)[2:]) == 0
    with open(tmp_path / 'logs' / 'net.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['iteration'] for row in rows] == ['0', '1']
    saved = results.load_results(tmp_path / 'net.pkl')
    assert [float(row['loss']) for row in rows] == saved['loss']


@pytest.mark.parametrize('names', [[], ['/physical_device:GPU:0', '/physical_device:GPU:1']])
def test_gpu_that_is_not_there(tmp_path, monkeypatch, capsys, names):
    gpus = [SimpleNamespace(name=name) for name in names]
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: gpus)
    seen = ', '.join(f'{i} ({name})' for i, name in enumerate(names)) or 'none'
    assert train_here(['2', f'--set=save_dir={tmp_path}']) == 2
    sentence = capsys.readouterr().err
    assert f'GPU 2 is not there: TensorFlow sees these GPUs: {seen}. ' in sentence
    assert "pip install 'tensorflow[and-cuda]'" in sentence


def test_a_gpu_is_chosen_and_takes_the_memory_that_it_needs(monkeypatch):
    gpus, called = [SimpleNamespace(name='first'), SimpleNamespace(name='second')], []
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: gpus)
    monkeypatch.setattr(tf.config, 'set_visible_devices', lambda *given: called.append(given))
    more = tf.config.experimental
    monkeypatch.setattr(more, 'set_memory_growth', lambda *given: called.append(given))
    monkeypatch.setattr(more, 'get_device_details', lambda gpu: {'device_name': gpu.name})
    assert device.select('0') == 'GPU 0, first'
    assert called == [(gpus[0], 'GPU'), (gpus[0], True)]
    assert device.select(1) == 'GPU 1, second'
    assert called[2:] == [(gpus[1], 'GPU'), (gpus[1], True)]


def test_log_of_tensorflow_is_shown_only_after_a_failure(capfd):
    with device.quiet():
        os.write(2, b'log\n')
    assert capfd.readouterr().err == ''

    def fail():
        with device.quiet():
            os.write(2, b'log\n')
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr().err == 'log\n'


@pytest.mark.parametrize(
    'setting', ['n_hidden=10000000', 'save_fn="a\\0b"', 'save_fn=' + 300 * 'a', 'save_fn=..']
)
def test_culprit_is_named(refused, setting):
    assert setting.split('=')[0] in refused(f'--set={setting}')
