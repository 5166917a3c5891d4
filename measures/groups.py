"""Groups of units, by sign and kind of synapse."""

from collections.abc import Mapping

import numpy as np

from rnn.initial_values import synapse_kinds

OF_KINDS = ('exc_fac', 'exc_dep', 'inh_fac', 'inh_dep')
GROUPS = (*OF_KINDS, 'all')


def unit_groups(p: Mapping) -> dict[str, np.ndarray]:
    """Which units (unit,) belong to each of GROUPS, by sign and synapse; a group may be empty."""
    kind, excitatory = synapse_kinds(p['synapse_config'], p['EI_list']), p['EI_list'] > 0
    facilitating, depressing = kind == 'facilitating', kind == 'depressing'
    members = (
        excitatory & facilitating,
        excitatory & depressing,
        ~excitatory & facilitating,
        ~excitatory & depressing,
        np.ones(p['n_hidden'], bool),
    )
    return dict(zip(GROUPS, members, strict=True))
