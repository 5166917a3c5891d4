"""The measure and the figure of docs/extend.md, in a copy of the project."""

import re
import shutil
import subprocess
import sys

from shell import ROOT, TIMEOUT, environment
from test_analysis import network

import results

TEXT = (ROOT / 'docs' / 'extend.md').read_text('utf-8')
FILES = dict(re.findall(r'`(\w+/\w+\.py)`:\n\n```python\n(.*?)```', TEXT, re.S))
OPTIONS = {'analysis_trials': 120, 'tuning_batches': 2, 'decoding_reps': 0, 'simulation_reps': 0}
OPTIONS |= {'analyze_tuning': False, 'calculate_resp_matrix': False}


def test_a_file_is_all_that_a_measure_and_a_figure_need(tmp_path):
    left_out = shutil.ignore_patterns('.*', 'tests', 'docs', 'networks', 'savedir', '__pycache__')
    project = shutil.copytree(ROOT, tmp_path / 'project', ignore=left_out)
    assert [name.split('/')[0] for name in FILES] == ['measures', 'plots']
    for name, source in FILES.items():
        assert len(source.splitlines()) < 25
        (project / name).write_text(source)
    path = tmp_path / 'networks' / 'DMS-run-0.pkl'
    results.save(path, network())

    def run(*words) -> str:
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(
            command, cwd=project, env=environment(), capture_output=True, text=True, timeout=TIMEOUT
        )
        assert (done.returncode, done.stderr) == (0, '')
        return done.stdout

    run('analysis.py', path, '--jobs=1', *(f'--set={n}={v}' for n, v in OPTIONS.items()))
    found = results.load_results(path)
    assert found['share_active'].shape == found['share_active_sem'].shape == (10,)
    assert (found['share_active_sem'] > 0).any()
    assert '`share_active`: time' in run('-m', 'measures')
    run('figures.py', path.parent)
    assert (path.parent / 'figures' / 'DMS-sparseness.png').stat().st_size > 5000
