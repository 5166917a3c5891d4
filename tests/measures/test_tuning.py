"""Tuning against numpy.linalg.lstsq and loops, and the indices against networks of known coding."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.tuning import (
    Tuning,
    calculate_tuning,
    category_index,
    input_tuning,
    manipulation,
    mean_by_condition,
    rotation,
    similarity_index,
    stack_tuning,
)

NUM_DIRS = 8
ANGLE = 2 * np.pi / NUM_DIRS * np.arange(NUM_DIRS)

# a test that divides by zero or averages nothing fails, unless numpy is told that it may
pytestmark = pytest.mark.filterwarnings('error')


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def tuned(direction, pref_dir, amplitude=1.0, num_time_steps=1):
    """A signal (time, trial, unit), float32: amplitude cos(direction - pref_dir)."""
    angle = ANGLE[direction][:, None]
    signal = amplitude * np.cos(angle - np.asarray(pref_dir))
    return np.repeat(signal[None], num_time_steps, axis=0).astype(np.float32)


def tuning_of(signal, direction, trials=None, num_directions=NUM_DIRS) -> Tuning:
    return calculate_tuning({'signal': signal}, direction, num_directions, trials)['signal']


def angle_between(a, b):
    """Distance on the circle, so that -pi and pi are the same."""
    return np.abs(np.angle(np.exp(1j * (np.asarray(a, float) - b))))


def lstsq_tuning(signal, direction):
    """pev, pref_dir and curve of one unit at one step, (trial,), from their definitions."""
    angle = ANGLE[direction]
    design = np.stack([np.ones(len(angle)), np.cos(angle), np.sin(angle)], axis=1)
    weights = np.linalg.lstsq(design, signal, rcond=None)[0]
    variance = np.mean((signal - np.mean(signal)) ** 2)
    mse = np.mean((signal - design @ weights) ** 2)
    pev = 0 if variance <= 1e-9 else 1 - mse / (variance + 1e-9)
    curve = [signal[direction == d].mean() if d in direction else np.nan for d in range(NUM_DIRS)]
    return pev, np.arctan2(weights[2], weights[1]), curve


def assert_as_lstsq(signal, direction, trials=None, atol=1e-6):
    tuning = tuning_of(signal, direction, trials)
    if trials is not None:
        signal, direction = signal[:, trials], direction[trials]
    num_time_steps, _, num_units = signal.shape
    assert tuning.pev.shape == tuning.pref_dir.shape == (num_units, num_time_steps)
    assert tuning.curves.shape == (num_units, NUM_DIRS, num_time_steps)
    for unit in range(num_units):
        for step in range(num_time_steps):
            pev, pref_dir, curve = lstsq_tuning(signal[step, :, unit].astype(float), direction)
            assert tuning.pev[unit, step] == pytest.approx(pev, abs=atol)
            assert angle_between(tuning.pref_dir[unit, step], pref_dir) < atol
            np.testing.assert_allclose(tuning.curves[unit, :, step], curve, rtol=1e-6, atol=1e-7)


def noisy_signal(rng, direction, num_time_steps=6, num_units=7):
    """Rectified activity of units of all strengths of tuning."""
    pref_dir = rng.uniform(-np.pi, np.pi, num_units)
    signal = tuned(direction, pref_dir, np.linspace(0, 2, num_units), num_time_steps)
    noise = rng.normal(size=signal.shape)
    return np.maximum(signal + 0.5 * noise, 0).astype(np.float32)


@pytest.mark.parametrize('frequent', [0, 80])
def test_equals_lstsq_unit_by_unit_and_step_by_step(rng, frequent):
    direction = np.concatenate([np.full(frequent, 6), rng.integers(0, NUM_DIRS, 40)])
    assert_as_lstsq(noisy_signal(rng, direction), direction)


def test_equals_lstsq_on_selected_trials(rng):
    direction = rng.integers(0, NUM_DIRS, 60).astype(np.int8)
    signal = noisy_signal(rng, direction)
    assert_as_lstsq(signal, direction, trials=rng.random(60) < 0.5)
    assert_as_lstsq(signal, direction, trials=np.array([3, 50, 1, 7, 8, 9, 22]))


@pytest.mark.parametrize('offset', [50, -2000])
def test_equals_lstsq_far_from_zero(rng, offset):
    direction = rng.integers(0, NUM_DIRS, 60)
    signal = np.float32(offset) + np.float32(0.01) * noisy_signal(rng, direction)
    assert_as_lstsq(signal, direction, atol=1e-5)


@pytest.mark.parametrize('shown', [[0, 1, 5], [2, 4, 6, 7], [0, 4], [1, 5], [3, 4], [6]])
def test_directions_that_no_trial_has(rng, shown):
    direction = rng.choice(shown, 40)
    direction[: len(shown)] = shown
    signal = noisy_signal(rng, direction)
    assert_as_lstsq(signal, direction)
    seen = np.isfinite(tuning_of(signal, direction).curves)
    assert (seen == np.isin(np.arange(NUM_DIRS), shown)[:, None]).all()


@pytest.mark.parametrize('num_trials', [1, 2, 3, 4])
def test_few_trials(rng, num_trials):
    direction = np.array([1, 3, 6, 7])[:num_trials]
    signal = rng.random((3, num_trials, 2), np.float32)
    assert_as_lstsq(signal, direction)
    if num_trials in (2, 3):  # a fit of three weights goes through all trials
        np.testing.assert_allclose(tuning_of(signal, direction).pev, 1, atol=1e-6)


def test_no_trials_give_nan(rng):
    signal, direction = rng.random((3, 5, 2)), np.arange(5)
    for trials in (np.zeros(5, bool), np.array([], int)):
        tuning = tuning_of(signal, direction, trials)
        assert tuning.pev.shape == tuning.pref_dir.shape == (2, 3)
        assert tuning.curves.shape == (2, NUM_DIRS, 3)
        assert all(np.isnan(measure).all() for measure in tuning)


def test_cosine_units_give_back_direction_and_amplitude():
    direction = np.tile(np.arange(NUM_DIRS), 5)
    pref_dir, amplitude = np.array([0.3, -2.9, 1.7]), np.array([0.2, 1, 30])
    tuning = tuning_of(tuned(direction, pref_dir, amplitude, num_time_steps=4), direction)
    np.testing.assert_allclose(tuning.pev, 1, atol=1e-6)
    assert angle_between(tuning.pref_dir, pref_dir[:, None]).max() < 1e-6
    expected = amplitude[:, None] * np.cos(ANGLE - pref_dir[:, None])
    for step in range(4):
        np.testing.assert_allclose(tuning.curves[:, :, step], expected, atol=1e-5)


@pytest.mark.parametrize('value', [0, 0.3, 50])
def test_constant_unit_is_not_tuned(value):
    signal = np.full((4, 30, 2), value, np.float32)
    np.testing.assert_array_equal(tuning_of(signal, np.arange(30) % NUM_DIRS).pev, 0)


def test_variance_below_the_limit_counts_as_constant():
    direction = np.tile(np.arange(NUM_DIRS), 2)
    shape = tuned(direction, 0) + np.repeat([0.5, -0.5], NUM_DIRS)[:, None]  # variance .5 + .25
    signal = shape * np.sqrt(np.array([0.9e-9, 1.1e-9]) / 0.75)
    below, above = tuning_of(signal, direction).pev[:, 0]
    assert below == 0
    assert above == pytest.approx(1 - 1.1 / 3 / 2.1, rel=1e-5)  # 1e-9 is added to the variance


def test_noise_explains_two_degrees_of_freedom(rng):
    num_trials = 100
    direction = rng.integers(0, NUM_DIRS, num_trials)
    pev = tuning_of(rng.normal(size=(40, num_trials, 50)), direction).pev
    # each pev is beta distributed, mean 2 / (n - 1) and nearly the same SD; 2000 of them
    expected = 2 / (num_trials - 1)
    assert abs(pev.mean() - expected) < 5 * expected / np.sqrt(pev.size)


def test_signals_are_kept_apart_and_untouched(rng):
    direction = rng.integers(0, NUM_DIRS, 30)
    signals = {'neuronal': noisy_signal(rng, direction), 'synaptic': noisy_signal(rng, direction)}
    before = {name: signal.copy() for name, signal in signals.items()}
    result = calculate_tuning(signals, direction, NUM_DIRS)
    for name, signal in signals.items():
        np.testing.assert_array_equal(signal, before[name])
        for measure, alone in zip(result[name], tuning_of(signal, direction), strict=True):
            assert measure.dtype == np.float32
            np.testing.assert_array_equal(measure, alone)


def test_needs_little_memory():
    signal = np.ones((100, 256, 50), np.float32)
    direction = np.arange(256) % NUM_DIRS
    tracemalloc.start()
    tuning_of(signal, direction)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < signal.nbytes / 2


directions = st.lists(st.integers(0, NUM_DIRS - 1), min_size=1, max_size=30).map(np.array)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=40)
@given(directions, seeds, st.floats(-100, 100), st.floats(1e-3, 100))
def test_pev_is_a_share(direction, seed, offset, scale):
    noise = np.random.default_rng(seed).normal(size=(2, len(direction), 3))
    pev = tuning_of((offset + scale * noise).astype(np.float32), direction).pev
    assert pev.min() >= -1e-6
    assert pev.max() <= 1 + 1e-6


@settings(max_examples=40)
@given(directions, seeds, st.integers(0, NUM_DIRS - 1))
def test_turning_the_directions_turns_the_tuning(shown, seed, turn):
    direction = np.concatenate([[0, 2, 5], shown])
    signal = np.random.default_rng(seed).normal(size=(2, len(direction), 3))
    tuning = tuning_of(signal, direction)
    turned = tuning_of(signal, (direction + turn) % NUM_DIRS)
    np.testing.assert_allclose(turned.pev, tuning.pev, atol=1e-5)
    # where the fit is nearly flat, rounding moves the preferred direction
    strong = tuning.pev > 1e-4
    assert angle_between(turned.pref_dir, tuning.pref_dir + ANGLE[turn])[strong].max() < 1e-4
    np.testing.assert_allclose(turned.curves, np.roll(tuning.curves, turn, axis=1), atol=1e-6)


def test_stack_joins_rules_and_fields(rng):
    num_trials, num_rules, num_fields = 40, 3, 2
    direction = rng.integers(0, NUM_DIRS, (num_trials, num_fields))
    rule = np.arange(num_trials) % num_rules
    signals = {name: noisy_signal(rng, direction[:, 0], 5, 4) for name in ('neuronal', 'synaptic')}
    tunings = [
        [calculate_tuning(signals, direction[:, f], NUM_DIRS, rule == r) for f in range(num_fields)]
        for r in range(num_rules)
    ]
    for name, stacked in stack_tuning(tunings).items():
        assert stacked.pev.shape == stacked.pref_dir.shape == (4, num_rules, num_fields, 5)
        assert stacked.curves.shape == (4, num_rules, NUM_DIRS, num_fields, 5)
        for r, f in np.ndindex(num_rules, num_fields):
            pev, pref_dir, curves = tunings[r][f][name]
            np.testing.assert_array_equal(stacked.pev[:, r, f], pev)
            np.testing.assert_array_equal(stacked.pref_dir[:, r, f], pref_dir)
            np.testing.assert_array_equal(stacked.curves[:, r, :, f], curves)
    assert list(stack_tuning(tunings)) == list(signals)


def test_mean_by_condition(rng):
    direction = np.array([0, 1, 1, 3, 3, 3])
    signal = rng.random((4, 6, 2), np.float32)
    mean = mean_by_condition(signal, direction, num_directions=4)
    assert (mean.shape, mean.dtype) == ((4, 2, 4), np.float32)
    for d in (0, 1, 3):
        np.testing.assert_allclose(mean[..., d], signal[:, direction == d].mean(axis=1), rtol=1e-6)
    assert np.isnan(mean[..., 2]).all()


@pytest.mark.parametrize('function', [tuning_of, lambda s, d: mean_by_condition(s, d, NUM_DIRS)])
@pytest.mark.parametrize('direction', [[0, 8, 1], [0, -1, 1], [0.0, 1.0, 2.0]])
def test_refuses_directions_out_of_range(function, direction):
    with pytest.raises(ValueError, match='integers from 0 to 7'):
        function(np.zeros((2, 3, 4)), np.array(direction))


def test_directions_of_other_trials_do_not_matter():
    """A trial that is not selected may have a label that stands for 'none'."""
    signal, direction = np.zeros((2, 3, 4)), np.array([0, -1, 1])
    assert tuning_of(signal, direction, trials=[0, 2]).pev.shape == (4, 2)


@pytest.mark.parametrize('shape', [(2, 4, 3), (2, 3), (3,)])
def test_refuses_shapes_that_disagree(shape):
    with pytest.raises(ValueError, match=r'\(time, trial, unit\)'):
        tuning_of(np.zeros(shape), np.array([0, 1, 2]))


def test_similarity_of_the_same_opposite_and_orthogonal_tuning(rng):
    pev, pref_dir = rng.random((5, 3)), rng.uniform(-np.pi, np.pi, (5, 3))
    for turn, expected in ((0, 1), (np.pi, -1), (np.pi / 2, 0), (np.pi / 3, 0.5)):
        similarity = similarity_index(pev, pref_dir, pev[:, ::-1], pref_dir + turn)
        assert similarity.shape == (3,)
        np.testing.assert_allclose(similarity, expected, atol=1e-12)


def test_similarity_weighs_units_by_both_tunings():
    pev_a = np.array([[0.9], [0.4], [0.5], [-0.1]])
    pev_b = np.array([[0.4], [0.1], [0.0], [0.8]])  # weights .6, .2, 0, 0
    turns = np.array([[0, np.pi], [np.pi, np.pi], [0, 0], [0, 0]])  # two steps
    similarity = similarity_index(pev_a, np.zeros((4, 1)), pev_b, turns)
    np.testing.assert_allclose(similarity, [(0.6 - 0.2) / (0.6 + 0.2), -1])


def test_similarity_is_nan_without_tuning():
    pev, other = np.array([[[0.5, 0.5, 0], [0.5, 0, 0]], [[0.5, 0, 0.5], [0.5, 0.5, 0.5]]])
    similarity = similarity_index(pev, np.zeros((2, 3)), other, np.zeros((2, 3)))
    np.testing.assert_array_equal(similarity, [1, np.nan, np.nan])


SIGN = np.array([1, -1, 1, -1, 0])  # facilitating, depressing, ..., static


def window_signals(turn):
    """Activity, and efficacies of a network whose code has turned: (trial, unit), direction."""
    direction = np.tile(np.arange(NUM_DIRS), 6)
    pref_dir = np.array([0.1, 1.2, 2.3, -3.0, -0.4])
    neuronal = 1 + tuned(direction, pref_dir)[0]
    # activity raises the efficacy of facilitating and lowers that of depressing synapses
    synaptic = 0.3 + 0.1 * SIGN * tuned(direction, pref_dir + turn)[0]
    return neuronal, synaptic.astype(np.float32), direction


@pytest.mark.parametrize(('turn', 'expected'), [(0, 0), (np.pi, 2), (np.pi / 3, 0.5)])
def test_manipulation_of_a_code_that_turns(turn, expected):
    result = manipulation(*window_signals(turn), NUM_DIRS, SIGN)
    assert isinstance(result, float)
    assert result == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize('degrees', [0, 90, -90, 30, 179])
def test_rotation_is_the_turn_of_the_code(degrees):
    result = rotation(*window_signals(np.radians(degrees)), NUM_DIRS, SIGN)
    assert isinstance(result, float)
    assert result == pytest.approx(degrees, abs=1e-3)


def test_rotation_is_a_mean_over_units():
    """Two units that turn by 20 and by 60 degrees, and one that is not tuned late."""
    neuronal, synaptic, direction = window_signals(np.radians([20, 60, 20, 60, 0]))
    assert rotation(neuronal, synaptic, direction, NUM_DIRS, SIGN) == pytest.approx(40, abs=1e-3)


def test_manipulation_needs_the_signs():
    """Two of four tuned units have efficacies that prefer the opposite direction."""
    plus = np.ones(len(SIGN))
    assert manipulation(*window_signals(0), NUM_DIRS, plus) == pytest.approx(1, abs=1e-5)
    assert manipulation(*window_signals(0), NUM_DIRS, -SIGN) == pytest.approx(2, abs=1e-5)


def test_manipulation_weighs_neuronal_and_synaptic_tuning():
    neuronal, synaptic, direction = window_signals(0)
    synaptic[:, 0] = 2 * synaptic[:, 0].mean() - synaptic[:, 0]  # unit 0 inverts its code
    deviation = np.tile([0.5, -0.5], len(direction) // 2).reshape(-1, NUM_DIRS)
    deviation[1::2] *= -1  # every direction gets as much up as down
    neuronal[:, 0] += deviation.ravel()  # pev .5 / (.5 + .25)
    weight = np.sqrt(0.5 / 0.75)
    result = manipulation(neuronal, synaptic, direction, NUM_DIRS, SIGN)
    assert result == pytest.approx(1 - (3 - weight) / (3 + weight), abs=1e-5)


def test_manipulation_is_nan_without_plasticity():
    neuronal, synaptic, direction = window_signals(0)
    flat = np.ones_like(synaptic)
    assert np.isnan(manipulation(neuronal, flat, direction, NUM_DIRS, 0 * SIGN))
    assert np.isnan(rotation(neuronal, flat, direction, NUM_DIRS, 0 * SIGN))


def category_index_by_loop(curve):
    """One unit, from the definition: pairs, sorted by distance and by category."""
    num_dirs = len(curve)
    pairs = {'within': {}, 'between': {}}
    for i in range(num_dirs):
        for j in range(i + 1, num_dirs):
            distance = min(j - i, num_dirs - (j - i))
            kind = 'within' if (2 * i < num_dirs) == (2 * j < num_dirs) else 'between'
            pairs[kind].setdefault(distance, []).append(abs(curve[i] - curve[j]))
    both = set(pairs['within']) & set(pairs['between'])
    within, between = (
        np.mean([np.mean(of_kind[distance]) for distance in both]) for of_kind in pairs.values()
    )
    return (between - within) / (between + within)


@pytest.mark.parametrize('num_dirs', [3, 4, 6, 7, 8, 12])
def test_category_index_equals_a_loop(rng, num_dirs):
    curves = rng.random((4, num_dirs, 2, 3), np.float32)
    index = category_index(curves)
    assert index.shape == (4, 2, 3)
    for unit, field, step in np.ndindex(index.shape):
        expected = category_index_by_loop(curves[unit, :, field, step].astype(float))
        assert index[unit, field, step] == pytest.approx(expected, abs=1e-12)


def test_category_index_of_known_units():
    category = np.array([2.0, 2, 2, 2, 0.5, 0.5, 0.5, 0.5])
    inside = np.array([1.0, 1, 0, 0, 0, 0, 1, 1])  # changes in the middle of each category
    index = category_index(np.stack([category, 3 - category, inside]))
    # distances 1, 2, 3. within: 1/3, 1, 1; between: 0, 0, 2/3
    np.testing.assert_allclose(index, [1, 1, (2 / 3 - 7 / 3) / (2 / 3 + 7 / 3)])


def test_category_index_of_cosine_units():
    """Above 0 if it peaks inside a category, below if at the border; about 0 over all units."""
    peak = np.linspace(0, NUM_DIRS, 80, endpoint=False)  # in directions
    curves = np.cos(ANGLE - ANGLE[1] * peak[:, None])
    index = category_index(curves)
    np.testing.assert_allclose(index, [category_index_by_loop(c) for c in curves], atol=1e-12)
    assert peak[index.argmin()] % 4 == pytest.approx(3.5)
    assert peak[index.argmax()] % 4 == pytest.approx(1.5)
    assert abs(index.mean()) < 0.05


def test_category_index_without_a_difference_is_nan():
    curves = np.stack([np.ones(8), np.arange(8.0)])
    np.testing.assert_array_equal(np.isnan(category_index(curves)), [True, False])
    assert np.isnan(category_index(np.array([[0.0, 1.0]]))).all()  # no distance has both kinds


def test_input_tuning_equals_a_loop(rng):
    motion_tuning = rng.random((6, 2, NUM_DIRS), np.float32)
    w_in = rng.normal(size=(9, 5)).astype(np.float32)  # three rows are of fixation and rule units
    current = input_tuning(motion_tuning, w_in)
    assert current.shape == (5, 2, NUM_DIRS)
    for unit, field, d in np.ndindex(current.shape):
        expected = sum(max(w_in[i, unit], 0) * motion_tuning[i, field, d] for i in range(6))
        assert current[unit, field, d] == pytest.approx(expected, rel=1e-5)


def test_input_tuning_refuses_missing_rows():
    with pytest.raises(ValueError, match='each of the 6 direction units; it has 5 rows'):
        input_tuning(np.zeros((6, 1, NUM_DIRS)), np.zeros((5, 10)))
