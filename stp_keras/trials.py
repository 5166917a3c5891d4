"""Trials for `keras.Model.fit`, the cost of activity, and the accuracy as the project counts it."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from rnn import costs
from stimulus import Stimulus
from stp_keras.layer import PACKAGE, require_known, with_defaults

SETTINGS = ('spike_cost', 'spike_regularization')
BEGINS = hasattr(keras.utils.PyDataset, 'on_epoch_begin')  # not in the first versions of Keras 3


class Trials(keras.utils.PyDataset):
    """Batches of trials of the task in `p`, the parameters of a network, for `fit` and `evaluate`.

    Each is input (trial, time, input), target (trial, time, output) and the weight of each time
    point (trial, time), as the project's iterations from `first` on have them. Every epoch has
    `num_batches` new ones, in random order unless `fit` is told shuffle=False.
    """

    def __init__(self, p: Mapping[str, Any], num_batches: int, first: int = 0, **options):
        super().__init__(**options)
        self.p, self.length, self.first = p, num_batches, first
        self.is_in_use = not BEGINS

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        trial = Stimulus([self.p['seed'], self.first + index], self.p).generate_trial()
        names = 'neural_input', 'desired_output', 'train_mask'
        return tuple(np.swapaxes(trial[name], 0, 1) for name in names)

    def on_epoch_begin(self):
        """Note that these batches are used."""
        self.is_in_use = True

    def on_epoch_end(self):
        """Go on to new batches if these were used: Keras also calls this before the first epoch."""
        if self.is_in_use:
            self.first += self.length
        self.is_in_use = not BEGINS


@keras.saving.register_keras_serializable(PACKAGE)
class SpikeCost(keras.layers.Layer):
    """Adds the cost of activity to the loss: spike_cost times the mean of the activity's power.

    A layer between the RNN and what is above it, which returns its input (trial, time, unit);
    masked steps cost nothing. `settings` (SETTINGS) are those of parameters.py. Raises ValueError
    for what is not allowed.
    """

    # Not an activity_regularizer: some versions of Keras divide what that returns by the number of
    # trials, others do not, and it would also be given the states that a layer returns.

    def __init__(self, name: str | None = None, trainable: bool = True, dtype=None, **settings):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        require_known(self, settings, SETTINGS)
        self.settings = with_defaults(SETTINGS, settings)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        """Add the cost to the losses of the layer; return the input unchanged."""
        power = costs.power(self.settings)
        activity = keras.ops.cast(inputs, 'float32')  # whose squares 16 bits may not hold
        by_step = keras.ops.mean(activity**power, -1)
        counted = keras.ops.ones_like(by_step) if mask is None else keras.ops.cast(mask, 'float32')
        mean = keras.ops.sum(by_step * counted) / keras.ops.maximum(keras.ops.sum(counted), 1)
        self.add_loss(self.settings['spike_cost'] * mean)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer."""
        return super().get_config() | self.settings


@keras.saving.register_keras_serializable(PACKAGE)
class TaskAccuracy(keras.metrics.CategoricalAccuracy):
    """Share of correct time points, among those of positive weight whose target is not to fixate.

    One of the `weighted_metrics` of a model. Target and prediction are (trial, time, output), the
    weights (trial, time); output 0 is to fixate.
    """

    def __init__(self, name: str = 'accuracy', dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count a batch."""
        scored = keras.ops.convert_to_tensor(y_true)[..., 0] == 0
        if sample_weight is not None:
            scored = keras.ops.logical_and(scored, sample_weight > 0)
        super().update_state(y_true, y_pred, keras.ops.cast(scored, 'float32'))
