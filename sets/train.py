"""Trains and analyses the networks of a set: several at once, or one, in a process of their own.

Only one process at a time works on the files of a network: the operating system holds a lock for
it, which vanishes with the process.
"""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import results
from logs.log import Log
from measures.summary import summary
from rnn import device
from sets.job import (
    ANALYSIS_SEED,
    Job,
    Report,
    finished,
    fixed_settings,
    has_measures,
    job_parameters,
    options_of,
    require_task,
)
from system import outputs, workers
from system.locks import Busy, lock
from system.signals import Interrupted
from training.guard import enough_memory
from training.loop import train_stack
from training.member import TrainingError, Watch
from training.start import Start, begin, network_of

REMEDY = 'a smaller batch_size, n_hidden or --stack'  # where memory runs out


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
                outcome = _guarded(partial(_analyze, job, watch))
                if isinstance(outcome, Report):
                    found[i] = found[i]._replace(status=outcome.status, reason=outcome.reason)
                else:
                    found[i] = found[i]._replace(measures=outcome)
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
        return Report('failed', outputs.one_line(error))
    except Exception as error:  # a defect, which must not end the other networks
        return Report('failed', outputs.one_line(f'{type(error).__name__}: {error}'))


def _begin(job: Job, held: ExitStack) -> Start | Report:
    """The start of a run, or the report of a finished network, whose lock is put into `held`."""
    held.enter_context(lock(job.filename))
    require_task(job)
    if job.filename.exists() and not job.overwrite:
        return finished(job)
    how = {'resume': not job.overwrite, 'overwrite': job.overwrite, 'locked': True, 'log': job.log}
    return begin(job_parameters(job), fixed_settings(job), job.gpu_id, job.threads, **how)


def _train(starts, watches, stack: Sequence[int]) -> list[Path | BaseException]:
    """Train those of the networks that are numbered in `stack`."""
    from model import Model  # brings TensorFlow, for which `begin` has chosen the device

    enough = enough_memory(starts[stack[0]].p, REMEDY)
    with enough, outputs.lenient_output():
        return train_stack(Model, [starts[i] for i in stack], [watches[i] for i in stack])


def _trained(job: Job, outcome: Path | BaseException | Report, p: Mapping) -> Report:
    """The report of a network that was trained; raises what ended its training."""
    if isinstance(outcome, Report):
        return outcome
    if isinstance(outcome, BaseException):
        with enough_memory(p, REMEDY):
            raise outcome
    return finished(job)._replace(status='trained', reason='')


def _analyze(job: Job, watch: Watch) -> dict:
    """Add the measures to a result file, as `python analysis.py` does; return their summary."""
    saved = results.load_results(job.filename)
    if has_measures(job, saved):
        return summary(saved)
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
        analyzed = analysis.analyze_model_from_file(*files, options_of(job), **how)
    except analysis.MeasuresLost as error:
        # --overwrite of a set would train the network again
        remedy = f'use python analysis.py {job.filename}, with --overwrite to replace them'
        raise ValueError(f'{error.lost}: {remedy}') from error
    log_result(job, analyzed, goes_on=True)
    return summary(analyzed)


def log_result(job: Job, saved: Mapping, goes_on: bool) -> None:
    """Log the curves of a result and the summary of its measures, where it has been analysed.

    goes_on: its curves may be logged already.
    """
    if not job.log:
        return
    with Log(job.log, network_of(job.filename, saved['parameters'], goes_on)) as log:
        log.write(saved)
        if found := summary(saved):
            log.summarize(found)
