"""The tasks: one object each, which says all that the rest of the project must know of it.

    from tasks import TASKS, Task, find, load_task

TASKS holds those of the paper by name. A task of your own is a subclass of `Task` in a file
anywhere (docs/own_task.md): `load_task` makes it known. A result file alone never loads one.
"""

from tasks.registry import (
    TASKS,
    TaskError,
    blamed,
    digest,
    find,
    known,
    load_task,
    name_of_task,
    of,
    require_same,
)
from tasks.task import Task

__all__ = [
    'TASKS',
    'Task',
    'TaskError',
    'blamed',
    'digest',
    'find',
    'known',
    'load_task',
    'name_of_task',
    'of',
    'require_same',
]
