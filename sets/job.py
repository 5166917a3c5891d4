"""One network of a set: what it is called, from which seed, how it is trained and reported.

run_all_models.py makes `Job`s and `train_network` does one of them, in a process of its own because
`par` is global. Only one process at a time works on the files of a network: the operating system
holds a lock for it, which vanishes with the process.
"""

import signal
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np

import results
from parameters import (
    ANALYSIS,
    SETTINGS,
    given_arrays,
    kept_parameters,
    par,
    reset_parameters,
    update_parameters,
)
from rnn import device
from training import loop as training
from training.tensorboard import CurveLog

TEST_COST_MULTIPLIER = 2  # with which the networks of the paper's code were trained
ANALYSIS_SEED = 0  # the default of analysis.py, which therefore has nothing left to do
COLUMNS = ('iterations', 'accuracy', *results.CURVES[1:-1])


class Job(NamedTuple):
    """One network to train: where, with which settings (the seed among them), and how."""

    folder: str
    task: str
    index: int
    settings: dict
    gpu_id: str = 'none'
    threads: int | None = None
    overwrite: bool = False
    analyze: bool = False
    log: bool = False

    @property
    def name(self) -> str:
        """Such as DMS-run-0."""
        return f'{self.task}-run-{self.index}'

    @property
    def filename(self) -> Path:
        """The result file."""
        return Path(self.folder, f'{self.name}.pkl')

    @property
    def log_folder(self) -> Path:
        """Where the TensorBoard events go."""
        return Path(self.folder, 'logs', self.name)


class Report(NamedTuple):
    """The outcome of a job: 'trained', 'finished' before, 'busy', 'stopped' or 'failed'."""

    status: str
    reason: str = ''
    seconds: float | None = None
    values: dict | None = None  # of COLUMNS, at the end of the training


def seed_of(seed: int, task: str, index: int) -> int:
    """Seed of a network: it depends on nothing but the set's seed, the task and the index."""
    sequence = np.random.SeedSequence(seed, spawn_key=(index, *task.encode()))
    return int(sequence.generate_state(1)[0])


def set_parameters(job: Job) -> None:
    """Set `par` for a job. Raises ValueError for settings that are not allowed."""
    place = {'save_dir': job.folder, 'save_fn': job.filename.name}
    fixed = {'trial_type': job.task, 'test_cost_multiplier': TEST_COST_MULTIPLIER}
    reset_parameters()
    update_parameters(fixed | job.settings | place)


def lock(filename: Path, timeout: float = 0) -> filelock.BaseFileLock:
    """The lock on a file of a set, or on all files of a network.

    Raises filelock.Timeout if another process holds it for more than `timeout` s; -1 has no limit.
    """
    folder = filename.parent / '.locks'
    folder.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(folder / f'{filename.stem}.lock', timeout=timeout)


def train_network(job: Job, watch: training.Watch) -> Report:
    """Train a network, or go on with it, and analyse it if that is asked for; never raises.

    A network that is finished is left as it is. `watch` is that of `training.train`.
    """
    try:
        with lock(job.filename):
            return _train(job, watch)
    except filelock.Timeout:
        return Report('busy', 'another command trains it')
    except (training.Interrupted, KeyboardInterrupt):
        return Report('stopped')
    except (ValueError, OSError, training.TrainingError) as error:
        return Report('failed', one_line(error))
    except Exception as error:  # a defect, which must not end the other networks
        return Report('failed', one_line(f'{type(error).__name__}: {error}'))


def one_line(reason: object) -> str:
    """A reason in one line, as tables need it; the messages of TensorFlow have many."""
    return ' '.join(str(reason).split())


def _train(job: Job, watch: training.Watch) -> Report:
    start = time.perf_counter()
    set_parameters(job)
    if job.filename.exists() and not job.overwrite:
        report = finished(job)
    else:
        log = CurveLog(job.log_folder, par['save_every'], watch) if job.log else nullcontext(watch)
        with log as watch_and_log:
            training.train(
                job.gpu_id,
                threads=job.threads,
                resume=not job.overwrite,
                overwrite=job.overwrite,
                watch=watch_and_log,
            )
        trained = {'status': 'trained', 'reason': '', 'seconds': time.perf_counter() - start}
        report = finished(job)._replace(**trained)
    if job.analyze:
        _analyze(job, watch)
    return report


def finished(job: Job) -> Report:
    """What the result file of a job says, with the settings in which it differs from `par`."""
    saved = results.load_results(job.filename)
    compared = SETTINGS.keys() - ANALYSIS.keys() - {*training.PLACE}
    other = {name: saved['parameters'].get(name) for name in sorted(compared)}
    other = [
        f'{name} {value}, not {par[name]}' for name, value in other.items() if value != par[name]
    ]
    given = {*given_arrays(saved['parameters']), *given_arrays(par)}
    other += [
        f'another {n}'
        for n in sorted(given)
        if not np.array_equal(saved['parameters'].get(n), par[n])
    ]
    return Report('finished', ', '.join(other), values=_last_values(saved))


class Plan(NamedTuple):
    """What there is to do for a job: iterations done, and wanted in the end."""

    job: Job
    done: int
    wanted: int
    report: Report | None  # where there is nothing to train
    words: str

    @property
    def is_needed(self) -> bool:
        """Whether a process is to be started: also for what is damaged, which it reports."""
        return self.report is None or self.job.analyze


def plan(job: Job) -> Plan:
    """Look at the files of a job. Raises ValueError for settings that are not allowed."""
    with kept_parameters():
        set_parameters(job)
        seed, wanted = par['seed'], par['num_iterations']
        checkpoint = results.checkpoint_name(job.filename)
        words = f'starts with seed {seed}'
        if job.overwrite:
            return Plan(job, 0, wanted, None, words)
        try:
            if job.filename.exists():
                return Plan(job, wanted, wanted, finished(job), 'is finished')
            if checkpoint.exists():
                done = len(results.load_results(checkpoint)['iteration'])
                return Plan(job, done, wanted, None, f'goes on after iteration {done - 1}')
        except results.ResultsError as error:
            return Plan(job, 0, wanted, None, f'will fail: {error}')
    return Plan(job, 0, wanted, None, words)


def _last_values(saved: Mapping) -> dict[str, float]:
    """Iterations, and the means of the last 20 of accuracy and losses."""
    last = slice(-training.ITERATIONS_TO_STOP, None)
    means = {name: float(np.mean(saved[name][last])) for name in COLUMNS[1:]}
    return {'iterations': len(saved['iteration']), **means}


def _analyze(job: Job, watch: training.Watch) -> None:
    """Add the measures to a result file, as `python analysis.py` does."""
    device.select(job.gpu_id, job.threads)  # before TensorFlow is imported
    import analysis

    options = {name: value for name, value in job.settings.items() if name in ANALYSIS}
    saved = results.load_results(job.filename)
    analysis.set_parameters(saved, options)
    if analysis.is_analyzed(saved, analysis.made_with(options, ANALYSIS_SEED)):
        return

    def progress(amount: int) -> None:
        if watch(saved):
            raise training.Interrupted(signal.SIGTERM)

    analysis.analyze_model_from_file(
        job.filename,
        job.filename,
        options,
        seed=ANALYSIS_SEED,
        jobs=job.threads,
        progress=progress,
    )
