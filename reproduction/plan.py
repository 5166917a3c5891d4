"""Which networks the findings rest on, how many of each, and what they cost.

    python -m reproduction.whole

trains and analyses them.
"""

from collections.abc import Mapping
from typing import NamedTuple

from parameters import SETTINGS, settings_of
from sets import sweep
from sets.job import Job, seed_of
from tasks import TASKS

FOLDER = 'savedir/reproduction'
# the options of the analysis
ANALYSED = {'decode_test': True, 'suppress_analysis': True, 'calculate_resp_matrix': False}
NO_CHANGE: Mapping = {}
LATER = 3  # rounds: then there are three networks of each variant of Fig. 7
EARLY = {'stop_accuracy': 0.9}  # of networks that are trained until they pass it
PREPRINT = {'num_motion_tuned': 36}  # inputs, where the paper's code has 24
# settings in which the networks of several tasks, whose findings are compared, differ from the rest
VARIED = (NO_CHANGE, EARLY, PREPRINT, EARLY | PREPRINT)
FEW: Mapping = {'decoding_reps': 20, 'simulation_reps': 20}  # to analyse these in less time


def named(task: str, swept: Mapping) -> str:
    """What the networks of a task with these swept settings are called."""
    return task + sweep.label(swept)


class Kind(NamedTuple):
    """Networks of one task with the same settings.

    minutes: of the training and of the analysis of one network on one of two busy cores, measured.
    swept: the settings that distinguish them from other networks of the task, which are part of
    their names (sets/sweep.py). after: rounds in which others are trained before the first of them.
    """

    task: str
    number: int
    minutes: tuple[float, float]
    swept: Mapping = NO_CHANGE
    settings: Mapping = NO_CHANGE
    after: int = 0

    @property
    def name(self) -> str:
        """Such as DMS, or DMS-delay_time=500."""
        return named(self.task, self.swept)

    @property
    def iterations(self) -> int:
        """Of the training; at most so many, if it stops at an accuracy."""
        return self.settings.get('num_iterations', SETTINGS['num_iterations'].default)

    @property
    def stops_early(self) -> bool:
        """Whether its training ends at an accuracy."""
        return 'stop_accuracy' in self.swept

    def job(self, index: int, gpu_id: str) -> Job:
        """The network of an index."""
        settings = ANALYSED | dict(self.settings) | dict(self.swept)
        settings['seed'] = seed_of(0, self.task, index, self.swept)
        swept = dict(self.swept)
        return Job(FOLDER, self.task, index, settings, gpu_id, analyze=True, swept=swept)


PLAN = (
    Kind('DMS', 10, (30, 5)),
    Kind('DMRS45', 5, (29, 5)),
    Kind('DMRS90', 5, (30, 5)),
    Kind('DMRS90ccw', 5, (29, 5)),
    Kind('DMRS180', 5, (30, 5)),
    Kind('DMC', 5, (31, 5)),
    Kind('DMS+DMRS', 6, (30, 9)),
    Kind('ABBA', 6, (44, 7)),
    Kind('ABCA', 6, (47, 7)),
    Kind('dualDMS', 5, (104, 32), settings={'num_iterations': 4000}),
    Kind('DMS+DMRS_early_cue', 2, (30, 9), after=LATER),
    Kind('DMS+DMRS_full_cue', 2, (29, 9), after=LATER),
    Kind('DMS+DMC', 2, (35, 9), after=LATER),
    Kind('DMS+DMRS+DMC', 2, (34, 10), after=LATER),
    Kind('location_DMS', 2, (41, 8), after=LATER),
    Kind('distractor', 2, (43, 5), after=LATER),
    Kind('DMS', 2, (32, 5), swept={'synapse_config': None}, after=LATER),
    Kind('DMS', 2, (24, 5), swept={'delay_time': 500}, after=LATER),
    Kind('DMS', 2, (35, 5), swept={'delay_time': 1500}, after=LATER),
    Kind('DMS', 2, (40, 5), swept={'delay_time': 2000}, after=LATER),
    Kind('DMS', 2, (45, 5), swept={'delay_time': 2500}, after=LATER),
    Kind('ABBA', 2, (44, 7), swept=PREPRINT, after=LATER),
    *(
        Kind(task, 5, minutes, swept=EARLY, settings=FEW)
        for task, minutes in {
            'DMS': (2, 1),
            'DMRS45': (2, 2),
            'DMRS90': (2, 2),
            'DMRS90ccw': (3, 2),
            'DMRS180': (2, 2),
            'DMC': (2, 2),
            'DMS+DMRS': (3, 2),
            'ABBA': (5, 7),
            'ABCA': (4, 7),
        }.items()
    ),
    Kind('DMS', 3, (2, 1), swept=EARLY | PREPRINT, settings=FEW),
    Kind('ABBA', 3, (7, 7), swept=EARLY | PREPRINT, settings=FEW),
)
SWEPT = sorted({name for kind in PLAN for name in kind.swept})


def jobs(gpu_id: str) -> list[Job]:
    """All networks in rounds: the first of each kind, then the second of each, and so on."""
    rounds = range(max(kind.after + kind.number for kind in PLAN))
    return [
        kind.job(i - kind.after, gpu_id)
        for i in rounds
        for kind in PLAN
        if 0 <= i - kind.after < kind.number
    ]


def kind_of(p: Mapping) -> str:
    """The name of the kind to which a network with these parameters belongs.

    Only the settings that the plan sweeps distinguish networks of a task.
    """
    changed = settings_of(p)
    return named(p['trial_type'], {n: changed[n] for n in SWEPT if n in changed})


def names() -> list[str]:
    """All kinds in the order of the tables: the tasks of the paper, then what is varied."""
    return list(dict.fromkeys([*TASKS, *(kind.name for kind in PLAN)]))
