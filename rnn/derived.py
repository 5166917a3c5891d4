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

# what a network's code may have set otherwise than its settings say
RUN_WITH = ('U', 'alpha_std', 'alpha_stf', 'dynamic_synapse', 'num_rules', 'num_receptive_fields')
IGNORED = ('U_stf', 'U_std')  # by the original code, which saves them


def derive(user: Mapping, usual: Mapping) -> dict:
    """All parameters that follow from the user's settings, a seed among them, and the `usual` ones.

    Raises ValueError where settings that are allowed one by one do not go together.
    """
    name, s = (usual | user)['trial_type'], structure(user, usual)
    given = {n: user[n] for n in ARRAYS if user.get(n) is not None}
    try:
        s |= initial_values.masks(s, tasks.find(name).separate_projections)
        s |= initial_values.weights(s)
    except MemoryError as error:
        raise _too_large(user) from error
    about = {'given_arrays': tuple(given), 'task_digest': tasks.digest(name)}
    s |= initial_values.given(given, s) | about
    require_path(s, drawn=False)
    return s


def structure(user: Mapping, usual: Mapping) -> dict:
    """What `derive` returns but for masks and initial weights, and so without a seed."""
    name = (usual | user)['trial_type']
    task = tasks.find(name)
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
    except MemoryError as error:
        raise _too_large(user) from error
    return s


def _too_large(user: Mapping) -> ValueError:
    size = {n: user[n] for n in ('n_hidden', 'batch_size') if n in user}
    return ValueError(f'{size} needs more memory than there is')


def require_derived(saved: Mapping, user: Mapping, usual: Mapping) -> None:
    """Raise ValueError if a saved network ran with other values than its settings give.

    So did some of the original code, which trained DMS+DMRS+DMC as a task of two rules, and used
    settings of one task in the next.
    """
    s = structure(user, usual)
    for name in (n for n in RUN_WITH if n in saved):
        if not _is_alike(saved[name], s[name]):
            words = f'its {name} is not what its settings give'
            raise ValueError(
                f'{words}: the network ran with other values (load it before you change settings)'
            )


def _is_alike(given, derived) -> bool:
    """Whether they are the same numbers, but for rounding."""
    try:
        found = np.asarray(given)
    except ValueError:  # a list of lists of several lengths
        return False
    is_alike = found.shape == np.shape(derived) and found.dtype.kind in 'biuf'
    return is_alike and np.allclose(found, derived)


def _differ(given, fixed) -> bool:
    return isinstance(plain(given), bool) or not np.array_equal(given, fixed)
