"""Sets of networks on a Dask cluster: a real scheduler and workers, started here on loopback.

Workers run in empty folders: they have no copy of the project. Their disks are slow, so that they
can be killed while networks train.
"""

import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from shell import (
    SETTINGS,
    assert_alike,
    assert_logged_once,
    assert_same_network,
    ended,
    environment,
    files_in,
    iterations,
    paths_of,
    set_here,
    slow_disk,
    start_set,
    statuses,
    summary_of,
    train_network,
    train_set,
    wait_for,
    wait_until_ended,
)

import results
from sets import cluster, cluster_worker
from sets.cluster import ROOT, _sources
from sets.job import Job, Report, job_parameters, seed_of
from system.locks import lock

SLOW = SETTINGS | {'num_iterations': 40, 'save_every': 1}
SENT = 5  # iterations of a network that is half-trained before


@contextmanager
def scheduler(folder: Path, **changes):
    """Start a scheduler; the value of the block is its address."""
    file = folder / 'scheduler.json'
    words = ['scheduler', '--host=127.0.0.1', '--port=0', '--dashboard-address=127.0.0.1:0']
    env = environment(PYTHONPATH='', **changes)
    with dask(folder, env, *words, f'--scheduler-file={file}') as process:

        def address() -> str | None:
            try:
                return json.loads(file.read_text())['address']
            except (OSError, ValueError):  # not there, or not whole yet
                return None

        yield wait_for(address, process)


def dask(folder: Path, env: dict, *words):
    """Start a process of Dask, for a `with` block that kills it in the end."""
    command = [sys.executable, '-m', 'dask', *words]
    output = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    return ended(command, cwd=folder, env=env, **output)


class Worker(NamedTuple):
    """A worker and its folder for temporary files."""

    process: subprocess.Popen
    folder: Path

    def is_training(self, networks: int = 1) -> bool:
        """Whether so many of them are beyond the iterations that a checkpoint may come with."""
        with suppress(results.ResultsError):  # the network ended
            paths = self.folder.glob('*/result/*.checkpoint')
            return sum(len(iterations(path)) > SENT for path in paths) >= networks
        return False

    def networks(self) -> list[psutil.Process]:
        """The processes in which it trains."""
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def worker(folder: Path, address: str, nthreads: int = 1):
    """Start a worker in a new folder."""
    folder.mkdir()
    words = ['worker', address, '--host=127.0.0.1', '--no-nanny', f'--nthreads={nthreads}']
    words += ['--dashboard-address=127.0.0.1:0', f'--local-directory={folder}']
    temporary, packages = folder / 'temporary', folder / 'packages'
    temporary.mkdir()
    packages.mkdir()
    env = slow_disk(packages) | {'TMPDIR': str(temporary)}
    with dask(folder, env, *words) as process:
        yield Worker(process, temporary)


def kill_one(command, workers, networks: int = 1) -> Worker:
    """Kill a worker while it trains so many networks, which end, too. Return it."""

    def training():
        return next((w for w in workers if w.is_training(networks)), None)

    victim = wait_for(training, command)
    processes = victim.networks()
    assert processes
    victim.process.kill()
    wait_until_ended(processes)
    return victim


@pytest.fixture(scope='module')
def address(tmp_path_factory):
    """The address of a scheduler."""
    with scheduler(tmp_path_factory.mktemp('scheduler')) as found:
        yield found


def save_untrained(job: Job) -> None:
    """Write the result of a job as if it had been trained for one iteration."""
    p = job_parameters(job)
    weights = {name: p[f'{name}0'] for name in results.WEIGHT_SHAPES}
    curves = {name: [0.0] for name in results.CURVES}
    results.save(job.filename, {'weights': weights, 'parameters': p, **curves})


def test_what_is_sent():
    """All modules with their folders, and nothing that networks do without."""
    sources = _sources()
    assert {'model.py', 'tasks/registry.py', 'sets/cluster_worker.py', 'rnn/bptt.py'} <= {*sources}
    assert not [name for name in sources if name.startswith(('tests/', 'docs/', '.'))]
    for name, source in sources.items():
        assert (ROOT / name).read_bytes() == source


class NoCluster:
    """Stands in for a client."""

    def nthreads(self):
        return {'worker': 1}


def test_a_network_that_another_command_trains_is_not_sent(tmp_path, monkeypatch):
    job = Job(str(tmp_path), 'DMS', 0, SETTINGS | {'seed': 1})
    monkeypatch.setattr(cluster, '_connect', lambda address, local_workers: NoCluster())
    here = cluster.Cluster('tcp://127.0.0.1:1', 1, 1)
    with lock(job.filename):
        assert here.run([job]) == [Report('busy', 'another command works on it')]
    assert here.progress() == 1


@pytest.mark.parametrize(('fails', 'lost'), [(1, False), (9, True)])
def test_a_result_that_cannot_be_written_at_first(tmp_path, monkeypatch, fails, lost):
    """It is tried again, and costs no other network."""
    jobs = [Job(str(tmp_path / 'set'), 'DMS', i, SLOW | {'seed': i}) for i in range(2)]
    received = {}
    for job in jobs:
        save_untrained(job)
        received[job.filename.name] = job.filename.read_bytes()
        job.filename.unlink()
    save, tries = results.save, []

    def full(path, data):
        tries.append(path)
        if path == jobs[0].filename and tries.count(path) <= fails:
            raise OSError(28, f'{path} cannot be written: No space left on device')
        save(path, data)

    monkeypatch.setattr(results, 'save', full)
    monkeypatch.setattr(cluster.time, 'sleep', lambda seconds: None)
    monkeypatch.setattr(cluster, '_connect', lambda address, local_workers: NoCluster())
    failed = cluster.Cluster('tcp://127.0.0.1:1', 1, 1)._written(jobs, received, ())
    assert list(failed) == ([jobs[0].name] if lost else [])
    assert [job.filename.exists() for job in jobs] == [not lost, True]
    assert tries.count(jobs[1].filename) == 1


def test_the_last_line_of_a_process_that_fails_is_the_reason(monkeypatch):
    def fails(folder, output):
        output.write(b'Traceback ...\nModuleNotFoundError: no tensorflow\n')
        return 1

    monkeypatch.setattr(cluster_worker, '_run_process', fails)
    found = cluster_worker.train_on_worker(b'', {}, {})
    assert found == ('ModuleNotFoundError: no tensorflow', {})


def test_a_stopped_cluster_begins_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, '_connect', lambda address, local_workers: NoCluster())
    here, job = cluster.Cluster('tcp://127.0.0.1:1', 1, 1), Job(str(tmp_path), 'DMS', 0, SETTINGS)
    here.stopped = True
    assert here.run([job]) == [Report('stopped', 'not begun')]


def test_results_of_a_process_that_dies_are_kept(tmp_path, monkeypatch):
    """Of two networks that it had sent, one is trained when it dies, in the analysis of the other.

    A result that has appeared here meanwhile stays.
    """
    jobs = [Job(str(tmp_path / 'set'), 'DMS', i, SLOW | {'seed': i}) for i in range(2)]
    for job in jobs:
        save_untrained(job)
    trained = {job.filename.name: job.filename.read_bytes() for job in jobs}
    jobs[0].filename.unlink()

    def dies(folder, output):
        for name, content in trained.items():
            (folder / 'result' / name).write_bytes(content)
        return -9

    monkeypatch.setattr(cluster_worker, '_run_process', dies)
    words, received = cluster_worker.train_on_worker(b'', {}, {})
    assert words == 'its process was killed, or crashed (exit status -9)'
    assert received == trained
    monkeypatch.setattr(cluster, '_connect', lambda address, local_workers: NoCluster())
    failed = cluster.Cluster('tcp://127.0.0.1:1', 1, 1)._written(jobs, received, ())
    assert results.load_results(jobs[0].filename)['iteration'] == [0.0]
    assert list(failed) == [jobs[1].name]
    assert 'has appeared since this run began, and stays' in failed[jobs[1].name].reason
    assert jobs[1].filename.with_name('DMS-run-1-2.pkl').exists()


@pytest.mark.slow
def test_worker_that_is_killed(tmp_path, address):
    """One network is finished, one half-trained; all arrive once, as if trained here.

    The half-trained one is in a stack, which starts again on another worker. The workers join
    after the networks were sent.
    """
    jobs = [
        Job(str(tmp_path / 'savedir' / 'set'), 'DMS', i, SLOW | {'seed': seed_of(0, 'DMS', i)})
        for i in range(4)
    ]
    save_untrained(jobs[0])
    before = jobs[0].filename.read_bytes()
    half = train_network(jobs[1], lambda curves: len(curves['iteration']) == SENT)
    assert half.status == 'stopped'
    arguments = ('none', 'set', 4, 0, f'--dask={address}', '--threads=1', '--stack=2')
    arguments += ('--log=tensorboard',)
    locks = jobs[0].filename.parent / '.locks'
    with start_set(tmp_path, *arguments, **SLOW) as process:
        wait_for(lambda: len(list(locks.glob('*.lock'))) == 3, process)
        with (
            worker(tmp_path / 'first', address, nthreads=2) as first,
            worker(tmp_path / 'second', address, nthreads=2) as second,
        ):
            kill_one(process, [first, second], networks=2)
            out, err = process.communicate()
    assert (process.returncode, err) == (0, '')
    names = [job.name for job in jobs]
    expected = dict(zip(names, ['finished', *3 * ['trained']], strict=True))
    assert statuses(out) == expected
    assert {name: row['status'] for name, row in summary_of(jobs[0].filename).items()} == expected
    assert out.count('-run-') == 2 * len(names)  # a line and a row of the table for each
    assert files_in(tmp_path / 'savedir' / 'set') == [*(f'{n}.pkl' for n in names), 'summary.csv']
    assert jobs[0].filename.read_bytes() == before
    stacked = [results.load(job.filename).get('stacked') for job in jobs]
    assert stacked == [None, 2, 2, None]
    for job in jobs[1:]:
        settings = job.settings | {'save_every': 10**6}
        here = job._replace(folder=str(tmp_path / 'here'), settings=settings)
        assert train_network(here, lambda curves: False).status == 'trained'
        assert_logged_once(job.filename)
        saved = results.load_results(job.filename)['parameters']
        assert tmp_path / saved['save_dir'] / saved['save_fn'] == job.filename
        if job is jobs[3]:
            assert_same_network(job.filename, here.filename)
        else:  # a stack rounds differently
            assert_alike(job.filename, here.filename)


def test_a_network_that_is_given_up_and_others_that_are_stopped(tmp_path):
    """The worker of one was killed too often for the scheduler, which is once here; then Ctrl-C.

    The third network waits, for the worker that is killed or for the other one.
    """
    (tmp_path / 'scheduler').mkdir()
    once = {'DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES': '0'}
    endless = SLOW | {'num_iterations': 10**6}
    with (
        scheduler(tmp_path / 'scheduler', **once) as address,
        worker(tmp_path / 'first', address) as first,
        worker(tmp_path / 'second', address) as second,
    ):
        arguments = ('none', 'set', 3, 0, f'--dask={address}', '--stack=1')
        with start_set(tmp_path, *arguments, **endless) as process:
            victim = kill_one(process, [first, second])
            failed = process.stdout.readline()
            other = second if victim is first else first
            wait_for(other.is_training, process, other.process)
            networks = other.networks()
            assert len(networks) == 1
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
            wait_until_ended(networks)
            wait_for(lambda: not list(other.folder.glob('*/result')), other.process)
    words = 'stopped: the same command trains the others, from their last checkpoints here'
    assert (process.returncode, err) == (130, f'error: {words}\n')
    assert set(statuses(failed + out).values()) == {'failed', 'stopped'}
    assert files_in(tmp_path / 'savedir' / 'set') == ['summary.csv']
    rows = summary_of(paths_of(tmp_path, 'set')[0])
    assert len(rows) == 3
    for row in rows.values():
        assert row['reason'].startswith('KilledWorker: ') == (row['status'] == 'failed')


def reason_in(status: int, out: str, err: str, address: str) -> str:
    """Why there is no cluster at an address, for which no command may wait without end."""
    assert (status, out) == (2, '')
    beginning, reason = err.split(f'no scheduler answers at {address}: ')
    assert beginning == 'error: '
    assert reason.count('\n') == 1
    return reason.strip()


@pytest.mark.parametrize(('stopped', 'status'), [(False, 'failed'), (True, 'stopped')])
def test_scheduler_that_is_lost(tmp_path, monkeypatch, stopped, status):
    """Dask cancels all its work then, as if the command had been stopped."""
    from distributed import CancelledError

    class Lost(NoCluster):
        def submit(self, *arguments, **options):
            return self

        def result(self):
            raise CancelledError('scheduler')

    monkeypatch.setattr(cluster, '_connect', lambda address, local_workers: Lost())
    lost = cluster.Cluster('tcp://127.0.0.1:1', 1, 1)
    job = Job(str(tmp_path), 'DMS', 0, SETTINGS | {'seed': 1})
    lost.stopped = stopped
    assert lost._run([job])[job.name].status == status


def test_scheduler_that_is_killed(tmp_path):
    """Its networks have failed, and the command ends."""
    (tmp_path / 'scheduler').mkdir()
    locks = tmp_path / 'savedir' / 'set' / '.locks'
    with scheduler(tmp_path / 'scheduler') as found:
        words = ('none', 'set', 2, 0, f'--dask={found}', '--stack=1')
        with start_set(tmp_path, *words, **SLOW) as process:
            wait_for(lambda: len(list(locks.glob('*.lock'))) == 2, process)
            port = int(found.rpartition(':')[2])
            listening = (c for c in psutil.net_connections('tcp') if c.status == 'LISTEN')
            (pid,) = {c.pid for c in listening if c.laddr.port == port}
            psutil.Process(pid).kill()
            out, _ = process.communicate()
    assert process.returncode == 1
    assert list(statuses(out).values()) == ['failed'] * 2
    assert out.count('the scheduler was lost') == 4  # lines and table


def test_scheduler_that_does_not_answer(tmp_path):
    with socket.create_server(('127.0.0.1', 0)) as server:
        address = f'tcp://127.0.0.1:{server.getsockname()[1]}'
        words = ('none', 'set', 1, 0, f'--dask={address}')
        assert reason_in(*train_set(tmp_path, *words), address)  # it listens
    assert reason_in(*set_here(tmp_path, *words), address)


@pytest.mark.parametrize('address', ['', 'here', 'http://127.0.0.1:1', 'tls://127.0.0.1:1'])
def test_address_that_cannot_be_one(tmp_path, address):
    assert reason_in(*set_here(tmp_path, 'none', 'set', 1, 0, f'--dask={address}'), address)
