"""All parameters of a network, from its settings."""

from collections.abc import Mapping

import numpy as np

import tasks
from rnn import initial_values
from rnn.connectivity import require_path
from rnn.initial_values import ARRAYS
from rnn.sizes import require_memory, sizes
from settings.validators import plain
from tasks.epochs import timing
from tasks.task import OWNED_BY_TASK


def derive(user: Mapping, usual: Mapping) -> dict:
    """All parameters that follow from the user's settings, a seed among them, and the `usual` ones.

    Raises ValueError where settings that are allowed one by one do not go together.
    """
    name = (usual | user)['trial_type']
    task, given = tasks.find(name), {n: user[n] for n in ARRAYS if user.get(n) is not None}
    settings = {n: value for n, value in user.items() if n not in OWNED_BY_TASK}
    with tasks.blamed(name):
        s = {**usual, **settings, **task.owned(), 'rules': task.rules}
        task.check(s)
    with tasks.blamed(name, ValueError):
        s |= timing(task, s)
    refused = [n for n in OWNED_BY_TASK if n in user and _differ(user[n], s[n])]
    if refused:
        n = refused[0]
        raise ValueError(f'{n} = {user[n]!r}: the task {name} fixes it, only {s[n]!r} is allowed')
    try:
        s |= sizes(s)
        require_memory(s)
        s |= initial_values.units(s)
        s |= initial_values.synapses(s)
        s |= initial_values.masks(s, task.separate_projections)
        s |= initial_values.weights(s)
    except MemoryError as error:
        size = {n: user[n] for n in ('n_hidden', 'batch_size') if n in user}
        raise ValueError(f'{size} needs more memory than there is') from error
    about = {'given_arrays': tuple(given), 'task_digest': tasks.digest(name)}
    s |= initial_values.given(given, s) | about
    require_path(s, drawn=False)
    return s


def _differ(given, fixed) -> bool:
    return isinstance(plain(given), bool) or not np.array_equal(given, fixed)
