"""Groups of units, by sign and kind of synapse."""

from collections.abc import Mapping

import numpy as np

from rnn.initial_values import PLASTIC, synapse_kinds

OF_KINDS = tuple(f'{sign}_{kind.short}' for sign in ('exc', 'inh') for kind in PLASTIC.values())
GROUPS = (*OF_KINDS, 'all')


def unit_groups(p: Mapping) -> dict[str, np.ndarray]:
    """Which units (unit,) belong to each of GROUPS, by sign and synapse; a group may be empty."""
    kind, excitatory = synapse_kinds(p['synapse_config'], p['EI_list']), p['EI_list'] > 0
    signs = excitatory, ~excitatory
    members = [of_sign & (kind == name) for of_sign in signs for name in PLASTIC]
    return dict(zip(GROUPS, [*members, np.ones(p['n_hidden'], bool)], strict=True))


def units_of_kinds(p: Mapping) -> dict[str, np.ndarray]:
    """Which units (unit,) have each kind of plastic synapse, by its short name, and which none."""
    kind = synapse_kinds(p['synapse_config'], p['EI_list'])
    found = {plasticity.short: kind == name for name, plasticity in PLASTIC.items()}
    return found | {'static': kind == 'static'}


def efficacy_signs(p: Mapping) -> np.ndarray:
    """By which sign activity changes the efficacy of each unit's synapses, 0 if static: (unit,)."""
    kind = synapse_kinds(p['synapse_config'], p['EI_list'])
    return sum(plasticity.sign * (kind == name) for name, plasticity in PLASTIC.items())
