"""Whether a network can learn: connections must lead from its inputs to its outputs.

Weights that act rectified (all but the recurrent ones of a network without E/I) have no gradient at
0, so one that starts there is no connection, now or later.
"""

from collections.abc import Mapping

import numpy as np


def require_path(p: Mapping, drawn: bool) -> None:
    """Raise ValueError unless connections, one of them trainable, lead from inputs to outputs.

    `p` are parameters with masks and initial weights. A rectified weight that starts at 0 is no
    connection if it is fixed, if the user gave the weights or, with `drawn`, if they were drawn at
    random. Without `drawn`, random weights that can learn are not looked at: `p` may only be meant
    for generating trials.
    """
    if p['EI'] and not p['num_exc_units']:
        raise ValueError(
            f'exc_inh_prop = {p["exc_inh_prop"]} is not allowed: none of the {p["n_hidden"]} units '
            'is excitatory, and only those project to the outputs'
        )
    there = {name: _connections(p, name, drawn) for name in ('w_in', 'w_rnn', 'w_out')}
    from_input = _reachable(there['w_in'].any(axis=0), there['w_rnn'])
    to_output = _reachable(there['w_out'].any(axis=1), there['w_rnn'].T)
    learning = {name: here & (p[f'{name}_mask'] != 0) for name, here in there.items()}
    can_learn = (
        learning['w_in'][:, to_output].any()
        or learning['w_rnn'][np.ix_(from_input, to_output)].any()
        or learning['w_out'][from_input].any()
    )
    if not (from_input & to_output).any() or not can_learn:
        raise ValueError(
            'no connection that can learn leads from the inputs to the outputs: with '
            f'connection_prob = {p["connection_prob"]}, seed {p["seed"]}, the masks and the given '
            'weights, the network would stay as it is'
        )


def _connections(p: Mapping, name: str, drawn: bool) -> np.ndarray:
    """Whether each weight (from, to) acts or can begin to act."""
    weights, free = p[f'{name}0'], p[f'{name}_mask'] != 0
    if name == 'w_rnn' and not p['EI']:
        return (weights != 0) | free
    is_known = drawn or f'{name}0' in p['given_arrays']
    return weights > 0 if is_known else (weights > 0) | free


def _reachable(start: np.ndarray, connections: np.ndarray) -> np.ndarray:
    """Units (unit,) to which connections (from, to) lead from the units in `start`, and those."""
    found, new = start.copy(), start
    while new.any():
        new = connections[new].any(axis=0) & ~found
        found |= new
    return found
