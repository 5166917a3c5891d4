"""What there is to do for the networks of a set, as their files show."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

import results
from sets.job import Job, Report, fixed_settings, has_measures, job_parameters, report_of
from tasks import require_same
from training.start import restored


class Plan(NamedTuple):
    """What there is to do for a job: iterations done, and wanted in the end."""

    job: Job
    p: dict  # its parameters without arrays, of which a thousand jobs would fill the memory
    done: int
    report: Report | None  # where there is nothing to train
    words: str
    is_analyzed: bool = False
    will_fail: bool = False

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
    whole = job_parameters(job)
    p = {n: v for n, v in whole.items() if not isinstance(v, np.ndarray)}
    checkpoint = results.checkpoint_name(job.filename)
    try:
        if job.filename.exists() and not job.overwrite:
            saved = results.load_results(job.filename)
            analyzed = job.analyze and has_measures(job, saved)
            words, report = 'is finished', report_of(job, saved)
            words += ' and analysed' * analyzed
            words += f', with other settings: {report.reason}' if report.reason else ''
            return Plan(job, p, p['num_iterations'], report, words, analyzed)
        if checkpoint.exists() and not job.overwrite:
            done = _iterations_in(checkpoint, whole, job)
            return Plan(job, p, done, None, f'goes on after iteration {done - 1}')
    except ValueError as error:
        return Plan(job, p, 0, None, f'will fail: {error}', will_fail=True)
    again = ', in place of what is there' * (job.filename.exists() or checkpoint.exists())
    return Plan(job, p, 0, None, f'starts with seed {p["seed"]}{again}')


def _iterations_in(checkpoint: Path, p: Mapping, job: Job) -> int:
    saved = results.load_results(checkpoint)
    require_same(saved['parameters'])
    restored(saved['parameters'], p, fixed_settings(job), checkpoint)
    return len(saved['iteration'])
