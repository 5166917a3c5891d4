"""Which networks a command asks for: tasks, combinations of swept settings, and indices."""

from collections.abc import Iterable, Mapping

from commands.arguments import a_path, task_name
from parameters import parameters_with, settings_for
from sets import sweep
from sets.job import Job, seed_of
from tasks import TASKS, digest, find, known
from tasks.epochs import unused_times


def select(
    tasks: Mapping[str, str | None],
    settings: Mapping,
    sweeps: Mapping[str, list],
    indices: range,
    many: bool,
    seed: int,
    **common,
) -> list[Job]:
    """All networks: of each task, each combination, each index. `tasks` come from `tasks_of`.

    `seed` is that of the set, and `common` are the fields of the jobs that do not depend on the
    network. Settings that only other tasks have are left out of a task's. Raises ValueError for a
    sweep that has no effect, and for more networks than 10 000, if `many` is not given.
    """
    swept_by = {task: _with_effect(task, _of(task, tasks, sweeps)) for task in tasks}
    for name in sweeps:
        if not any(name in swept for swept in swept_by.values()):
            words = f'{name} has no effect in {", ".join(tasks)}'
            raise ValueError(f'{words}: networks would differ in their seeds alone')
    number = sum(map(sweep.count, swept_by.values())) * len(indices)
    if number > sweep.MOST_WITHOUT_YES and not many:
        raise ValueError(
            f'these are {number} networks (combinations times tasks times N): '
            f'more than {sweep.MOST_WITHOUT_YES} are trained only with --yes'
        )
    return [
        Job(
            task=task,
            index=index,
            settings=own | swept | {'seed': seed_of(seed, task, index, swept)},
            task_file=file,
            task_digest=digest(task),
            swept=swept,
            **common,
        )
        for task, file in tasks.items()
        for own in [_of(task, tasks, settings)]
        for swept in sweep.combinations(swept_by[task])
        for index in indices
    ]


def tasks_of(given: Iterable[str]) -> dict[str, str | None]:
    """Names of tasks and the absolute path of each that is a user's own, which is loaded.

    Raises ValueError for a file that fails, and for two files of one name.
    """
    found: dict[str, str | None] = {}
    for text in given:
        if text == 'all':
            found |= dict.fromkeys(TASKS)
            continue
        name = task_name(text)
        file, earlier = str(a_path(text).absolute()), found.get(name)
        if not text.endswith('.py'):
            found.setdefault(name, None)
        elif earlier in (None, file):
            found[name] = file
        else:
            raise ValueError(f'{earlier} and {text} have the same name, and so would their results')
    return found


def _of(task: str, tasks: Iterable[str], settings: Mapping) -> dict:
    """The settings of a command without those that only other tasks of the command have."""
    own = settings_for(task) if task in known() else {}  # `plan` reports an unknown one
    others = {name for other in tasks if other in known() for name in settings_for(other)}
    return {name: v for name, v in settings.items() if name in own or name not in others}


def _with_effect(task: str, sweeps: Mapping[str, list]) -> dict[str, list]:
    """The sweeps of a task without times that its trials do not have."""
    if not sweeps or task not in TASKS:  # what a user's own does with a time is not known
        return dict(sweeps)
    p = parameters_with({'trial_type': task})
    unused = unused_times(find(task), {name: p[name] for name in settings_for(task)})
    return {name: values for name, values in sweeps.items() if name not in unused}
