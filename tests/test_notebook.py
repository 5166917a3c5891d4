"""The notebook test_STP.ipynb: it runs, its stored outputs are there, and its story is true."""

import re

import notebooks
import numpy as np
import pytest
from notebooks import numbers_after, printed
from test_simulate_STP import BASELINE, exact

from parameters import SETTINGS

NUM_FIGURES = 4


@pytest.fixture(scope='module')
def stored():
    return notebooks.stored('test_STP.ipynb')


@pytest.fixture(scope='module')
def executed(stored):
    return notebooks.executed(stored)


@pytest.fixture(params=['stored', 'executed'])
def notebook(request):
    return request.getfixturevalue(request.param)


def second_trains(notebook) -> dict[tuple[str, int], list[float]]:
    """(synapse, gap) -> x, u and efficacy, as printed."""
    rows = re.findall(r'(st[df]) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)\n', printed(notebook))
    return {(synapse, int(gap)): [float(n) for n in numbers] for synapse, gap, *numbers in rows}


def test_it_is_stored_as_it_was_run(stored, executed):
    notebooks.assert_well_stored(stored)
    notebooks.assert_same_kinds_of_outputs(stored, executed)


def test_figures_and_text_come_out(notebook):
    notebooks.assert_quiet(notebook)
    notebooks.assert_figures(notebook, NUM_FIGURES)


def test_the_constants_in_the_text_are_the_defaults(stored):
    rows = re.findall(r'\(`(st[df])`\) \| (\d+) \| (\d+) \| ([\d.]+) \|', notebooks.prose(stored))
    fast, slow = SETTINGS['tau_fast'].default, SETTINGS['tau_slow'].default
    expected = {
        'std': [slow, fast, SETTINGS['U_std'].default],
        'stf': [fast, slow, SETTINGS['U_stf'].default],
    }
    assert {name: [float(n) for n in numbers] for name, *numbers in rows} == expected


@pytest.mark.parametrize('synapse', ['std', 'stf'])
@pytest.mark.parametrize('gap', [100, 500, 1500])
def test_what_a_second_train_meets_is_what_the_equations_say(notebook, synapse, gap):
    first_train = [500, 520, 540, 560, 580]
    x, u = (float(v[0]) for v in exact(synapse, np.array([580.0 + gap]), first_train))
    found = second_trains(notebook)[synapse, gap]
    np.testing.assert_allclose(found, [x, u, x * u / BASELINE[synapse]], atol=0.006)  # 2 digits


def test_the_story_of_the_second_train_is_that_of_the_table(stored):
    table, text = second_trains(stored), notebooks.prose(stored)
    early, late = (100 * table['std', gap][2] for gap in (100, 1500))
    assert f'with {early:.0f} % of its strength after 100 ms' in text
    assert f'with only {late:.0f} % after 1500 ms' in text
    assert 'about three times as strong as at rest after 500 ms, and twice as strong' in text
    assert table['stf', 500][2] == pytest.approx(3, abs=0.1)
    assert table['stf', 1500][2] == pytest.approx(2, abs=0.2)
    assert '$u$ has grown fourfold' in text
    _, u = exact('stf', np.array([580.0]), [500, 520, 540, 560, 580])
    assert u[0] / BASELINE['stf'] == pytest.approx(4, abs=0.2)


def test_the_network_holds_the_sample_in_its_synapses(notebook):
    """As the story says: the synapses tell it until the test, activity much less."""
    (accuracy,) = numbers_after('right at', notebook)
    assert accuracy > 95
    (synaptic,) = numbers_after('synaptic decoding just before the test:', notebook)
    (neuronal,) = numbers_after('neuronal decoding just before the test:', notebook)
    assert synaptic > 0.95
    assert neuronal < synaptic - 0.2


def test_the_stored_numbers_are_those_of_a_run(stored, executed):
    numbers = [
        np.array(re.findall(r'\d+\.\d+', printed(notebook)), float)
        for notebook in (stored, executed)
    ]
    # another processor rounds differently, which noisy trials amplify
    np.testing.assert_allclose(*numbers, rtol=0.01, atol=0.05)
