"""`STPCell`: a step of the network, as the cell of `keras.layers.RNN`."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from model import Coefficients, Model
from rnn.initial_values import rates
from rnn.state import State
from stp_keras.layer import PACKAGE, STPLayer, network


@keras.saving.register_keras_serializable(PACKAGE)
class STPCell(STPLayer):
    """The network's recurrent units and their synapses: `Model.rnn_cell`, for one time step.

    `units` is n_hidden; the settings (SETTINGS) are named as in parameters.py, which has their
    defaults and checks them. Masks (from, to) hold 0 where a weight keeps its initial value. The
    seed decides initial weights and noise, which is there in training only. Input (trial, input),
    output h (trial, unit), states h, syn_x and syn_u (trial, unit).

    States that are all 0, as Keras starts with and as `reset_state()` leaves behind, stand for the
    initial state: h as trained, x and u at rest. Raises ValueError for what is not allowed.
    """

    SETTINGS = (
        'synapse_config',
        'exc_inh_prop',
        'balance_EI',
        'connection_prob',
        'dt',
        'membrane_time_constant',
        'noise_rnn_sd',
        'tau_fast',
        'tau_slow',
        'U_stf',
        'U_std',
    )
    MASKS = ('w_in_mask', 'w_rnn_mask')
    WEIGHTS = ('h', 'w_in', 'w_rnn', 'b_rnn')

    def __init__(self, units: int, seed: int | None = None, **settings):
        super().__init__(units, seed, **settings)
        self.state_size = [self.units] * 3
        self.output_size = self.units
        # Keras takes no more than 32 bits
        self.seed_generator = keras.random.SeedGenerator(self.drawn_seed % 2**32)

    def sizes(self) -> dict[str, int]:
        """The settings that follow from the number of units."""
        return {'n_hidden': self.units}

    def build(self, input_shape: Sequence):
        """Make the weights for inputs (trial, input)."""
        settings = self.settings | self.masks | self.sizes() | {'seed': self.drawn_seed}
        p = network(settings, int(input_shape[-1]))
        self.add_weights(p)
        self._sign = p['EI_list'][:, np.newaxis] if p['EI'] else None
        self._rest = p['syn_x_init'][:1], p['syn_u_init'][:1]
        self._rates = {'alpha': np.float32(p['alpha_neuron'])} | rates(p)
        self._noise_sd = p['noise_rnn']

    def call(self, inputs, states, training: bool = False):
        """Output and states after one step."""
        noise = 0.0
        if training and self._noise_sd:
            shape = (tf.shape(inputs)[0], self.units)
            noise = keras.random.normal(
                shape, stddev=self._noise_sd, dtype='float32', seed=self.seed_generator
            )
        state = Model.rnn_cell(inputs, noise, self._started(State(*states)), self._coefficients())
        return state.h, list(state)

    def _started(self, state: State) -> State:
        """The state, or that of the start for trials (trial, unit) that have not begun.

        x and u of a unit are never both 0 later: u is what depletes x.
        """
        has_begun = (state.syn_x + state.syn_u)[:, :1] > 0
        start = State(tf.convert_to_tensor(self.h), *self._rest)
        return State(*(tf.where(has_begun, v, s) for v, s in zip(state, start, strict=True)))

    def _coefficients(self) -> Coefficients:
        """Effective weights and rates, without those of the output."""
        effective = Model.effective(self.weights_in_use(self.WEIGHTS[1:]), self._sign)
        return Coefficients(**effective, w_out=None, b_out=None, **self._rates)

    # Keras leaves the state of a SeedGenerator out of its files; with it, training that is resumed
    # from a file gives what uninterrupted training would have given.

    def save_own_variables(self, store):
        """Write the weights and the state of the noise generator to a file."""
        super().save_own_variables(store)
        store['noise'] = self.seed_generator.state.numpy()

    def load_own_variables(self, store):
        """Read the weights and the state of the noise generator from a file."""
        self.seed_generator.state.assign(store['noise'])
        names = set(store.keys()) - {'noise'}
        super().load_own_variables({name: store[name] for name in names})
