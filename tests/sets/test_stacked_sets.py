"""Sets in stacks, by the real command: killed, stopped, resumed and overlapping.

test_cluster.py has a stack on a worker of Dask that is killed.
"""

import signal

import numpy as np
import psutil
import pytest
from shell import (
    SETTINGS,
    assert_alike,
    files_in,
    iterations,
    paths_of,
    set_here,
    start_set,
    statuses,
    summary_of,
    train_network,
    train_set,
    wait_for,
    wait_until_ended,
)

import results
from results import checkpoint_name
from run_all_models import _gpu_memory, parser
from sets.job import Job, seed_of
from sets.plan import plan

NAMES = [f'DMS-run-{i}' for i in range(4)]
FOUR = ('none', 'set', 4, 0, '--threads=1')
ENDLESS = SETTINGS | {'num_iterations': 10**6, 'save_every': 5}


def assert_as_if_alone(path, folder, index: int, settings: dict) -> None:
    """A network of a stack is the one that is trained alone, to rounding."""
    given = settings | {'seed': seed_of(0, 'DMS', index)}
    job = Job(str(folder / 'alone'), 'DMS', index, given)
    assert train_network(job, lambda curves: False).status == 'trained'
    assert_alike(path, job.filename)


@pytest.mark.slow
def test_a_stack_that_is_killed_or_stopped_goes_on_in_another_arrangement(tmp_path):
    """Killed, then stopped by Ctrl-C on a smaller stack, which saves a checkpoint of each."""
    paths = paths_of(tmp_path, 'set', 4)
    checkpoints = [checkpoint_name(path) for path in paths]
    with start_set(tmp_path, *FOUR, '--stack=4', **ENDLESS) as process:
        wait_for(lambda: all(path.exists() for path in checkpoints), process)
        status, out, err = set_here(tmp_path, *FOUR, '--stack=4', **ENDLESS)
        assert (status, err) == (0, '')
        assert statuses(out) == dict.fromkeys(NAMES, 'busy')
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        wait_until_ended(children)
    killed = [len(iterations(path)) for path in checkpoints]
    assert all(number % 5 == 0 for number in killed)
    with start_set(tmp_path, *FOUR, '--stack=3', '--jobs=1', **ENDLESS) as process:
        wait_for(lambda: len(iterations(checkpoints[0])) > killed[0], process)
        for child in psutil.Process(process.pid).children(recursive=True):
            child.send_signal(signal.SIGINT)  # as a terminal does
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, err) == (
        130,
        'error: stopped: to continue, run the same command again\n',
    )
    assert statuses(out) == dict.fromkeys(NAMES, 'stopped')
    assert 'DMS-run-3  stopped  not begun' in out
    assert out.count('not begun') == 2  # line and table
    done = [len(iterations(path)) for path in checkpoints]
    assert len({b - a for a, b in zip(killed[:3], done[:3], strict=True)}) == 1
    assert done[3] == killed[3]
    settings = SETTINGS | {'num_iterations': max(done) + 3}
    status, out, err = train_set(tmp_path, *FOUR, '--stack=8', '--jobs=1', **settings)
    assert (status, err) == (0, '')
    assert statuses(out) == dict.fromkeys(NAMES, 'trained')
    files = [name for name in files_in(paths[0].parent) if not name.endswith('.tmp')]
    assert files == [*(f'{name}.pkl' for name in NAMES), 'summary.csv']
    assert [results.load(path).get('stacked') for path in paths] == [4, 4, 4, 4]
    assert {row['status'] for row in summary_of(paths[0]).values()} == {'trained'}
    for index in (0, 3):
        assert_as_if_alone(paths[index], tmp_path, index, settings)


def test_tasks_are_not_mixed_in_a_stack(tmp_path):
    options = ('none', 'set', 2, 0, '--tasks', 'DMS', 'DMC', '--stack=8', '--jobs=1')
    status, out, err = set_here(tmp_path, *options, '--dry-run', **SETTINGS)
    assert (status, err) == (0, '')
    *_, sentence, last = out.splitlines()
    assert sentence == 'Only networks of one task and size are stacked with each other.'
    assert last.startswith('4 to do in 2 stacks of up to 2 (about ')


def test_the_gpu_of_a_cluster_is_not_looked_for_here():
    """The command may run on a computer that has none."""
    args = parser().parse_args(['1', 'set', '2', '0', '--dask=tcp://127.0.0.1:1'])
    assert _gpu_memory(args) is None


def test_plans_are_small(tmp_path):
    """They hold no arrays: a thousand of them must not fill the memory."""
    made = plan(Job(str(tmp_path), 'DMS', 0, SETTINGS | {'seed': 1}))
    assert not any(isinstance(value, np.ndarray) for value in made.p.values())
