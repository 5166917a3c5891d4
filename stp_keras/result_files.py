"""Layers with the weights of a result file, and results from the weights of layers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model import fitting_weights
from parameters import parameters_with, saved_settings
from results import CURVES
from rnn.initial_values import MASKS
from stp_keras import cell as cells
from stp_keras import output as outputs
from stp_keras.cell import STPCell
from stp_keras.output import STPOutput


def from_result(result: Mapping[str, Any]) -> tuple[STPCell, STPOutput]:
    """Cell and output with the weights of a result, see `results.load_results`.

    Raises ValueError for parameters that are not those of a network, and where weights do not fit.
    """
    p = parameters_with(saved_settings(result['parameters']))
    weights = fitting_weights(p, result['weights'])
    n_input, n_hidden, n_output = p['shape']
    masks = {name: p[name] for name in MASKS[:2]}
    cell = STPCell(n_hidden, p['seed'], **masks, **{n: p[n] for n in cells.SETTINGS})
    settings = {name: p[name] for name in outputs.SETTINGS}
    output = STPOutput(n_output, p['seed'], p['w_out_mask'], **settings)
    cell.build((None, n_input))
    output.build((None, n_hidden))
    for layer in (cell, output):
        for name in layer.weight_names:
            getattr(layer, name).assign(weights[name])
        layer.built = True
    return cell, output


def to_result(cell: STPCell, output: STPOutput, p: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the weights of the layers; its curves are empty.

    `p` are the parameters of the trials; the settings and masks of the layers take the place of
    those in it. `results.save` and `Model` take the result, and `analysis.py` its file. Raises
    ValueError for layers without weights, and for layers that do not fit together or to `p`.
    """
    if not (cell.built and output.built):
        raise ValueError('a layer has no weights yet: call the model once, or build it')
    shares = [layer.settings['exc_inh_prop'] for layer in (cell, output)]
    if shares[0] != shares[1]:
        raise ValueError(f'exc_inh_prop is {shares[0]} in the cell, but {shares[1]} in the output')
    sizes = {'n_hidden': cell.units, 'n_output': output.units}
    made = parameters_with(cell.settings | sizes, p)
    masks = dict(zip(MASKS, (*cell.learning, output.learning), strict=True))
    weights = {
        name: getattr(layer, name).numpy()
        for layer in (cell, output)
        for name in layer.weight_names
    }
    weights = fitting_weights(made, weights)
    changed = {name: m for name, m in masks.items() if not np.array_equal(m, made[name])}
    curves = {name: [] for name in CURVES}
    return {'weights': weights, 'parameters': parameters_with(changed, made), **curves}
