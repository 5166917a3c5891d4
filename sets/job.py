"""One network of a set: its name, seed and settings, and what its finished file says.

run_all_models.py makes `Job`s, plan.py looks at what there is to do for one, and train.py does it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

import results
from measures.earlier import made_with
from measures.plan import lacking
from measures.summary import summary
from parameters import (
    ANALYSIS,
    ARRAYS,
    analysis_parameters,
    given_arrays,
    parameters_with,
    settings_for,
)
from sets import sweep
from settings.compared import differing
from tasks import TaskError, digest, load_task
from training.start import PLACE, SHOWN_ONLY
from training.stopping import last_mean

TEST_COST_MULTIPLIER = 2  # with which the networks of the paper's code were trained
ANALYSIS_SEED = 0  # the default of analysis.py, which so finds nothing left to measure
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
    measures: dict | None = None  # {name of SUMMARY: value}, where it is analysed


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


def job_parameters(job: Job) -> dict:
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


def fixed_settings(job: Job) -> set[str]:
    """Settings in which a checkpoint must agree, also those that the command leaves as they are."""
    return {*settings_for(job.task), *ARRAYS} - {'seed'} | {*settings_of(job)}


def has_measures(job: Job, saved: Mapping) -> bool:
    """Whether a result has all measures that its job asks for."""
    options = options_of(job)
    p = analysis_parameters(saved['parameters'], options)
    made = made_with(p, options, ANALYSIS_SEED, saved['parameters'])
    return not lacking(saved, p, made)


def options_of(job: Job) -> dict:
    """The options of the analysis among the settings of a job."""
    return {name: value for name, value in job.settings.items() if name in ANALYSIS}


def finished(job: Job) -> Report:
    """What the result file of a job says, with the settings in which it differs from the job."""
    return report_of(job, results.load_results(job.filename))


def report_of(job: Job, saved: Mapping) -> Report:
    """As `finished`, of a result that is loaded."""
    other = _differences(job, saved['parameters'])
    return Report('finished', other, values=_last_values(saved), measures=summary(saved))


def _differences(job: Job, saved: Mapping) -> str:
    """In what the parameters of a finished network differ from those of a job; '' for nothing."""
    p = job_parameters(job)
    compared = settings_for(job.task).keys() - ANALYSIS.keys() - {*PLACE, *SHOWN_ONLY}
    other = [f'{n} {saved.get(n)}, not {p[n]}' for n in differing(compared, [saved, p])]
    if saved.get('task_digest') != p['task_digest']:
        other.append(f'another {job.task}.py')
    arrays = differing([*given_arrays(saved), *given_arrays(p)], [saved, p])
    other += [f'another {name}' for name in arrays]
    return ', '.join(other)


def _last_values(saved: Mapping) -> dict[str, float]:
    """Iterations, and the means of the last 20 of accuracy and losses."""
    means = {name: last_mean(saved[name]) for name in results.VALUES}
    return {'iterations': len(saved['iteration']), **means}
