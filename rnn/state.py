"""The state of a network, by itself, so that measures can name its parts without TensorFlow."""

from typing import Any, NamedTuple

Array = Any  # a tensor while a network runs, a numpy array of what it returned


class State(NamedTuple):
    """Activity h, available neurotransmitter x and utilisation u, each (..., trial, unit)."""

    h: Array
    syn_x: Array
    syn_u: Array
