"""The declarations of measures: they are true, and the table of the documents follows from them."""

import numpy as np
import pytest
from shell import ROOT

from measures.__main__ import table
from measures.measure import INDEPENDENT, TRAINING, all_measures, measure, measure_of
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


@pytest.mark.parametrize(
    ('returned', 'words'),
    [
        ({'h_means': np.ones(3)}, r'h_means of shape \(3,\), but declares nothing'),
        ({'h_mean': np.ones((3, 2))}, r'h_mean of shape \(3, 2\), but declares time'),
        ({'share': np.ones(3)}, r'share of shape \(3,\), but declares a number'),
    ],
)
def test_results_that_are_not_declared_are_refused(returned, words):
    @measure({'h_mean': 'time'}, {'share': ''}, title='a measure')
    def mine(run):
        return returned

    with pytest.raises(TypeError, match=f'mine returns {words}'):
        mine(None)


def test_a_measure_of_two_kinds_of_trials_is_refused():
    with pytest.raises(TypeError, match='would have the same names'):
        measure({'h_mean': 'time'}, title='a measure', trials=(TRAINING, INDEPENDENT))
