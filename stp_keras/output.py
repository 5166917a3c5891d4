"""`STPOutput`: the outputs of the network, as a layer above its units."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from model import Model
from rnn import initial_values
from stp_keras import arguments
from validators import count, optional

SETTINGS = ('exc_inh_prop', 'connection_prob')


class Weights(NamedTuple):
    """Those of the output, as they act."""

    w_out: tf.Tensor
    b_out: tf.Tensor


@keras.saving.register_keras_serializable(arguments.PACKAGE)
class STPOutput(keras.layers.Layer):
    """Logits (trial, time, output) of activity (trial, time, unit): rectified weights and a bias.

    `units` is n_output. With the same exc_inh_prop as the cell, only its excitatory units project
    here; the settings and their checks are those of parameters.py. w_out_mask (from, to) holds 0
    where a weight keeps its initial value. Raises ValueError for what is not allowed.
    """

    weight_names = ('w_out', 'b_out')

    def __init__(
        self,
        units: int,
        seed: int | None = None,
        w_out_mask=None,
        name: str | None = None,
        trainable: bool = True,
        dtype='float32',
        **settings,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        arguments.require_precision(self)
        self.units = arguments.require('units', units, count(1))
        self.seed = arguments.require('seed', seed, optional(count(0, 2**63 - 1)))
        self.settings = arguments.checked(type(self).__name__, SETTINGS, settings)
        self.w_out_mask = w_out_mask
        self._drawn = arguments.drawn(self.seed)

    def build(self, input_shape: Sequence):
        """Make the weights for activity (..., unit)."""
        n_hidden = int(input_shape[-1])
        settings = self.settings | {'n_hidden': n_hidden, 'seed': self._drawn}
        p = arguments.network(settings) | {'shape': (1, n_hidden, self.units)}
        p |= initial_values.masks(p, p)
        p |= initial_values.weights(p, p)
        p |= arguments.given_mask('w_out_mask', self.w_out_mask, p)
        for name in self.weight_names:
            value = p[f'{name}0']
            initializer = arguments.initial(value)
            weight = self.add_weight(shape=value.shape, initializer=initializer, name=name)
            setattr(self, name, weight)
        self.learning = p['w_out_mask']

    def call(self, inputs):
        """The logits."""
        w_out = arguments.learning(self.w_out, self.learning)
        weights = {'w_out': w_out, 'b_out': tf.convert_to_tensor(self.b_out)}
        return Model.output(inputs, Weights(**Model.effective(weights, None)))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer."""
        own = {'units': self.units, 'seed': self.seed}
        mask = {'w_out_mask': arguments.listed(self.w_out_mask)}
        return super().get_config() | own | mask | self.settings
