"""The state of a network, by itself, so that measures can name its parts without TensorFlow."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

Array = Any  # a tensor while a network runs, a numpy array of what it returned


class State(NamedTuple):
    """Activity h, available neurotransmitter x and utilisation u, each (..., trial, unit)."""

    h: Array
    syn_x: Array
    syn_u: Array


def require_fitting(p: Mapping, x, suppress_activity, key, **states) -> None:
    """Raise ValueError for what does not fit a network with parameters `p`; see `Model.run_model`.

    All but x may be None.
    """
    n_input, n_hidden, _ = p['shape']
    _require_shape('x', x, ('time', 'trial', n_input))
    num_steps, num_trials, _ = np.shape(x)
    _require_shape('suppress_activity', suppress_activity, (num_steps, n_hidden))
    _require_shape('key', key, (2,))
    for name, value in states.items():
        rows = 1 if len(np.shape(value)) == 2 and len(value) == 1 else num_trials
        _require_shape(name, value, (rows, n_hidden))


def _require_shape(name: str, value, wanted: tuple) -> None:
    """Raise ValueError for another shape; in `wanted`, a name stands for an axis of any length."""
    shape = np.shape(value)
    alike = len(shape) == len(wanted) and all(
        isinstance(w, str) or n == w for n, w in zip(shape, wanted, strict=True)
    )
    if value is not None and not alike:
        words = ', '.join(map(str, wanted))
        raise ValueError(f'{name} has shape {shape}, but this network needs ({words})')
