"""Trains the networks of a set on a Dask cluster: `python run_all_models.py ... --dask ADDRESS`.

Workers need Python and the packages of requirements.txt, but no copy of this project and no shared
disk: they are sent the source of all modules and of a user's own task, and results come back to the
command, which alone writes them. cluster_worker.py is what runs there.

Tasks are given to Dask directly, not through joblib's Dask backend, which hangs once Dask
gives a task up because its workers died too often.
"""

import asyncio
import logging
import pickle
import time
import warnings
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import results
from sets import cluster_worker
from sets.job import Job, Report
from sets.train import log_result
from system.locks import Busy, lock
from system.outputs import one_line
from system.versions import NOTED, commit
from training.member import save_result

ROOT = Path(__file__).resolve().parents[1]
NOT_SENT = ('tests', 'docs', 'benchmarks')
OWN_TASK = 'own_task'  # folder of a user's own task on a worker
TIMEOUT = 4  # s in which the scheduler has to answer, twice
PAUSES = (1, 10, 60)  # s between tries to write a result


class ClusterError(RuntimeError):
    """There is no cluster to train on; the message says why in one sentence."""


class Cluster:
    """Runs jobs of one set on the workers of a scheduler."""

    unit = 'network'

    def __init__(self, address: str, total: int, local_workers: int):
        """Connect to the scheduler at `address`; 'local' starts one here, with so many workers.

        Raises ClusterError if none answers.
        """
        self.client = _connect(address, local_workers)
        self.train_on_worker = _by_value(cluster_worker.train_on_worker)
        self.sources = _sources() | {NOTED: (commit(ROOT) or '').encode()}
        self.total, self.done, self.tasks, self.stopped = total, [], [], False
        self.at_once = max(1, sum(self.client.nthreads().values()))  # those that are there now

    def run(self, jobs: list[Job]) -> list[Report]:
        """Train networks at once, on one worker; to be called from a thread of its own."""
        if self.stopped:
            return [Report('stopped', 'not begun')] * len(jobs)
        reports: dict[str, Report] = {}
        with ExitStack() as held:
            for job in jobs:
                try:
                    held.enter_context(lock(job.filename))
                except Busy as error:
                    reports[job.name] = Report('busy', error.reason)
            free = [job for job in jobs if job.name not in reports]
            reports |= self._run(free) if free else {}
        self.done += reports
        return [reports[job.name] for job in jobs]

    def _run(self, jobs: list[Job]) -> dict[str, Report]:
        from distributed import CancelledError

        there, sources, files = [], self.sources, {}
        for job in jobs:
            sent = job._replace(folder=cluster_worker.RESULT, log=())
            if job.task_file is not None:
                sent = sent._replace(task_file=f'{OWN_TASK}/{job.task}.py')
                sources = sources | {sent.task_file: Path(job.task_file).read_bytes()}
            there.append(sent)
            files |= _files(job)
        task = self.client.submit(
            self.train_on_worker,
            pickle.dumps(there),
            sources,
            files,
            pure=False,  # else Dask would reuse the result of an earlier call with equal arguments
        )
        self.tasks.append(task)
        try:
            outcome, received = task.result()
        except CancelledError:
            lost = Report('failed', 'the scheduler was lost')
            return {job.name: Report('stopped') if self.stopped else lost for job in jobs}
        finally:
            self.tasks.remove(task)  # else the cluster would keep its results
        ended = isinstance(outcome, bytes)  # else the process died, but results may be there
        found = pickle.loads(outcome) if ended else [Report('failed', outcome)] * len(jobs)
        reports = {job.name: report for job, report in zip(jobs, found, strict=True)}
        return reports | self._written(jobs, received, files.keys())

    def _written(
        self, jobs: list[Job], received: dict[str, bytes], sent: Collection[str]
    ) -> dict[str, Report]:
        """Write the results that a worker sent; return reports of those for which that failed.

        Nobody else has them, hence several tries where the disk refuses.
        """
        waiting = [job for job in jobs if job.filename.name in received]
        failures: dict[str, Report] = {}
        for pause in (*PAUSES, 0):
            again = []
            for job in waiting:
                try:
                    name = job.filename.name
                    _save(job, received[name], job.overwrite or name in sent)
                    failures.pop(job.name, None)
                except Exception as error:  # whatever it is, the other networks are not lost
                    failures[job.name] = Report('failed', one_line(error))
                    again += [job] * isinstance(error, OSError)
            waiting = again
            if not waiting:
                break
            self._pause(pause)
        return failures

    def _pause(self, seconds: int) -> None:
        """Wait, but not for a command that is asked to stop."""
        for _ in range(seconds):
            if not self.stopped:
                time.sleep(1)

    def progress(self) -> int:
        """Networks that are done, of `total`."""
        return len(self.done)

    def stop(self) -> None:
        """Give up the networks that are not done."""
        self.stopped = True
        self.client.cancel(self.tasks)

    def close(self) -> None:
        """Leave the cluster, and end it if it was started here."""
        here = self.client.cluster
        if here is not None:  # else a worker may log that the scheduler did not hear its last beat
            self.client.run(logging.disable, logging.ERROR, on_error='ignore')
        self.client.close()
        if here is not None:
            here.close()


def _by_value(function: Callable) -> Callable:
    """A copy of a function of `cluster_worker` that travels with its code.

    Workers cannot import the module. Dask pickles by reference what Python can find by its name,
    whatever cloudpickle is told, so it gets a function that is not the one under that name.
    """
    import cloudpickle  # comes with Dask

    cloudpickle.register_pickle_by_value(cluster_worker)
    try:
        return cloudpickle.loads(cloudpickle.dumps(function))
    finally:
        cloudpickle.unregister_pickle_by_value(cluster_worker)


def _sources() -> dict[str, bytes]:
    """The modules of the project, those in its root and those in packages, by relative path."""
    packages = [path.parent for path in ROOT.glob('*/__init__.py')]
    files = [*ROOT.glob('*.py'), *(f for folder in packages for f in folder.rglob('*.py'))]
    relative = [file.relative_to(ROOT) for file in files]
    return {
        path.as_posix(): (ROOT / path).read_bytes()
        for path in relative
        if path.parts[0] not in NOT_SENT and not any(part[0] == '.' for part in path.parts)
    }


def _files(job: Job) -> dict[str, bytes]:
    """What there is of a network already: its result or checkpoint."""
    paths = (job.filename, results.checkpoint_name(job.filename))
    return {p.name: p.read_bytes() for p in paths if p.exists() and not job.overwrite}


def _save(job: Job, received: bytes, replaces: bool) -> None:
    """Write a result, in place of another only if `replaces`; its save_dir becomes this folder.

    Raises TrainingError, when it is written, if another one has appeared meanwhile.
    """
    saved = results.load_results(job.filename, received)
    saved['parameters']['save_dir'] = job.folder
    save_result(job.filename, saved, replaces)
    log_result(job, saved, goes_on=False)


def _connect(address: str, local_workers: int):
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ClusterError("--dask needs Dask: pip install 'dask[distributed]'") from error
    # networks are sent as bytes; Dask advises to load them in its own ways
    warnings.filterwarnings('ignore', 'Sending large graph')
    try:
        if address == 'local':
            options = {'n_workers': local_workers, 'threads_per_worker': 1}
            return Client(LocalCluster(**options, dashboard_address='127.0.0.1:0'))  # a free port
        with ThreadPoolExecutor(1) as thread:  # in a notebook this one has a loop already
            greeting = asyncio.wait_for(_shake_hands(address), TIMEOUT)
            thread.submit(asyncio.run, greeting).result()
        return Client(address, timeout=TIMEOUT)
    except Exception as error:  # what a server that is no scheduler leads to can be anything
        reason = one_line(error) or f'nothing came within {TIMEOUT} s'
        raise ClusterError(f'no scheduler answers at {address}: {reason}') from error


async def _shake_hands(address: str) -> None:
    """See that a scheduler answers: for one that is silent, a Client would hang."""
    from distributed import Security
    from distributed.comm import connect

    security = Security().get_connection_args('client')
    comm = await connect(address, timeout=TIMEOUT, **security)
    await comm.close()
