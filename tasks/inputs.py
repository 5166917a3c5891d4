"""How input units respond to directions, fixation and rule cues; noise is added in stimulus.py."""

from collections.abc import Mapping

import numpy as np


def von_mises(p: Mapping) -> np.ndarray:
    """Response of the direction units of one receptive field, (unit, direction), at most 1.

    Preferred directions are evenly spaced.
    """
    direction = np.arange(p['num_motion_dirs'])
    unit = np.arange(p['num_motion_tuned'] // p['num_receptive_fields'])
    angle = 2 * np.pi * (direction / len(direction) - unit[:, None] / len(unit))
    return np.exp(p['kappa'] * (np.cos(angle) - 1))


def one_hot(p: Mapping) -> np.ndarray:
    """Unit n responds to direction n modulo num_motion_dirs only: (unit, direction)."""
    unit = np.arange(p['num_motion_tuned'] // p['num_receptive_fields'])
    return unit[:, None] % p['num_motion_dirs'] == np.arange(p['num_motion_dirs'])


def motion_tuning(task, p: Mapping) -> np.ndarray:
    """Response of the direction units: (num_motion_tuned, num_receptive_fields, num_motion_dirs).

    Each receptive field has its own units, which do not respond to the other fields.
    """
    response, num_fields = task.tuning(p), p['num_receptive_fields']
    tuning = np.zeros((num_fields, len(response), num_fields, p['num_motion_dirs']), np.float32)
    for field in range(num_fields):
        tuning[field, :, field] = p['tuning_height'] * response
    return tuning.reshape(-1, num_fields, p['num_motion_dirs'])


def fix_tuning(p: Mapping) -> np.ndarray:
    """Response of the fixation units while they are on: (num_fix_tuned,)."""
    return np.full(p['num_fix_tuned'], p['tuning_height'], np.float32)


def rule_tuning(p: Mapping) -> np.ndarray:
    """Response of the rule units to each cue: (num_rule_tuned, num_rules).

    Unit n responds only to the cue n mod num_rules.
    """
    unit = np.arange(p['num_rule_tuned'])[:, None]
    height = p['tuning_height'] * p['rule_cue_multiplier']
    responds = unit % p['num_rules'] == np.arange(p['num_rules'])
    return (height * responds).astype(np.float32)
