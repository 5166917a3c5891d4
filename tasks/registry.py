"""Which tasks there are: those of the paper, and tasks of users in files of their own."""

import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from settings import Setting
from settings.validators import Check, one_of
from system.errors import in_words
from system.files import read_bytes
from tasks.distractor import Distractor
from tasks.dual import DualMatch
from tasks.epochs import cue_all_trial, cue_in_delay, cue_in_fixation
from tasks.match import DelayedMatch, mixed, rotation
from tasks.sequence import SequentialMatch
from tasks.task import DECODABLE, Task

_SAME, _ROTATED, _CATEGORY = ('rotation', 0), ('rotation', 90), ('category', None)

TASKS: Mapping[str, Task] = {
    'DMS': rotation(0, probe='own'),
    'DMRS45': rotation(45),
    'DMRS90': rotation(90),
    'DMRS90ccw': rotation(-90, compared=False),
    'DMRS180': rotation(180),
    'DMC': DelayedMatch(rules=(_CATEGORY,), compared=False),
    'DMS+DMRS': mixed(cue_in_delay, 6, _SAME, _ROTATED),
    'DMS+DMRS_early_cue': mixed(cue_in_fixation, 6, _SAME, _ROTATED, compared=False),
    'DMS+DMRS_full_cue': mixed(cue_all_trial, 6, _SAME, _ROTATED, compared=False),
    'DMS+DMC': mixed(cue_all_trial, 12, _SAME, _CATEGORY, compared=False),
    'DMS+DMRS+DMC': mixed(cue_all_trial, 18, _SAME, _ROTATED, _CATEGORY, compared=False),
    'location_DMS': DelayedMatch(
        num_receptive_fields=3,
        separate_projections=True,
        suggested={'num_motion_tuned': 72},
        compared=False,
    ),
    'ABBA': SequentialMatch(repeats=True),
    'ABCA': SequentialMatch(),
    'dualDMS': DualMatch(),
    'distractor': Distractor(),
}


class TaskError(ValueError):
    """A task, or the file of one, cannot be used; the message says why in one sentence."""


class _Own(NamedTuple):
    """A user's task, the digest of its file, and the file."""

    task: Task
    digest: str
    file: Path


_own: dict[str, _Own] = {}  # by name; what load_task was given in this process


def known() -> list[str]:
    """The names of all tasks: those of the paper, then a user's own that are loaded."""
    return [*TASKS, *_own]


def find(name: str) -> Task:
    """The task of this name. Raises TaskError if it is not known."""
    if name in _own:
        return _own[name].task
    if name not in TASKS:
        names = ', '.join(known())
        raise TaskError(
            f'there is no task {name!r}; known are {names} (tasks.load_task loads your own)'
        )
    return TASKS[name]


def name_of_task() -> Check:
    """The name of a known task, as the value of a setting."""
    names = one_of(*known())
    words = 'or a task of your own that is loaded (--task FILE.py; in Python: tasks.load_task)'
    return names._replace(allowed=f'{names.allowed}, {words}')


def of(p: Mapping) -> Task:
    """The task of a network with the parameters `p`."""
    return find(p['trial_type'])


def digest(name: str) -> str | None:
    """SHA-256 of the file of a user's own task; None for a task of the paper."""
    return _own[name].digest if name in _own else None


def load_task(filename) -> str:
    """Run a Python file, make its task known under the file's name without .py, and return that.

    The file defines one subclass of `Task`. Raises TaskError, naming the file, if it is missing,
    fails, defines none or several, or has the name of a task of the paper.
    """
    path = Path(filename)
    name = path.stem
    if not (path.suffix == '.py' and re.fullmatch(r'[A-Za-z]\w*', name)):
        raise TaskError(f'{path} is not the file of a task: a name like my_task.py is needed')
    if name in TASKS:
        raise TaskError(f'{path} has the name of a task of the paper; name it differently')
    try:
        source = read_bytes(path)
    except OSError as error:
        raise TaskError(str(error)) from None
    _own[name] = _Own(_task_in(path, source), hashlib.sha256(source).hexdigest(), path)
    return name


def require_same(saved: Mapping) -> None:
    """Raise TaskError unless the task of saved parameters is known, and that of the same file."""
    name, trained_with = saved.get('trial_type'), saved.get('task_digest')
    if not isinstance(name, str) or (trained_with is None and name not in _own):
        return  # a task of the paper, or none at all, which the settings' checks report
    if name not in _own:
        raise TaskError(
            f'its task {name!r} is a file that must be given: --task path/to/{name}.py '
            f'(in Python: tasks.load_task)'
        )
    if trained_with != _own[name].digest:
        raise TaskError(f'its task {name!r} is not that of {_own[name].file}, which has changed')


@contextmanager
def blamed(name: str, *bugs: type[Exception]) -> Iterator[None]:
    """Turn errors in the code of a user's own task into a TaskError that names its file.

    ValueError, OSError and MemoryError, whose messages are meant for the user, pass unchanged,
    except for the types in `bugs`. For a task of the paper all errors pass.
    """
    sentences = tuple({ValueError, OSError, MemoryError} - {*bugs})
    try:
        yield
    except (TaskError, *sentences):
        raise
    except Exception as error:
        if name not in _own:
            raise
        raise TaskError(in_words(error, _own[name].file)) from error


def _task_in(path: Path, source: bytes) -> Task:
    """The task that a file defines."""
    spec = importlib.util.spec_from_file_location(f'own_task_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # where dataclasses look for it
    try:
        exec(compile(source, path, 'exec'), module.__dict__)
        classes = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Task)
        ]
        tasks = [value() for value in classes if value.__module__ == module.__name__]
    except Exception as error:  # whatever a stranger's file may raise
        raise TaskError(in_words(error, path)) from error
    if len(tasks) != 1:
        found = 'none' if not tasks else 'several'
        raise TaskError(f'{path} must define one subclass of tasks.Task, but defines {found}')
    if problem := _problem_in(tasks[0]):
        raise TaskError(f'{path} fails: {problem}')
    return tasks[0]


def _problem_in(task: Task) -> str | None:
    """What is wrong with the attributes of a task."""
    for name in ('settings', 'suggested'):
        if not isinstance(getattr(task, name), Mapping):
            return f'{name} must be a dictionary'
    for name, value in task.settings.items():
        is_setting = isinstance(value, tuple) and 2 <= len(value) <= len(Setting._fields)
        has_check = is_setting and isinstance(value[1], Check)
        if not (has_check and all(isinstance(text, str) for text in (name, *value[2:]))):
            return "settings must be a dictionary like {'name': Setting(250, validators.count(1))}"
    if not (_is_sequence(task.rules) and task.rules and all(map(_is_rule, task.rules))):
        return "rules must be a sequence of ('rotation', degrees) and ('category', None)"
    if problem := _misspelt(task):
        return problem
    labels = [*task.labels] if _is_sequence(task.labels) else []
    if labels[:1] != ['sample'] or any(label not in DECODABLE for label in labels):
        return f"labels must be ('sample',) with any of {DECODABLE[1:]} after it"
    return None


def _misspelt(task: Task) -> str | None:
    """Whether a task has something whose name is nearly that of an attribute of all tasks."""
    own = [name for kind in type(task).__mro__ if kind not in Task.__mro__ for name in vars(kind)]
    known = [name for name in dir(Task) if not name.startswith('_')]
    for name in own:
        if name in known or name.startswith('_'):
            continue
        if close := get_close_matches(name, known, n=1, cutoff=0.8):
            return f'a task has no {name}, but {close[0]} (put _ before a name of your own)'
    return None


def _is_sequence(value: object) -> bool:
    return isinstance(value, (list, tuple))


def _is_rule(rule: object) -> bool:
    if not _is_sequence(rule) or len(rule) != 2:
        return False
    kind, degrees = rule
    return degrees is None if kind == 'category' else kind == 'rotation' and type(degrees) is int
