"""Groups of units, by sign and kind of synapse."""

from collections.abc import Mapping

import numpy as np

from rnn.initial_values import PLASTIC, synapse_kinds

OF_KINDS = tuple(f'{sign}_{kind.short}' for sign in ('exc', 'inh') for kind in PLASTIC.values())
GROUPS = (*OF_KINDS, 'all')


def units_of_kinds(p: Mapping) -> dict[str, np.ndarray]:
    """Which units (unit,) have each kind of plastic synapse, by its short name, and which none."""
    kind = synapse_kinds(p['synapse_config'], p['EI_list'])
    found = {plasticity.short: kind == name for name, plasticity in PLASTIC.items()}
    return found | {'static': kind == 'static'}


def unit_groups(p: Mapping) -> dict[str, np.ndarray]:
    """Which units (unit,) belong to each of GROUPS, by sign and synapse; a group may be empty."""
    units, excitatory = units_of_kinds(p), p['EI_list'] > 0
    signs = excitatory, ~excitatory
    members = [of_sign & units[kind.short] for of_sign in signs for kind in PLASTIC.values()]
    return dict(zip(GROUPS, [*members, np.ones(p['n_hidden'], bool)], strict=True))


def efficacy_signs(p: Mapping) -> np.ndarray:
    """Sign of the effect of activity on each unit's synaptic efficacy, 0 if static: (unit,)."""
    units = units_of_kinds(p)
    return sum(kind.sign * units[kind.short] for kind in PLASTIC.values())
