"""Training in Keras: XLA, files, the trials and the accuracy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from parameters import par
from stimulus import Stimulus
from stp_keras import SpikeCost, TaskAccuracy, Trials, from_parameters


def compiled(optimizer, jit_compile: bool = False) -> keras.Model:
    """The network with the parameters in `par`."""
    cell, output = from_parameters(par)
    layer = keras.layers.RNN(cell, return_sequences=True)
    model = keras.Sequential([layer, SpikeCost(spike_cost=0.1), output])
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True),
        weighted_metrics=[TaskAccuracy()],
        jit_compile=jit_compile,
    )
    return model


def few_steps() -> list[np.ndarray]:
    """Input, target and weight of the first steps of a batch."""
    return [array[:, :4] for array in Trials(par, 1)[0]]


@pytest.mark.slow
def test_xla_computes_the_same(small):
    small(noise_rnn_sd=0)
    losses = []
    for jit_compile in (True, False):
        model = compiled(keras.optimizers.SGD(0.1), jit_compile)
        losses.append([model.train_on_batch(*few_steps())[0] for _ in range(3)])
    assert losses[0][2] < losses[0][0]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_xla_draws_noise(small):
    small()
    layer = keras.layers.RNN(from_parameters(par)[0])
    run = tf.function(lambda x: layer(x, training=True), jit_compile=True)
    x, _, _ = few_steps()
    layer.build(x.shape)
    assert not np.array_equal(run(x), run(x))


def test_training_goes_on_from_a_file_as_without_it(small, tmp_path):
    """Weights, masks, slots of the optimiser and the state of the noise are all in the file."""
    small(w_rnn_mask=np.tri(12), connection_prob=0.7)
    model, batch = compiled(keras.optimizers.Adam(0.02)), few_steps()
    model.train_on_batch(*batch)
    model.save(tmp_path / 'a.keras')
    loaded = keras.models.load_model(tmp_path / 'a.keras')
    for _ in range(2):
        model.train_on_batch(*batch)
        loaded.train_on_batch(*batch)
    for found, wanted in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    w_rnn, held = model.layers[0].cell.w_rnn.numpy(), par['w_rnn_mask'] == 0
    np.testing.assert_array_equal(w_rnn[held], par['w_rnn0'][held])
    assert not np.array_equal(w_rnn, par['w_rnn0'])


def test_accuracy_counts_what_the_project_counts(small):
    small()
    x, target, weight = Trials(par, 1)[0]
    y = np.random.default_rng(0).random(target.shape)
    scored = (target[..., 0] == 0) & (weight > 0)
    assert 0 < scored.mean() < 0.5
    metric = TaskAccuracy()
    metric.update_state(target, y, weight)
    right = (y.argmax(-1) == target.argmax(-1))[scored]
    assert float(metric.result()) == pytest.approx(right.mean())


def test_every_epoch_has_new_trials(small):
    small()
    trials = Trials(par, 2)
    assert len(trials) == 2
    first = [trials[i][0] for i in range(2)]
    iteration = Stimulus([par['seed'], 1]).generate_trial()['neural_input']
    np.testing.assert_array_equal(np.swapaxes(first[1], 0, 1), iteration)


class NotedTrials(Trials):
    """Trials that note which iterations they are asked for."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.iterations = []

    def __getitem__(self, index):
        self.iterations.append(self.first + index)
        return super().__getitem__(index)


def test_each_epoch_goes_on_where_the_last_one_ended(small):
    """Also from one `fit` or `evaluate` to the next; Keras itself looks at some batches before."""
    small()
    model, trials = compiled(keras.optimizers.Adam()), NotedTrials(par, 3)
    model.fit(trials, epochs=2, shuffle=False, verbose=0)
    assert trials.iterations[-6:] == list(range(6))
    assert {*trials.iterations} == {*range(6)}
    model.evaluate(trials, verbose=0)
    assert trials.iterations[-3:] == [6, 7, 8]
