"""The parameters of network, task and training: one global dictionary, `par`.

    from parameters import par, update_parameters
    update_parameters({'trial_type': 'DMRS90', 'n_hidden': 200})

`par` always is what follows from the defaults below, the settings of the task (tasks/) and the
settings of the user, in this order. So nothing that one task sets is left when another follows, and
what the user asks for wins over what a task suggests. The defaults are those of the paper's code.
"""

import secrets
import warnings
from collections.abc import Mapping

import numpy as np

import tasks
from rnn.derived import IGNORED, derive, require_derived
from rnn.initial_values import ARRAYS, SYNAPSES
from settings import Setting, checked
from settings.analysis import ANALYSIS, require_of_analysis
from settings.costs import COSTS
from settings.read_only import Parameters
from settings.validators import count, flag, folder, number, one_of, optional, result_name
from tasks.task import OWNED_BY_TASK

# By group and name: default, what is allowed, meaning, unit
GROUPS: dict[str, dict[str, Setting]] = {
    'Files': {
        'save_dir': Setting('./savedir/', folder(), 'folder of the results, created when missing'),
        'save_fn': Setting(
            'model_results.pkl',
            result_name(),
            'name of the result file in save_dir; it gets the ending .pkl',
        ),
    },
    'Network': {
        'synapse_config': Setting(
            'full', one_of(*SYNAPSES), 'which units facilitate, depress, or are static'
        ),
        'exc_inh_prop': Setting(
            0.8, number(0, 1), 'share of excitatory units; 1: signs are free (no E/I)'
        ),
        'balance_EI': Setting(
            True, flag(), 'draw stronger initial recurrent weights from and to inhibitory units'
        ),
        'connection_prob': Setting(
            1,
            number(above=0, high=1),
            'probability that an initial weight is not 0 (input weights: divided by the number of '
            'receptive fields; recurrent weights without E/I: no effect)',
        ),
        'num_motion_tuned': Setting(
            24, count(1), 'direction-tuned inputs, over all receptive fields'
        ),
        'num_fix_tuned': Setting(
            0, count(0), 'inputs that are on while fixation is required; never in ABBA and ABCA'
        ),
        'num_rule_tuned': Setting(0, count(0), 'inputs that cue the rule'),
        'n_hidden': Setting(100, count(1), 'recurrent units'),
        'n_output': Setting(
            3, count(2), 'outputs: fixate, non-match, match (distractor: fixate, one per direction)'
        ),
    },
    'Time and learning': {
        'dt': Setting(10, count(1), 'length of a time step', 'ms'),
        'membrane_time_constant': Setting(
            100, number(above=0), "time constant of the units' activity", 'ms'
        ),
        'learning_rate': Setting(0.02, number(above=0), 'learning rate of Adam'),
        'clip_max_grad_val': Setting(
            0.1, number(above=0), "largest norm of one variable's gradient"
        ),
    },
    'Noise': {
        'input_mean': Setting(0, number(), 'mean of the input noise'),
        'noise_in_sd': Setting(0.1, number(0), 'SD of the input noise, before scaling with dt'),
        'noise_rnn_sd': Setting(
            0.5, number(0), 'SD of the recurrent noise, before scaling with dt'
        ),
    },
    'Stimulus tuning': {
        'num_motion_dirs': Setting(8, count(2, 128), 'directions shown, evenly spaced'),
        'tuning_height': Setting(4, number(0), 'response of an input to its preferred direction'),
        'kappa': Setting(2, number(0), 'concentration of the von Mises tuning'),
        'rule_cue_multiplier': Setting(
            1, number(0), 'strength of the rule cue, as a multiple of tuning_height'
        ),
    },
    'Cost': {
        'spike_regularization': Setting(
            'L2', one_of('L1', 'L2'), 'power of activity and weights in the cost'
        ),
        **COSTS,
        'test_cost_multiplier': Setting(
            1, number(above=0), 'weight of the tests in the loss; run_all_models.py sets 2'
        ),
    },
    'Short-term plasticity': {
        'tau_fast': Setting(
            200,
            number(above=0),
            'time constant of x in facilitating, of u in depressing synapses',
            'ms',
        ),
        'tau_slow': Setting(
            1500,
            number(above=0),
            'time constant of u in facilitating, of x in depressing synapses',
            'ms',
        ),
        'U_stf': Setting(0.15, number(0, 1), 'baseline utilisation of facilitating synapses'),
        'U_std': Setting(0.45, number(0, 1), 'baseline utilisation of depressing synapses'),
    },
    'Training': {
        'seed': Setting(
            None, optional(count(0, 2**63 - 1)), 'seed of everything random; None draws one'
        ),
        'batch_size': Setting(1024, count(1), 'trials per iteration'),
        'num_iterations': Setting(2000, count(1), 'training steps, each on a new batch of trials'),
        'stop_accuracy': Setting(
            None,
            optional(number(above=0, high=1)),
            'stop once the mean accuracy of 20 iterations passes it',
        ),
        'iters_between_outputs': Setting(100, count(1), 'iterations between two printed lines'),
        'save_every': Setting(100, count(1), 'iterations between two checkpoints'),
    },
    'Task': {
        'trial_type': Setting('DMS', one_of(*tasks.TASKS), 'the task'),
        'dead_time': Setting(
            0, count(0), 'time before fixation, neither trained nor decoded', 'ms'
        ),
        'fix_time': Setting(500, count(0), 'duration of fixation before the sample', 'ms'),
        'sample_time': Setting(500, count(0), 'duration of the sample', 'ms'),
        'delay_time': Setting(
            1000,
            count(0),
            'duration of each delay; in ABBA and ABCA of all gaps and tests together',
            'ms',
        ),
        'test_time': Setting(
            500,
            count(0),
            'duration of each test; in ABBA and ABCA of the fixation after the last one',
            'ms',
        ),
        'ABBA_delay': Setting(
            0, count(0), 'duration of each test and each gap in ABBA and ABCA', 'ms'
        ),
        'distractor_time': Setting(0, count(0), 'duration of the distractor in that task', 'ms'),
        'mask_duration': Setting(
            50, count(0), 'time after the onset of each test that is left out of the loss', 'ms'
        ),
        'var_delay': Setting(
            False, flag(), 'draw the delay of each trial; one in seven becomes a catch trial'
        ),
        'variable_delay_max': Setting(
            300, count(1), 'by how much a drawn delay can be shorter than delay_time', 'ms'
        ),
        'catch_trial_pct': Setting(
            0,
            number(0, below=1),
            'share of trials without a test; in dualDMS of tests at the location that is not cued',
        ),
    },
    'Analysis': ANALYSIS,
}
SETTINGS = {name: setting for group in GROUPS.values() for name, setting in group.items()}
# Names of the original code or its fork, which are understood.
OTHER_NAMES = {'synaptic_config': 'synapse_config', 'savedir': 'save_dir'}
# A dictionary with all of these is the whole `par` of a saved network.
WHOLE_PAR = {'trial_type', 'dt', 'n_hidden', 'n_input', 'num_time_steps', 'EI_list'}


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
    whole = set(updates) >= WHOLE_PAR
    _set(saved_settings(updates) if whole else _updated(_user, updates))


def reset_parameters() -> None:
    """Return to the defaults, with a newly drawn seed."""
    _replace(par, {})
    _replace(_user, {})
    _set({})


def user_settings() -> dict:
    """The settings that the user made, in place of the defaults and of what the task suggests."""
    return dict(_user)


def parameters_with(updates: Mapping, p: Mapping | None = None) -> dict:
    """All parameters that follow from these settings, or from those of `p` with these changes.

    Like `update_parameters`, but it returns a new dictionary and leaves `par` as it is; it raises
    the same errors. A seed that is not given is drawn.
    """
    return _complete(_updated(settings_of(p) if p else {}, updates))


def analysis_parameters(
    saved: Mapping, updates: Mapping | None = None, corrections: Mapping | None = None
) -> dict:
    """The parameters with which a saved network is analysed: fixed delays and no catch trials.

    `saved` are its parameters, `updates` what differs from them, above all options of the analysis.
    `corrections`, by default the updates, may correct what the original code ignores.
    Raises ValueError for parameters that are not those of a network, and for a task that is not
    known.
    """
    missing = sorted(WHOLE_PAR - saved.keys())
    if missing:
        raise ValueError(f"'parameters' must be those of a network, but lack {', '.join(missing)}")
    require_of_analysis(updates or {})
    fixed = {'var_delay': False, 'catch_trial_pct': 0}
    trained = saved_settings(saved, updates if corrections is None else corrections)
    user = _updated(trained | fixed, updates or {})
    usual = _usual(_task_of(user))
    return _complete(user | {'batch_size': (usual | user)['analysis_trials']})


def require_allowed(updates: Mapping) -> None:
    """Raise ValueError for a setting that is not allowed whatever the others are."""
    _updated({}, updates)


def _complete(user: dict) -> dict:
    """All parameters that follow from the user's settings; a seed is drawn where there is none."""
    seed = user.get('seed')
    seed = secrets.randbits(31) if seed is None else seed
    return derive({**user, 'seed': seed}, _usual(_task_of(user)))


def _set(user: dict) -> None:
    # the seed that was drawn before stays, so that an update changes only what it names
    drawn_before = par and 'seed' not in user and 'seed' not in _user
    new = _complete(user | ({'seed': par['seed']} if drawn_before else {}))
    user = {n: value for n, value in user.items() if not (n in ARRAYS and value is None)}
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


def _updated(user: Mapping, updates: Mapping) -> dict:
    """The user's settings with updates, as plain Python values; ValueError for what is wrong.

    Settings that only another task has are left out.
    """
    updates = renamed(updates)
    task = _known_task(updates.get('trial_type', _task_of(user)))
    known = settings_for(task) | ARRAYS | OWNED_BY_TASK
    new = {name: checked(name, value, known, par) for name, value in updates.items()}
    return {name: value for name, value in user.items() if name in known} | new


def own_name(name: str) -> str:
    """The name that a setting has here, given this or another of its names."""
    return OTHER_NAMES.get(name, name)


def renamed(updates: Mapping) -> Mapping:
    """Settings under their current names, with a warning for each old name."""
    other = {n: OTHER_NAMES[n] for n in OTHER_NAMES if n in updates}
    for name, right in other.items():
        if right in updates:
            raise ValueError(f'{name} is another name of {right}, which is given, too')
        warnings.warn(f'{name} is understood as {right}', stacklevel=2)
    return {own_name(name): value for name, value in updates.items()}


def settings_for(task: str) -> dict[str, Setting]:
    """All settings of a task by name: SETTINGS, and what only this task has."""
    own = {name: Setting(*setting) for name, setting in tasks.find(task).settings.items()}
    return SETTINGS | _trial_type() | own


def _trial_type() -> dict[str, Setting]:
    """The setting that names the task, with the user's own tasks that are loaded."""
    return {'trial_type': SETTINGS['trial_type']._replace(check=tasks.name_of_task())}


def _known_task(name) -> str:
    """The name of a task. Raises ValueError if it is not known."""
    return checked('trial_type', name, _trial_type())


def saved_settings(saved: Mapping, updates: Mapping | None = None) -> dict:
    """The settings in which a saved network differs from what its task sets by itself.

    `updates` correct those that the original code ignores, if the network ran with these. Raises
    ValueError for impossible settings, for a network that ran with others, and for a user's own
    task that is not loaded or changed.
    """
    tasks.require_same(saved)
    settings = settings_as_saved(saved)
    right = {name: updates[name] for name in IGNORED if name in (updates or {})}
    usual = _usual(settings['trial_type'])
    try:
        require_derived(saved, settings, usual)
    except ValueError:
        if not right:
            raise
        settings |= right
        require_derived(saved, settings, usual)
    return settings


def settings_as_saved(saved: Mapping) -> dict:
    """As `saved_settings`, but without a look at what the network ran with."""
    under_own_names = {own_name(name): v for name, v in saved.items()} | saved
    return settings_of({n: v for n, v in under_own_names.items() if n not in ANALYSIS})


def settings_of(p: Mapping) -> dict:
    """The settings in `p`, checked, that differ from what its task sets by itself."""
    known = settings_for(_known_task(p['trial_type']))
    settings = {name: checked(name, p[name], known) for name in known if name in p}
    usual = _usual(settings['trial_type'])
    own = {n: v for n, v in settings.items() if v != usual[n]}
    own['trial_type'] = settings['trial_type']
    return own | {name: checked(name, p[name], ARRAYS) for name in given_arrays(p)}


def given_arrays(saved: Mapping) -> list[str]:
    """Names of the arrays that the user gave to a network, from its saved parameters."""
    named = saved.get('given_arrays', ())
    return [name for name in ARRAYS if name in saved and name in named]


def _task_of(user: Mapping) -> str:
    """The task among the user's settings, or the default."""
    return user.get('trial_type', SETTINGS['trial_type'].default)


def _usual(task: str) -> dict:
    """The settings without the user's: defaults, and what the task suggests."""
    known = settings_for(task)
    suggested = tasks.find(task).suggested
    if tasks.digest(task):  # a user's own: its defaults are not known to be right
        own = {name: known[name].default for name in tasks.find(task).settings}
        with tasks.blamed(task, ValueError):
            suggested = {n: checked(n, v, known, par) for n, v in (own | dict(suggested)).items()}
    return {name: setting.default for name, setting in known.items()} | dict(suggested)


update_parameters({})  # the defaults; what the user has set, when this module is loaded again
