"""Sizes of a network, and the least memory it needs: one that cannot fit is refused beforehand."""

from collections.abc import Mapping

import numpy as np

from rnn.initial_values import PLASTIC
from system import memory

FLOAT = 4  # bytes
COPIES = 6  # of every weight: initial value, mask, variable, gradient, and two slots of Adam
# Trials of a batch that a CPU differentiates at once in a thread; their states in a block of steps
# stay in a core's cache.
TRIALS_PER_PART = 128
# what makes a network large, with a usual value of each
USUAL = {
    'n_hidden': 100,
    'batch_size': 1024,
    'num_motion_tuned': 24,
    'num_fix_tuned': 24,
    'num_rule_tuned': 24,
    'n_output': 3,
    'num_time_steps': 250,
}


def sizes(s: Mapping) -> dict:
    """Numbers of units, and rates and noise per time step."""
    n_input = s['num_motion_tuned'] + s['num_fix_tuned'] + s['num_rule_tuned']
    of_synapses = [name for kind in PLASTIC.values() for name in (kind.tau_x, kind.tau_u)]
    for name in ('membrane_time_constant', *of_synapses):
        if name not in s:
            raise ValueError(f'PLASTIC (rnn/initial_values.py) needs {name}, which is no setting')
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


def needed_memory(p: Mapping, batches: int = 1, trials_at_once: int = TRIALS_PER_PART) -> int:
    """Bytes needed by a network, `batches` batches, and the states of `trials_at_once` trials.

    The states h, x and u of every step, and those before the first, are kept for the gradient.
    """
    n_input, n_hidden, n_output = p['shape']
    steps, trials = p['num_time_steps'], p['batch_size']
    weights = COPIES * n_hidden * (n_input + n_hidden + n_output)
    synapses = 2 * trials * n_hidden
    batch = steps * trials * (n_input + n_output + 1)  # input, target and mask
    states = 3 * (steps + 1) * min(trials, trials_at_once) * n_hidden
    tuning = p['num_motion_tuned'] * p['num_motion_dirs']
    return FLOAT * (weights + synapses + batches * batch + states + tuning)


def require_memory(p: Mapping) -> None:
    """Raise ValueError, naming what is too large, for a network that this machine cannot hold."""
    there, needed = memory.total(), needed_memory(p)
    if needed <= there:
        return
    name = max(USUAL, key=lambda n: p[n] / USUAL[n])
    value = f'{name} = {p[name]}'
    if name == 'num_time_steps':
        value = f'a trial of {p[name]} time steps (its times, divided by dt)'
    raise ValueError(
        f'{value} is not allowed: the network and its trials need {memory.size(needed)} of memory '
        f'or more, and this machine has {memory.size(there)}'
    )
