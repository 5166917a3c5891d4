"""Layers with the weights of a network or of its result file, and results from layers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model import Model
from parameters import parameters_with, saved_settings
from rnn.equations import require_same
from rnn.initial_values import fitting_weights
from stp_keras.cell import STPCell
from stp_keras.output import STPOutput


def from_parameters(
    p: Mapping[str, Any], weights: Mapping[str, np.ndarray] | None = None
) -> tuple[STPCell, STPOutput]:
    """Cell and output of the network with the parameters `p`, as `Model` makes it.

    They have the given weights (as in a result file), else the initial ones. Raises ValueError
    where weights do not fit.
    """
    weights = fitting_weights(p, weights)
    n_input, n_hidden, n_output = p['shape']
    cell, output = (
        kind(units, p['seed'], **{name: p[name] for name in (*kind.SETTINGS, *kind.MASKS)})
        for kind, units in ((STPCell, n_hidden), (STPOutput, n_output))
    )
    for layer, size in ((cell, n_input), (output, n_hidden)):
        layer.build((None, size))
        for name in layer.WEIGHTS:
            getattr(layer, name).assign(weights[name])
    return cell, output


def from_result(result: Mapping[str, Any]) -> tuple[STPCell, STPOutput]:
    """Cell and output with the weights of a result, see `results.load_results`.

    Raises ValueError for parameters that are not those of a network, where weights do not fit, and
    for a network that was trained with other equations.
    """
    p = parameters_with(saved_settings(result['parameters']))
    require_same(Model(result['weights'], p=p), result)
    return from_parameters(p, result['weights'])


def to_result(cell: STPCell, output: STPOutput, p: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the weights of the layers and the parameters `p`; its curves are empty.

    `p` may be those in another result. `results.save` and `Model` take what is returned, and
    `analysis.py` its file. Raises ValueError for layers without weights, or with other sizes or
    settings than those of `p`; only masks may be others.
    """
    if not (cell.built and output.built):
        raise ValueError('a layer has no weights yet: call the model once, or build it')
    p = parameters_with(saved_settings(p))
    for layer in (cell, output):
        for name, value in layer.settings.items():
            if value != p[name]:
                raise ValueError(
                    f'{name} is {value!r} in the {type(layer).__name__}, but {p[name]!r} in the '
                    'parameters'
                )
    found = [
        (name, getattr(layer, name).numpy()) for layer in (cell, output) for name in layer.WEIGHTS
    ]
    weights = fitting_weights(p, dict(found))
    masks = cell.learning | output.learning
    masks = {name: mask for name, mask in masks.items() if not np.array_equal(mask, p[name])}
    return Model(weights, p=p).result() | {'parameters': parameters_with(masks, p)}
