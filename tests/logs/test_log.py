"""Logs of curves: CSV, Weights & Biases with its server replaced, and what they have in common."""

import csv
import os
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import model
import results
from logs.log import WRITERS, Log, LogError, prepared
from logs.wandb import config_of, project_of, run_id
from logs.writer import LoggedNetwork
from parameters import parameters_with, update_parameters
from training.start import network_of

SETTINGS = {'seed': 5, 'save_every': 3, 'n_hidden': 12, 'batch_size': 10}


def curves_of(count: int) -> dict[str, list]:
    """Curves of a network that gets better."""
    values = {name: [1 / 3 / (i + 1) for i in range(count)] for name in results.CURVES}
    return values | {'iteration': list(range(count)), 'accuracy': [np.nan, *range(1, count)]}


def network(folder, goes_on=False, name='net', **settings) -> LoggedNetwork:
    """A small network of a set called set."""
    path = folder / 'set' / f'{name}.pkl'
    return network_of(path, parameters_with(SETTINGS | settings), goes_on)


def table_of(path) -> dict[str, list[float]]:
    """The columns of a CSV file."""
    with open(path, newline='') as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def assert_same_curves(got, expected):
    """The same numbers in the same order."""
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(got[name], values)


# All logs


@pytest.mark.parametrize(
    ('names', 'found'),
    [('csv', ('csv',)), (['csv', 'tensorboard', 'csv'], ('csv', 'tensorboard')), ((), ())],
)
def test_logs_are_named_once(names, found):
    assert prepared(names) == found


def test_unknown_log():
    with pytest.raises(LogError, match=r"^log = 'text' is not allowed: it must be one of tensorbo"):
        prepared('text')


def test_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(WRITERS['wandb'], 'package', 'not_there')
    with pytest.raises(LogError, match='^--log wandb needs Weights & Biases: pip install not_ther'):
        prepared(['csv', 'wandb'])


def test_written_every_save_every_and_in_the_end(tmp_path):
    asked, lengths = [], []
    with Log(['csv'], network(tmp_path), watch=lambda c: asked.append(c) or len(asked) == 5) as log:
        for count in range(1, 6):
            assert log(curves_of(count)) == (count == 5)
            lengths.append(log.written)
    assert lengths == [0, 0, 3, 3, 3]
    assert_same_curves(table_of(tmp_path / 'set' / 'logs' / 'net.csv'), curves_of(5))
    assert asked[-1]['iteration'] == [0, 1, 2, 3, 4]


def test_a_run_without_iterations_leaves_no_log(tmp_path):
    with Log(list(WRITERS), network(tmp_path)):
        pass
    assert not list(tmp_path.iterdir())


def test_a_writer_that_fails_is_closed_once(tmp_path, monkeypatch):
    """Else what it has opened stays open in a process that goes on with other networks."""
    done = []

    class Failing(WRITERS['csv']):
        def open(self):
            done.append('open')

        def write(self, curves, start):
            done.append('write')
            raise RuntimeError('no answer')

        def close(self):
            done.append('close')
            raise RuntimeError('no answer')

    monkeypatch.setitem(WRITERS, 'csv', Failing)
    with Log(['csv'], network(tmp_path)) as log:
        with pytest.warns(UserWarning, match='is not written: no answer'):
            log.write(curves_of(4))
        log.write(curves_of(6))
    assert done == ['open', 'write', 'close']


# CSV


def test_a_table_is_whole_at_any_moment(tmp_path, monkeypatch):
    """Also where its disk is full, and after a run that was killed."""
    path = tmp_path / 'set' / 'logs' / 'net.csv'
    with Log(['csv'], network(tmp_path)) as log:
        log.write(curves_of(4))
        with monkeypatch.context() as patch:
            patch.setattr(os, 'replace', lambda *paths: 1 / 0)
            with pytest.warns(UserWarning, match=f'the log in {path} is not written'):
                log.write(curves_of(6))
        log.write(curves_of(8))
    assert_same_curves(table_of(path), curves_of(4))
    with Log(['csv'], network(tmp_path, goes_on=True)) as log:
        log.write(curves_of(7))
    assert_same_curves(table_of(path), curves_of(7))
    assert [file.name for file in path.parent.iterdir()] == ['net.csv']


@pytest.mark.usefixtures('eager')
def test_a_network_trained_from_python_is_logged(small, tmp_path):
    """Its tables hold each iteration once, though the run is stopped and goes on."""
    small(save_dir=str(tmp_path), save_fn='net.pkl', num_iterations=5, save_every=2)
    with pytest.raises(KeyboardInterrupt):
        model.main(watch=stop_at(3), log='csv')
    assert table_of(tmp_path / 'logs' / 'net.csv')['iteration'] == [0, 1, 2]
    update_parameters({'num_iterations': 6})
    saved = results.load_results(model.main(resume=True, log=['csv']))
    curves = {name: saved[name] for name in results.CURVES}
    assert_same_curves(table_of(tmp_path / 'logs' / 'net.csv'), curves)


def stop_at(count: int):
    """Interrupt a run after so many iterations, which are not saved."""

    def watch(curves):
        if len(curves['iteration']) == count:
            raise KeyboardInterrupt
        return False

    return watch


# Weights & Biases


class Server:
    """Stands in for the package: it has `there` iterations of each run; `fails` to answer."""

    class CommError(Exception):
        """It does not answer."""

    def __init__(self, there: int = 0):
        self.there, self.fails, self.begun, self.logged, self.summary = there, False, [], {}, {}
        self.errors = SimpleNamespace(CommError=self.CommError)
        self.Settings = dict
        self.teardown = lambda: None

    def init(self, mode=None, **options):
        """Begin a run."""
        if self.fails and mode != 'offline':
            raise self.CommError('nobody\nanswers')
        self.begun.append(options | {'mode': mode})
        settings = SimpleNamespace(sync_dir=options['dir'] / 'wandb' / 'offline-run-now')
        return SimpleNamespace(
            id=options['id'],
            starting_step=self.there if options['resume'] else 0,
            offline=mode == 'offline',
            settings=settings,
            log=lambda values, step: self.logged.setdefault(step, values),
            summary=self.summary,
            finish=lambda: self.begun.append('finished'),
        )


@pytest.fixture
def server(monkeypatch) -> Server:
    """In place of the package, with an account."""
    server = Server(there=3)
    monkeypatch.setitem(sys.modules, 'wandb', server)
    for name in ('WANDB_MODE', 'WANDB_DIR'):
        monkeypatch.setenv(name, 'then removed')
        monkeypatch.delenv(name)
    return server


def test_a_run(tmp_path, server):
    with Log(['wandb'], network(tmp_path, name='DMS-run-3')) as log:
        log.write(curves_of(5))
        log.summarize({'neuronal decoding': 0.5})
    run, end = server.begun
    assert end == 'finished'
    assert (run['project'], run['name'], run['resume']) == ('set', 'DMS-run-3', None)
    assert run['dir'] == tmp_path / 'set' / 'logs'
    expected = SETTINGS | {'trial_type': 'DMS', 'stop_accuracy': None}
    assert run['config'].items() >= expected.items()
    assert [*server.logged] == [0, 1, 2, 3, 4]
    assert server.logged[4] == {name: curves_of(5)[name][4] for name in results.VALUES}
    assert server.summary == {'analysis/neuronal decoding': 0.5}


def test_a_run_that_goes_on_leaves_out_what_is_there(tmp_path, server):
    with Log(['wandb'], network(tmp_path, goes_on=True)) as log:
        log.write(curves_of(2))
        log.write(curves_of(5))
    assert server.begun[0]['resume'] == 'allow'
    assert [*server.logged] == [3, 4]


def test_a_server_that_does_not_answer(tmp_path, server):
    """This run and those after it are offline; one sentence says so."""
    server.fails = True
    offline = pytest.warns(UserWarning, match='Weights & Biases is offline: nobody answers; `wan')
    with offline, Log(['wandb'], network(tmp_path, name='first')) as log:
        log.write(curves_of(2))
    with warnings.catch_warnings(), Log(['wandb'], network(tmp_path, name='second')) as log:
        warnings.simplefilter('error')
        log.write(curves_of(2))
    assert [run['mode'] for run in server.begun[::2]] == ['offline', 'offline']


def test_runs_are_told_apart(tmp_path):
    """By all that makes another network of it, and nothing else."""
    same = [
        network(tmp_path),
        network(tmp_path, goes_on=True, num_iterations=7, save_every=9, stop_accuracy=0.9),
        network(tmp_path / 'elsewhere', decoding_reps=3, save_dir=str(tmp_path)),
    ]
    others = [
        network(tmp_path, name='other'),
        network(tmp_path, seed=6),
        network(tmp_path, n_hidden=20),
        network(tmp_path)._replace(filename=tmp_path / 'other' / 'net.pkl'),
    ]
    assert len({run_id(n) for n in same}) == 1
    assert len({run_id(n) for n in (same[0], *others)}) == 5


def test_names_of_projects(tmp_path):
    path = network(tmp_path)
    found = [
        project_of(path._replace(filename=file))
        for file in (tmp_path / 'a#b' / 'x.pkl', Path('/x.pkl'))
    ]
    assert found == ['a-b', 'stp']


def test_config_is_plain(tmp_path):
    config = config_of(network(tmp_path))
    assert config['seed'] == 5
    assert config['synapse_config'] == 'full'
    assert all(v is None or isinstance(v, (bool, int, float, str)) for v in config.values())
