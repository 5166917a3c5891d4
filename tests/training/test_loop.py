"""Training in this process: the update, the loop, its checkpoints and how it resumes.

TensorFlow's functions run eagerly here, which spares seconds per network. The loop alone is tested
with networks that do not learn: their accuracy and loss come from a script.
"""

import os
import re
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from shell import assert_same_network, iterations

import model
import results
from model import Model
from parameters import SETTINGS, par, reset_parameters, update_parameters
from rnn import device
from rnn.optimizer import Adam, adam_step
from stimulus import Stimulus
from system.signals import Interrupted
from tasks import TASKS
from training.display import header
from training.member import Member, TrainingError
from training.start import CHANGEABLE, RunError, begin
from training.stopping import ITERATIONS_TO_STOP

SHORT = {'fix_time': 10, 'sample_time': 10, 'delay_time': 20, 'test_time': 20, 'mask_duration': 10}
SEQUENCE = {'ABBA_delay': 10, 'delay_time': 60, 'mask_duration': 0}
CHANGES = {'DMS+DMRS': {'delay_time': 800}, 'ABBA': SEQUENCE, 'ABCA': SEQUENCE}
OUTCOME = dict.fromkeys(('accuracy', 'loss', 'perf_loss', 'spike_loss', 'weight_loss'), 0.5)


pytestmark = pytest.mark.usefixtures('eager')


@pytest.fixture
def ask_for(small, tmp_path):
    """Set a small network with short trials; return the path of its result and its checkpoint."""

    def set_parameters(folder='run', **changes):
        place = {'save_dir': str(tmp_path / folder), 'save_fn': 'net.pkl', 'num_iterations': 6}
        small(**SHORT | place | changes)
        return tmp_path / folder / 'net.pkl', tmp_path / folder / 'net.checkpoint'

    return set_parameters


@pytest.fixture
def script(monkeypatch):
    """Replace the network by one that does not learn; `outcome(iteration)` changes its outcome."""

    def set_script(outcome):
        class Scripted(Model):
            def optimize(self, trial_info, iteration):
                return OUTCOME | (outcome(iteration) or {})

        monkeypatch.setattr(model, 'Model', Scripted)

    return set_script


@pytest.fixture
def stopped(ask_for, script):
    """Stop a run after 3 of its 6 iterations; return the path of its result and its checkpoint."""
    paths = ask_for(learning_rate=0.01, catch_trial_pct=0.2)
    script(stop_at(2, signal.SIGTERM))
    with pytest.raises(Interrupted):
        model.main()
    script(lambda iteration: None)
    return paths


def stop_at(stopped_iteration, signum):
    """A script that sends a signal to this process."""
    return lambda iteration: signal.raise_signal(signum) if iteration == stopped_iteration else None


def crash(iteration):
    if iteration == 4:
        raise MemoryError


def forget_all_but(path, **settings):
    """Return to the defaults, apart from the place of the result and the given settings."""
    reset_parameters()
    update_parameters({'save_dir': str(path.parent), 'save_fn': path.name, **settings})


def assert_only(path):
    assert list(path.parent.iterdir()) == [path]


# The update


def adam_in_numpy(value, gradients, mask, learning_rate, max_norm):
    """Mask, clip and Adam in its original form, iteration after iteration, in double precision."""
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
    variables = {name: tf.constant(value) for name, value in start.items()}
    adam = Adam(variables, {'masked': mask, 'free': None}, learning_rate=0.02, max_norm=0.1)
    for iteration in range(6):
        of_iteration = {name: g[iteration] for name, g in gradients.items()}
        variables, adam.slots = adam_step(variables, of_iteration, iteration, **adam.arguments())
    for name, own_mask in (('masked', mask), ('free', np.ones((5, 7)))):
        expected = adam_in_numpy(start[name], gradients[name], own_mask, 0.02, 0.1) - start[name]
        assert np.abs(expected).max() > 1e-3
        moved = variables[name].numpy() - start[name]
        np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-6, err_msg=name)
    assert np.all((variables['masked'].numpy() == start['masked'])[mask == 0])


def test_masked_weights_of_a_network_never_move(small):
    """Also where they are not 0, so that their gradient is not 0 by itself."""
    small()
    given = {name: np.abs(par[f'{name}0']) + 0.1 for name in ('w_in', 'w_rnn', 'w_out')}
    given |= {name: par[f'{name}0'] for name in ('h', 'b_rnn', 'b_out')}
    network = Model(given)
    for iteration in range(3):
        network.optimize(Stimulus([1, iteration]).generate_trial(), iteration)
    inhibitory = np.arange(par['n_hidden']) >= par['num_exc_units']
    still = {'w_rnn': np.eye(par['n_hidden'], dtype=bool), 'w_out': inhibitory}
    for name, where in still.items():
        moved = network.weights[name].numpy() != given[name]
        assert not np.any(moved[where])
        assert np.all(moved[~where])


# A run from start to end


@pytest.mark.parametrize('task', [t for t in TASKS if t not in ('dualDMS', 'distractor')])
def test_tasks_train(ask_for, task):
    """All tasks but those that test_model_command.py runs through the command."""
    path, _ = ask_for(trial_type=task, num_iterations=2, num_motion_dirs=8, **CHANGES.get(task, {}))
    assert model.main() == path
    network = results.load_results(path)
    assert network['iteration'] == [0, 1]
    assert network['parameters']['trial_type'] == task
    assert all(0 <= value <= 1 for value in network['accuracy'])
    for name, value in network['weights'].items():
        assert np.all(np.isfinite(value)), name
        assert np.any(value != network['parameters'][f'{name}0']), name
    assert_only(path)


def test_main_trains_on_the_cpu(ask_for):
    paths = [ask_for(folder)[0] for folder in ('first', 'second', 'third')]
    for path, gpu_id in zip(paths, (None, 'none', 'None'), strict=True):
        ask_for(path.parent.name)
        assert model.main(gpu_id) == path
        assert_same_network(path, paths[0])
    ask_for('fourth', seed=6)
    assert results.load_results(model.main())['loss'] != results.load_results(paths[0])['loss']


@pytest.mark.parametrize('gpu_id', ['none', '0'])
def test_a_gpu_gets_the_whole_batch_compiled(ask_for, monkeypatch, gpu_id):
    ask_for()
    monkeypatch.setattr(device, 'select', lambda *given: 'device')
    member = Member(begin(par, gpu_id=gpu_id, threads=3, locked=True), lambda curves: False)
    member.build(lambda **options: SimpleNamespace(how=options, require_trainable=lambda: None))
    on_gpu = {'jit_compile': True, 'trials_per_part': par['batch_size']} if gpu_id == '0' else {}
    assert member.model.how == {'p': member.p, 'threads': 3} | on_gpu


def test_lines_are_printed_at_intervals(ask_for, script, capsys):
    path, _ = ask_for(num_iterations=13, iters_between_outputs=5)
    script(lambda iteration: {'accuracy': iteration / 100})
    model.main(threads=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == 'Task DMS, synapses full, CPU, 2 threads, seed 5'
    assert '12 units (10 excitatory), 6 inputs, 3 outputs, 6 steps of 10 ms' in lines[1]
    shown = [re.match(r'iteration +(\d+)  accuracy ([\d.]+)  ', line) for line in lines[2:-1]]
    accuracies = [('0', '0.000'), ('5', '0.050'), ('10', '0.100'), ('12', '0.120')]
    assert [match.groups() for match in shown] == accuracies
    assert '12 units (whose weights have either sign)' in header(par | {'EI': False}, 'CPU')
    assert lines[-1].startswith(f'Saved {path} after ')


@pytest.mark.parametrize(
    ('accuracy', 'done'),
    [
        (lambda iteration: 1.0, 20),  # never before there are 20
        (lambda iteration: 0.5 + 0.5 * (iteration >= 30), 41),  # 11 of the last 20 are 1
        (lambda iteration: 0.75, 50),  # reached, not passed
    ],
)
def test_stop_accuracy_is_passed_by_the_mean_of_twenty(ask_for, script, accuracy, done):
    path, _ = ask_for(num_iterations=50, stop_accuracy=0.75)
    script(lambda iteration: {'accuracy': accuracy(iteration)})
    model.main()
    assert iterations(path) == list(range(done))
    assert_only(path)


def test_a_signal_when_the_accuracy_is_reached_changes_nothing(ask_for, script):
    path, _ = ask_for(num_iterations=50, stop_accuracy=0.4)  # OUTCOME has .5
    script(stop_at(ITERATIONS_TO_STOP - 1, signal.SIGTERM))
    assert model.main() == path
    assert iterations(path) == list(range(ITERATIONS_TO_STOP))
    assert_only(path)


def test_another_cell_without_its_derivative_ends_the_run_before_it_begins(ask_for, monkeypatch):
    class Other(Model):
        @staticmethod
        def rnn_cell(stimulus, noise, state, c):
            return Model.rnn_cell(stimulus, noise, state, c._replace(alpha=0.5 * c.alpha))

    path, _ = ask_for()
    monkeypatch.setattr(model, 'Model', Other)
    with pytest.raises(RunError, match='step_back in rnn/bptt.py is not the derivative of .*Other'):
        model.main()
    assert list(path.parent.iterdir()) == []


def test_runs_in_a_thread(ask_for, script):
    """Signals belong to the main thread; elsewhere a run does without them."""
    path, _ = ask_for()
    script(lambda iteration: None)
    thread = threading.Thread(target=model.main)
    thread.start()
    thread.join()
    assert_only(path)


@pytest.mark.parametrize('loss', [np.nan, np.inf])
def test_loss_that_is_not_finite_stops_and_keeps_the_checkpoint(ask_for, script, loss):
    _, checkpoint = ask_for(num_iterations=20, save_every=3)
    script(lambda iteration: {'loss': loss} if iteration == 7 else None)
    explanation = f'the loss is .* at iteration 7 .*{checkpoint}.*learning_rate'
    with pytest.raises(TrainingError, match=explanation):
        model.main()
    assert iterations(checkpoint) == list(range(6))
    assert_only(checkpoint)


@pytest.mark.filterwarnings('ignore:overflow')
@pytest.mark.parametrize('save_every', [1, 9])
def test_weights_that_are_not_finite_are_not_saved(ask_for, save_every):
    """Neither in a checkpoint nor as the result: the last loss does not show them."""
    path, _ = ask_for(learning_rate=1e39, num_iterations=1, save_every=save_every)
    with pytest.raises(TrainingError, match='weight .* at iteration 0 .none is saved'):
        model.main()
    assert not list(path.parent.iterdir())


def test_a_tensor_is_not_saved(tmp_path):
    with pytest.raises(TypeError, match='weights/h is of type EagerTensor'):
        results.save(tmp_path / 'a.pkl', {'weights': {'h': tf.constant([1.0])}})
    assert not list(tmp_path.iterdir())


# Checkpoints and resuming


def test_batch_follows_from_seed_and_iteration(ask_for):
    drawn = []
    for seed, first in ((5, 0), (5, 1), (6, 0)):
        ask_for(seed=seed)
        member = Member(begin(par, locked=True), lambda curves: False)
        drawn.append({i: member.batch(i)['neural_input'].tobytes() for i in range(first, 3)})
    assert drawn[0].keys() == {0, 1, 2}
    assert drawn[1] == {1: drawn[0][1], 2: drawn[0][2]}
    assert len({*drawn[0].values(), *drawn[2].values()}) == 6


@pytest.mark.parametrize('resume', [False, True])  # also from the start, without a checkpoint
def test_checkpoint_every_save_every(ask_for, script, resume):
    path, checkpoint = ask_for(num_iterations=8, save_every=3)
    saved = []
    script(lambda _: saved.append(len(iterations(checkpoint)) if checkpoint.exists() else None))
    model.main(resume=resume)
    assert saved == [None, None, None, 3, 3, 3, 6, 6]
    assert_only(path)


@pytest.mark.parametrize(
    ('stop', 'error', 'done'),
    [
        (stop_at(3, signal.SIGINT), Interrupted, 4),
        (stop_at(3, signal.SIGTERM), Interrupted, 4),
        (stop_at(5, signal.SIGTERM), Interrupted, 6),  # in the last iteration
        (crash, MemoryError, 3),
    ],
)
def test_resumed_run_ends_as_if_never_stopped(ask_for, monkeypatch, stop, error, done):
    class Stopped(Model):
        def optimize(self, trial_info, iteration):
            stop(iteration)
            return super().optimize(trial_info, iteration)

    whole, _ = ask_for('whole', save_every=3)
    model.main()
    path, checkpoint = ask_for('stopped', save_every=3)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(model, 'Model', Stopped)
    with pytest.raises(error):
        model.main()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert iterations(checkpoint) == list(range(done))
    assert_only(checkpoint)
    monkeypatch.setattr(model, 'Model', Model)
    model.main(resume=True)
    assert_same_network(path, whole)
    assert_only(path)


def test_second_ctrl_c_stops_at_once(ask_for, script):
    _, checkpoint = ask_for()
    script(lambda _: [signal.raise_signal(signal.SIGINT) for _ in range(2)])
    with pytest.raises(KeyboardInterrupt):
        model.main()
    assert not checkpoint.exists()


def test_settings_come_from_the_checkpoint_wherever_it_is(stopped, tmp_path, capsys):
    path, checkpoint = stopped
    before = results.load(checkpoint)['parameters']
    moved = tmp_path / 'moved' / 'other.pkl'
    moved.parent.mkdir()
    checkpoint.rename(moved.with_name('other.checkpoint'))
    forget_all_but(moved)
    assert model.main(resume=True) == moved
    assert 'Going on after iteration 2.' in capsys.readouterr().out
    assert iterations(moved) == [0, 1, 2, 3, 4, 5]
    assert not list(path.parent.iterdir())
    after = results.load(moved)['parameters']
    assert after.keys() == before.keys()
    before |= {'save_dir': str(moved.parent), 'save_fn': 'other.pkl'}
    assert {name: after[name] for name in SETTINGS} == {name: before[name] for name in SETTINGS}


def test_settings_that_may_change_on_resuming(stopped):
    path, _ = stopped
    changes = {'num_iterations': 30, 'save_every': 7, 'iters_between_outputs': 4}
    changes['stop_accuracy'] = 0.4
    assert changes.keys() == set(CHANGEABLE)
    forget_all_but(path, n_hidden=12, learning_rate=0.01, **changes)  # the first two agree
    model.main(resume=True)
    assert len(iterations(path)) == ITERATIONS_TO_STOP
    after = results.load(path)['parameters']
    assert {name: after[name] for name in changes} == changes


# the learning rate is the default one, but not that of the run
OTHERS = {'n_hidden': 13, 'learning_rate': 0.02, 'trial_type': 'DMC', 'seed': 6, 'spike_cost': 0}
OTHERS |= {'synapse_config': None, 'batch_size': 11, 'delay_time': 70}


@pytest.mark.parametrize('name', OTHERS)
def test_other_settings_may_not_change_on_resuming(stopped, name):
    path, checkpoint = stopped
    before = checkpoint.read_bytes()
    forget_all_but(path, **{name: OTHERS[name]})
    allowed = ', '.join(CHANGEABLE)
    with pytest.raises(RunError, match=f'^{name} = .* {checkpoint}, .*{allowed}'):
        model.main(resume=True)
    assert checkpoint.read_bytes() == before


def test_finished_run_stays_and_its_old_checkpoint_goes(stopped, script, capsys):
    path, checkpoint = stopped
    old = checkpoint.read_bytes()
    model.main(resume=True)
    checkpoint.write_bytes(old)
    before = path.read_bytes()
    script(lambda iteration: pytest.fail('trained again'))
    assert model.main(resume=True) == path  # the checkpoint is newer: of a run that replaces it
    assert checkpoint.read_bytes() == old
    os.utime(checkpoint, (0, 0))
    assert model.main(resume=True) == path
    assert f'{path} is finished already' in capsys.readouterr().out
    assert path.read_bytes() == before
    assert_only(path)


def test_overwrite_starts_again(stopped):
    path, checkpoint = stopped
    with pytest.raises(RunError, match='--resume.*--overwrite'):
        model.main()
    with pytest.raises(RunError, match='exclude each other'):
        model.main(resume=True, overwrite=True)
    assert_only(checkpoint)
    for _ in range(2):  # in place of the checkpoint, then of the result
        model.main(overwrite=True)
        assert iterations(path) == [0, 1, 2, 3, 4, 5]
        assert_only(path)


@pytest.mark.parametrize(
    'damage',
    [
        lambda saved: saved.pop('optimizer'),
        lambda saved: saved['optimizer']['m'].pop('w_in'),
        lambda saved: saved['optimizer']['v'].update(h=np.zeros((1, 13), np.float32)),
        lambda saved: saved['parameters'].update(n_hidden=13),
        lambda saved: saved['parameters'].update(n_hidden=-1),
        lambda saved: saved.update(parameters={}),
        lambda saved: saved.update(optimizer=3),
        lambda saved: saved['optimizer'].update(m=None),
        lambda saved: saved['optimizer']['m'].update(h='x'),
    ],
)
def test_checkpoint_that_does_not_fit_itself_is_refused(stopped, damage):
    path, checkpoint = stopped
    saved = results.load(checkpoint)
    damage(saved)
    results.save(checkpoint, saved)
    before = checkpoint.read_bytes()
    forget_all_but(path)
    with pytest.raises(RunError, match=str(checkpoint)):
        model.main(resume=True)
    assert checkpoint.read_bytes() == before


def test_finished_run_of_another_network_is_refused(ask_for, script):
    path, _ = ask_for()
    script(lambda iteration: None)
    model.main()
    forget_all_but(path, trial_type='DMC')
    with pytest.raises(RunError, match="trial_type = 'DMC'"):
        model.main(resume=True)


def test_a_run_says_if_there_is_nothing_to_resume(ask_for, script, capsys):
    _, checkpoint = ask_for()
    script(lambda iteration: {})
    model.main(resume=True)
    assert f'There is no {checkpoint}: starting at iteration 0.' in capsys.readouterr().out


def test_networks_without_a_seed_have_different_ones(ask_for, script):
    ask_for(seed=None)
    script(lambda iteration: {})
    weights = []
    for name in ('a.pkl', 'b.pkl'):
        update_parameters({'save_fn': name})
        weights.append(results.load(model.main())['weights']['w_rnn'])
    assert not np.array_equal(*weights)
    update_parameters({'seed': 7})
    model.main(overwrite=True)
    assert par['seed'] == 7


def test_a_batch_is_that_of_the_seed_and_the_iteration(ask_for):
    ask_for()
    member = Member(begin(par, locked=True), lambda curves: False)
    batch, expected = member.batch(3), Stimulus([par['seed'], 3]).generate_trial()
    for name, value in expected.items():
        np.testing.assert_array_equal(batch[name], value)
