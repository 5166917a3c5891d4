"""The synapse of simulate_STP.py: against exact solutions, and as drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import same_color

import simulate_STP as stp
from parameters import par, parameters_with, update_parameters
from plots.style import COLORS

COARSE = {'delta_t': 0.5}  # ms; where accuracy does not matter
MAGIC = {'.png': b'\x89PNG', '.pdf': b'%PDF', '.svg': b'<?xml'}
TAU = {'std': (1500, 200), 'stf': (200, 1500)}  # ms; of x and u
BASELINE = {'std': 0.45, 'stf': 0.15}  # U
EVERY_TYPE = pytest.mark.parametrize('synapse_type', ['std', 'stf'])
share = st.floats(0, 1)


def exact(synapse_type: str, time: np.ndarray, spike_times: list[float]):
    """x and u without discretisation: exponentials between the spikes, jumps at them."""
    (tau_x, tau_u), U = TAU[synapse_type], BASELINE[synapse_type]
    x, u = np.ones_like(time), np.full_like(time, U)
    x_then, u_then, then = 1.0, U, 0.0
    for spike in spike_times:
        x_then = 1 + (x_then - 1) * np.exp((then - spike) / tau_x)
        u_then = U + (u_then - U) * np.exp((then - spike) / tau_u)
        x_then, u_then = x_then - u_then * x_then, u_then + U * (1 - u_then)
        then = spike
        after = time > spike - 1e-6
        x[after] = 1 + (x_then - 1) * np.exp((then - time[after]) / tau_x)
        u[after] = U + (u_then - U) * np.exp((then - time[after]) / tau_u)
    return x, u


def times_of(response) -> np.ndarray:
    return response.time[response.spikes > 0]


# Constants


@EVERY_TYPE
@pytest.mark.parametrize('delta_t', [1, 0.05, 10])
def test_constants_of_the_paper(synapse_type, delta_t):
    tau_x, tau_u = TAU[synapse_type]
    expected = delta_t / tau_x, delta_t / tau_u, BASELINE[synapse_type]
    assert stp.create_stp_constants(synapse_type, delta_t) == pytest.approx(expected, rel=1e-12)


def test_the_default_is_a_depressing_synapse_and_a_step_of_1_ms():
    assert stp.create_stp_constants() == stp.create_stp_constants('std', 1)


def test_constants_follow_the_parameters():
    update_parameters({'tau_fast': 50, 'tau_slow': 400, 'U_std': 0.6, 'U_stf': 0.1})
    assert stp.create_stp_constants('std', 2) == pytest.approx((2 / 400, 2 / 50, 0.6))
    assert stp.create_stp_constants('stf', 2) == pytest.approx((2 / 50, 2 / 400, 0.1))


def test_constants_follow_parameters_that_are_given():
    changed, before = {'tau_fast': 50, 'tau_slow': 400, 'U_std': 0.6, 'U_stf': 0.1}, dict(par)
    p = parameters_with(changed)
    assert stp.create_stp_constants('stf', 2, p) == pytest.approx((2 / 50, 2 / 400, 0.1))
    given = stp.run_simulation('std', p=p, **COARSE)
    assert par == before
    update_parameters(changed)
    np.testing.assert_array_equal(given.u, stp.simulate('std', **COARSE).u)


@pytest.mark.parametrize('function', [stp.create_stp_constants, stp.simulate, stp.run_simulation])
@pytest.mark.parametrize('wrong', ['fac', 'STD', '', None])
def test_an_unknown_type_is_refused(function, wrong):
    with pytest.raises(ValueError, match=f'synapse_type = {wrong!r} .* must be std or stf'):
        function(wrong)


@pytest.mark.parametrize('wrong', [0, -1, 201, float('nan')])
def test_an_impossible_step_is_refused(wrong):
    with pytest.raises(ValueError, match=f'{wrong!r} is not allowed.*200 ms'):
        stp.create_stp_constants('std', wrong)


# One step


@EVERY_TYPE
@pytest.mark.parametrize('delta_t', [0.05, 1, 10])
def test_without_spikes_x_and_u_relax_exponentially(synapse_type, delta_t):
    *alphas, U = stp.create_stp_constants(synapse_type, delta_t)
    x, u, n = 0.2, 0.9, round(300 / delta_t)
    for _ in range(n):
        x, u = stp.run_sim_step(x, u, *alphas, U, 0)
    for value, start, rest, alpha in ((x, 0.2, 1, alphas[0]), (u, 0.9, U, alphas[1])):
        distance = (value - rest) / (start - rest)
        # Euler's (1 - alpha)^n differs from exp(-alpha n) by at most alpha / 2e, to first order
        assert abs(distance - np.exp(-alpha * n)) < 0.2 * alpha


@given(x=share, u=share, U=share)
def test_a_spike_jumps_by_the_old_values(x, u, U):
    new_x, new_u = stp.run_sim_step(x, u, 0, 0, U, 1)
    assert new_x == pytest.approx(x - u * x)
    assert new_u == pytest.approx(u + U * (1 - u))


def test_a_step_adds_recovery_and_spike():
    x, u = stp.run_sim_step(0.5, 0.4, 0.01, 0.02, 0.2, 1)
    assert x == pytest.approx(0.5 + 0.01 * 0.5 - 0.4 * 0.5)
    assert u == pytest.approx(0.4 + 0.02 * (0.2 - 0.4) + 0.2 * 0.6)


@given(x=share, u=share, alpha_std=share, alpha_stf=share, U=share, spike=st.floats(0, 5))
def test_x_and_u_stay_in_0_to_1(x, u, alpha_std, alpha_stf, U, spike):
    for value in stp.run_sim_step(x, u, alpha_std, alpha_stf, U, spike):
        assert 0 <= value <= 1


def test_x_and_u_are_clipped_at_0_and_1():
    assert stp.run_sim_step(0.5, 0.9, 0, 0, 0.9, 3) == (0, 1)


def test_a_step_of_arrays_is_that_of_their_numbers():
    x, u, spike = np.array([1, 0.3, 0.7]), np.array([0.2, 0.5, 0.9]), np.array([0, 1, 1])
    trials = zip(x, u, spike, strict=True)
    expected = [stp.run_sim_step(a, b, 0.1, 0.2, 0.45, s) for a, b, s in trials]
    found = stp.run_sim_step(x, u, 0.1, 0.2, 0.45, spike)
    np.testing.assert_array_equal(np.transpose(found), expected)


# When spikes come


def test_by_default_five_spikes_from_500_to_580_ms():
    response = stp.simulate()
    np.testing.assert_allclose(times_of(response), [500, 520, 540, 560, 580])
    np.testing.assert_allclose(np.diff(response.time), 0.05)
    assert response.time[0] == 0
    assert {array.shape for array in response[:5]} == {(2500 / 0.05,)}
    assert set(response.spikes) == {0, 1}


@pytest.mark.parametrize('delta_t', [0.05, 0.1, 0.3, 1])
@pytest.mark.parametrize('rate', [0.7, 3, 10, 33, 70, 100])
@pytest.mark.parametrize(('onset', 'length'), [(0, 1000), (123, 0), (400.5, 990)])
def test_spikes_are_regular(delta_t, rate, onset, length):
    time = np.arange(2000 / delta_t) * delta_t
    spikes = stp.spike_train(time, rate, onset, length)
    period = 1000 / rate
    expected = [onset + k * period for k in range(1000) if k * period <= length + 1e-6]
    np.testing.assert_allclose(time[spikes > 0], expected, atol=delta_t / 2 + 1e-9)


def test_a_spike_at_the_very_end_of_a_train_is_not_lost():
    time = np.arange(1200.0)
    for rate in (3, 7, 30, 70):
        assert stp.spike_train(time, rate, 0, 1000).sum() == rate + 1


def test_a_whole_number_is_as_good_as_any_other_step():
    for whole, other in zip(stp.simulate(delta_t=1), stp.simulate(delta_t=1.0), strict=True):
        np.testing.assert_array_equal(whole, other)


def test_several_trains():
    response = stp.simulate('stf', onset=[500, 680], **COARSE)
    first = np.arange(500, 581, 20)
    np.testing.assert_allclose(times_of(response), [*first, *(first + 180)])


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'rate': 0}, 'rate = 0 .* above 0 and at most 2000 Hz'),
        ({'rate': -3}, 'rate = -3 '),
        ({'rate': 2001}, 'rate = 2001 '),
        ({'rate': float('nan')}, 'rate = nan '),
        ({'onset': -1}, 'onset = -1 .* between 0 and 2499.5 ms'),
        ({'onset': 2450}, 'onset = 2450 and length = 80 '),
        ({'onset': [500, 2450]}, r'onset = \[500, 2450\] '),
        ({'onset': float('nan')}, 'onset = nan '),
        ({'onset': [500, 540]}, r'onset = \[500, 540\] .* spikes of several trains coincide'),
        ({'length': -1}, 'length = -1 '),
        ({'length': float('inf')}, 'length = inf '),
        ({'duration': 0.5}, 'duration = 0.5 '),
        ({'duration': float('inf')}, 'duration = inf '),
        ({'duration': float('nan')}, 'duration = nan '),
    ],
)
def test_impossible_spikes_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        stp.simulate(**{**COARSE, **wrong})


# The response


@EVERY_TYPE
@pytest.mark.parametrize('options', [{}, {'rate': 20, 'onset': [0, 900], 'length': 300}])
def test_the_response_approaches_the_exact_one_as_the_step_shrinks(synapse_type, options):
    errors = []
    for delta_t in (0.2, 0.1, 0.05):
        response = stp.simulate(synapse_type, delta_t=delta_t, **options)
        x, u = exact(synapse_type, response.time, list(times_of(response)))
        errors.append([abs(response.x - x).max(), abs(response.u - u).max()])
    assert np.max(errors[-1]) < 0.05 / 200  # step / time constant
    ratio = np.divide(errors[:-1], errors[1:])
    np.testing.assert_allclose(ratio, 2, rtol=0.1)  # Euler: half the step, half the error


@EVERY_TYPE
def test_each_state_follows_from_the_one_before(synapse_type):
    response = stp.simulate(synapse_type, onset=0, **COARSE)
    constants = stp.create_stp_constants(synapse_type, 0.5)
    before = np.append(1, response.x[:-1]), np.append(constants[2], response.u[:-1])
    x, u = stp.run_sim_step(*before, *constants, response.spikes)
    np.testing.assert_allclose(response.x, x, rtol=1e-12)
    np.testing.assert_allclose(response.u, u, rtol=1e-12)
    np.testing.assert_allclose(response.efficacy, x * u / constants[2], rtol=1e-12)


def test_a_synapse_at_rest_stays_there_until_a_spike():
    response = stp.simulate('stf', **COARSE)
    quiet = response.time < 500
    assert set(response.x[quiet]) == {1}
    assert set(response.u[quiet]) == {0.15}
    assert set(response.efficacy[quiet]) == {1}


# The drawing


@EVERY_TYPE
def test_what_is_drawn_is_the_response(synapse_type):
    response = stp.run_simulation(synapse_type, rate=100, **COARSE)
    spikes, state, efficacy = response.figure.axes
    segments = spikes.collections[0].get_segments()
    np.testing.assert_allclose([s[:, 0] for s in segments], np.transpose([times_of(response)] * 2))
    by_color = {'x': state.lines[0], 'u': state.lines[1], 'synaptic': efficacy.lines[-1]}
    drawn = zip(by_color.items(), (response.x, response.u, response.efficacy), strict=True)
    for (name, line), values in drawn:
        np.testing.assert_array_equal(line.get_xydata().T, [response.time, values])
        assert same_color(line.get_color(), COLORS[name])
    legend = [text.get_text() for text in state.get_legend().get_texts()]
    assert [text.split(',')[0] for text in legend] == ['$x$', '$u$']
    assert [panel.get_ylabel() for panel in (state, efficacy)] == [
        '$x$, $u$',
        'Efficacy, $x u / U$',
    ]
    assert efficacy.get_xlabel() == 'Time (ms)'
    assert spikes.get_title() == f'{stp.SYNAPSES[synapse_type]} synapse, 100 Hz'


def test_all_arguments_of_simulate_reach_it():
    options = {'onset': [100, 300], 'length': 50, 'duration': 700, 'delta_t': 0.5}
    drawn, plain = stp.run_simulation('stf', 40, **options), stp.simulate('stf', 40, **options)
    for found, expected in zip(drawn[:5], plain[:5], strict=True):
        np.testing.assert_array_equal(found, expected)
    assert plain.figure is None
    assert times_of(plain).tolist() == [100, 125, 150, 300, 325, 350]
    assert plain.time[-1] == 699.5


@pytest.mark.parametrize('order', [['std', 'stf'], ['stf', 'std']])
def test_columns_share_limits_that_hold_all_of_them(order):
    axes = stp.response_axes(2)
    for synapse_type, column in zip(order, axes.T, strict=True):
        response = stp.run_simulation(synapse_type, axes=column, **COARSE)
        assert response.figure is axes[0, 0].figure
    for row in axes[1:]:
        values = np.concatenate([line.get_ydata() for panel in row for line in panel.lines])
        low, high = row[0].get_ylim()
        assert low <= values.min()
        assert high > values.max()
        assert row[1].get_ylim() == (low, high)
    assert {panel.get_xlim() for panel in axes.flat} == {(0, 2499.5)}


def test_a_notebook_shows_the_figure_once_and_pyplot_keeps_none():
    response = stp.run_simulation(**COARSE)
    assert response._repr_png_().startswith(MAGIC['.png'])
    assert stp.simulate(**COARSE)._repr_png_() is None
    assert plt.get_fignums() == []
