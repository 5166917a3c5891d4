"""The parameters of network, task and training: one global dictionary, `par`.

    from parameters import par, update_parameters
    update_parameters({'trial_type': 'DMRS90', 'n_hidden': 200})

`par` always is what follows from the defaults below, the settings of the task (tasks.py) and the
settings of the user, in this order. So nothing that one task sets is left when another follows, and
what the user asks for wins over what a task suggests. The defaults are those of the paper's code.
"""

import secrets
from collections.abc import Mapping
from contextlib import contextmanager
from difflib import get_close_matches

import numpy as np

from rnn import initial_values
from tasks import TASKS, check_task, timing
from validators import Check, count, file_name, flag, number, one_of, optional, plain, text

# name: (default, what is allowed), in groups; times in ms
SETTINGS: dict[str, tuple[object, Check]] = {
    # Files
    'save_dir': ('./savedir/', text()),  # folder of the results, created when missing
    'save_fn': ('model_results.pkl', file_name()),  # name of the result file in it
    # Network
    'synapse_config': (
        'full',
        one_of(*initial_values.SYNAPSES),
    ),  # which units have which plasticity
    'exc_inh_prop': (0.8, number(0, 1)),  # share of excitatory units; 1: signs are free (no E/I)
    'balance_EI': (True, flag()),  # draw stronger initial weights where inhibitory units take part
    'connection_prob': (1, number(above=0, high=1)),  # share of initial weights that are not 0
    'num_motion_tuned': (24, count(1)),  # direction-tuned inputs, over all receptive fields
    'num_fix_tuned': (0, count(0)),  # inputs that tell to fixate
    'num_rule_tuned': (0, count(0)),  # inputs that tell the rule
    'n_hidden': (100, count(1)),  # recurrent units
    'n_output': (3, count(3)),  # outputs: fixate, non-match, match
    # Time and learning
    'dt': (10, count(1)),  # length of a time step
    'membrane_time_constant': (100, number(above=0)),  # ms
    'learning_rate': (0.02, number(above=0)),  # of Adam
    'clip_max_grad_val': (0.1, number(above=0)),  # largest norm of one variable's gradient
    # Noise
    'input_mean': (0, number()),  # mean of the input noise
    'noise_in_sd': (0.1, number(0)),  # SD of the input noise, before scaling with dt
    'noise_rnn_sd': (0.5, number(0)),  # SD of the recurrent noise, before scaling with dt
    # Stimulus tuning
    'num_motion_dirs': (8, count(2)),  # directions shown, evenly spaced
    'tuning_height': (4, number(0)),  # answer of an input to its preferred direction
    'kappa': (2, number(0)),  # concentration of the von Mises tuning
    # Cost
    'spike_regularization': ('L2', one_of('L1', 'L2')),  # power of activity and weights in the cost
    'spike_cost': (0.02, number(0)),  # weight of the mean (squared) activity in the loss
    'weight_cost': (0, number(0)),  # weight of the mean (squared) recurrent weight in the loss
    'test_cost_multiplier': (1, number(0)),  # weight of the tests in the loss
    'rule_cue_multiplier': (1, number(0)),  # strength of the rule cue, times tuning_height
    # Short-term plasticity
    'tau_fast': (200, number(above=0)),  # ms; of x in facilitating, of u in depressing synapses
    'tau_slow': (1500, number(above=0)),  # ms; of u in facilitating, of x in depressing synapses
    'U_stf': (0.15, number(0, 1)),  # baseline utilisation of facilitating synapses
    'U_std': (0.45, number(0, 1)),  # baseline utilisation of depressing synapses
    # Training
    'seed': (None, optional(count(0, 2**63 - 1))),  # of everything random; None draws one
    'batch_size': (1024, count(1)),  # trials per iteration
    'num_iterations': (2000, count(1)),
    'stop_accuracy': (None, optional(number(above=0, high=1))),  # stop once 20 iterations pass it
    'iters_between_outputs': (100, count(1)),  # iterations between two printed lines
    'save_every': (100, count(1)),  # iterations between two checkpoints
    # Task
    'trial_type': ('DMS', one_of(*TASKS)),
    'dead_time': (0, count(0)),  # before fixation; neither trained nor decoded
    'fix_time': (500, count(0)),
    'sample_time': (500, count(0)),
    'delay_time': (1000, count(0)),
    'test_time': (500, count(0)),
    'ABBA_delay': (0, count(0)),  # each test and each gap of ABBA and ABCA
    'distractor_time': (0, count(0)),  # the distractor of that task
    'mask_duration': (50, count(0)),  # after the onset of a test, not trained
    'var_delay': (False, flag()),  # draw the delay of each trial
    'variable_delay_max': (300, count(1)),  # by how much a drawn delay can fall short
    'catch_trial_pct': (0, number(0, below=1)),  # share of trials without a test
}
# Options of the analysis: parameters like the others, but never taken from a saved network.
ANALYSIS: dict[str, tuple[object, Check]] = {
    'analysis_trials': (1024, count(1)),  # in each batch of the analysis
    'tuning_batches': (8, count(1)),  # over which accuracies and comparisons of tuning are averaged
    'decoding_reps': (100, count(1)),  # draws of training and test trials
    'simulation_reps': (100, count(1)),  # shuffles, spread over the batches
    'svm_normalize': (True, flag()),  # scale each unit's signal to its range before decoding
    'analyze_tuning': (True, flag()),
    'calculate_resp_matrix': (True, flag()),  # also with each unit silenced
    'suppress_analysis': (False, flag()),  # accuracy with groups silenced before the test
    'decode_test': (False, flag()),
    'decode_match': (False, flag()),
    'decode_rule': (False, flag()),
    'decode_neuronal_groups': (False, flag()),  # what is decoded, also from each group of units
    'decode_stability': (False, flag()),  # train at each time, test at every other
}
SETTINGS |= ANALYSIS
# Arrays that may be given in place of what follows from the settings: masks of 0 and 1, where a
# weight with 0 keeps its initial value, and the initial values of the trained variables.
MASKS = ('w_in_mask', 'w_rnn_mask', 'w_out_mask')
ARRAYS = (*MASKS, 'h0', 'w_in0', 'w_rnn0', 'b_rnn0', 'w_out0', 'b_out0')
# What only the task decides; any other value is refused.
OWNED_BY_TASK = (
    'rotation_match',
    'num_rules',
    'num_receptive_fields',
    'rule_onset_time',
    'rule_offset_time',
)
# A dictionary with all of these is the whole `par` of a saved network.
WHOLE_PAR = {'trial_type', 'dt', 'n_hidden', 'n_input', 'num_time_steps', 'EI_list'}


class Parameters(dict):
    """All parameters by name, to be read: `update_parameters` alone changes them.

    A direct change would leave what follows from it as it was, so it raises TypeError. Arrays are
    read-only for the same reason. A copy, such as dict(par), is a dictionary like any other.
    """

    def __setitem__(self, name, value):
        raise TypeError(
            f'par[{name!r}] = ... would leave what follows from it as it was: '
            f'use update_parameters({{{name!r}: ...}})'
        )

    def _refuse(self, *args, **kwargs):
        raise TypeError(
            'par is changed by update_parameters({...}) and reset_parameters() alone, which also '
            'compute what follows'
        )

    __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self):
        return dict, (dict(self),)  # copies and files hold plain dictionaries


# the same objects when this module is loaded again, since others hold them
par: Parameters = globals().get('par', Parameters())
_user: dict = globals().get('_user', {})  # the settings that the user made


def update_parameters(updates: Mapping) -> None:
    """Set parameters, and recompute all that follow from them.

    The whole `par` of a saved network, also of one saved by the original code, restores that
    network's settings in place of the present ones, and the defaults of the analysis. Raises
    ValueError, and leaves `par` as it was, for an unknown or derived name, a wrong type and an
    impossible value.
    """
    wanted = _from_saved(updates) if set(updates) >= WHOLE_PAR else _user | _checked(updates)
    _set(wanted)


def reset_parameters() -> None:
    """Return to the defaults, with a newly drawn seed."""
    _replace(par, {})
    _replace(_user, {})
    _set({})


@contextmanager
def kept_parameters():
    """Undo, at the end, whatever changes the parameters meanwhile."""
    kept, user = dict(par), dict(_user)
    try:
        yield
    finally:
        _replace(par, kept)
        _replace(_user, user)


def user_settings() -> dict:
    """The settings that the user made, in place of the defaults and of what the task suggests."""
    return dict(_user)


def _set(user: dict) -> None:
    try:
        new = derive({**user, 'seed': _seed(user)})
    except MemoryError as error:
        size = {name: user[name] for name in ('n_hidden', 'batch_size') if name in user}
        raise ValueError(f'{size} needs more memory than there is') from error
    user = {n: value for n, value in user.items() if not (n in ARRAYS and value is None)}
    refused = [name for name in OWNED_BY_TASK if name in user and _differ(user[name], new[name])]
    for name in refused:
        raise ValueError(
            f'{name} = {user[name]!r}: the task {new["trial_type"]} fixes it, only {new[name]!r} '
            'is allowed'
        )
    for name in OWNED_BY_TASK:
        user.pop(name, None)
    if user.get('seed', 0) is None:
        del user['seed']
    for value in new.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    _replace(par, new)
    _replace(_user, user)


def _replace(current: dict, new: Mapping) -> None:
    """Give a dictionary, which other modules hold, new content."""
    dict.clear(current)
    dict.update(current, new)


def _seed(user: Mapping) -> int:
    """The user's seed; else the one drawn before, so that an update changes only what it names."""
    if user.get('seed') is not None:
        return user['seed']
    drawn_before = par and 'seed' not in user and 'seed' not in _user
    return par['seed'] if drawn_before else secrets.randbits(31)


def _differ(given, fixed) -> bool:
    return isinstance(plain(given), bool) or not np.array_equal(given, fixed)


def _checked(updates: Mapping) -> dict:
    """The updates as plain Python values, or a ValueError for the first that is not allowed."""
    return {name: _check(name, value) for name, value in updates.items()}


def _check(name: str, value):
    if name in OWNED_BY_TASK:
        return value  # compared with the task's value once the task is known
    if name in ARRAYS:
        return _array(name, value)  # its shape is compared once the sizes are known
    if name not in SETTINGS:
        raise ValueError(_why_not_a_setting(name, value))
    value = plain(value)
    check = SETTINGS[name][1]
    if not check.accepts(value):
        hint = _nearest(value, TASKS) if name == 'trial_type' else ''
        raise ValueError(f'{name} = {value!r} is not allowed: it must be {check.allowed}{hint}')
    return value


def _array(name: str, value) -> np.ndarray | None:
    """A read-only copy in single precision; None returns to what follows from the settings."""
    if value is None:
        return None
    try:
        array = np.array(value, np.float32)
        right = bool(np.isin(array, (0, 1)).all() if name in MASKS else np.isfinite(array).all())
    except (TypeError, ValueError):
        right = False
    if not right:
        allowed = '0 or 1' if name in MASKS else 'finite numbers'
        raise ValueError(f'{name} is not allowed: it must be None or an array of {allowed}')
    array.flags.writeable = False
    return array


def _why_not_a_setting(name: str, value) -> str:
    if name in par:
        return f'{name} = {value!r}: {name} follows from other parameters and cannot be set'
    return f'{name} = {value!r}: there is no parameter {name!r}{_nearest(name, SETTINGS)}'


def _nearest(name, names) -> str:
    by_lower_case = {known.lower(): known for known in names}
    close = get_close_matches(str(name).lower(), by_lower_case, n=1, cutoff=0)
    return f'; the nearest name is {by_lower_case[close[0]]}' if close else ''


def _from_saved(saved: Mapping) -> dict:
    """The settings in which a saved network differs from what its task sets by itself."""
    network = [name for name in SETTINGS if name in saved and name not in ANALYSIS]
    settings = _checked({name: saved[name] for name in network})
    usual = _defaults() | TASKS[settings['trial_type']].suggested
    own = {
        name: value
        for name, value in settings.items()
        if value != usual[name] or name == 'trial_type'
    }
    return own | _checked({name: saved[name] for name in given_arrays(saved)})


def given_arrays(saved: Mapping) -> list[str]:
    """Names of the arrays that the user gave to a network, from its saved parameters."""
    named = saved.get('given_arrays', ())
    return [name for name in ARRAYS if name in saved and name in named]


def _defaults() -> dict:
    return {name: default for name, (default, _) in SETTINGS.items()}


def derive(user: Mapping) -> dict:
    """All parameters that follow from the user's settings, the seed among them.

    Raises ValueError where settings that are allowed one by one do not go together.
    """
    task = TASKS[user.get('trial_type', SETTINGS['trial_type'][0])]
    s = {**_defaults(), **task.suggested, **user, **task.owned(), 'rules': task.rules}
    check_task(s)
    s |= timing(s)
    s |= _sizes(s)
    s |= initial_values.units(s)
    s |= initial_values.synapses(s, s['EI_list'])
    s |= initial_values.masks(s, s)
    s |= initial_values.weights(s, s)
    given = {name: user[name] for name in ARRAYS if user.get(name) is not None}
    return s | initial_values.given(given, s) | {'given_arrays': tuple(given)}


def _sizes(s: Mapping) -> dict:
    """Numbers of units, and rates and noise per time step."""
    n_input = s['num_motion_tuned'] + s['num_fix_tuned'] + s['num_rule_tuned']
    for name in ('membrane_time_constant', 'tau_fast', 'tau_slow'):
        if s[name] < s['dt']:
            raise ValueError(
                f'{name} = {s[name]!r} is not allowed: it must be at least dt = {s["dt"]} ms'
            )
    alpha = s['dt'] / s['membrane_time_constant']
    return {
        'n_input': n_input,
        'shape': (n_input, s['n_hidden'], s['n_output']),
        'dt_sec': s['dt'] / 1000,
        'alpha_neuron': alpha,
        'noise_rnn': float(np.sqrt(2 * alpha) * s['noise_rnn_sd']),
        'noise_in': float(np.sqrt(2 / alpha) * s['noise_in_sd']),
    }


update_parameters({})  # the defaults; what the user has set, when this module is loaded again
