"""What a run says about settings that the user may not have meant."""

from collections.abc import Mapping

import numpy as np

import tasks
from rnn.initial_values import SYNAPSES
from tasks.epochs import durations
from training import stopping


def notes_of(p: Mapping) -> list[str]:
    """A sentence on each thing in these settings that the user may not have meant."""
    found = *uneven_times(p), *late_cues(p), *no_cue(p), *cues_alike(p), *one_sign(p)
    return [*found, *fixed_weights(p), *tasks.of(p).notes(p), *stopping.warnings_of(p)]


def uneven_times(p: Mapping) -> list[str]:
    """A sentence if dt does not divide times of a trial, with what they become."""
    names = [*durations(p), 'mask_duration', *['variable_delay_max'] * p['var_delay']]
    uneven = [n for n in names if type(p[n]) is int and p[n] % p['dt']]
    lengths = ', '.join(f'{n} {p[n]} ms is {p[n] // p["dt"] * p["dt"]} ms' for n in uneven)
    return [f'With steps of {p["dt"]} ms, {lengths}.'] if uneven else []


def late_cues(p: Mapping) -> list[str]:
    """A sentence if the cue of a rule can come at or after the onset of the test that needs it."""
    dt = p['dt']
    if p['num_rules'] == 1 or len(p['rule_time_rng']) != len(p['test_time_rng']):
        return []  # no rule, or which cue is for which test is not known
    earlier, begins = 0, 'begins'
    if p['var_delay']:
        earlier, begins = -(-p['variable_delay_max'] // dt), 'can begin'
    late = [
        f'a rule is cued from {cue.start * dt} ms, its test {begins} at {first * dt} ms'
        for cue, test in zip(p['rule_time_rng'], p['test_time_rng'], strict=True)
        if cue.start >= (first := test.start - earlier)
    ]
    return [f'The delay is too short for the task: {late[0]}.'] if late else []


def no_cue(p: Mapping) -> list[str]:
    """A sentence if the task has rules but never shows which one counts."""
    if p['num_rules'] == 1 or any(map(len, p['rule_time_rng'])):
        return []
    words = 'but no cue: its method `cues` must say when one is shown'
    return [f'{p["trial_type"]} has {p["num_rules"]} rules {words}.']


def cues_alike(p: Mapping) -> list[str]:
    """A sentence if there are too few rule inputs to tell the rules apart."""
    num_units, num_rules = p['num_rule_tuned'], p['num_rules']
    if num_units >= num_rules - 1:  # the absence of all others cues the last rule
        return []
    words = f'the inputs cannot tell all {num_rules} rules apart'
    return [f'With num_rule_tuned = {num_units}, {words}.']


def one_sign(p: Mapping) -> list[str]:
    """A sentence if synapses depend on the signs of units, but no unit is inhibitory."""
    exc, inh = SYNAPSES[p['synapse_config']]
    if p['EI'] or exc == inh:
        return []
    words = f'with synapse_config = {p["synapse_config"]} all have {exc} synapses'
    return [f'Without inhibitory units (exc_inh_prop = 1), {words}.']


def fixed_weights(p: Mapping) -> list[str]:
    """A sentence on each given mask that fixes weights at random values, but removes none."""
    given = {name.removesuffix('_mask') for name in p['given_arrays'] if name.endswith('_mask')}
    found = []
    for name in sorted(n for n in given if f'{n}0' not in p['given_arrays']):
        if number := np.count_nonzero(p[f'{name}0'][p[f'{name}_mask'] == 0]):
            words = f'{number} weights at the values that they start from'
            found.append(f'{name}_mask fixes {words}; {name}0 with 0 there would remove them.')
    return found
