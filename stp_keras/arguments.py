"""What the layers share: their settings, checked as the project's, and weights that masks hold."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from parameters import parameters_with
from rnn import initial_values
from validators import Check, shown

PACKAGE = 'stp_keras'  # under which Keras saves the classes


def checked(
    owner: str, names: Sequence[str], settings: Mapping[str, Any], **others
) -> dict[str, Any]:
    """The settings of these names, as plain values: the given ones, and the defaults of the rest.

    Raises ValueError for a name that is not among them, and for a value that is not allowed, also
    beside others.
    """
    for name in settings:
        if name not in names:
            words = f'{owner} takes no argument {name!r}'
            raise ValueError(f'{words}; its settings are {", ".join(names)}')
    p = network(others | dict(settings))
    return {name: p[name] for name in names}


def network(settings: Mapping[str, Any], n_input: int = 1) -> dict[str, Any]:
    """All parameters of a network with so many inputs, see `parameters.parameters_with`.

    A layer knows nothing of a trial, so that its epochs hold a step each, whatever dt is.
    """
    times = ('fix_time', 'sample_time', 'delay_time', 'test_time')
    trial = dict.fromkeys(times, settings['dt']) if 'dt' in settings else {}
    inputs = {'num_motion_tuned': n_input, 'num_fix_tuned': 0, 'num_rule_tuned': 0}
    others = {'trial_type': 'DMS', 'batch_size': 1, 'mask_duration': 0}
    # the settings first, so that a wrong one is named before what follows from it
    return parameters_with({'seed': 0, **settings, **inputs, **others, **trial})


def require(name: str, value: Any, check: Check) -> Any:
    """The value as a plain one; ValueError unless it is allowed."""
    plain = check.read(value)
    if not check.accepts(plain):
        raise ValueError(f'{name} = {shown(plain)} is not allowed: it must be {check.allowed}')
    return plain


def require_precision(layer: keras.Layer) -> None:
    """Raise ValueError unless the layer computes in single precision, by TensorFlow."""
    if keras.backend.backend() != 'tensorflow':
        raise ValueError(
            f'Keras computes with {keras.backend.backend()}, but {type(layer).__name__} needs '
            'TensorFlow: set KERAS_BACKEND=tensorflow'
        )
    if layer.dtype_policy.name != 'float32':
        raise ValueError(
            f'dtype = {layer.dtype_policy.name} is not allowed: it must be float32, since the '
            'synapses change by less in a step than a shorter number can tell'
        )


def drawn(seed: int | None) -> int:
    """The seed, or one that `keras.utils.set_random_seed` decides."""
    return random.randrange(2**31) if seed is None else seed


def given_mask(name: str, mask: Any, p: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The mask among the parameters, multiplied by that of `p`; {} if it is None."""
    if mask is None:
        return {}
    if not np.isin(mask, (0, 1)).all():
        raise ValueError(f'{name} is not allowed: it must be None or an array of 0 or 1')
    return initial_values.given({name: np.array(mask, np.float32)}, p)


def listed(mask: Any) -> list | None:
    """A mask as what a configuration in JSON can hold."""
    return None if mask is None else np.asarray(mask, np.int8).tolist()


def initial(value: np.ndarray):
    """An initialiser that gives this value."""
    return lambda shape, dtype=None: tf.constant(value, dtype)


def learning(weight: tf.Tensor, mask: np.ndarray) -> tf.Tensor:
    """The weight, whose gradient passes only where the mask is 1."""
    weight = tf.convert_to_tensor(weight)
    return weight if mask.all() else mask * weight + tf.stop_gradient((1 - mask) * weight)
