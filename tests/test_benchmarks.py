"""Benchmarks that use what the project defines: their tables are of what there is."""

import numpy as np
import pytest
from test_analysis import OPTIONS, network

import results
from benchmarks import seeds


@pytest.mark.parametrize('task', ['DMS', 'dualDMS'])
def test_numbers_of_a_seed(tmp_path, eager, task):
    results.save(tmp_path / 'net.pkl', network(task, synapse_config='full'))
    more = {'analysis_trials': 400} if task == 'dualDMS' else {}
    found = seeds.of_seed(tmp_path / 'net.pkl', 1, OPTIONS | more)
    measured = {name for name, (value, _) in found.items() if np.isfinite(value)}
    assert {'accuracy', 'decoding from synapses, end of delay'} <= measured
    assert ('attended sample from activity, delay 2' in measured) == (task == 'dualDMS')
    assert ('accuracy, synapses shuffled' in measured) == (task == 'DMS')
    assert 0 <= found['decoding from activity, end of delay'][0] <= 1
