"""What the layers share: arguments, checked as the project's settings are, and weights."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from parameters import SETTINGS, parameters_with
from settings import Setting, checked
from settings.validators import count

PACKAGE = 'stp_keras'  # under which Keras saves the classes
ARGUMENTS = {'units': Setting(None, count(1)), 'seed': SETTINGS['seed']}


class STPLayer(keras.layers.Layer):
    """A layer of so many `units` with settings, masks and weights that are named as in `par`.

    A class says which: SETTINGS, MASKS and WEIGHTS. The seed decides all that is random.
    """

    SETTINGS: tuple[str, ...] = ()
    MASKS: tuple[str, ...] = ()
    WEIGHTS: tuple[str, ...] = ()

    def __init__(
        self,
        units: int,
        seed: int | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype='float32',
        **settings,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.supports_masking = True  # of steps, so that they do not count in the loss
        _require_precision(self)
        self.units = checked('units', units, ARGUMENTS)
        self.seed = checked('seed', seed, ARGUMENTS)
        self.masks = {name: settings.pop(name, None) for name in self.MASKS}
        require_known(self, settings, (*self.SETTINGS, *self.MASKS))
        self.settings = with_defaults(self.SETTINGS, settings | self.sizes())
        # else one that keras.utils.set_random_seed decides
        self.drawn_seed = random.randrange(2**31) if self.seed is None else self.seed

    def sizes(self) -> dict[str, int]:
        """{name of `units` in `par`: units}, or {} if no setting of the layer depends on it."""
        return {}

    def add_weights(self, p: Mapping[str, Any]) -> None:
        """Make the weights, with their initial values in `p`, and keep the masks in it."""
        for name in self.WEIGHTS:
            value = p[f'{name}0']
            weight = self.add_weight(shape=value.shape, initializer=_constant(value), name=name)
            setattr(self, name, weight)
        self.learning = {name: p[name] for name in self.MASKS}

    def weights_in_use(self, names: Sequence[str]) -> dict[str, tf.Tensor]:
        """Weights by name; no gradient passes to one whose mask is 0, so that it stays as it is."""
        found = {name: tf.convert_to_tensor(getattr(self, name)) for name in names}
        for name, mask in self.learning.items():
            weight = found[name.removesuffix('_mask')]
            if not mask.all():
                held = tf.stop_gradient((1 - mask) * weight)
                found[name.removesuffix('_mask')] = mask * weight + held
        return found

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer."""
        masks = {n: None if m is None else np.asarray(m).tolist() for n, m in self.masks.items()}
        own = {'units': self.units, 'seed': self.seed}
        return super().get_config() | own | masks | self.settings


def require_known(layer: keras.layers.Layer, given: Mapping, names: Sequence[str]) -> None:
    """Raise ValueError for a name that is not among those of the layer."""
    for name in given:
        if name not in names:
            words = f'{type(layer).__name__} takes no argument {name!r}'
            raise ValueError(f'{words}; its settings are {", ".join(names)}')


def with_defaults(names: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of these names, as plain values: the given ones, and the defaults of the rest.

    Raises ValueError for a value that is not allowed.
    """
    p = network(settings)
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


def _constant(value: np.ndarray):
    """An initialiser that gives this value."""
    return lambda shape, dtype=None: tf.constant(value, dtype)


def _require_precision(layer: keras.layers.Layer) -> None:
    """Raise ValueError unless the layer computes in single precision, by TensorFlow."""
    if keras.backend.backend() != 'tensorflow':
        raise ValueError(
            f'Keras computes with {keras.backend.backend()}, but {type(layer).__name__} needs '
            'TensorFlow: set KERAS_BACKEND=tensorflow'
        )
    if layer.dtype_policy.name != 'float32':
        raise ValueError(
            f'dtype = {layer.dtype_policy.name} is not allowed: it must be float32 (in 16 bits, '
            'the change of a synapse in one step would be lost to rounding)'
        )
