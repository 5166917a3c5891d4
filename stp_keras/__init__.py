"""The network as parts of a Keras model (docs/keras.md).

    from stp_keras import SpikeCost, STPCell, STPOutput

`STPCell` is the cell of `keras.layers.RNN`, whose step is `Model.rnn_cell`; `STPOutput` gives the
logits; `from_result` and `to_result` exchange weights with result files.
"""

from stp_keras.cell import STPCell
from stp_keras.output import STPOutput
from stp_keras.result_files import from_parameters, from_result, to_result
from stp_keras.trials import SpikeCost, TaskAccuracy, Trials

__all__ = [
    'STPCell',
    'STPOutput',
    'SpikeCost',
    'TaskAccuracy',
    'Trials',
    'from_parameters',
    'from_result',
    'to_result',
]
