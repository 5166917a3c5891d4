"""The notebook test_STP.ipynb: it runs, its stored outputs are there, and its story is true."""

import base64
import copy
import io
import re
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from shell import environment
from test_simulate_STP import BASELINE, exact

from parameters import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 240  # s, for a cell
NUM_FIGURES = 4


@pytest.fixture(scope='module')
def stored():
    return nbformat.read(ROOT / 'test_STP.ipynb', as_version=4)


@pytest.fixture(scope='module')
def executed(stored):
    """The notebook after a run from top to bottom; a cell that fails raises. The file stays."""
    notebook = copy.deepcopy(stored)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    resources = {'metadata': {'path': str(ROOT)}}
    client = NotebookClient(notebook, timeout=TIMEOUT, resources=resources, coalesce_streams=True)
    return client.execute(env=environment())


@pytest.fixture(params=['stored', 'executed'])
def notebook(request):
    return request.getfixturevalue(request.param)


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == 'code']


def outputs(notebook) -> list:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def kinds(cell) -> set:
    """What a cell puts out: kinds of data, or names of streams."""
    return {frozenset(output.get('data', [output.get('name')])) for output in cell.outputs}


def printed(notebook) -> str:
    return ''.join(output.text for output in outputs(notebook) if output.output_type == 'stream')


def prose(notebook) -> str:
    return '\n'.join(cell.source for cell in notebook.cells if cell.cell_type == 'markdown')


def number_after(words: str, notebook) -> float:
    return float(re.search(rf'{words} ([\d.]+)', printed(notebook)).group(1))


def second_trains(notebook) -> dict[tuple[str, int], list[float]]:
    """(synapse, gap) -> x, u and efficacy, as printed."""
    rows = re.findall(r'(st[df]) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)\n', printed(notebook))
    return {(synapse, int(gap)): [float(n) for n in numbers] for synapse, gap, *numbers in rows}


def test_it_is_a_valid_notebook_of_the_kernel_python3(stored):
    nbformat.validate(stored)
    assert stored.metadata.kernelspec.name == 'python3'


def test_it_was_run_once_from_top_to_bottom(stored):
    counts = [cell.execution_count for cell in code_cells(stored)]
    assert counts == list(range(1, len(counts) + 1))


def test_the_stored_outputs_are_of_the_kinds_that_a_run_gives(stored, executed):
    for before, now in zip(code_cells(stored), code_cells(executed), strict=True):
        assert kinds(before) == kinds(now)


def test_nothing_is_written_to_stderr(notebook):
    streams = [output.name for output in outputs(notebook) if output.output_type == 'stream']
    assert set(streams) == {'stdout'}


def test_figures_come_out(notebook):
    data = [output.data for output in outputs(notebook) if 'data' in output]
    pictures = [base64.b64decode(d['image/png']) for d in data if 'image/png' in d]
    assert len(pictures) == NUM_FIGURES
    for picture in pictures:
        pixels = matplotlib.image.imread(io.BytesIO(picture), format='png')[..., :3]
        assert min(pixels.shape[:2]) > 200
        colors = np.round(255 * pixels) @ [1, 256, 256**2]  # as one number, which is faster
        assert len(np.unique(colors)) > 20  # something is drawn


def test_the_constants_in_the_text_are_the_defaults(stored):
    rows = re.findall(r'\(`(st[df])`\) \| (\d+) \| (\d+) \| ([\d.]+) \|', prose(stored))
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
    table, text = second_trains(stored), ' '.join(prose(stored).split())
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
    assert number_after('right at', notebook) > 95
    synaptic = number_after('synaptic decoding just before the test:', notebook)
    assert synaptic > 0.95
    assert number_after('neuronal decoding just before the test:', notebook) < synaptic - 0.2


def test_the_stored_numbers_are_those_of_a_run(stored, executed):
    numbers = [
        np.array(re.findall(r'\d+\.\d+', printed(notebook)), float)
        for notebook in (stored, executed)
    ]
    # another processor rounds differently, which noisy trials amplify
    np.testing.assert_allclose(*numbers, rtol=0.01, atol=0.05)
