"""The declarations of measures: they are true, and the table of the documents follows from them."""

from types import SimpleNamespace

import numpy as np
import pytest
from shell import ROOT

import measures
from measures import measure as declarations
from measures.__main__ import table
from measures.measure import (
    INDEPENDENT,
    PROBE,
    TRAINING,
    MeasureError,
    all_measures,
    measure,
    measure_of,
)
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
        ({'h_mean': np.ones(4)}, r'h_mean of shape \(4,\), but declares time'),
        (np.ones(3), 'ndarray, not a dictionary of results'),
        (None, 'NoneType, not a dictionary of results'),
    ],
)
def test_results_that_are_not_declared_are_refused(returned, words):
    @measure({'h_mean': 'time'}, {'share': ''}, title='a measure')
    def mine(run):
        return returned

    run = SimpleNamespace(p={'num_time_steps': 3, 'n_hidden': 2})
    with pytest.raises(MeasureError, match=f'mine: returns {words}'):
        mine(run)


def test_a_measure_of_two_kinds_of_trials_is_refused():
    with pytest.raises(MeasureError, match='would have the same names'):
        measure({'h_mean': 'time'}, title='a measure', trials=(TRAINING, INDEPENDENT))


@pytest.mark.parametrize('trials', ['independent', ('test',)])
def test_kinds_of_trials_are_checked(trials):
    with pytest.raises(MeasureError, match='must be a tuple of some of'):
        measure({'h_mean': 'time'}, title='a measure', trials=trials)


def declared(results=None, averaged=None, **options):
    return measure(results, averaged, title='a measure', **options)(lambda run: {})


@pytest.mark.parametrize(
    ('mine', 'words'),
    [
        (declared({'weights': ''}), 'the file of a network itself has a result that is called we'),
        (declared(averaged={'accuracy': 'time'}), 'is called accuracy'),
        (declared({'task_accuracy': ''}), 'the measure task_accuracy has .* called task_accuracy'),
        (declared({'task_accuracy_sem': ''}), 'is called task_accuracy_sem'),
        (declared({'neuronal_pev_dms': 'unit'}), 'is called neuronal_pev_dms'),
        (declared({'a_dms': '', 'a': ''}, trials=(PROBE,)), 'is called a_dms'),
        (declared({'a': ''}, options=('fast',)), 'option fast is not in settings/analysis.py'),
        (declared({'a': ''}, repetitions='num'), 'option num is not in settings/analysis.py'),
    ],
)
def test_names_that_are_taken_and_options_that_are_not_declared_are_refused(mine, words):
    with pytest.raises(MeasureError, match=words):
        declarations._require_own_names([*all_measures(), mine])


def test_measures_have_different_names():
    @measure({'h_mean': 'time'}, title='a measure')
    def shuffles(run):
        return {}

    with pytest.raises(MeasureError, match='there are 2 measures that are called shuffles'):
        declarations._require_own_names([*all_measures(), shuffles])


@pytest.mark.parametrize(
    ('source', 'words'),
    [
        ('x = 1\ndef f(:', 'line 2, fails: SyntaxError'),
        (  # a decorator fails in its own line, before Python 3.11 in that of its function
            'from measures.measure import measure\n@measure(title="x", option="a")\ndef f(run): 0',
            "line [23], fails: TypeError: .* unexpected keyword argument 'option'",
        ),
    ],
)
def test_a_file_that_fails_is_a_sentence_with_its_place(tmp_path, monkeypatch, source, words):
    (tmp_path / 'broken_measure.py').write_text(source)
    monkeypatch.setattr(measures, '__path__', [*measures.__path__, str(tmp_path)])
    all_measures.cache_clear()
    try:
        with pytest.raises(MeasureError, match=rf'broken_measure.py, {words}'):
            all_measures()
    finally:
        all_measures.cache_clear()


def test_a_failing_measure_is_a_sentence_with_its_place():
    @measure({'h_mean': 'time'}, title='a measure')
    def mine(run):
        return run.activity

    with pytest.raises(MeasureError, match=r"mine: .*test_measure.py, line \d+, fails: Attr.*'act"):
        mine(SimpleNamespace())

    @measure({'h_mean': 'time'}, title='a measure')
    def other(run):
        return np.ones(3) + np.ones(2)

    with pytest.raises(MeasureError, match='other: operands could not be broadcast'):
        other(SimpleNamespace())


@pytest.mark.parametrize('error', [ChildProcessError('killed'), MemoryError()])
def test_faults_of_the_machine_are_not_those_of_a_measure(error):
    @measure({'h_mean': 'time'}, title='a measure')
    def mine(run):
        raise error

    with pytest.raises(type(error)) as seen:
        mine(SimpleNamespace())
    assert seen.value is error
