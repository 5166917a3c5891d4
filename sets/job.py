"""One network of a set: what it is called, from which seed, how it is trained and reported.

run_all_models.py makes `Job`s, and `train_networks` does several at once, or one, in a process of
their own. Only one process at a time works on the files of a network: the operating system holds a
lock for it, which vanishes with the process.
"""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

import results
from logs.log import Log
from measures.earlier import is_analyzed, made_with
from measures.summary import summary
from parameters import (
    ANALYSIS,
    ARRAYS,
    analysis_parameters,
    given_arrays,
    parameters_with,
    settings_for,
)
from rnn import device
from sets import sweep
from settings.compared import differing
from system import outputs, workers
from system.locks import Busy, lock
from system.signals import Interrupted
from tasks import TaskError, digest, load_task, require_same
from training.accuracy import last_mean
from training.guard import enough_memory
from training.loop import train_stack
from training.member import TrainingError, Watch
from training.start import PLACE, SHOWN_ONLY, Start, begin, network_of, restored

TEST_COST_MULTIPLIER = 2  # with which the networks of the paper's code were trained
ANALYSIS_SEED = 0  # the default of analysis.py, which therefore has nothing left to do
REMEDY = 'a smaller batch_size, n_hidden or --stack'  # where memory runs out
LAST_VALUES = ('iterations', *results.VALUES)


class Job(NamedTuple):
    """One network to train: where, with which settings (the seed among them), and how.

    task_file: the absolute path of a user's own task, and task_digest that of the file's content.
    swept: those of the settings that distinguish it from others of its set (sets/sweep.py).
    """

    folder: str
    task: str
    index: int
    settings: dict
    gpu_id: str = 'none'
    threads: int | None = None
    overwrite: bool = False
    analyze: bool = False
    log: tuple[str, ...] = ()  # where its curves are logged
    task_file: str | None = None
    task_digest: str | None = None
    swept: dict = {}

    @property
    def name(self) -> str:
        """Such as DMS-run-0, or DMS-delay_time=500-run-0."""
        return f'{self.task}{sweep.label(self.swept)}-run-{self.index}'

    @property
    def filename(self) -> Path:
        """The result file."""
        return Path(self.folder, f'{self.name}.pkl')


class Report(NamedTuple):
    """The outcome of a job: 'trained', 'finished' before, 'busy', 'stopped' or 'failed'.

    seconds: of this training. goes_on: whether it continued from a checkpoint.
    """

    status: str
    reason: str = ''
    seconds: float | None = None
    goes_on: bool = False
    values: dict | None = None  # {name of LAST_VALUES: value}


def seed_of(seed: int, task: str, index: int, swept: Mapping | None = None) -> int:
    """Seed of a network: nothing but the set's seed, task, index and swept settings decide it."""
    of = f'{task}{sweep.label(swept or {})}'
    sequence = np.random.SeedSequence(seed, spawn_key=(index, *of.encode()))
    return int(sequence.generate_state(1)[0])


def settings_of(job: Job) -> dict:
    """The settings of a job: those of its command, those of all sets, and where its file is."""
    place = {'save_dir': job.folder, 'save_fn': job.filename.name}
    fixed = {'trial_type': job.task, 'test_cost_multiplier': TEST_COST_MULTIPLIER}
    return fixed | job.settings | place


def parameters_of(job: Job) -> dict:
    """All parameters of a job. Raises ValueError for settings that are not allowed."""
    return parameters_with(settings_of(job))


def require_task(job: Job) -> None:
    """Load the task of a job if it is a user's own.

    Raises TaskError if the file fails, or is not the one that the job was made with.
    """
    if job.task_file is None:
        return
    load_task(job.task_file)
    if digest(job.task) != job.task_digest:
        raise TaskError(f'{Path(job.task_file).name} has changed since the set was started')


def train_networks(jobs: Sequence[Job], watches: Sequence[Watch]) -> list[Report]:
    """Train networks at once, or go on with them, and analyse those for which that is asked for.

    Networks that are finished are left as they are. `watches` are those of
    `training.loop.train_stack`. Never raises: what goes wrong with a network is in its report.
    """
    began = time.perf_counter()
    with ExitStack() as held, outputs.plain_warnings():
        found = [_guarded(partial(_begin, job, held)) for job in jobs]
        stack = [i for i, start in enumerate(found) if isinstance(start, Start)]
        outcomes = _guarded(partial(_train, found, watches, stack)) if stack else []
        share = (time.perf_counter() - began) / max(1, len(stack))  # of the time, of each network
        for place, i in enumerate(stack):
            outcome = outcomes if isinstance(outcomes, Report) else outcomes[place]
            report = _guarded(partial(_trained, jobs[i], outcome, found[i].p))
            found[i] = report._replace(seconds=share, goes_on=found[i].done > 0)
        for i, (job, watch) in enumerate(zip(jobs, watches, strict=True)):
            if job.analyze and found[i].status in ('trained', 'finished'):
                failure = _guarded(partial(_analyze, job, watch))
                if failure:
                    found[i] = found[i]._replace(status=failure.status, reason=failure.reason)
        if any(job.analyze for job in jobs):
            workers.end_idle()
    return found


def _guarded(work: Callable):
    """What the work returns; a report of what went wrong, if it raises."""
    try:
        return work()
    except Busy as error:
        return Report('busy', error.reason)
    except (Interrupted, KeyboardInterrupt):
        return Report('stopped')
    except (ValueError, OSError, MemoryError, TrainingError) as error:
        return Report('failed', one_line(error))
    except Exception as error:  # a defect, which must not end the other networks
        return Report('failed', one_line(f'{type(error).__name__}: {error}'))


def one_line(reason: object) -> str:
    """A reason in one line, as tables need it; the messages of TensorFlow have many."""
    return ' '.join(str(reason).split())


def _begin(job: Job, held: ExitStack) -> Start | Report:
    """What starts or goes on; the report of a network that is finished. Holds its lock."""
    held.enter_context(lock(job.filename))
    require_task(job)
    if job.filename.exists() and not job.overwrite:
        return finished(job)
    how = {'resume': not job.overwrite, 'overwrite': job.overwrite, 'locked': True, 'log': job.log}
    return begin(parameters_of(job), _fixed(job), job.gpu_id, job.threads, **how)


def _fixed(job: Job) -> set[str]:
    """Settings in which a checkpoint must agree, also those that the command leaves as they are."""
    return {*settings_for(job.task), *ARRAYS} - {'seed'} | {*settings_of(job)}


def _train(starts, watches, stack: Sequence[int]) -> list[Path | BaseException]:
    """Train those of the networks that are numbered in `stack`."""
    from model import Model  # brings TensorFlow, for which `begin` has chosen the device

    enough = enough_memory(starts[stack[0]].p, REMEDY)
    with enough, outputs.courtesy():
        return train_stack(Model, [starts[i] for i in stack], [watches[i] for i in stack])


def _trained(job: Job, outcome: Path | BaseException | Report, p: Mapping) -> Report:
    """The report of a network that was trained; raises what ended its training."""
    if isinstance(outcome, Report):
        return outcome
    if isinstance(outcome, BaseException):
        with enough_memory(p, REMEDY):
            raise outcome
    return finished(job)._replace(status='trained', reason='')


def finished(job: Job) -> Report:
    """What the result file of a job says, with the settings in which it differs from the job."""
    return _finished(job, results.load_results(job.filename))


def _finished(job: Job, saved: Mapping) -> Report:
    return Report('finished', _differences(job, saved['parameters']), values=_last_values(saved))


def _differences(job: Job, saved: Mapping) -> str:
    """In what the parameters of a finished network differ from those of a job; '' for nothing."""
    p = parameters_of(job)
    compared = settings_for(job.task).keys() - ANALYSIS.keys() - {*PLACE, *SHOWN_ONLY}
    other = [f'{n} {saved.get(n)}, not {p[n]}' for n in differing(compared, [saved, p])]
    if saved.get('task_digest') != p['task_digest']:
        other.append(f'another {job.task}.py')
    arrays = differing([*given_arrays(saved), *given_arrays(p)], [saved, p])
    other += [f'another {name}' for name in arrays]
    return ', '.join(other)


class Plan(NamedTuple):
    """What there is to do for a job: iterations done, and wanted in the end."""

    job: Job
    p: dict  # its parameters without arrays, of which a thousand jobs would fill the memory
    done: int
    report: Report | None  # where there is nothing to train
    words: str
    is_analyzed: bool = False

    @property
    def wanted(self) -> int:
        """Iterations in the end."""
        return self.p['num_iterations']

    @property
    def is_needed(self) -> bool:
        """Whether a process is to be started: also for what is damaged, which it reports."""
        return self.report is None or (self.job.analyze and not self.is_analyzed)


def plan(job: Job) -> Plan:
    """Look at the files of a job. Raises ValueError for settings that are not allowed."""
    whole = parameters_of(job)
    p = {n: v for n, v in whole.items() if not isinstance(v, np.ndarray)}
    checkpoint = results.checkpoint_name(job.filename)
    try:
        if job.filename.exists() and not job.overwrite:
            saved = results.load_results(job.filename)
            analyzed = job.analyze and _is_analyzed(job, saved)
            words, report = 'is finished', _finished(job, saved)
            words += ' and analysed' * analyzed
            words += f', with other settings: {report.reason}' if report.reason else ''
            return Plan(job, p, p['num_iterations'], report, words, analyzed)
        if checkpoint.exists() and not job.overwrite:
            done = _iterations_in(checkpoint, whole, job)
            return Plan(job, p, done, None, f'goes on after iteration {done - 1}')
    except ValueError as error:
        return Plan(job, p, 0, None, f'will fail: {error}')
    again = ', in place of what is there' * (job.filename.exists() or checkpoint.exists())
    return Plan(job, p, 0, None, f'starts with seed {p["seed"]}{again}')


def _iterations_in(checkpoint: Path, p: Mapping, job: Job) -> int:
    saved = results.load_results(checkpoint)
    require_same(saved['parameters'])
    restored(saved['parameters'], p, _fixed(job), checkpoint)
    return len(saved['iteration'])


def _last_values(saved: Mapping) -> dict[str, float]:
    """Iterations, and the means of the last 20 of accuracy and losses."""
    means = {name: last_mean(saved[name]) for name in results.VALUES}
    return {'iterations': len(saved['iteration']), **means}


def _analyze(job: Job, watch: Watch) -> None:
    """Add the measures to a result file, as `python analysis.py` does."""
    saved = results.load_results(job.filename)
    if _is_analyzed(job, saved):
        return
    if watch(saved):
        raise Interrupted(signal.SIGTERM)
    device.select(job.gpu_id, job.threads)  # before TensorFlow is imported
    import analysis

    def progress(amount: int) -> None:
        if watch(saved):
            raise Interrupted(signal.SIGTERM)

    how = {'seed': ANALYSIS_SEED, 'jobs': job.threads, 'progress': progress}
    files = job.filename, job.filename
    try:
        analyzed = analysis.analyze_model_from_file(*files, _options(job), **how)
    except analysis.MeasuresLost as error:
        # --overwrite of a set would train the network again
        raise ValueError(f'{error}: python analysis.py {job.filename} does it') from error
    log_result(job, analyzed, goes_on=True)


def _is_analyzed(job: Job, saved: Mapping) -> bool:
    """Whether a result has all measures that its job asks for."""
    options = _options(job)
    p = analysis_parameters(saved['parameters'], options)
    return is_analyzed(saved, made_with(p, options, ANALYSIS_SEED))


def _options(job: Job) -> dict:
    """The options of the analysis among the settings of a job."""
    return {name: value for name, value in job.settings.items() if name in ANALYSIS}


def log_result(job: Job, saved: Mapping, goes_on: bool) -> None:
    """Log the curves of a result and the summary of its measures, where it has been analysed.

    goes_on: its curves may be logged already.
    """
    if not job.log:
        return
    with Log(job.log, network_of(job.filename, saved['parameters'], goes_on)) as log:
        log.write(saved)
        if results.analysis_of(saved):
            known = {name: value for name, value in summary(saved).items() if not np.isnan(value)}
            log.summarize(known)
