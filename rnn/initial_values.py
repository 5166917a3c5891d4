"""What a network starts from: units, synapses, masks and initial weights (paper, Methods).

Every function takes the settings with what the functions above it derived from them, and returns
derived parameters. Weights are (from, to); values per unit are (1, n_hidden); all are float32.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from settings import Setting, validators


class Plasticity(NamedTuple):
    """A kind of synapse with plasticity: its short name, and the settings of tau_x, tau_u and U.

    sign: of the change of its efficacy x u by activity.
    """

    short: str
    tau_x: str
    tau_u: str
    U: str
    sign: int


PLASTIC = {
    'facilitating': Plasticity('fac', 'tau_fast', 'tau_slow', 'U_stf', 1),
    'depressing': Plasticity('dep', 'tau_slow', 'tau_fast', 'U_std', -1),
}
# synapse_config -> synapses of the excitatory units, synapses of the inhibitory units
SYNAPSES = {
    'full': ('alternating', 'alternating'),  # even units facilitate, odd units depress
    'fac': ('facilitating', 'facilitating'),
    'dep': ('depressing', 'depressing'),
    'exc_fac': ('facilitating', 'static'),
    'exc_dep': ('depressing', 'static'),
    'inh_fac': ('static', 'facilitating'),
    'inh_dep': ('static', 'depressing'),
    'exc_dep_inh_fac': ('depressing', 'facilitating'),
    None: ('static', 'static'),
}
_MASK = validators.array('0 or 1', lambda numbers: np.isin(numbers, (0, 1)))
_NUMBERS = validators.array('finite numbers', np.isfinite)
# Arrays that may be given in place of what follows from the settings: masks, and the initial values
# of the trained variables. Weights are (from, to).
MASKS: dict[str, Setting] = {
    'w_in_mask': Setting(
        None, _MASK, '(n_input, n_hidden): 0 where an input weight keeps its initial value'
    ),
    'w_rnn_mask': Setting(
        None, _MASK, '(n_hidden, n_hidden): 0 where a recurrent weight keeps its initial value'
    ),
    'w_out_mask': Setting(
        None, _MASK, '(n_hidden, n_output): 0 where an output weight keeps its initial value'
    ),
}
ARRAYS: dict[str, Setting] = MASKS | {
    'h0': Setting(
        None, _NUMBERS, '(1, n_hidden): initial value of the activity at the start of a trial'
    ),
    'w_in0': Setting(None, _NUMBERS, '(n_input, n_hidden): initial input weights'),
    'w_rnn0': Setting(None, _NUMBERS, '(n_hidden, n_hidden): initial recurrent weights'),
    'b_rnn0': Setting(None, _NUMBERS, '(1, n_hidden): initial bias of the recurrent units'),
    'w_out0': Setting(None, _NUMBERS, '(n_hidden, n_output): initial output weights'),
    'b_out0': Setting(None, _NUMBERS, '(1, n_output): initial bias of the outputs'),
}
STATIC_UTILISATION = 0.3  # u of a unit without plasticity, in a network that has some


def units(p: Mapping) -> dict:
    """Signs of the units: the first exc_inh_prop of them excitatory, the rest inhibitory."""
    num_exc = round(p['n_hidden'] * p['exc_inh_prop'])
    sign = np.ones(p['n_hidden'], np.float32)
    sign[num_exc:] = -1
    return {
        'EI': p['exc_inh_prop'] < 1,
        'num_exc_units': num_exc,
        'num_inh_units': p['n_hidden'] - num_exc,
        'EI_list': sign,
        'EI_matrix': np.diag(sign),
        'ind_inh': np.flatnonzero(sign < 0),
    }


def synapses(p: Mapping) -> dict:
    """Rates alpha, U, and the start of x and u, of every unit's synapses.

    A static unit has dynamic_synapse 0: its x and u never change. Raises ValueError for a kind of
    synapse that is not known.
    """
    kind = synapse_kinds(p['synapse_config'], p['EI_list'])
    if unknown := {*kind} - {*PLASTIC, 'static'}:
        known = ', '.join(PLASTIC)
        raise ValueError(f'there are no {min(unknown)} synapses: kinds are {known} and static')
    dynamic = np.isin(kind, list(PLASTIC))

    def per_unit(of_kinds: Sequence[float]) -> np.ndarray:
        value = np.select([kind == name for name in PLASTIC], of_kinds, 1)
        return value.astype(np.float32)[np.newaxis]

    U = per_unit([p[synapse.U] for synapse in PLASTIC.values()])
    u_static = 1 if p['synapse_config'] is None else STATIC_UTILISATION
    u_start = np.where(dynamic, U, np.float32(u_static))
    return {
        'alpha_std': per_unit([p['dt'] / p[synapse.tau_x] for synapse in PLASTIC.values()]),
        'alpha_stf': per_unit([p['dt'] / p[synapse.tau_u] for synapse in PLASTIC.values()]),
        'U': U,
        'dynamic_synapse': dynamic.astype(np.float32)[np.newaxis],
        'syn_x_init': np.ones((p['batch_size'], p['n_hidden']), np.float32),
        'syn_u_init': np.repeat(u_start, p['batch_size'], axis=0),
    }


def rates(p: Mapping) -> dict[str, np.ndarray]:
    """Coefficients of a step: dt (in s), alpha_std, alpha_stf and U, (1, n_hidden) each.

    All but U are 0 for units without plasticity.
    """
    plastic = p['dynamic_synapse']
    alphas = {name: p[name] * plastic for name in ('alpha_std', 'alpha_stf')}
    return {'dt': p['dt_sec'] * plastic, 'U': p['U'], **alphas}


def synapse_kinds(config: str | None, sign: np.ndarray) -> np.ndarray:
    """A kind among PLASTIC or 'static' for each unit (unit,), given the units' signs."""
    alternating = np.where(np.arange(len(sign)) % 2 == 0, 'facilitating', 'depressing')
    exc, inh = (alternating if kind == 'alternating' else kind for kind in SYNAPSES[config])
    return np.where(sign > 0, exc, inh)


def masks(p: Mapping, separate_projections: bool = False) -> dict:
    """1 where a weight may exist and learn, 0 where it stays 0.

    With separate projections, receptive field k projects only to the units whose index is k modulo
    the number of fields.
    """
    n_input, n_hidden, n_output = p['shape']
    w_in = np.ones((n_input, n_hidden), np.float32)
    if separate_projections:
        fields = p['num_receptive_fields']
        field = np.arange(p['num_motion_tuned']) // (p['num_motion_tuned'] // fields)
        w_in[: len(field)] = field[:, np.newaxis] == np.arange(n_hidden) % fields
    w_rnn = np.ones((n_hidden, n_hidden), np.float32)
    w_out = np.ones((n_hidden, n_output), np.float32)
    if p['EI']:
        np.fill_diagonal(w_rnn, 0)
        w_out[p['ind_inh']] = 0
    return {'w_in_mask': w_in, 'w_rnn_mask': w_rnn, 'w_out_mask': w_out}


def weights(p: Mapping) -> dict:
    """Initial values of the trained variables, drawn from the seed; names end in 0."""
    rng = np.random.default_rng(p['seed'])
    n_input, n_hidden, n_output = p['shape']
    kept = p['connection_prob']
    w_in = _gamma(rng, 0.2, (n_input, n_hidden), kept / p['num_receptive_fields'])
    w_rnn = _gamma(rng, _recurrent_gamma_shape(p), (n_hidden, n_hidden), kept)
    w_out = _gamma(rng, 0.1, (n_hidden, n_output), kept)
    if not p['EI']:
        w_rnn = 0.54 * np.eye(n_hidden, dtype=np.float32)
    if p['synapse_config'] is None:
        w_rnn = w_rnn / 3  # makes up for the missing factor u of the synapses
    return {
        'h0': np.full((1, n_hidden), 0.1, np.float32),
        'w_in0': w_in * p['w_in_mask'],
        'w_rnn0': (w_rnn * p['w_rnn_mask']).astype(np.float32),
        'b_rnn0': np.zeros((1, n_hidden), np.float32),
        'w_out0': w_out * p['w_out_mask'],
        'b_out0': np.zeros((1, n_output), np.float32),
    }


def given(arrays: Mapping, p: Mapping) -> dict:
    """Masks and initial values in which the user's arrays take part.

    A user's mask is multiplied by that of the network: no connection comes back. Raises ValueError
    for an array of another shape, for a negative weight that would act rectified, and for a weight
    where the network has no connection.
    """
    found = {}
    for name, array in arrays.items():
        usual = p[name]
        if array.shape != usual.shape:
            raise ValueError(
                f'{name} has shape {array.shape}, but these settings need {usual.shape}'
            )
        found[name] = array
        if name.endswith('_mask'):
            found[name] = array * usual
        elif name in ('w_in0', 'w_out0') or (name == 'w_rnn0' and p['EI']):
            if (array < 0).any():
                raise ValueError(
                    f'{name} must not be negative: its weights act rectified '
                    f'(of trained weights, np.maximum({name}, 0) acts alike)'
                )
            if (array[p[f'{name[:-1]}_mask'] == 0] != 0).any():
                raise ValueError(
                    f'{name} must be 0 where the network has no connection '
                    f'(with excitatory and inhibitory units: the diagonal of w_rnn, and the '
                    f'inhibitory rows of w_out)'
                )
    return found


def _gamma(rng, shape_parameter, size, probability) -> np.ndarray:
    """Gamma-distributed weights of scale 1, each kept with the given probability."""
    drawn = rng.gamma(shape_parameter, 1, size).astype(np.float32)
    return drawn * (rng.random(size) < probability)


def _recurrent_gamma_shape(p: Mapping) -> np.ndarray:
    """Shape of the gamma distribution: larger wherever an inhibitory unit takes part."""
    inhibitory = p['EI_list'] < 0
    takes_part = inhibitory[:, np.newaxis] | inhibitory
    return np.where(takes_part & p['balance_EI'], 0.2, 0.1)


def fitting_weights(p: Mapping, given: Mapping | None) -> dict[str, np.ndarray]:
    """Trained variables by name (h, w_in, ...): the given values, else the initial ones in `p`.

    Raises ValueError where a weight is missing or does not fit the network's shape.
    """
    initial = {name[:-1]: p[name] for name in ARRAYS if name not in MASKS}
    if missing := [name for name in initial if given is not None and name not in given]:
        raise ValueError(f'the weights lack {", ".join(missing)}')
    found = initial if given is None else {name: given[name] for name in initial}
    for name, value in initial.items():
        if found[name].shape != value.shape:
            raise ValueError(
                f'weight {name} has shape {found[name].shape}, but these parameters make a '
                f'network in which it is {value.shape}'
            )
    return found
