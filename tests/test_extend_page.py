"""The measure and the figure of docs/extend.md, as files of their folders."""

import importlib
import re
import sys

from shell import ROOT
from test_analysis import eagerly, network  # noqa: F401

import analysis
import figures
import results
from measures import __main__ as printed
from measures.measure import all_measures

TEXT = (ROOT / 'docs' / 'extend.md').read_text('utf-8')
FILES = dict(re.findall(r'`(\w+/\w+\.py)`:\n\n```python\n(.*?)```', TEXT, re.S))
OPTIONS = {'analysis_trials': 120, 'tuning_batches': 2, 'decoding_reps': 0, 'simulation_reps': 0}
OPTIONS |= {'analyze_tuning': False, 'calculate_resp_matrix': False}


def forget() -> None:
    """Look for measures and figures anew."""
    all_measures.cache_clear()
    figures.all_figures.cache_clear()


def test_a_file_is_all_that_a_measure_and_a_figure_need(tmp_path, monkeypatch):
    assert [name.split('/')[0] for name in FILES] == ['measures', 'plots']
    for name, source in FILES.items():
        assert len(source.splitlines()) < 25
        file = tmp_path / name
        file.parent.mkdir()
        file.write_text(source)
        package = importlib.import_module(file.parent.name)
        monkeypatch.setattr(package, '__path__', [*package.__path__, str(file.parent)])
    path = tmp_path / 'networks' / 'DMS-run-0.pkl'
    results.save(path, network())
    options = [f'--set={name}={value}' for name, value in OPTIONS.items()]
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
    assert found['share_active'].shape == found['share_active_sem'].shape == (10,)
    assert (found['share_active_sem'] > 0).any()
    assert (path.parent / 'figures' / 'DMS-sparseness.png').stat().st_size > 5000
