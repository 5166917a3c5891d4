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


class Kind(NamedTuple):
    """Networks of one task with the same settings.

    minutes: of the training and of the analysis of one network on one of two busy cores, measured.
    swept: the settings that distinguish them from other networks of the task, which are part of
    their names (sets/sweep.py).
    """

    task: str
    number: int
    minutes: tuple[float, float]
    swept: Mapping = NO_CHANGE
    settings: Mapping = NO_CHANGE

    @property
    def name(self) -> str:
        """Such as DMS, or DMS-delay_time=500."""
        return self.task + sweep.label(self.swept)

    @property
    def iterations(self) -> int:
        """Of the training."""
        return self.settings.get('num_iterations', SETTINGS['num_iterations'].default)

    def job(self, index: int, gpu_id: str) -> Job:
        """The network of an index."""
        settings = ANALYSED | dict(self.settings) | dict(self.swept)
        settings['seed'] = seed_of(0, self.task, index, self.swept)
        swept = dict(self.swept)
        return Job(FOLDER, self.task, index, settings, gpu_id, analyze=True, swept=swept)


PLAN = (
    Kind('DMS', 10, (28, 5)),
    Kind('DMRS45', 5, (28, 5)),
    Kind('DMRS90', 5, (28, 5)),
    Kind('DMRS90ccw', 5, (28, 5)),
    Kind('DMRS180', 5, (28, 5)),
    Kind('DMC', 5, (28, 5)),
    Kind('DMS+DMRS', 6, (33, 9)),
    Kind('ABBA', 6, (43, 7)),
    Kind('ABCA', 6, (43, 7)),
    Kind('dualDMS', 5, (99, 32), settings={'num_iterations': 4000}),
    *(
        Kind(task, 2, (35, 9))
        for task in (
            'DMS+DMRS_early_cue',
            'DMS+DMRS_full_cue',
            'DMS+DMC',
            'DMS+DMRS+DMC',
            'location_DMS',
            'distractor',
        )
    ),
    Kind('DMS', 2, (20, 4), swept={'synapse_config': None}),
    *(Kind('DMS', 2, (28, 5), swept={'delay_time': ms}) for ms in (500, 1500, 2000, 2500)),
    Kind('ABBA', 2, (43, 7), swept={'num_motion_tuned': 36}),
)
SWEPT = sorted({name for kind in PLAN for name in kind.swept})


def jobs(gpu_id: str) -> list[Job]:
    """All networks: the first of each kind, then the second of each, and so on."""
    most = max(kind.number for kind in PLAN)
    return [
        kind.job(index, gpu_id) for index in range(most) for kind in PLAN if index < kind.number
    ]


def kind_of(p: Mapping) -> str:
    """The name of the kind to which a network with these parameters belongs.

    Only the settings that the plan sweeps distinguish networks of a task.
    """
    changed = settings_of(p)
    return p['trial_type'] + sweep.label({n: changed[n] for n in SWEPT if n in changed})


def names() -> list[str]:
    """All kinds in the order of the tables: the tasks of the paper, then what is varied."""
    return list(dict.fromkeys([*TASKS, *(kind.name for kind in PLAN)]))
