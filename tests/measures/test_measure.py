"""The declarations of measures: they are true, and the table of the documents follows from them."""

import pytest
from shell import ROOT

from measures.__main__ import table
from measures.measure import all_measures, measure_of
from parameters import ANALYSIS, parameters_with
from tasks import TASKS


def test_results_have_one_measure_each():
    names = [name for m in all_measures() for name in m.axes]
    assert len(names) == len(set(names)) > 50
    assert all(option in ANALYSIS for m in all_measures() for option in m.options)
    assert measure_of('neuronal_pev_dms') is measure_of('neuronal_pev')
    assert measure_of('task_accuracy_sem').title == 'accuracy'
    assert measure_of('nothing') is None


@pytest.mark.parametrize('task', TASKS)
def test_what_has_no_meaning_is_said_in_a_sentence(task):
    switches = {name: True for name, option in ANALYSIS.items() if option.default is False}
    p = parameters_with(switches | {'trial_type': task})
    for m in all_measures():
        assert m.is_wanted(p) == (m.absent(p) == [])
        assert all(sentence.endswith('.') for sentence in m.absent(p))


def test_the_table_of_the_documents_is_that_of_the_declarations():
    assert table() in (ROOT / 'docs' / 'analysis.md').read_text('utf-8')
