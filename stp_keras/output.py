"""`STPOutput`: the outputs of the network, as a layer above its units."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from model import Model
from rnn import initial_values
from settings import checked
from stp_keras.layer import PACKAGE, STPLayer, network


@keras.saving.register_keras_serializable(PACKAGE)
class STPOutput(STPLayer):
    """Logits (trial, time, output) of activity (trial, time, unit): rectified weights and a bias.

    `units` is n_output. With the same exc_inh_prop as the cell, only its excitatory units project
    here; the settings and their checks are those of parameters.py. w_out_mask (from, to) holds 0
    where a weight keeps its initial value. Raises ValueError for what is not allowed.
    """

    SETTINGS = ('exc_inh_prop', 'connection_prob')
    MASKS = ('w_out_mask',)
    WEIGHTS = ('w_out', 'b_out')

    def build(self, input_shape: Sequence):
        """Make the weights for activity (..., unit)."""
        n_hidden = int(input_shape[-1])
        p = network(self.settings | {'n_hidden': n_hidden, 'seed': self.drawn_seed})
        p |= {'shape': (1, n_hidden, self.units)}  # a task has 3 outputs or more
        p |= initial_values.masks(p)
        p |= initial_values.weights(p)
        self.add_weights(p | self._given_mask(p))

    def _given_mask(self, p: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The user's mask multiplied by that of the network; {} if there is none."""
        mask = checked('w_out_mask', self.masks['w_out_mask'], initial_values.MASKS)
        return {} if mask is None else initial_values.given({'w_out_mask': mask}, p)

    def call(self, inputs):
        """The logits."""
        effective = Model.effective(self.weights_in_use(self.WEIGHTS), None)
        return Model.output(inputs, SimpleNamespace(**effective))
