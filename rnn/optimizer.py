"""Adam in its original form (Kingma & Ba 2015), with the paper's masks and gradient clipping."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Slots(NamedTuple):
    """Running means of every variable's gradient, m, and of its square, v."""

    m: dict[str, tf.Tensor]
    v: dict[str, tf.Tensor]


def adam_step(
    variables: Mapping[str, tf.Tensor],
    gradients: Mapping[str, tf.Tensor],
    iteration: tf.Tensor,
    slots: Slots,
    masks: Mapping[str, tf.Tensor | None],
    learning_rate: tf.Tensor,
    max_norm: tf.Tensor,
) -> tuple[dict[str, tf.Tensor], Slots]:
    """The update of iteration 0, 1, ...: new values of variables and slots.

    Mask, then clip each gradient to a norm, then the step of Adam. EPSILON is added to sqrt(v)
    before its bias is corrected, as in section 2 of Kingma & Ba and in TensorFlow 1. In a stack,
    variables are (network, from, to), and iteration, learning_rate and max_norm (network, 1, 1).
    """
    t = tf.cast(iteration, tf.float32) + 1
    rate = learning_rate * tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
    updated, new = {}, Slots({}, {})
    for name, variable in variables.items():
        gradient = _masked_and_clipped(gradients[name], masks[name], max_norm)
        m = BETA_1 * slots.m[name] + (1 - BETA_1) * gradient
        v = BETA_2 * slots.v[name] + (1 - BETA_2) * gradient**2
        updated[name] = variable - rate * m / (tf.sqrt(v) + EPSILON)
        new.m[name], new.v[name] = m, v
    return updated, new


def _masked_and_clipped(gradient: tf.Tensor, mask, max_norm) -> tf.Tensor:
    if mask is not None:
        gradient *= mask
    return gradient * (
        max_norm / tf.maximum(tf.norm(gradient, axis=(-2, -1), keepdims=True), max_norm)
    )


class Adam:
    """The slots of a network's variables, and what decides its updates."""

    def __init__(
        self,
        variables: Mapping[str, tf.Variable],
        masks: Mapping[str, np.ndarray | None],
        learning_rate: float,
        max_norm: float,
    ):
        zeros = {name: tf.zeros_like(variable) for name, variable in variables.items()}
        self.slots = Slots(zeros, zeros)
        self.masks = {n: None if mask is None else tf.constant(mask) for n, mask in masks.items()}
        self.learning_rate = tf.constant(learning_rate, tf.float32)
        self.max_norm = tf.constant(max_norm, tf.float32)

    def arguments(self) -> dict:
        """The last four arguments of `adam_step`."""
        names = 'slots', 'masks', 'learning_rate', 'max_norm'
        return {name: getattr(self, name) for name in names}

    def state(self) -> dict[str, dict]:
        """m and v of every variable as numpy arrays, for a checkpoint."""
        return {
            slot: {name: value.numpy() for name, value in values.items()}
            for slot, values in self.slots._asdict().items()
        }

    def restore(self, state: dict[str, dict]) -> None:
        """Take m and v from `state`. Raises KeyError or ValueError where they do not fit."""
        self.slots = Slots(
            *(
                {n: _like(zero, state[slot][n]) for n, zero in zeros.items()}
                for slot, zeros in self.slots._asdict().items()
            )
        )


def _like(tensor: tf.Tensor, value) -> tf.Tensor:
    """The value as a tensor; ValueError unless it has the shape of `tensor`."""
    value = tf.constant(value, tensor.dtype)
    if value.shape != tensor.shape:
        raise ValueError(f'its shape is {value.shape}, not {tensor.shape}')
    return value
