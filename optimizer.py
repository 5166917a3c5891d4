"""Adam in its original form (Kingma & Ba 2015), with the paper's masks and gradient clipping."""

from collections.abc import Mapping

import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Adam(tf.Module):
    """Updates variables: mask, then clip each gradient to a norm, then the step of Adam.

    EPSILON is added to sqrt(v) before its bias is corrected, as in section 2 of Kingma & Ba and in
    TensorFlow 1.
    """

    def __init__(
        self,
        variables: Mapping[str, tf.Variable],
        masks: Mapping[str, tf.Tensor | None],
        learning_rate: float,
        max_norm: float,
    ):
        super().__init__()
        self.variables_by_name, self.masks = variables, masks
        self.learning_rate, self.max_norm = learning_rate, max_norm
        zeros = {name: tf.zeros_like(variable) for name, variable in variables.items()}
        self.m = {name: tf.Variable(zero) for name, zero in zeros.items()}  # mean gradient
        self.v = {name: tf.Variable(zero) for name, zero in zeros.items()}  # mean squared gradient

    def apply(self, gradients: Mapping[str, tf.Tensor], iteration: tf.Tensor) -> None:
        """Make the update of iteration 0, 1, ..."""
        t = tf.cast(iteration, tf.float32) + 1
        rate = self.learning_rate * tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        for name, variable in self.variables_by_name.items():
            gradient = self._masked_and_clipped(gradients[name], self.masks[name])
            m = self.m[name].assign(BETA_1 * self.m[name] + (1 - BETA_1) * gradient)
            v = self.v[name].assign(BETA_2 * self.v[name] + (1 - BETA_2) * gradient**2)
            variable.assign_sub(rate * m / (tf.sqrt(v) + EPSILON))

    def _masked_and_clipped(self, gradient: tf.Tensor, mask) -> tf.Tensor:
        if mask is not None:
            gradient *= mask
        return gradient * (self.max_norm / tf.maximum(tf.norm(gradient), self.max_norm))

    def state(self) -> dict[str, dict]:
        """m and v of every variable as numpy arrays, for a checkpoint."""
        return {
            slot: {name: variable.numpy() for name, variable in variables.items()}
            for slot, variables in (('m', self.m), ('v', self.v))
        }

    def restore(self, state: dict[str, dict]) -> None:
        """Take m and v from `state`. Raises KeyError or ValueError where they do not fit."""
        for slot, variables in (('m', self.m), ('v', self.v)):
            for name, variable in variables.items():
                variable.assign(state[slot][name])
