"""Training in this process: the update, the loop, checkpoints, resuming and the choice of device.

Most tests run TensorFlow's functions eagerly, which spares a second per network. The loop alone is
tested with networks whose accuracy and loss come from a script.
"""

import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import command
import device
import model
import results
import training
from model import Model
from optimizer import Adam
from parameters import SETTINGS, par, update_parameters
from stimulus import Stimulus
from tasks import TASKS

SHORT = {'fix_time': 10, 'sample_time': 10, 'delay_time': 20, 'test_time': 20, 'mask_duration': 10}
SEQUENCE = {'ABBA_delay': 10, 'delay_time': 60, 'mask_duration': 0}
CHANGES = {'DMS+DMRS': {'delay_time': 800}, 'ABBA': SEQUENCE, 'ABCA': SEQUENCE}
LOSSES = ('loss', 'perf_loss', 'spike_loss', 'weight_loss')


@pytest.fixture
def eager():
    """Run TensorFlow's functions without making graphs of them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def wanted(small, tmp_path):
    """Set the small network, to be saved as net.pkl in a folder of its own; return that path."""

    def set_parameters(folder='run', **changes):
        place = {'save_dir': str(tmp_path / folder), 'save_fn': 'net.pkl', 'num_iterations': 6}
        small(**place | changes)
        return tmp_path / folder / 'net.pkl'

    return set_parameters


@pytest.fixture
def script(monkeypatch):
    """Put networks in place that do not learn: `values(iteration)` are their accuracy and loss."""

    def set_script(values):
        class Scripted(Model):
            def optimize(self, trial_info, iteration):
                return dict.fromkeys(('accuracy', *LOSSES), 0.5) | (values(iteration) or {})

        monkeypatch.setattr(model, 'Model', Scripted)

    return set_script


def stop_at(stopped_iteration, signum):
    """A script that sends a signal to this process."""
    return lambda iteration: signal.raise_signal(signum) if iteration == stopped_iteration else None


def assert_same_network(path, expected_path):
    got, expected = results.load_results(path), results.load_results(expected_path)
    for name, value in expected['weights'].items():
        np.testing.assert_array_equal(got['weights'][name], value, err_msg=name)
    for name in results.CURVES:
        assert got[name] == expected[name], name


# --- the update ---


def adam_in_numpy(value, gradients, mask, learning_rate, max_norm):
    """Mask, clip, Adam in its original form, iteration after iteration, in double precision."""
    m = v = np.zeros(value.shape)
    for t, gradient in enumerate(gradients, 1):
        g = gradient * mask
        g = g * max_norm / max(np.sqrt(np.sum(g**2)), max_norm)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        step = learning_rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        value = value - step * m / (np.sqrt(v) + 1e-8)
    return value


@pytest.mark.parametrize('scale', [1e-8, 1e-3, 10.0])
def test_update_is_masked_clipped_adam(scale):
    """Gradients so small that epsilon counts, below max_norm, and clipped to it."""
    rng = np.random.default_rng(1)
    start = {name: rng.normal(size=(5, 7)).astype(np.float32) for name in ('masked', 'free')}
    mask = (rng.random((5, 7)) < 0.5).astype(np.float32)
    gradients = {name: rng.normal(0, scale, (6, 5, 7)).astype(np.float32) for name in start}
    variables = {name: tf.Variable(value) for name, value in start.items()}
    adam = Adam(variables, {'masked': mask, 'free': None}, 0.02, 0.1)
    for iteration in range(6):
        adam.apply({name: g[iteration] for name, g in gradients.items()}, iteration)
    for name, own_mask in (('masked', mask), ('free', np.ones((5, 7)))):
        expected = adam_in_numpy(start[name], gradients[name], own_mask, 0.02, 0.1)
        moved, expected_move = variables[name] - start[name], expected - start[name]
        np.testing.assert_allclose(moved, expected_move, rtol=1e-3, atol=1e-6, err_msg=name)
        assert np.abs(expected_move).max() > 1e-3
    np.testing.assert_array_equal(
        variables['masked'].numpy()[mask == 0], start['masked'][mask == 0]
    )


def test_update_without_gradient_moves_nothing():
    variable = tf.Variable([[1.0, 2.0]])
    Adam({'w': variable}, {'w': None}, 0.02, 0.1).apply({'w': tf.zeros([1, 2])}, 0)
    np.testing.assert_array_equal(variable, [[1, 2]])


def test_masked_weights_of_a_network_never_move(small, eager):
    """Also where they are not 0, so that their gradient is not 0 by itself."""
    small()
    given = {name: np.abs(par[f'{name}0']) + 0.1 for name in ('w_in', 'w_rnn', 'w_out')}
    given |= {name: par[f'{name}0'] for name in ('h', 'b_rnn', 'b_out')}
    network = Model(given)
    for iteration in range(3):
        network.optimize(Stimulus([1, iteration]).generate_trial(), iteration)
    still = {
        'w_rnn': np.eye(par['n_hidden'], dtype=bool),
        'w_out': np.arange(par['n_hidden']) >= par['num_exc_units'],
    }
    for name, where in still.items():
        after = network.weights[name].numpy()
        np.testing.assert_array_equal(after[where], given[name][where])
        assert np.all(after[~where] != given[name][~where])


def test_result_does_not_depend_on_threads(small, eager):
    small()
    networks = [Model(trials_per_part=3, threads=threads) for threads in (1, 2)]
    for iteration in range(3):
        trial = Stimulus([1, iteration]).generate_trial()
        first, second = (network.optimize(trial, iteration) for network in networks)
        assert first == second
    for name, value in networks[0].weights.items():
        np.testing.assert_array_equal(value, networks[1].weights[name], err_msg=name)


# --- a run from start to end ---


@pytest.mark.parametrize('task', [t for t in TASKS if t not in ('DMS', 'dualDMS', 'distractor')])
def test_tasks_train(wanted, task):
    """All tasks but those that test_command.py runs through the command."""
    path = wanted(
        trial_type=task, num_iterations=2, num_motion_dirs=8, **SHORT | CHANGES.get(task, {})
    )
    assert training.train() == path
    network = results.load_results(path)
    assert network['iteration'] == [0, 1]
    assert network['parameters']['trial_type'] == task
    assert all(0 <= value <= 1 for value in network['accuracy'])
    for name, value in network['weights'].items():
        assert np.all(np.isfinite(value)), name
        assert np.any(value != network['parameters'][f'{name}0']), name
    assert list(path.parent.iterdir()) == [path]


def test_main_trains_on_the_cpu(wanted, eager):
    paths = []
    for gpu_id in (None, 'none', 'None'):
        paths.append(wanted(folder=str(len(paths)), num_iterations=3))
        assert model.main(gpu_id) == paths[-1]
    assert_same_network(paths[1], paths[0])
    assert_same_network(paths[2], paths[0])
    wanted(folder='other seed', num_iterations=3, seed=6)
    other = results.load_results(model.main())
    assert other['loss'] != results.load_results(paths[0])['loss']


def test_lines_are_printed_at_intervals(wanted, script, capsys):
    path = wanted(num_iterations=11, iters_between_outputs=5)
    script(lambda iteration: {'accuracy': iteration / 100})
    training.train(threads=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == 'Task DMS, synapses full, CPU, 2 threads, seed 5'
    assert '12 units (10 excitatory), 6 inputs, 3 outputs, 23 steps of 10 ms' in lines[1]
    assert [line.split()[:4] for line in lines[2:-1]] == [
        ['iteration', '0', 'accuracy', '0.000'],
        ['iteration', '5', 'accuracy', '0.050'],
        ['iteration', '10', 'accuracy', '0.100'],
    ]
    assert lines[-1].startswith(f'Saved {path} after ')


@pytest.mark.parametrize(
    ('accuracy', 'num_iterations'),
    [
        (lambda iteration: 1.0, 20),  # never before there are 20
        (lambda iteration: 0.5 if iteration < 30 else 0.9, 41),  # 11 of the last 20 at 0.9
        (lambda iteration: 0.71, 50),  # not passed
    ],
)
def test_stop_accuracy_is_passed_by_the_mean_of_twenty(wanted, script, accuracy, num_iterations):
    path = wanted(num_iterations=50, stop_accuracy=0.71)
    script(lambda iteration: {'accuracy': accuracy(iteration)})
    training.train()
    assert results.load_results(path)['iteration'] == list(range(num_iterations))
    assert list(path.parent.iterdir()) == [path]


def test_runs_in_a_thread(wanted, script):
    """Signals belong to the main thread; elsewhere a run does without them."""
    path = wanted()
    script(lambda iteration: None)
    thread = threading.Thread(target=training.train)
    thread.start()
    thread.join()
    assert path.exists()


# --- a loss that is not finite ---


@pytest.mark.parametrize('loss', [np.nan, np.inf])
def test_loss_that_is_not_finite_stops_and_keeps_the_checkpoint(wanted, script, loss):
    path = wanted(num_iterations=20, save_every=3)
    script(lambda iteration: {'loss': loss} if iteration == 7 else None)
    with pytest.raises(
        training.TrainingError, match='loss is .* at iteration 7.*learning_rate'
    ) as e:
        training.train()
    checkpoint = results.checkpoint_name(path)
    assert str(checkpoint) in str(e.value)
    assert len(results.load_results(checkpoint)['iteration']) == 6
    assert list(path.parent.iterdir()) == [checkpoint]


def test_huge_learning_rate_is_explained(wanted, eager, capsys):
    wanted(learning_rate=1e30)
    assert command.run([]) == 1
    assert capsys.readouterr().err.startswith(
        'error: the loss is nan at iteration 1 (none is saved)'
    )


# --- checkpoints and resuming ---


def test_checkpoint_every_save_every(wanted, script):
    path = wanted(num_iterations=8, save_every=3)
    checkpoint, saved = results.checkpoint_name(path), []

    def look(iteration):
        saved.append(len(results.load(checkpoint)['iteration']) if checkpoint.exists() else None)

    script(look)
    training.train()
    assert saved == [None, None, None, 3, 3, 3, 6, 6]
    assert checkpoint.name.startswith('net.')
    assert list(path.parent.iterdir()) == [path]


def crash(iteration):
    if iteration == 4:
        raise MemoryError


@pytest.mark.parametrize(
    ('stop', 'error', 'done'),
    [
        (stop_at(3, signal.SIGINT), training.Interrupted, 4),
        (stop_at(3, signal.SIGTERM), training.Interrupted, 4),
        (stop_at(5, signal.SIGTERM), training.Interrupted, 6),  # in the last iteration
        (crash, MemoryError, 3),
    ],
)
def test_resumed_run_ends_as_if_never_stopped(wanted, monkeypatch, eager, stop, error, done):
    whole = wanted('whole', save_every=3)
    training.train()
    path = wanted('stopped', save_every=3)

    class Stopped(Model):
        def optimize(self, trial_info, iteration):
            stop(iteration)
            return super().optimize(trial_info, iteration)

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch, pytest.raises(error):
        patch.setattr(model, 'Model', Stopped)
        training.train()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    checkpoint = results.checkpoint_name(path)
    assert results.load_results(checkpoint)['iteration'] == list(range(done))
    assert list(path.parent.iterdir()) == [checkpoint]
    training.train(resume=True)
    assert_same_network(path, whole)
    assert list(path.parent.iterdir()) == [path]


def test_second_ctrl_c_stops_at_once(wanted, script):
    wanted()

    def twice(iteration):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    script(twice)
    with pytest.raises(KeyboardInterrupt):
        training.train()


@pytest.fixture
def stopped(wanted, script, small):
    """A run of 3 of 6 iterations, stopped, and `small` with its place only; return its paths."""
    path = wanted(learning_rate=0.01, catch_trial_pct=0.2)
    script(stop_at(2, signal.SIGTERM))
    with pytest.raises(training.Interrupted):
        training.train()
    return path, results.checkpoint_name(path)


def test_without_checkpoint_resume_starts_at_the_beginning(wanted, script):
    path = wanted()
    script(lambda iteration: None)
    training.train(resume=True)
    assert results.load_results(path)['iteration'] == [0, 1, 2, 3, 4, 5]


def ask_for(path, **changes):
    """Forget all settings; ask for this result file and the changes."""
    from parameters import reset_parameters

    reset_parameters()
    update_parameters({'save_dir': str(path.parent), 'save_fn': path.name, **changes})


def test_settings_come_from_the_checkpoint(stopped, script, capsys):
    path, checkpoint = stopped
    before = results.load(checkpoint)['parameters']
    ask_for(path)
    script(lambda iteration: None)
    capsys.readouterr()
    training.train(resume=True)
    assert 'Going on after iteration 2.' in capsys.readouterr().out
    after = results.load_results(path)
    assert after['iteration'] == [0, 1, 2, 3, 4, 5]
    assert after['parameters'].keys() == before.keys()
    for name in SETTINGS:
        assert after['parameters'][name] == before[name], name


def test_files_may_move_before_resuming(stopped, script, tmp_path):
    path, checkpoint = stopped
    moved = tmp_path / 'moved' / 'other.pkl'
    moved.parent.mkdir()
    checkpoint.rename(results.checkpoint_name(moved))
    ask_for(moved)
    script(lambda iteration: None)
    assert training.train(resume=True) == moved
    assert len(results.load_results(moved)['iteration']) == 6
    assert list(path.parent.iterdir()) == []


def test_settings_that_may_change_on_resuming(stopped, script, capsys):
    path, _ = stopped
    changes = {
        'num_iterations': 30,
        'save_every': 7,
        'iters_between_outputs': 4,
        'stop_accuracy': 0.4,
    }
    assert changes.keys() == set(training.CHANGEABLE)
    ask_for(path, **changes)
    script(lambda iteration: None)
    training.train(resume=True)
    after = results.load_results(path)
    assert len(after['iteration']) == 20
    assert {name: after['parameters'][name] for name in changes} == changes


@pytest.mark.parametrize(
    'change',
    [
        {'n_hidden': 13},
        {'learning_rate': 0.02},  # the default, but not what the run was started with
        {'trial_type': 'DMC'},
        {'seed': 6},
        {'spike_cost': 0},
        {'synapse_config': None},
        {'batch_size': 11},
        {'delay_time': 70},
    ],
)
def test_other_settings_may_not_change_on_resuming(stopped, change):
    path, checkpoint = stopped
    before = checkpoint.read_bytes()
    ask_for(path, **change)
    (name,) = change
    with pytest.raises(training.RunError, match=f'^{name} = .* contradicts {checkpoint}') as error:
        training.train(resume=True)
    assert all(changeable in str(error.value) for changeable in training.CHANGEABLE)
    assert checkpoint.read_bytes() == before


def test_settings_that_agree_may_be_repeated_on_resuming(stopped, script):
    path, _ = stopped
    ask_for(path, n_hidden=12, learning_rate=0.01, trial_type='DMS', seed=5)
    script(lambda iteration: None)
    training.train(resume=True)
    assert path.exists()


def test_finished_run_stays_and_its_old_checkpoint_goes(stopped, script, capsys):
    path, checkpoint = stopped
    old = checkpoint.read_bytes()
    script(lambda iteration: None)
    training.train(resume=True)
    checkpoint.write_bytes(old)
    before = path.read_bytes()
    script(crash)
    assert training.train(resume=True) == path
    assert f'{path} is finished already' in capsys.readouterr().out
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_overwrite_starts_again(stopped, script):
    path, checkpoint = stopped
    script(lambda iteration: None)
    with pytest.raises(training.RunError, match='--resume.*--overwrite'):
        training.train()
    with pytest.raises(training.RunError, match='exclude each other'):
        training.train(resume=True, overwrite=True)
    assert checkpoint.exists()
    for _ in range(2):  # in place of the checkpoint, then of the result
        training.train(overwrite=True)
        assert results.load_results(path)['iteration'] == [0, 1, 2, 3, 4, 5]
        assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    'damage',
    [
        lambda saved: saved.pop('optimizer'),
        lambda saved: saved['optimizer']['m'].pop('w_in'),
        lambda saved: saved['optimizer']['v'].update(h=np.zeros((1, 13), np.float32)),
        lambda saved: saved.update(weights=weights_of_size(13)),
        lambda saved: saved['parameters'].update(n_hidden=-1),
    ],
)
def test_checkpoint_that_contradicts_itself_is_refused(stopped, damage):
    path, checkpoint = stopped
    saved = results.load(checkpoint)
    damage(saved)
    results.save(checkpoint, saved)
    before = checkpoint.read_bytes()
    ask_for(path)
    with pytest.raises(training.RunError, match='checkpoint'):
        training.train(resume=True)
    assert checkpoint.read_bytes() == before


def weights_of_size(num_units):
    sizes = {'N': num_units, 'I': 6, 'O': 3, 1: 1}
    return {
        name: np.zeros([sizes[axis] for axis in axes], np.float32)
        for name, axes in results.WEIGHT_SHAPES.items()
    }


# --- devices ---


def test_gpu_that_is_not_there(monkeypatch):
    for names in ([], ['/physical_device:GPU:0', '/physical_device:GPU:1']):
        gpus = [SimpleNamespace(name=name) for name in names]
        monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind, gpus=gpus: gpus)
        seen = ', '.join(f'{i} ({name})' for i, name in enumerate(names)) or 'none'
        for gpu_id in ('2', 7, -1, 'first'):
            with pytest.raises(device.DeviceError, match='pip install .tensorflow') as error:
                device.select(gpu_id)
            assert f'GPU {gpu_id} is not there: TensorFlow sees these GPUs: {seen}. ' in str(
                error.value
            )


def test_gpu_is_chosen_by_its_number(monkeypatch):
    gpus, chosen = [SimpleNamespace(name='first'), SimpleNamespace(name='second')], []
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: gpus)
    monkeypatch.setattr(tf.config, 'set_visible_devices', lambda gpu, kind: chosen.append(gpu))
    monkeypatch.setattr(tf.config.experimental, 'set_memory_growth', lambda gpu, on: None)
    monkeypatch.setattr(
        tf.config.experimental, 'get_device_details', lambda gpu: {'device_name': 'Model X'}
    )
    assert device.select('1') == 'GPU 1, Model X'
    assert chosen == [gpus[1]]


def test_library_noise_is_shown_only_after_a_failure(capfd):
    import os

    with device.quiet():
        os.write(2, b'noise of a library\n')
    assert capfd.readouterr().err == ''
    with pytest.raises(ImportError), device.quiet():
        os.write(2, b'noise of a library\n')
        raise ImportError
    assert capfd.readouterr().err == 'noise of a library\n'
