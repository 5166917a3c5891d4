"""Decoding against a plain loop over scikit-learn's SVC, the draws of trials, and significance."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.svm import SVC

from measures.decoding import (
    calculate_svms,
    check_conditions,
    classify,
    decoding_significance,
    draw_repetitions,
    draw_trials,
    split_trials,
)

STEPS = 5


def make_condition(num_conditions=8, trials=24):
    """As many trials of each condition, in random order (trial,)."""
    return np.random.default_rng(1).permutation(np.repeat(np.arange(num_conditions), trials))


def make_signal(condition, strength=0.4, steps=STEPS, units=15, seed=2):
    """Noise plus `strength` times a pattern of the condition (time, trial, unit).

    Units differ in scale, odd ones are rectified, unit 3 is constant, unit 4 is silent, and half
    of the trials are copies of another trial of their condition.
    """
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((steps, len(condition), units))
    signal += strength * rng.standard_normal((condition.max() + 1, units))[condition]
    signal *= rng.gamma(1, 5, units)
    signal[..., 1::2] = np.maximum(signal[..., 1::2], 0)
    signal[..., 3] = 0.7
    signal[..., 4] = 0
    for value in np.unique(condition):
        first, second = np.array_split(np.flatnonzero(condition == value), 2)
        signal[:, second] = signal[:, first[: len(second)]]
    return signal.astype(np.float32)


def plain_features(activity, draw, normalize, trials):
    """Features of the trials, scaled by the training trials of the draw, unit by unit."""
    features = activity[trials.ravel()].astype(float)
    if normalize:
        train = activity[draw.train.ravel()].astype(float)
        for unit in range(activity.shape[1]):
            low, high = train[:, unit].min(), train[:, unit].max()
            features[:, unit] -= low
            if high > low:
                features[:, unit] /= high - low
    return features


def plain_labels(signal, draw, normalize, trained, tested):
    """What SVC, trained at one step, takes the test trials of another for (condition, draw)."""
    svc = SVC(kernel='linear', C=1, tol=1e-3, shrinking=False)
    features = plain_features(signal[trained], draw, normalize, draw.train)
    svc.fit(features, np.repeat(np.arange(len(draw.train)), draw.train.shape[1]))
    tests = plain_features(signal[tested], draw, normalize, draw.test)
    return svc.predict(tests).reshape(draw.test.shape)


def plain_score(*args):
    labels = plain_labels(*args)
    return np.mean([labels[c] == c for c in range(len(labels))])


# Equal to the plain loop


@pytest.mark.parametrize('normalize', [True, False])
@pytest.mark.parametrize('num_conditions', [2, 3, 8])
def test_every_label_is_that_of_svc(num_conditions, normalize):
    condition = make_condition(num_conditions)
    signal = make_signal(condition)
    correct = []
    for draw in draw_repetitions(condition, 4, seed=6):
        for step in range(STEPS):
            labels = classify(signal[step], draw, normalize)
            expected = plain_labels(signal, draw, normalize, step, step)
            np.testing.assert_array_equal(labels, expected)
            correct.append(expected == np.arange(num_conditions)[:, None])
    # neither all right nor chance, where equal labels would say little
    assert 1.2 / num_conditions < np.mean(correct) < 0.97


@pytest.mark.parametrize('normalize', [True, False])
def test_scores_are_those_of_svc_with_the_same_draws_for_all_signals(normalize):
    condition = make_condition(4) * 45  # directions need not be numbered from 0
    signals = {
        'neuronal': make_signal(condition // 45, 0.3),
        'synaptic': make_signal(condition // 45, 0.6, steps=3, units=8, seed=5),
    }
    scores = calculate_svms(signals, condition, 3, 8, normalize=normalize)
    draws = draw_repetitions(condition, 3, 8)
    assert scores.keys() == signals.keys()
    for name, signal in signals.items():
        expected = [
            [plain_score(signal, draw, normalize, step, step) for step in range(len(signal))]
            for draw in draws
        ]
        np.testing.assert_array_equal(scores[name], np.float32(expected))


@pytest.mark.parametrize('normalize', [True, False])
@pytest.mark.parametrize('num_conditions', [2, 4])
def test_stability_is_that_of_svc_at_every_pair_of_steps(num_conditions, normalize):
    condition = make_condition(num_conditions)
    signal = make_signal(condition, 0.6)
    signal[1] = 5 + 3 * signal[0]  # another range
    scores = calculate_svms({'a': signal}, condition, 2, 3, across_time=True, normalize=normalize)[
        'a'
    ]
    expected = [
        [
            [plain_score(signal, draw, normalize, trained, tested) for tested in range(STEPS)]
            for trained in range(STEPS)
        ]
        for draw in draw_repetitions(condition, 2, 3)
    ]
    np.testing.assert_array_equal(scores, np.float32(expected))


def test_diagonal_of_stability_is_the_decoding():
    condition = make_condition()
    signals = {'neuronal': make_signal(condition), 'synaptic': make_signal(condition, 1, seed=4)}
    stability = calculate_svms(signals, condition, 2, [3, 4], across_time=True, first_step=1)
    decoding = calculate_svms(signals, condition, 2, [3, 4], first_step=1)
    for name in signals:
        assert stability[name].shape == (2, STEPS, STEPS)
        np.testing.assert_array_equal(
            np.diagonal(stability[name], axis1=1, axis2=2), decoding[name]
        )


# What scores mean


def test_separable_conditions_are_decoded_perfectly():
    condition = make_condition()
    signal = np.repeat(10 * np.eye(8, dtype=np.float32)[None, condition], 2, axis=0)
    signal += np.random.default_rng(0).random(signal.shape, dtype=np.float32)
    assert (calculate_svms({'a': signal}, condition, 3, 1)['a'] == 1).all()
    assert (calculate_svms({'a': signal}, condition, 1, 1, across_time=True)['a'] == 1).all()


@pytest.mark.parametrize('num_conditions', [2, 8])
def test_shuffled_labels_are_decoded_at_chance(num_conditions):
    condition = make_condition(num_conditions, trials=40)
    rng = np.random.default_rng(4)
    patterns = rng.standard_normal((20, num_conditions, 12))  # others at every step
    signals = {'a': patterns[:, condition] + rng.standard_normal((20, len(condition), 12))}
    true = calculate_svms(signals, condition, 1, 0)['a'].mean()
    shuffled = calculate_svms(signals, rng.permutation(condition), 8, 0)['a'].mean()
    assert true > 0.75
    assert shuffled == pytest.approx(1 / num_conditions, abs=0.15 / num_conditions)


def test_units_that_are_all_constant_decode_at_chance_exactly():
    condition = make_condition(3)
    signal = np.full((2, len(condition), 4), 0.5, np.float32)
    np.testing.assert_array_equal(
        calculate_svms({'a': signal}, condition, 2, 0)['a'], np.float32(1 / 3)
    )


def test_steps_before_the_first_score_zero_and_leave_the_others_alone():
    condition = make_condition()
    signals = {'a': make_signal(condition, 1)}
    scores = calculate_svms(signals, condition, 2, 1)['a']
    later = calculate_svms(signals, condition, 2, 1, first_step=2)['a']
    assert (later[:, :2] == 0).all()
    np.testing.assert_array_equal(later[:, 2:], scores[:, 2:])

    square = calculate_svms(signals, condition, 1, 1, across_time=True)['a']
    later = calculate_svms(signals, condition, 1, 1, across_time=True, first_step=2)['a']
    assert (later[:, :2] == 0).all()
    assert (later[:, :, :2] == 0).all()
    np.testing.assert_array_equal(later[:, 2:, 2:], square[:, 2:, 2:])


def test_signals_are_left_as_they_are():
    condition = make_condition(3)
    signal = make_signal(condition)
    before = signal.copy()
    calculate_svms({'a': signal}, condition, 1, 1)
    calculate_svms({'a': signal}, condition, 1, 1, across_time=True)
    np.testing.assert_array_equal(signal, before)


# Groups of units


def test_units_choose_what_is_decoded_from():
    condition = make_condition(3)
    signal = make_signal(condition)
    units = np.array([1, 5, 6, 9])
    expected = calculate_svms({'a': signal[..., units]}, condition, 2, 1)['a']
    by_index = calculate_svms({'a': signal}, condition, 2, 1, units=units)['a']
    by_mask = calculate_svms({'a': signal}, condition, 2, 1, units=np.isin(np.arange(15), units))
    np.testing.assert_array_equal(by_index, expected)
    np.testing.assert_array_equal(by_mask['a'], expected)
    assert (expected != calculate_svms({'a': signal}, condition, 2, 1)['a']).any()


def test_no_units_give_nan():
    condition = make_condition(3)
    signals, units = {'a': make_signal(condition)}, np.zeros(15, bool)
    scores = calculate_svms(signals, condition, 2, 1, units=units)['a']
    square = calculate_svms(signals, condition, 2, 1, across_time=True, units=units)['a']
    assert scores.shape == (2, STEPS)
    assert square.shape == (2, STEPS, STEPS)
    assert np.isnan(scores).all()
    assert np.isnan(square).all()


# Draws, seeds and processes


@pytest.mark.parametrize(('num_conditions', 'size'), [(2, 100), (3, 25), (8, 25)])
def test_draws_of_each_condition(num_conditions, size):
    condition = make_condition(num_conditions)
    for draw in draw_repetitions(condition, 5, 2):
        for trials in draw:
            assert trials.shape == (num_conditions, size)
            for value, of_condition in enumerate(trials):
                assert (condition[of_condition] == value).all()
        assert not np.intersect1d(draw.train, draw.test).size


def test_draws_reach_all_of_a_pool_and_repeat_trials():
    condition = np.repeat([3, 7], 8)
    draw = draw_trials(condition, np.random.default_rng(0))
    for train, test, trials in zip(draw.train, draw.test, (range(8), range(8, 16)), strict=True):
        assert len(np.unique(train)) == 6
        assert len(np.unique(test)) == 2
        assert {*train, *test} == {*trials}


def test_draws_are_with_replacement_even_from_a_pool_that_is_large_enough():
    draw = draw_trials(make_condition(3, trials=120), np.random.default_rng(0))
    for trials in (*draw.train, *draw.test):  # pools of 90 and 30
        assert len(np.unique(trials)) < 25


@pytest.mark.parametrize(('trials', 'num_train'), [(4, 3), (5, 3), (8, 6), (100, 75)])
def test_pools_share_no_trial_and_are_three_to_one(trials, num_train):
    numbers = np.arange(50, 50 + trials)
    train, test = split_trials(numbers, np.random.default_rng(3))
    assert len(train) == num_train
    assert sorted([*train, *test]) == numbers.tolist()


def test_the_seed_decides_the_draws():
    condition = make_condition()
    same = zip(draw_repetitions(condition, 3, 5), draw_repetitions(condition, 2, 5), strict=False)
    for first, second in same:  # whatever the number of repetitions
        np.testing.assert_array_equal(first, second)
    first, second = draw_repetitions(condition, 2, [5, 1])
    (other,) = draw_repetitions(condition, 1, [5, 2])
    for draw in (second, other):
        assert (draw.train != first.train).any()
        assert (draw.test != first.test).any()


def test_results_do_not_depend_on_the_number_of_processes():
    condition = make_condition(4, trials=100)
    # large enough for joblib to map it into memory instead of copying it
    signals = {'a': make_signal(condition, units=170), 'b': make_signal(condition)}
    assert signals['a'].nbytes > 2**20
    for across_time in (False, True):
        one, two = (
            calculate_svms(signals, condition, 3, 7, across_time=across_time, jobs=jobs)
            for jobs in (1, 2)
        )
        for name in signals:
            np.testing.assert_array_equal(one[name], two[name])


def test_progress_tells_of_each_repetition():
    condition = make_condition(2)
    signals = {'a': make_signal(condition), 'b': make_signal(condition)}
    told = []
    calculate_svms(signals, condition, 3, 0, progress=told.append)
    assert told == [1, 1, 1]
    calculate_svms(signals, condition, 2, 0, across_time=True, progress=told.append)
    assert told == [1] * 5


def test_processes_start_without_tensorflow_and_parameters():
    code = """
import sys
import numpy as np
from measures import decoding
decoding.calculate_svms({'a': np.eye(8)[None]}, np.repeat([0, 1], 4), 1, 0)
print({'tensorflow', 'parameters'} & {*sys.modules})
"""
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    # nor does the solver print anything
    assert result.stdout.strip() == 'set()', result.stdout + result.stderr


# Errors


def test_too_few_trials_are_reported_with_their_condition():
    condition = np.repeat([0, 1, 5, 6], [4, 3, 9, 1])
    signal = np.zeros((2, len(condition), 3), np.float32)
    message = r'at least 4 trials of each condition, but condition 1 has 3, condition 6 has 1$'
    with pytest.raises(ValueError, match=message):
        calculate_svms({'a': signal}, condition, 1, 0)
    with pytest.raises(ValueError, match=message):
        calculate_svms({'a': signal}, condition, 10, 0, across_time=True)


def test_four_trials_of_each_condition_are_enough():
    condition = make_condition(3, trials=4)
    check_conditions(condition)
    signals = {'a': make_signal(condition, steps=1)}
    assert np.isfinite(calculate_svms(signals, condition, 2, 0)['a']).all()
    # ten repetitions unless told otherwise
    assert calculate_svms(signals, condition, 10, 0, across_time=True)['a'].shape == (10, 1, 1)


def test_a_condition_that_must_be_there_is_missed():
    condition = np.repeat([0, 1, 3], 6)
    check_conditions(condition)
    check_conditions(condition, [0, 1])
    with pytest.raises(ValueError, match='but condition 2 has 0$'):
        check_conditions(condition, range(4))


def test_a_single_condition_cannot_be_decoded():
    with pytest.raises(ValueError, match='at least 2 conditions, but there are 1'):
        check_conditions(np.zeros(9, int))


@pytest.mark.parametrize('shape', [(2, 17, 3), (16, 3), (2, 16)])
def test_signals_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match='the signal h must be .* their shapes are'):
        calculate_svms({'h': np.zeros(shape)}, np.repeat([0, 1], 8), 1, 0)


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_signals_that_are_not_finite_are_refused(value):
    signal = np.zeros((2, 16, 3))
    signal[1, 2, 0] = value
    with pytest.raises(ValueError, match='the signal h holds values that are not finite'):
        calculate_svms({'h': signal}, np.repeat([0, 1], 8), 1, 0)


@pytest.mark.parametrize('first_step', [-1, 2])
def test_a_first_step_outside_the_trial_is_refused(first_step):
    signals = {'h': np.zeros((2, 16, 3))}
    with pytest.raises(ValueError, match='first_step must be from 0 to 1 for the signal h, not'):
        calculate_svms(signals, np.repeat([0, 1], 8), 1, 0, first_step=first_step)


# Significance


def scores_above_chance(num_above, repetitions=100, chance=0.125):
    """Scores (repetition, 6 steps): at chance or a little above it from step 2 to 4."""
    scores = np.ones((repetitions, 6), np.float32)
    scores[:, 2:5] = chance
    scores[:num_above, 3] += 1 / 200  # one test trial more
    return scores


@pytest.mark.parametrize(('num_above', 'above_chance'), [(97, False), (98, True), (100, True)])
@pytest.mark.parametrize('steps', [slice(2, 5), range(2, 5), np.array([2, 3, 4])])
def test_98_of_100_repetitions_must_be_above_chance(num_above, above_chance, steps):
    significance = decoding_significance(scores_above_chance(num_above), 8, steps)
    assert significance.share == num_above / 100
    assert significance.above_chance == above_chance


@pytest.mark.parametrize('num_conditions', [2, 3, 6, 7, 8])
def test_exactly_chance_is_not_above_chance(num_conditions):
    scores = scores_above_chance(0, 50, np.float32(1 / num_conditions))
    assert decoding_significance(scores, num_conditions, slice(2, 5)) == (0, False)


def test_steps_are_averaged_before_they_are_compared():
    scores = np.tile(np.float32([0.1, 0.2]), (10, 1))
    assert decoding_significance(scores, 8, [0, 1]).above_chance
    assert not decoding_significance(scores, 5, [0, 1]).above_chance


def test_significance_of_several_decodings_at_once():
    scores = np.stack([scores_above_chance(100), scores_above_chance(40)])[:, None]
    scores = np.concatenate([scores, np.full_like(scores[:1], np.nan)])  # nothing was decoded
    share, above_chance = decoding_significance(scores, 8, slice(2, 5))
    assert share.tolist() == [[1.0], [0.4], [0.0]]
    assert above_chance.tolist() == [[True], [False], [False]]
