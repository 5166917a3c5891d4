"""The trained networks that come with the project are what their README says."""

from pathlib import Path

import numpy as np
import pytest

import results
from model import Model
from parameters import analysis_parameters, par, update_parameters
from plots.memory import decoding
from reproduction import __main__ as reproduction
from reproduction import along
from reproduction.load import load_folder, of_tasks
from reproduction.plan import kind_of
from rnn.equations import require_same
from sets.job import TEST_COST_MULTIPLIER, seed_of
from stimulus import Stimulus
from tasks import TASKS

PROJECT = Path(results.__file__).parent
FOLDER, DOCS = PROJECT / 'networks' / 'full', PROJECT / 'docs'
REPRODUCTION = PROJECT / 'networks' / 'averaged'
NETWORKS = sorted(FOLDER.glob('*.pkl'))


def test_there_are_a_few_and_they_are_small():
    assert {'DMS-run-0', 'DMRS90-run-0', 'ABBA-run-0'} <= {path.stem for path in NETWORKS}
    assert sum(path.stat().st_size for path in NETWORKS) < 12e6


@pytest.mark.parametrize('path', NETWORKS, ids=lambda path: path.stem)
def test_trained_to_the_end_and_analysed(path):
    network = results.load_results(path)
    p = network['parameters']
    task, index = path.stem.split('-run-')
    assert (p['trial_type'], p['seed']) == (task, seed_of(0, task, int(index)))
    assert p['test_cost_multiplier'] == TEST_COST_MULTIPLIER
    assert list(network['iteration']) == list(range(2000))
    assert np.mean(network['accuracy'][-50:]) > 0.99
    assert network['task_accuracy'] > 0.98
    assert set(network['analysis']['measures']) <= network.keys()
    assert par.keys() <= p.keys()  # other programs, such as the paper's own analysis, read them
    assert len(decoding(network).axes[0].get_lines()) == 3  # chance and both signals


@pytest.mark.parametrize('path', sorted(REPRODUCTION.glob('*.pkl')), ids=lambda path: path.stem)
def test_networks_of_the_reproduction_are_those_of_their_names_and_small(path):
    network = results.load_results(path)
    kind, index = path.stem.split('-run-')
    p = network['parameters']
    assert (p['trial_type'], p['seed']) == (kind.partition('-')[0], seed_of(0, kind, int(index)))
    assert kind in (p['trial_type'], kind_of(p))
    assert path.stat().st_size < 400e3
    assert network['task_accuracy'] > 0.9 or 'synapse_config=None' in kind


@pytest.mark.parametrize('name', ['DMC-run-4', 'DMRS180-run-4'])
def test_stored_networks_have_the_equations_of_today(name):
    network = results.load_results(REPRODUCTION / f'{name}.pkl')
    assert 'one_step' in network
    p = analysis_parameters(network['parameters'])
    require_same(Model(network['weights'], p=p), network)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['DMS-run-3', 'DMRS180-run-0'])
def test_training_again_gives_the_stored_curves(name):
    """The same bits on the machine that trained them; to rounding, which grows, on another one."""
    network = results.load_results(REPRODUCTION / f'{name}.pkl')
    update_parameters(network['parameters'])
    model = Model(threads=2)
    for iteration in range(20):
        trial_info = Stimulus([par['seed'], iteration]).generate_trial()
        values = model.optimize(trial_info, iteration)
        expected = {curve: network[curve][iteration] for curve in values}
        assert values == pytest.approx(expected, rel=1e-5 if iteration < 5 else 1e-2)


def test_every_task_is_learned():
    by_kind = load_folder(REPRODUCTION)
    assert {kind.partition('-')[0] for kind in by_kind} == {*TASKS}
    assert len(by_kind['DMS']) >= 6
    ended = of_tasks(by_kind).values()
    assert all(len(n['accuracy']) >= 2000 for networks in ended for n in networks)


def test_documents_show_what_these_networks_measure(capsys):
    assert reproduction.main([str(REPRODUCTION)]) == 0
    assert along.main([str(PROJECT / 'networks' / 'along')]) == 0
    printed = rows_of(capsys.readouterr().out)
    assert rows_of((DOCS / 'reproduction.md').read_text('utf-8')) == printed
    section = (
        (PROJECT / 'README.md').read_text('utf-8').split('\n## Results\n')[1].split('\n## ')[0]
    )
    rows = rows_of(section)
    assert len(rows) > 2
    assert rows <= printed


def rows_of(markdown: str) -> set[str]:
    return {line for line in markdown.splitlines() if line.startswith('|')}
