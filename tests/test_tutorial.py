"""The notebook tutorial.ipynb: it runs, leaves nothing behind, and its story is true.

Networks that are trained for a few iterations show that it runs. That its numbers come out again
takes a minute, and is tested with -m slow.
"""

import copy
import re

import notebooks
import pytest
from notebooks import numbers_after, outputs, printed

NUM_FIGURES = 8
LEARNING = r'iteration +{}: accuracy'
SQUARED = r'iteration +{}: accuracy [\d.]+, mean squared activity'
TABLE = r'{} +[\d.]+'  # its second column
ACTIVITY, SYNAPSES = (
    f'decoding from {signal}, end of delay' for signal in ('activity', 'synapses')
)
SHORTER = {"'num_iterations': 250": 12, "'num_iterations': 150": 6, 'range(100)': 4}
SHUFFLED = {name: f'accuracy, {name} shuffled' for name in ('activity', 'synapses')}


@pytest.fixture(scope='module')
def stored():
    return notebooks.stored('tutorial.ipynb')


@pytest.fixture(scope='module')
def temporary(tmp_path_factory):
    return tmp_path_factory.mktemp('tutorial')


@pytest.fixture(scope='module')
def executed(stored, temporary):
    return notebooks.executed(stored, TMPDIR=str(temporary))


@pytest.fixture(scope='module')
def shortened(stored, temporary):
    """It ran with shorter trainings."""
    notebook = copy.deepcopy(stored)
    changed = set()
    for cell in notebooks.code_cells(notebook):
        for words, number in SHORTER.items():
            if words in cell.source:
                cell.source = cell.source.replace(words, re.sub(r'\d+', str(number), words))
                changed.add(words)
    assert changed == {*SHORTER}
    return notebooks.executed(notebook, TMPDIR=str(temporary))


@pytest.fixture(params=['stored', pytest.param('executed', marks=pytest.mark.slow)])
def notebook(request):
    return request.getfixturevalue(request.param)


def test_it_is_stored_as_it_was_run(stored, shortened):
    notebooks.assert_well_stored(stored)
    notebooks.assert_same_kinds_of_outputs(stored, shortened)
    assert (notebooks.ROOT / 'tutorial.ipynb').stat().st_size < 1e6


def test_it_leaves_no_files(shortened, temporary):
    assert list(temporary.iterdir()) == []


def test_figures_and_text_come_out_of_shorter_trainings(shortened):
    notebooks.assert_quiet(shortened)
    notebooks.assert_figures(shortened, NUM_FIGURES)


def test_figures_and_text_come_out(notebook):
    notebooks.assert_quiet(notebook)
    notebooks.assert_figures(notebook, NUM_FIGURES)


def test_no_output_names_a_place_of_one_computer(stored):
    texts = [str(o.get('data', {}).get('text/plain', '')) for o in outputs(stored)]
    assert not re.search(r'/\w+/|\\\w+\\', printed(stored) + ''.join(texts))


def test_the_network_learns_and_one_without_plasticity_does_not(notebook):
    (full,) = numbers_after(LEARNING.format(250), notebook)
    static = numbers_after(LEARNING.format(150), notebook)[-1]
    assert full > 0.85
    assert static < 0.6
    first, last = (numbers_after(SQUARED.format(i), notebook)[0] for i in (1, 250))
    assert last < first / 10


def test_the_sample_is_in_the_synapses(notebook):
    """They tell it, activity much less, and the network uses them."""
    accuracy = numbers_after('accuracy:', notebook)[0]
    assert numbers_after(f'{SYNAPSES}:', notebook)[0] > 0.95
    assert 1 / 8 - 0.05 < numbers_after(f'{ACTIVITY}:', notebook)[0] < 0.7
    activity, synapses = (numbers_after(f'{name}:', notebook)[0] for name in SHUFFLED.values())
    assert activity > accuracy - 0.12
    assert synapses < 0.65


def test_the_full_network_is_right_more_often(notebook):
    (small,), (full,) = (
        numbers_after(words, notebook) for words in ('accuracy  ', TABLE.format('accuracy'))
    )
    assert 0.85 < small < full
    assert numbers_after(TABLE.format(SYNAPSES), notebook)[0] > 0.99
    assert numbers_after(TABLE.format(SHUFFLED['synapses']), notebook)[0] < 0.6


def test_longer_delays_are_harder_but_the_synapses_still_tell(notebook):
    short, trained, long, longest = numbers_after(r'\d+ ms: +accuracy', notebook)
    assert longest < long < trained - 0.05
    assert short < trained + 0.02
    assert min(numbers_after('ms: .+ decoding from synapses', notebook)) > 0.9


def test_the_text_says_how_much_activity_tells(stored):
    assert round(numbers_after(f'{ACTIVITY}:', stored)[0], 1) == 0.3
    assert 'is right in about 0.3 of the trials' in notebooks.prose(stored)


def test_a_task_of_ones_own_is_learnt(notebook):
    (first,), (last,) = (
        numbers_after(f'accuracy in the {words}:', notebook)
        for words in ('first iteration', 'last ten iterations')
    )
    assert 5 / 8 < first < 0.87
    assert last > 0.9


def test_numpy_gives_what_the_model_gives(notebook):
    (difference,) = re.findall(r'difference to Model.run_model: (\S+)', printed(notebook))
    assert float(difference) < 1e-4


def test_what_the_text_says_of_settings_is_so(stored):
    """Of the paper's and of the small network."""
    from parameters import SETTINGS

    text, code = notebooks.prose(stored), notebooks.code_cells(stored)[1].source
    units, dt, trials, delay = (
        SETTINGS[name][0] for name in ('n_hidden', 'dt', 'batch_size', 'delay_time')
    )
    assert f"paper's network has {units} units and time steps of {dt} ms" in text
    assert f'from {trials} trials per iteration' in text
    assert f'The delay of {delay} ms is the paper' in text
    small = {name: int(n) for name, n in re.findall(r"'(\w+)': (\d+),", code)}
    assert f'{small["n_hidden"]} units, steps of {small["dt"]} ms and {small["batch_size"]}' in text
    assert small['delay_time'] == delay
    *_, shorter = re.findall(r"'num_iterations': (\d+)", notebooks.code_cells(stored)[8].source)
    assert f'{shorter} iterations do not find them' in text
