"""Training in people's hands: outputs that go away, two commands at once, signals, notebooks.

A process that trains takes seconds, so few of them show much. Requests that another command makes
impossible are made in this process.
"""

import os
import signal
import subprocess

import numpy as np
import pytest
from shell import (
    SHORT,
    assert_same_network,
    command_line,
    environment,
    iterations,
    refusal_here,
    run,
    set_here,
    started,
    statuses,
    wait_for,
    write_own_task,
)

import model
import run_all_models
from commands import train as command
from parameters import par, parameters_with, update_parameters
from results import checkpoint_name
from stimulus import Stimulus
from system.signals import ASKS_TO_STOP, Interrupted, Signals
from tasks import load_task
from training import member
from training.display import header
from training.member import TrainingError

TINY = SHORT | {'num_iterations': 4}


@pytest.fixture
def place(tmp_path, small):
    """Set a small network with short trials; return the path of its result."""
    small(**TINY | {'save_dir': str(tmp_path), 'save_fn': 'net.pkl', 'save_every': 2})
    return tmp_path / 'net.pkl'


@pytest.fixture
def hang_up_is_heeded():
    """Also where the tests themselves ignore it, as under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


# Outputs


def test_nothing_is_lost_where_nothing_can_be_written(tmp_path):
    """A full disk, no standard error; a name without .pkl in the home folder, which is a link."""
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'home').symlink_to('disk')
    settings = TINY | {'save_dir': '~/nets', 'save_fn': 'DMS_run_v1.0'}
    words = command_line('model.py', [], settings)
    env = environment(HOME=str(tmp_path / 'home'))
    line = ['bash', '-c', '"$@" >/dev/full 2>&-', 'bash', *words]
    done = subprocess.run(line, cwd=tmp_path, env=env)
    assert done.returncode == 0
    path = tmp_path / 'disk' / 'nets' / 'DMS_run_v1.0.pkl'
    assert list(path.parent.iterdir()) == [path]
    assert iterations(path) == list(range(4))


def test_one_command_trains_a_file_though_its_reader_is_gone(tmp_path):
    """All others are refused; a signal of a queue stops it with a checkpoint."""
    path = tmp_path / 'savedir' / 'set' / 'DMS-run-0.pkl'
    settings = SHORT | {'num_iterations': 10**6, 'save_every': 5, 'iters_between_outputs': 1}
    settings |= {'save_dir': 'savedir/set', 'save_fn': path.stem}
    with started(tmp_path, **settings) as process:
        assert process.stdout.readline().startswith('Task DMS')
        process.stdout.close()
        wait_for(lambda: checkpoint_name(path).exists(), process)
        for argument in ((), ('--resume',), ('--overwrite',)):
            sentence = refusal_here(tmp_path, *argument, **settings)
            assert (
                sentence == f'savedir/set/{path.name} is left alone: another command works on it\n'
            )
        tiny = {name: value for name, value in TINY.items() if name != 'seed'}
        arguments = ('none', 'set', 1, 0, '--threads=1')
        _, out, _ = set_here(tmp_path, *arguments, **tiny)
        assert statuses(out) == {path.stem: 'busy'}
        process.send_signal(signal.SIGUSR2)
        assert process.wait() == 128 + signal.SIGUSR2
        assert process.stderr.read() == (
            'error: stopped, and saved in a checkpoint: --resume continues\n'
        )
    names = {entry.name for entry in path.parent.iterdir()}
    assert names == {checkpoint_name(path).name, 'summary.csv'}
    assert len(iterations(checkpoint_name(path))) > 5


class Notebook:
    """An output that has nothing but what a notebook's has."""

    def __init__(self):
        self.text = ''

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.mark.usefixtures('eager')
def test_commands_run_in_a_notebook(monkeypatch, place):
    notebook = Notebook()
    monkeypatch.chdir(place.parent)
    monkeypatch.setattr('sys.stdout', notebook)
    monkeypatch.setattr('sys.stderr', notebook)
    assert run_all_models.run(['none', 'set', '1', '0', '--dry-run']) == 0
    assert 'DMS-run-0.pkl starts with seed' in notebook.text
    assert command.outcome(model.main) == 0
    assert f'Saved {place}' in notebook.text


@pytest.mark.usefixtures('eager')
def test_a_program_without_a_console_trains(monkeypatch, place):
    """As under pythonw."""
    for name in ('stdout', 'stderr'):
        monkeypatch.setattr(f'sys.{name}', None)
    assert model.main() == place


# Signals


@pytest.mark.usefixtures('eager', 'hang_up_is_heeded')
@pytest.mark.parametrize('name', [*ASKS_TO_STOP, 'SIGINT'])
def test_every_signal_that_asks_to_stop_saves_a_checkpoint(place, name):
    signum = getattr(signal, name)

    def watch(curves):
        if len(curves['iteration']) == 3:
            signal.raise_signal(signum)

    with pytest.raises(Interrupted) as stop:
        model.main(watch=watch)
    assert stop.value.signum == signum
    assert list(place.parent.iterdir()) == [checkpoint_name(place)]
    assert iterations(checkpoint_name(place)) == [0, 1, 2]


@pytest.mark.usefixtures('eager', 'hang_up_is_heeded')
def test_signals_at_random_moments_change_nothing(tmp_path, small):
    """Ten runs, each stopped at a random moment and resumed, give one network."""
    small(**SHORT | {'save_dir': str(tmp_path / 'whole'), 'num_iterations': 12, 'save_every': 5})
    whole, rng = model.main(), np.random.default_rng(3)
    update_parameters({'save_dir': str(tmp_path / 'stopped')})
    interrupted = 0
    for _ in range(10):
        moment, signum = rng.integers(1, 4), getattr(signal, rng.choice(ASKS_TO_STOP))
        calls = []

        def watch(curves, moment=moment, signum=signum, calls=calls):
            calls.append(1)
            if len(calls) == moment:
                signal.raise_signal(signum)

        try:
            model.main(resume=True, watch=watch)
        except Interrupted:
            interrupted += 1
            continue
        break
    assert interrupted > 3
    assert_same_network(model.main(resume=True), whole)


def test_a_signal_that_is_ignored_stays_ignored():
    """As SIGHUP is under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGHUP)
        assert signals.received == 0
        signals.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_c_is_a_sentence_while_tensorflow_is_imported(tmp_path):
    """A package in its place takes long."""
    (tmp_path / 'tensorflow.py').write_text(
        'import signal, time\nsignal.raise_signal(signal.SIGINT)\ntime.sleep(60)\n'
    )
    env = environment(PYTHONPATH=str(tmp_path))
    status, out, err = run(tmp_path, env=env, **TINY)
    assert (out, err) == ('', 'error: stopped\n')
    assert status in (130, -signal.SIGINT)


# Files


def test_rules_that_are_never_cued_are_said(tmp_path):
    file, labels = write_own_task(tmp_path), '    labels ='
    rules = "    rules = (('rotation', 0), ('rotation', 90))\n"
    file.write_text(file.read_text().replace(labels, rules + labels))
    p = parameters_with({'trial_type': load_task(file)})
    assert 'report has 2 rules but no cue: its method `cues` must say' in header(p, 'CPU')
    assert 'no cue' not in header(parameters_with({'trial_type': 'DMS+DMRS'}), 'CPU')
    uneven = {'dt': 20, 'var_delay': True, 'variable_delay_max': 310}
    assert 'variable_delay_max 310 ms is 300 ms' in header(parameters_with(uneven), 'CPU')


@pytest.mark.usefixtures('eager')
def test_a_result_that_appears_during_a_run_is_kept(place):
    """Without locks another command, or a copy, may have put it there."""

    def watch(curves):
        place.write_text('another')

    with pytest.raises(TrainingError, match='net.pkl has appeared .* is in .*net-2.pkl'):
        model.main(watch=watch)
    assert place.read_text() == 'another'
    assert iterations(place.with_name('net-2.pkl')) == [0, 1, 2, 3]
    assert sorted(os.listdir(place.parent)) == ['net-2.pkl', 'net.pkl']
    assert model.main(watch=watch, overwrite=True) == place
    assert iterations(place) == [0, 1, 2, 3]


@pytest.mark.usefixtures('eager')
def test_a_result_that_cannot_be_written_ends_the_run(place, monkeypatch, capsys):
    update_parameters({'save_every': 3})  # of 4 iterations
    calls = []

    def refuse(descriptor):
        calls.append(descriptor)
        if len(calls) == 3:  # after `begin`, which tries the disk, and the checkpoint
            raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', refuse)
    assert command.outcome(model.main) == 1
    assert f'error: {place} cannot be written: No space left' in capsys.readouterr().err
    assert iterations(checkpoint_name(place)) == [0, 1, 2]


@pytest.mark.usefixtures('eager')
@pytest.mark.parametrize(('refused', 'ends'), [({2, 3, 5, 6}, False), ({2, 3, 4}, True)])
def test_a_checkpoint_that_cannot_be_written(place, monkeypatch, capsys, refused, ends):
    """The training goes on without a few of them, and ends with a sentence after too many."""
    assert member.MOST_UNSAVED == 5
    monkeypatch.setattr(member, 'MOST_UNSAVED', 3)
    update_parameters({'save_every': 1, 'num_iterations': 6})

    def refuse(descriptor):
        refuse.calls += 1  # the first one is of `begin`, which tries the disk
        if refuse.calls in refused:
            raise OSError(28, 'No space left on device')

    refuse.calls = 0
    monkeypatch.setattr(os, 'fsync', refuse)
    words = f'{checkpoint_name(place)} cannot be written: No space left on device'
    with pytest.warns(UserWarning, match=f'{words}; the training goes on without it'):
        assert command.outcome(model.main) == ends
    assert (f'error: {words}\n' in capsys.readouterr().err) == ends
    assert list(place.parent.iterdir()) == ([] if ends else [place])


@pytest.mark.usefixtures('eager')
def test_what_is_overwritten_stays_until_there_is_something_new(place, monkeypatch):
    model.main()
    before = place.read_bytes()

    def out_of_memory(self, *arguments, **options):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Stimulus, 'generate_trial', out_of_memory)
        with pytest.raises(MemoryError):
            model.main(overwrite=True)
    assert place.read_bytes() == before
    with pytest.raises(Interrupted):
        model.main(watch=lambda curves: len(curves['iteration']) == 1, overwrite=True)
    assert list(place.parent.iterdir()) == [checkpoint_name(place)]


@pytest.mark.usefixtures('eager')
def test_the_checkpoint_of_another_run_is_not_called_its_own(place, monkeypatch):
    with pytest.raises(Interrupted):
        model.main(watch=lambda curves: len(curves['iteration']) == 1)
    monkeypatch.setattr(model.Model, 'optimize', lambda *_: {'accuracy': 0, 'loss': np.nan})
    with pytest.raises(TrainingError, match=r'iteration 0 \(none is saved\)'):
        model.main(overwrite=True)


@pytest.mark.usefixtures('eager')
def test_a_result_may_be_a_link(place):
    target = place.parent / 'elsewhere' / 'real.pkl'
    target.parent.mkdir()
    place.symlink_to(target)
    assert model.main() == place
    assert place.is_symlink()
    assert iterations(target) == [0, 1, 2, 3]


@pytest.mark.usefixtures('eager')
def test_memory_that_runs_out_is_a_sentence(place, monkeypatch, capsys):
    def fail(self, trial_info, iteration):
        raise MemoryError('failed to allocate memory')

    monkeypatch.setattr(model.Model, 'optimize', fail)
    assert command.outcome(model.main) == 1
    assert capsys.readouterr().err == (
        'error: there is not enough memory for 10 time steps of 10 trials with 12 units and 6 '
        'inputs: a smaller batch_size or n_hidden, or fewer threads would need less\n'
    )
    assert list(place.parent.iterdir()) == []


# Numbers


@pytest.mark.usefixtures('eager')
def test_double_precision_is_cast(small):
    small(**SHORT)
    trials = Stimulus(1).generate_trial()
    double = {name: np.asarray(value, float) for name, value in trials.items()}
    network, same = model.Model(), model.Model()
    assert network.optimize(double, 0) == same.optimize(trials, 0)
    states = (np.full((1, 12), 0.5) for _ in range(3))
    y, *_ = network.run_model(double['neural_input'], *states, suppress_activity=np.ones((10, 12)))
    assert (y.dtype, y.shape) == (np.float32, (10, 10, 3))
    assert network.run_model(double['neural_input'].tolist())[0].shape == y.shape


def test_the_header_warns_of_iterations_without_an_accuracy():
    words = 'of the iterations have nothing but catch trials'
    assert words in header(parameters_with({'catch_trial_pct': 0.9, 'batch_size': 8}), 'CPU')
    assert words not in header(parameters_with({'catch_trial_pct': 0.9}), 'CPU')
    late = {'var_delay': True, 'batch_size': 1}  # one of 7.4 delays is drawn too long
    assert f'14% {words}' in header(parameters_with(late), 'CPU')
    half = {'trial_type': 'dualDMS', 'catch_trial_pct': 0.5, 'batch_size': 1}  # of its two tests
    assert f'25% {words}' in header(parameters_with(half), 'CPU')


def test_the_header_mentions_times_that_dt_does_not_divide():
    p = parameters_with({'dt': 20, 'delay_time': 1010, 'mask_duration': 50})
    assert header(p, 'CPU').endswith(
        '\nWith steps of 20 ms, delay_time 1010 ms is 1000 ms, mask_duration 50 ms is 40 ms.'
    )
    assert 'With steps' not in header(par, 'CPU')


def test_a_cue_after_the_onset_of_its_test_is_said():
    words = 'The delay is too short for the task: a rule is cued from 1500 ms, its test begins at'
    p = parameters_with({'trial_type': 'DMS+DMRS', 'delay_time': 400})
    assert f'{words} 1400 ms.' in header(p, 'CPU')
    for task in ('DMS+DMRS', 'DMS+DMRS_early_cue', 'DMS+DMC', 'dualDMS', 'DMS'):
        assert 'too short' not in header(parameters_with({'trial_type': task}), 'CPU')
    variable = {'trial_type': 'DMS+DMRS', 'var_delay': True}
    assert 'too short' not in header(parameters_with(variable), 'CPU')
    p = parameters_with(variable | {'variable_delay_max': 600})
    assert f'{words[:-9]}can begin at 1400 ms.' in header(p, 'CPU')


def test_more_or_fewer_tests_in_a_row_are_said():
    words = 'holds 4 gaps and tests of ABBA_delay = 300, not 3.'
    for task in ('ABBA', 'ABCA'):
        assert f'delay_time = 2400 {words}' in header(
            parameters_with({'trial_type': task, 'ABBA_delay': 300}), 'CPU'
        )
        assert 'gaps and tests' not in header(parameters_with({'trial_type': task}), 'CPU')


def test_synapses_that_go_by_the_sign_of_units_without_one_are_said():
    without = {'exc_inh_prop': 1}
    p = parameters_with(without | {'synapse_config': 'inh_fac'})
    assert not p['dynamic_synapse'].any()
    words = 'Without inhibitory units (exc_inh_prop = 1), with synapse_config = inh_fac all have'
    assert f'{words} static synapses.' in header(p, 'CPU')
    for settings in (without, {'synapse_config': 'inh_fac'}):
        assert 'Without inhibitory' not in header(parameters_with(settings), 'CPU')


def test_masks_that_remove_nothing_are_said():
    mask = np.ones((100, 100))
    mask[:, :30] = 0
    p = parameters_with({'w_rnn_mask': mask, 'seed': 1})
    number = np.count_nonzero(p['w_rnn0'][:, :30])
    words = f'w_rnn_mask fixes {number} weights at the values that they start from'
    assert f'{words}; w_rnn0 with 0 there would remove them.' in header(p, 'CPU')
    for initial in (p['w_rnn0'], p['w_rnn0'] * mask):
        p = parameters_with({'w_rnn_mask': mask, 'w_rnn0': initial})
        assert 'fixes' not in header(p, 'CPU')


def test_rules_that_no_input_tells_apart_are_said():
    words = 'the inputs cannot tell all'
    few = {'trial_type': 'DMS+DMRS+DMC', 'num_rule_tuned': 1}
    assert f'num_rule_tuned = 1, {words} 3 rules apart.' in header(parameters_with(few), 'CPU')
    for settings in (few | {'num_rule_tuned': 2}, {'num_rule_tuned': 0}):
        assert words not in header(parameters_with(settings), 'CPU')
