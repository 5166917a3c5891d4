"""What the page finds in a folder."""

import numpy as np
import pytest
from drawing import fabricated
from folders import trained, whole
from shell import write_own_task

import results
from measures.summary import summary
from page.folder import read
from system.locks import lock
from tasks import load_task, registry


def test_networks_are_sorted_by_task_and_number(tmp_path):
    found = [network.name for network in whole(tmp_path).networks]
    expected = ['DMC-run-0', 'DMS-run-0', 'DMS-run-1', 'DMS-run-2', 'DMS-run-8', 'DMS-run-10']
    assert found == expected


def test_measures_are_those_that_the_analysis_shows(tmp_path):
    saved = fabricated() | {'task_accuracy': 0.25, 'manipulation': 0.75}
    results.save(tmp_path / 'a.pkl', saved)
    (network,) = read(tmp_path).networks
    assert network.measures == summary(saved) | {'manipulation': 0.75}
    assert network.last('accuracy') == pytest.approx(np.mean(saved['accuracy']))


def test_the_summary_of_several_rules_is_their_mean():
    saved = fabricated('DMS+DMRS') | {'task_accuracy': 0.5}
    onset = saved['parameters']['test_time_rng'][0].start  # steps of 50 ms
    expected = {'accuracy': 0.5}
    for signal, short in (('neuronal', 'neural'), ('synaptic', 'syn')):
        decoded = saved[f'{signal}_sample_decoding'][..., onset - 2 : onset]
        expected[f'{signal} decoding'] = decoded.mean()
        expected[f'{signal} shuffle'] = saved[f'accuracy_{short}_shuffled'][:, 1].mean()
    assert summary(saved) == pytest.approx(expected)


def test_means_over_rules_that_differ_in_chance_are_left_out(tmp_path):
    results.save(tmp_path / 'a.pkl', fabricated('DMS+DMRS') | {'task_accuracy': 0.5})
    results.save(tmp_path / 'b.pkl', fabricated('DMS+DMC') | {'task_accuracy': 0.5})
    mixed, both = read(tmp_path).networks  # by task
    assert {'neuronal decoding', 'synaptic decoding'} <= both.measures.keys()
    assert not {'neuronal decoding', 'synaptic decoding'} & mixed.measures.keys()
    assert 'neuronal shuffle' in mixed.measures


def test_what_is_not_finished_has_a_reason(tmp_path):
    folder = whole(tmp_path)
    found = {item.name: (item.status, item.reason) for item in folder.absent}
    assert found == {
        'DMC-run-5': ('missing', 'summary.csv calls it finished, but its file is not here'),
        'DMS-run-8': (
            'unfinished, stopped',
            '6 of 2000 iterations are done; to continue, run the command that trained it again',
        ),
        'DMS-run-9': ('failed', 'the loss is not finite at iteration 3 <b>'),
        'cut': ('unreadable', 'cut.pkl is damaged, cut short or no pickle (ValueError)'),
    }
    assert folder.problems == [
        f'{tmp_path / "cut.pkl"} is damaged, cut short or no pickle (ValueError)'
    ]
    assert [network.minutes for network in folder.networks] == [None, 1.5, None, None, None, None]
    assert [n.name for n in folder.networks if not n.is_finished] == ['DMS-run-8']


def test_a_network_in_training_is_called_so(tmp_path):
    results.save(tmp_path / 'a.checkpoint', trained())
    with lock(tmp_path / 'a.pkl'):
        (item,) = read(tmp_path).absent
    assert item == ('a', 'in training', '6 of 2000 iterations are done')


def test_an_analysis_that_failed_is_listed(tmp_path):
    results.save(tmp_path / 'a.pkl', trained())
    (tmp_path / 'summary.csv').write_text('network,status,reason\na,failed,no memory\nb,busy,\n')
    folder = read(tmp_path)
    assert folder.absent == [('a', 'failed', 'no memory'), ('b', 'busy', '')]
    assert folder.problems == []


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'\xff\xfe\x00', 'is damaged: '),
        (b'a,b\n1,2\n', 'is damaged: it has no columns network and status'),
        (b'', ''),
        (b'network,status,minutes\na,trained,some\n,,\na\n', ''),
    ],
)
def test_a_damaged_table_costs_its_words_alone(tmp_path, content, words):
    results.save(tmp_path / 'a.pkl', trained())
    (tmp_path / 'summary.csv').write_bytes(content)
    folder = read(tmp_path)
    assert len(folder.networks) == 1
    assert folder.networks[0].minutes is None
    assert len(folder.problems) == bool(words)
    assert all(
        problem.startswith(f'{tmp_path / "summary.csv"} {words}') for problem in folder.problems
    )


def test_folders_without_a_network(tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'other').mkdir()
    results.save(tmp_path / 'other' / 'a.pkl', {'a': 1})
    for name, words in [
        ('missing', 'is not a folder'),
        ('empty', r'holds no networks \(\*.pkl, \*.checkpoint\)'),
        ('other', "holds no network that can be read: .*a.pkl is not the result of a network: 'pa"),
    ]:
        with pytest.raises(results.ResultsError, match=f'^{tmp_path / name} {words}'):
            read(tmp_path / name)


def test_damaged_measures_and_parameters_are_named(tmp_path):
    results.save(tmp_path / 'good.pkl', trained())
    lacking = fabricated()
    del lacking['task_accuracy']
    results.save(tmp_path / 'a.pkl', lacking)
    results.save(tmp_path / 'b.pkl', trained() | {'parameters': {'trial_type': 'DMS'}})
    measures, parameters = read(tmp_path).absent
    assert measures.reason == "a.pkl: its measures are damaged (KeyError('task_accuracy'))"
    assert "'parameters' must be those of a network" in parameters.reason


def test_a_network_of_an_own_task_needs_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, '_own', {})
    task = load_task(write_own_task(tmp_path))
    results.save(tmp_path / 'good.pkl', trained())
    results.save(tmp_path / 'own.pkl', trained(task))
    assert [network.task for network in read(tmp_path).networks] == ['DMS', 'report']
    monkeypatch.setattr(registry, '_own', {})
    folder = read(tmp_path)
    assert [network.task for network in folder.networks] == ['DMS']
    assert "its task 'report' is a file that must be given" in folder.absent[0].reason
