"""The outcome of the networks of a set: their lines, their table and summary.csv."""

import pytest
from shell import summary_of

from sets import summary as set_summary
from sets.job import LAST_VALUES, Report

VALUES = dict.fromkeys(LAST_VALUES, 0.25) | {'iterations': 7}


def test_rows_of_earlier_commands_stay(tmp_path):
    first = Report('trained', '', 90, values=VALUES)
    set_summary.write(tmp_path, {'DMS-run-10': first, 'DMS-run-2': first, 'DMC-run-0': first})
    busy, finished = Report('busy', 'another'), Report('finished', 'a, b', values=VALUES)
    later = {'DMS-run-2': finished, 'DMC-run-0': busy, 'ABBA-run-0': busy}
    set_summary.write(tmp_path, later | {'DMS-run-3': Report('failed', 'a "reason", in words')})
    rows = summary_of(tmp_path / 'set')
    assert list(rows) == ['ABBA-run-0', 'DMC-run-0', 'DMS-run-2', 'DMS-run-3', 'DMS-run-10']
    found = {name: (r['status'], r['reason'], r['minutes'], r['loss']) for name, r in rows.items()}
    assert found == {
        'ABBA-run-0': ('busy', 'another', '', ''),
        'DMC-run-0': ('trained', '', '1.5', '0.25'),  # the one that trains it writes its row
        'DMS-run-2': ('finished', 'a, b', '1.5', '0.25'),
        'DMS-run-3': ('failed', 'a "reason", in words', '', ''),
        'DMS-run-10': ('trained', '', '1.5', '0.25'),
    }


def test_minutes_of_a_network_that_went_on_add_up(tmp_path):
    for report in (
        Report('stopped', '', 60),
        Report('stopped', '', 30, True),
        Report('trained', '', 90, True, VALUES),
        Report('finished', values=VALUES),
    ):
        set_summary.write(tmp_path, {'DMS-run-0': report})
    assert summary_of(tmp_path / 'set')['DMS-run-0']['minutes'] == '3'
    set_summary.write(tmp_path, {'DMS-run-0': Report('trained', '', 90, values=VALUES)})
    assert summary_of(tmp_path / 'set')['DMS-run-0']['minutes'] == '1.5'


def test_measures_of_networks_that_are_analysed(tmp_path):
    found = {'accuracy': 0.875, 'neuronal decoding': 0.125}
    trained = Report('trained', '', 60, values=VALUES)
    set_summary.write(tmp_path, {'a-run-0': trained, 'a-run-1': trained._replace(measures=found)})
    set_summary.write(tmp_path, {'a-run-2': trained})
    columns = 'analysis/accuracy', 'analysis/neuronal decoding', 'analysis/synaptic shuffle'
    rows = summary_of(tmp_path / 'set').values()
    numbers = [[row[column] for column in columns] for row in rows]
    assert numbers == [['', '', ''], ['0.875', '0.125', ''], ['', '', '']]


MINE = 'network,status,note\nDMS-run-0,trained,good\nmine,,\n'


@pytest.mark.parametrize('text', ['', 'no table', MINE, '\ufeff' + MINE])
def test_table_that_people_changed(tmp_path, text):
    (tmp_path / 'summary.csv').write_text(text)
    set_summary.write(tmp_path, {'DMS-run-0': Report('trained', '', 60, values=VALUES)})
    rows = summary_of(tmp_path / 'set')
    assert rows['DMS-run-0']['status'] == 'trained'
    assert set(rows) == {'DMS-run-0', *(['mine'] if 'mine' in text else [])}


@pytest.mark.parametrize(
    'text', [b'network;status\nDMS-run-0;trained\n', b'network,status\n\xff,a\n']
)
def test_table_that_cannot_be_read_stays(tmp_path, text):
    (tmp_path / 'summary.csv').write_bytes(text)
    with pytest.raises(ValueError, match='summary.csv is damaged'):
        set_summary.write(tmp_path, {'DMS-run-0': Report('trained', '', 60, values=VALUES)})
    assert (tmp_path / 'summary.csv').read_bytes() == text


def test_columns_of_the_table():
    reports = {
        'DMS-run-10': Report('trained', '', 90, values=VALUES),
        'DMS-run-9': Report('failed', 'why'),
    }
    header, failed, trained = set_summary.table(reports).splitlines()
    assert failed.split() == ['DMS-run-9', 'failed', 'why']
    assert trained.split() == ['DMS-run-10', 'trained', '7', *5 * ['0.2500'], '1.5']
    assert header.index('reason') == failed.index('why')
    assert 'analysis' not in header
    assert header.index('minutes') + len('minutes') == len(trained)


def test_lines_of_networks():
    trained = set_summary.line('DMS-run-1', Report('trained', '', 90, values=VALUES))
    assert trained == (
        'DMS-run-1  trained  accuracy 0.250  perf loss 0.2500  spike loss 0.2500  '
        'weight loss 0.2500  1.5 min'
    )
    assert set_summary.line('DMS-run-1', Report('failed', 'why')) == 'DMS-run-1  failed  why'
