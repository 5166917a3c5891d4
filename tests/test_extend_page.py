"""The examples of docs/extend.md: a measure and a figure as files of their folders, a cost."""

import importlib
import re
import sys

import numpy as np
import pytest
from conftest import declare_cost
from shell import ROOT
from test_analysis import eagerly, network  # noqa: F401

import analysis
import figures
import model
import results
from measures import __main__ as printed
from measures.measure import all_measures
from page import folder, tables
from parameters import par
from plots.network import learning_curves
from rnn import costs
from settings.setting import Setting
from settings.validators import number

TEXT = (ROOT / 'docs' / 'extend.md').read_text('utf-8')
FILES = dict(re.findall(r'`(\w+/\w+\.py)`:\n\n```python\n(.*?)```', TEXT, re.S))
OPTIONS = {'analysis_trials': 120, 'tuning_batches': 2, 'decoding_reps': 0, 'simulation_reps': 0}
OPTIONS |= {'analyze_tuning': False, 'calculate_resp_matrix': False}


def test_a_cost_is_a_setting_and_a_function(monkeypatch, small, tmp_path, capsys):
    setting, function = re.findall(r'```python\n(.*?)```', TEXT.split('## Another cost')[1], re.S)
    made = vars(costs).copy()
    exec(function, made)
    declared = eval('{' + setting + '}', {'Setting': Setting, 'number': number})
    monkeypatch.setattr(costs, 'OF_STATES', made['OF_STATES'])
    declare_cost(monkeypatch, 'efficacy_cost', declared['efficacy_cost'])
    monkeypatch.setattr(results, 'VALUES', (*results.VALUES, 'efficacy_loss'))
    monkeypatch.setattr(results, 'CURVES', (*results.VALUES, 'iteration'))
    small(efficacy_cost=0.1, num_iterations=2, save_dir=str(tmp_path))
    saved = results.load_results(model.main())
    assert 'spike cost 0.02, weight cost 0, efficacy cost 0.1' in capsys.readouterr().out
    parts = (saved[name][1] * par[name.replace('loss', 'cost')] for name in results.VALUES[3:])
    assert saved['loss'][1] == pytest.approx(saved['perf_loss'][1] + sum(parts), rel=1e-5)
    assert 0 < saved['efficacy_loss'][1] < 1
    assert len(learning_curves(saved).axes) == 6
    (column,) = (c for c in tables.columns(folder.read(tmp_path).networks) if 'Eff' in c.title)
    assert column.title == 'Efficacy loss'


def forget() -> None:
    """Look for measures and figures anew."""
    all_measures.cache_clear()
    figures.all_figures.cache_clear()


def test_a_file_is_all_that_a_measure_and_a_figure_need(tmp_path, monkeypatch):
    path = tmp_path / 'networks' / 'DMS-run-0.pkl'
    results.save(path, network())
    options = [f'--set={name}={value}' for name, value in OPTIONS.items()]
    assert analysis.main([str(path), '--jobs=1', *options]) == 0
    before = results.load_results(path)
    assert [name.split('/')[0] for name in FILES] == ['measures', 'plots']
    for name, source in FILES.items():
        assert len(source.splitlines()) < 25
        file = tmp_path / name
        file.parent.mkdir()
        file.write_text(source)
        package = importlib.import_module(file.parent.name)
        monkeypatch.setattr(package, '__path__', [*package.__path__, str(file.parent)])
    forget()
    try:
        assert analysis.main([str(path), '--jobs=1', *options]) == 0
        assert '`share_active`: time' in printed.table()
        assert figures.main([str(path.parent)]) == 0
    finally:
        forget()
        for name in FILES:
            sys.modules.pop(name.removesuffix('.py').replace('/', '.'), None)
    found = results.load_results(path)
    assert found.keys() - before.keys() == {'share_active', 'share_active_sem'}
    for name in before.keys() - {'analysis'}:
        np.testing.assert_equal(found[name], before[name])
    assert found['share_active'].shape == found['share_active_sem'].shape == (10,)
    assert (found['share_active_sem'] > 0).any()
    assert (path.parent / 'figures' / 'DMS-sparseness.png').stat().st_size > 5000
