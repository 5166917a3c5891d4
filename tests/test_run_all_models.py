"""The command `python run_all_models.py` as a user meets it: small networks on this machine.

A process needs seconds to import TensorFlow, so the tests share what few sets they train. How long
networks train alone follows from how far those came that were stopped.
"""

import re
import shutil
import signal
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from shell import (
    SETTINGS,
    TIMEOUT,
    assert_logged_once,
    assert_same_network,
    command_line,
    fatal_tensorflow,
    files_in,
    iterations,
    paths_of,
    refused_set,
    refused_set_here,
    run_on_terminal,
    set_here,
    start_set,
    statuses,
    summary_of,
    train_set,
    wait_for,
    wait_until_ended,
    without,
)
from test_model_command import train_here

import results
import run_all_models
from results import checkpoint_name
from run_all_models import make_jobs, parser
from sets import summary as set_summary
from sets.job import seed_of
from tasks import TASKS

ENDLESS = SETTINGS | {'num_iterations': 10**6, 'save_every': 5}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Where all commands of this module run."""
    return tmp_path_factory.mktemp('sets')


# Stop and go on


def done(path) -> int:
    """Iterations in the checkpoint of a network."""
    checkpoint = checkpoint_name(path)
    return len(iterations(checkpoint)) if checkpoint.exists() else 0


STOPPED = ('--threads=1', '--stack=1', '--log=tensorboard')
NAMES = [f'DMS-run-{i}' for i in range(4)]


@contextmanager
def training(folder, count: int, jobs: int):
    """Train an endless set of networks; the first `jobs` of them have new checkpoints then."""
    paths = paths_of(folder, 'stopped', jobs)
    before = [done(path) for path in paths]
    words = ('none', 'stopped', count, 0, *STOPPED, f'--jobs={jobs}')
    with start_set(folder, *words, **ENDLESS) as process:
        wait_for(lambda: all(done(p) > b for p, b in zip(paths, before, strict=True)), process)
        yield process


def stop(process, signum) -> tuple[int, str, str]:
    """Stop a command; see that its processes end, too. Return what `run` does."""
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signum)
    if signum != signal.SIGTERM:  # which a terminal, or a queue, sends to all of them
        for child in children:
            child.send_signal(signum)
    process.wait()
    wait_until_ended(children, within=15 if signum == signal.SIGKILL else TIMEOUT)
    out, err = process.communicate()
    return process.returncode, out, err


def left_in(folder) -> list[str]:
    """The files of the set, but for those that a process that was killed had not finished."""
    return [file for file in files_in(folder / 'savedir' / 'stopped') if not file.endswith('.tmp')]


def process_of(command, path) -> psutil.Process:
    """The process that trains a network: it holds the lock."""
    return next(
        child
        for child in psutil.Process(command.pid).children(recursive=True)
        if any(Path(file.path).name == f'{path.stem}.lock' for file in child.open_files())
    )


@pytest.fixture(scope='module')
def killed(folder):
    """A set of one network that is killed: what it left."""
    with training(folder, 1, jobs=1) as process:
        status, *_ = stop(process, signal.SIGKILL)
    (path,) = paths_of(folder, 'stopped', 1)
    return SimpleNamespace(status=status, done=done(path), files=left_in(folder))


@pytest.fixture(scope='module')
def stopped(folder, killed):
    """The same set with four networks, of which two are damaged: what it left.

    The process of another one is killed, then the command is stopped by a signal that a queue
    sends; test_stacked_sets.py has Ctrl-C.
    """
    paths = paths_of(folder, 'stopped', 4)
    for path in (checkpoint_name(paths[2]), paths[3]):
        path.write_bytes(b'cut short')
    with training(folder, 4, jobs=2) as process:
        other = set_here(folder, 'none', 'stopped', 2, 0, *STOPPED, **ENDLESS)
        process_of(process, paths[1]).kill()
        lines = ''.join(process.stdout.readline() for _ in range(3))  # of networks that failed
        status, out, err = stop(process, signal.SIGUSR1)
    return SimpleNamespace(
        status=status, out=lines + out, err=err, other=other, done=list(map(done, paths[:2]))
    )


def test_stopped_commands_keep_checkpoints(killed, stopped, folder):
    assert killed.status == -signal.SIGKILL
    assert killed.done % 5 == stopped.done[1] % 5 == 0
    assert killed.files == ['DMS-run-0.checkpoint']
    assert stopped.done[0] > killed.done
    assert stopped.status == 128 + signal.SIGUSR1
    assert stopped.err == 'error: stopped: to continue, run the same command again\n'
    checkpoints = [f'{name}.checkpoint' for name in NAMES[:3]]
    assert left_in(folder) == [*checkpoints, 'DMS-run-3.pkl', 'summary.csv']


def test_networks_fail_alone(stopped, folder):
    """A damaged checkpoint, a damaged result, a process that is killed; the first one is good."""
    paths = paths_of(folder, 'stopped', 4)
    assert statuses(stopped.out) == dict(zip(NAMES, ['stopped', *3 * ['failed']], strict=True))
    rows = summary_of(paths[0])
    assert rows[NAMES[1]]['reason'] == 'its process was killed, or crashed'
    # a command with nothing but damaged ones ends by itself
    status, out, err = set_here(folder, 'none', 'stopped', 2, 2, *STOPPED, **ENDLESS)
    assert (status, err) == (1, '')
    assert statuses(out) == dict.fromkeys(NAMES[2:], 'failed')
    for path in (checkpoint_name(paths[2]), paths[3]):
        row = rows[path.stem]
        assert row['reason'].endswith(
            f'{path.name} is damaged, cut short or no pickle (ValueError)'
        )
        assert row['reason'] in stopped.out
        assert row['reason'] in out
        assert path.read_bytes() == b'cut short'


def test_networks_that_another_command_trains_are_left_to_it(stopped):
    status, out, err = stopped.other
    assert (status, err) == (0, '')
    assert statuses(out) == dict.fromkeys(NAMES[:2], 'busy')
    assert out.count('another command works on it') == 4  # lines and table


def test_what_would_go_on(stopped, folder):
    files = left_in(folder)
    status, out, _ = set_here(folder, 'none', 'stopped', 4, 0, '--dry-run', **ENDLESS)
    plans = [line.partition('.pkl ')[2] for line in out.splitlines()]
    assert status == 0
    assert plans[:2] == [f'goes on after iteration {n - 1}' for n in stopped.done]
    assert all(plan.startswith('will fail: ') for plan in plans[2:4])
    assert '\n4 to do (2 of them will fail) in 2 stacks' in out
    assert left_in(folder) == files


@pytest.mark.slow
def test_set_ends_as_if_never_stopped(folder, stopped):
    """Two commands at once do what is left: each network is trained by one of them.

    In the end the networks are those of model.py, on any number of threads.
    """
    settings = SETTINGS | {'num_iterations': max(stopped.done) + 3}
    words = ('none', 'stopped', 2, 0, *STOPPED, '--jobs=2')
    with start_set(folder, *words, **settings) as process:
        status, other, err = train_set(folder, *words, **settings)
        out, _ = process.communicate()
    assert (process.returncode, status, err) == (0, 0, '')
    found = [statuses(text) for text in (out, other)]
    assert [len(names) for names in found] == [2, 2]
    for name in NAMES[:2]:
        assert sorted(names[name] for names in found) in (
            ['busy', 'trained'],
            ['finished', 'trained'],
        )
    place = {'save_dir': str(folder / 'alone'), 'test_cost_multiplier': 2}
    for index, path in enumerate(paths_of(folder, 'stopped')):
        alone = place | {'save_fn': path.name, 'seed': seed_of(0, 'DMS', index)}
        assert train_here(command_line('', ['--threads=2'], settings | alone)[2:]) == 0
        assert_same_network(path, folder / 'alone' / path.name)
        assert not checkpoint_name(path).exists()
        assert_logged_once(path)
        assert summary_of(path)[path.stem]['status'] in ('trained', 'finished')


# A whole set


@pytest.fixture(scope='module')
def whole(folder):
    """A set that is never stopped, on a terminal; its networks are small enough for a stack.

    It takes the place of what is there, which need not be readable.
    """
    paths = paths_of(folder, 'whole')
    paths[0].parent.mkdir(parents=True)
    for path in (*paths, *map(checkpoint_name, paths)):
        path.write_text('old')
    arguments = ('none', 'whole', 2, 0, '--jobs=1', '--threads=1', '--overwrite')
    settings = SETTINGS | {'num_iterations': 30}
    program = 'run_all_models.py'
    status, out, shown = run_on_terminal(folder, *arguments, program=program, **settings)
    assert status == 0, shown
    return SimpleNamespace(paths=paths, settings=settings, out=out, shown=shown.decode())


def test_files_lines_and_table(whole):
    assert files_in(whole.paths[0].parent) == ['DMS-run-0.pkl', 'DMS-run-1.pkl', 'summary.csv']
    first, second, header, *table = whole.out.splitlines()
    assert header.split() == [n for n in set_summary.FIELDS if n not in set_summary.MEASURES]
    rows = summary_of(whole.paths[0])
    assert list(rows) == [path.stem for path in whole.paths]
    for path, line, row in zip(whole.paths, (first, second), table, strict=True):
        saved = results.load_results(path)
        assert saved['parameters']['test_cost_multiplier'] == 2
        assert saved['parameters']['seed'] == seed_of(0, 'DMS', whole.paths.index(path))
        assert saved['iteration'] == list(range(30))
        mean = {name: np.mean(saved[name][-20:]) for name in results.VALUES}
        in_file = rows[path.stem]
        assert in_file['iterations'] == str(30)
        for name, value in mean.items():
            assert float(in_file[name]) == pytest.approx(value, rel=1e-5)
        assert (in_file['status'], in_file['reason']) == ('trained', '')
        shown = [path.stem, 'trained', str(30), f'{mean["accuracy"]:.4f}']
        assert row.split()[:4] == shown
        assert re.fullmatch(
            f'{path.stem}  trained  accuracy {mean["accuracy"]:.3f}  '
            f'perf loss {mean["perf_loss"]:.4f}  spike loss {mean["spike_loss"]:.4f}  '
            rf'weight loss {mean["weight_loss"]:.4f}  \d+\.\d min',
            line,
        )


def test_one_bar_on_a_terminal(whole):
    """It counts the iterations of both networks, and is all that the terminal shows."""
    total = 2 * 30
    assert re.search(rf'100%\|█+\| {total}/{total} \[', whole.shown)
    assert set(re.findall(r'\d+/(\d+) \[', whole.shown)) == {str(total)}
    assert whole.shown.count('\n') == 1


def test_finished_networks_are_skipped(folder, whole):
    """Whatever is asked for now; a difference is mentioned."""
    copied = folder / 'savedir' / 'copied'
    shutil.copytree(whole.paths[0].parent, copied)
    before = {path.name: path.read_bytes() for path in copied.glob('*.pkl')}
    minutes = {name: row['minutes'] for name, row in summary_of(copied / 'any').items()}
    arguments = ('none', 'copied', 2, 0)
    different = [
        f'n_hidden 12, not 13, seed {seed_of(0, "DMS", i)}, not {seed_of(4, "DMS", i)}'
        for i in range(2)
    ]
    for seed, changes, reasons in ((0, {}, ['', '']), (4, {'n_hidden': 13}, different)):
        settings = whole.settings | changes
        status, out, err = set_here(folder, *arguments, f'--seed={seed}', **settings)
        assert (status, err) == (0, '')
        assert statuses(out) == dict.fromkeys(minutes, 'finished')
        rows = summary_of(copied / 'any')
        assert [row['reason'] for row in rows.values()] == reasons
        assert all(reason in out for reason in reasons)
        assert {name: row['minutes'] for name, row in rows.items()} == minutes
    assert {path.name: path.read_bytes() for path in copied.glob('*.pkl')} == before
    _, out, _ = set_here(folder, *arguments, '--dry-run', **whole.settings)
    assert out.count('.pkl is finished\n') == 2


# What would be done


def test_what_is_said_after_a_stop():
    def words(*more):
        return run_all_models._words_of_stop(parser().parse_args(['none', 'set', '1', '0', *more]))

    assert words() == 'stopped: to continue, run the same command again'
    assert 'starts all networks again' in words('--overwrite')
    assert 'from their last checkpoints here' in words('--dask=local')


def test_a_cluster_gets_as_many_networks_at_once_as_files_may_be_open():
    args = parser().parse_args(['none', 'set', '1', '0', '--dask=tcp://127.0.0.1:1'])
    for size, number in ((1, 200), (64, 3), (1000, 1)):
        assert run_all_models._share(args, [[None] * size] * 600) == (number, None)
    assert run_all_models._share(args, [[None]] * 3) == (3, None)


@pytest.mark.parametrize(
    ('options', 'groups', 'shared'),
    [
        ((), 4, (4, 2)),
        ((), 1, (1, 8)),
        ((), 3, (3, 2)),
        ((), 20, (8, 1)),
        (('--jobs=2',), 4, (2, 4)),
        (('--jobs=20',), 20, (20, 1)),
        (('--threads=3',), 4, (4, 3)),
        (('--dask=local',), 4, (4, 2)),
    ],
)
def test_processes_share_the_cores(monkeypatch, options, groups, shared):
    monkeypatch.setattr(run_all_models, 'available_cores', lambda: 8)
    args = parser().parse_args(['none', 'set', '1', '0', *options])
    assert run_all_models._share(args, [[None]] * groups) == shared


def test_processes_share_the_memory_of_a_gpu(monkeypatch):
    monkeypatch.setattr(run_all_models, 'memory_of', {'1': 8 * 10**9}.get)
    for options, memory in (((), 8 * 10**9), (('--jobs=4',), 2 * 10**9)):
        args = parser().parse_args(['1', 'set', '4', '0', *options])
        assert run_all_models._gpu_memory(args) == memory
    assert run_all_models._gpu_memory(parser().parse_args(['none', 'set', '4', '0'])) is None


OTHER_NAME = ('--set', 'synaptic_config=fac')


def test_dry_run_writes_nothing(tmp_path):
    """Seeds depend on task and index, not on the number of networks or of jobs."""
    dry = partial(set_here, tmp_path, 'none', 'set')
    tasks = ('--tasks', 'DMC', 'DMS', '--dry-run')
    status, out, err = dry(3, 1, *tasks, '--seed=7', '--jobs=1', '--threads=3')
    assert (status, err) == (0, '')
    *plans, total = out.splitlines()
    assert plans == [
        f'savedir/set/{task}-run-{index}.pkl starts with seed {seed_of(7, task, index)}'
        for task in ('DMC', 'DMS')
        for index in (1, 2, 3)
    ]
    assert total == '6 to do, 1 at once, with 3 threads each'
    assert plans[4] in dry(1, 2, '--dry-run', '--seed=7', '--jobs=2')[1]
    every = dry(1, 0, '--tasks', 'all', '--dry-run')[1].splitlines()[:-1]
    assert [line.split()[0] for line in every] == [f'savedir/set/{t}-run-0.pkl' for t in TASKS]
    assert len({line.split()[-1] for line in every}) == len(TASKS)
    with pytest.warns(UserWarning, match='synaptic_config is understood as synapse_config'):
        (job,) = make_jobs(parser().parse_args(['none', 'set', '1', '0', *OTHER_NAME]))
    assert job.settings['synapse_config'] == 'fac'
    assert 'synaptic_config' not in job.settings
    assert list(tmp_path.iterdir()) == []


def test_settings_that_may_not_be_meant_are_named_once(tmp_path):
    words = ('none', 'set', 3, 0, '--tasks', 'DMS', 'DMC', '--dry-run', '--set=dt=30')
    _, out, _ = set_here(tmp_path, *words)
    for task in ('DMS', 'DMC'):
        assert out.count(f'{task}: With steps of 30 ms, ') == 1


# What is refused before TensorFlow is imported


GOOD = ('none', 'set', '1', '0')


def test_a_process_is_refused_before_tensorflow_is_imported(tmp_path):
    """Which proves something only if a good command fails here."""
    env = fatal_tensorflow(tmp_path)
    status, _, err = train_set(tmp_path, *GOOD, env=env, **SETTINGS)
    assert (status, err) == (1, 'TensorFlow imported\n')
    assert "'DMZ' is not allowed" in refused_set(tmp_path, *GOOD, '--tasks=DMZ', env=env)


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        ((), 'the following arguments are required: gpu_id, name, n, start'),
        (('none', 'set', '1'), 'the following arguments are required: start'),
        (('none', 'set', 'two', '0'), "n: 'two' is not a whole number from 1"),
        (('none', 'set', '1.5', '0'), "n: '1.5' is not a whole number from 1"),
        (('none', 'set', '0', '0'), "n: '0' is not a whole number from 1"),
        (('none', 'set', '1', '-1'), "start: '-1' is not a whole number from 0"),
        (('none', 'set', '1', 'x'), "start: 'x' is not a whole number from 0"),
        (('first', 'set', '1', '0'), "gpu_id: 'first' is neither the number of a GPU nor none"),
        (('none', '../x', '1', '0'), "name: '../x' must be the name of a file, without a folder"),
        (('none', '/tmp/x', '1', '0'), "name: '/tmp/x' must be the name of a file, without a "),
        (('none', '..', '1', '0'), "name: '..' must be the name of a file, without a folder"),
        (('none', '', '1', '0'), "name: '' must be the name of a file, without a folder"),
        ((*GOOD, '--tasks', 'DMZ'), "'DMZ' is not allowed: it must be one of DMS, DMRS45, "),
        ((*GOOD, '--set=n_hiden=5'), "there is no parameter 'n_hiden'; the nearest name is n_hi"),
        ((*GOOD, '--set=n_hidden=many'), "n_hidden = 'many' is not allowed: it must be an integer"),
        ((*GOOD, '--set=seed=3'), 'seed is not for --set here: --seed decides it'),
        ((*GOOD, '--set=trial_type=DMC'), 'trial_type is not for --set here: --tasks decides it'),
        ((*GOOD, '--set=save_fn=a'), 'save_fn is not for --set here: NAME decides it'),
        ((*GOOD, '--set=save_dir=occupied'), 'cannot write to the folder occupied/set: '),
        ((*GOOD, '--jobs=0'), "--jobs: '0' is not a whole number from 1"),
        ((*GOOD, '--stack=0'), "--stack: '0' is not a whole number from 1"),
        ((*GOOD, '--stack=all'), "--stack: 'all' is not a whole number from 1"),
        ((*GOOD, '--seed=-3'), "--seed: '-3' is not a whole number from 0"),
        ((*GOOD, '--log=text'), "--log: invalid choice: 'text'"),
        ((*GOOD, '--jobs=2', '--dask=tcp://127.0.0.1:1'), '--jobs is not for a cluster: '),
    ],
)
def test_wrong_commands(tmp_path, arguments, sentence):
    (tmp_path / 'occupied').write_text('')
    assert sentence in refused_set_here(tmp_path, *arguments)


@pytest.mark.parametrize(
    ('option', 'package', 'sentence'),
    [
        ('--log=tensorboard', 'tensorboard', 'pip install tensorboard'),
        ('--log=wandb', 'wandb', 'pip install wandb'),
        ('--dask=local', 'distributed', "pip install 'dask[distributed]'"),
    ],
)
def test_optional_packages(tmp_path, option, package, sentence):
    assert sentence in refused_set(
        tmp_path, *GOOD, option, env=without(tmp_path, package), **SETTINGS
    )


def test_gpu_that_is_not_there(tmp_path):
    sentence = refused_set(tmp_path, '3', *GOOD[1:], **SETTINGS)
    assert sentence.startswith('GPU 3 is not there: TensorFlow sees these GPUs: ')
