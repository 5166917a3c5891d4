"""The solver beneath SVC, and SVC itself where that solver is missing or has changed."""

import os
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.svm
from shell import ROOT, TIMEOUT, environment
from test_decoding import make_condition, make_signal

from measures import svm
from measures.decoding import calculate_svms, classify, draw_repetitions


@pytest.fixture(autouse=True)
def unchecked():
    """Let the solver be checked anew, as in a process that has just started."""
    forget_checks()
    yield
    forget_checks()


def forget_checks():
    svm.is_fast.cache_clear()
    svm.warn_if_slow.cache_clear()


def solver():
    """The private module; SVC holds a reference of its own to it."""
    from sklearn.svm import _libsvm

    return _libsvm


@pytest.fixture
def replace_solver(monkeypatch):
    """Call to put a module with other attributes in place of the private one."""

    def replace(**attributes):
        stand_in = SimpleNamespace(**{'set_verbosity_wrap': lambda level: None} | attributes)
        monkeypatch.setattr(sklearn.svm, '_libsvm', stand_in)

    return replace


# Ways in which the private function may change: each takes the true one, and gives another


def other_signature(fit):
    def changed(products, labels, *, kind, C):
        return fit(products, labels, svm_type=kind, kernel='precomputed', C=C)

    return changed


def result_changed_by(change):
    """A function with another result: `change` gets the support, coefficients and intercepts."""

    def change_result(fit):
        def changed(*args, **options):
            support, vectors, counts, dual, intercepts, *rest = fit(*args, **options)
            support, dual, intercepts = change(support, dual, intercepts)
            return support, vectors, counts, dual, intercepts, *rest

        return changed

    return change_result


def signs_of_svc(support, dual, intercepts):
    """Both signs turned around with two conditions, as in SVC's own attributes."""
    sign = -1 if len(dual) == 1 else 1
    return support, sign * dual, sign * intercepts


CHANGES = {
    'signature': other_signature,
    'number of results': lambda fit: lambda *args, **options: fit(*args, **options)[:4],
    'order of results': lambda fit: lambda *args, **options: fit(*args, **options)[::-1],
    'tolerance': lambda fit: lambda *args, **options: fit(*args, **options | {'tol': 1}),
    'limit': lambda fit: lambda *args, **options: fit(*args, **options | {'C': 0.5}),
    'nothing': lambda fit: lambda *args, **options: None,
    'signs': result_changed_by(lambda support, dual, intercepts: (support, -dual, -intercepts)),
    'signs with two conditions': result_changed_by(signs_of_svc),
    'intercepts': result_changed_by(lambda support, dual, intercepts: (support, dual, -intercepts)),
    'shape': result_changed_by(lambda support, dual, intercepts: (support, dual.T, intercepts)),
    'not finite': result_changed_by(lambda support, dual, rest: (support, np.nan * dual, rest)),
}
every_change = pytest.mark.parametrize('change', CHANGES.values(), ids=CHANGES)


# Results


def classifiers_of(num_conditions):
    """Classifiers of one random problem; conditions overlap in part."""
    condition = np.repeat(np.arange(num_conditions), 25)
    features = make_signal(condition, 1, steps=1)[0].astype(float)
    return svm.fit(features, num_conditions)


def decode():
    """Scores of two signals, and labels of 2, 3 and 8 conditions."""
    condition = make_condition(4)
    signals = {'a': make_signal(condition), 'b': make_signal(condition, 0.8, seed=5)}
    found = [calculate_svms(signals, condition, 2, seed=1)[name] for name in signals]
    found.append(calculate_svms(signals, condition, 1, 1, across_time=True)['a'])
    for num_conditions in (2, 3, 8):
        condition = make_condition(num_conditions)
        (draw,) = draw_repetitions(condition, 1, 3)
        found.append(classify(make_signal(condition)[0], draw))
    return found


def assert_all_equal(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def assert_decodes_by_svc(expected):
    """The expected results, one warning, and no more from later analyses."""
    with pytest.warns(UserWarning, match='SVC itself is used') as warned:
        found = decode()
    assert [str(warning.message) for warning in warned] == [svm.SLOW]
    assert_all_equal(found, expected)


# The solver as it is


def test_the_solver_is_used_without_a_warning_where_it_is_that_of_svc(replace_solver, monkeypatch):
    sizes, real = [], solver()

    def counted(products, *args, **options):
        sizes.append(len(products))
        return real.fit(products, *args, **options)

    replace_solver(fit=counted)
    assert svm.is_fast()  # if not: scikit-learn has changed, and decoding is slower than it could
    monkeypatch.delattr(svm, 'SVC')
    sizes.clear()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        decode()
    # two signals of 5 steps in 2 repetitions, twice; 2 signals of 5 steps; then 2, 3, 8 conditions
    assert sizes == [100] * (20 + 20 + 10) + [200, 75, 200]


def test_a_function_that_gives_the_same_is_used(replace_solver):
    unchanged = result_changed_by(lambda *results: results)
    replace_solver(fit=unchanged(solver().fit))
    assert svm.is_fast()  # so it is the change that makes SVC take over below


def test_the_solver_is_compared_with_svc_once(replace_solver):
    calls = []

    def failing(*args, **options):
        calls.append(1)
        raise TypeError('fit() takes no arguments')

    replace_solver(fit=failing)
    for _ in range(3):
        classifiers_of(3)
    assert len(calls) == 1


# SVC instead


@pytest.mark.parametrize('num_conditions', [2, 3, 8])
def test_svc_gives_the_same_classifiers(num_conditions, replace_solver):
    fast = classifiers_of(num_conditions)
    assert svm.is_fast()
    replace_solver()
    forget_checks()
    slow = classifiers_of(num_conditions)
    assert not svm.is_fast()
    assert fast.weights.shape == (num_conditions * (num_conditions - 1) // 2, 15)
    np.testing.assert_allclose(slow.weights, fast.weights, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(slow.thresholds, fast.thresholds, rtol=1e-9, atol=1e-12)


@pytest.fixture
def expected():
    """Results with the solver as it is, of which neither all nor few are right."""
    results = decode()
    assert 0.3 < np.mean(results[0]) < 0.97
    forget_checks()
    return results


def test_svc_decodes_without_the_module(expected, monkeypatch):
    monkeypatch.delattr(sklearn.svm, '_libsvm')
    monkeypatch.setitem(sys.modules, 'sklearn.svm._libsvm', None)
    with pytest.raises(ImportError):
        solver()
    assert_decodes_by_svc(expected)
    with warnings.catch_warnings():  # later analyses do not warn again
        warnings.simplefilter('error')
        decode()


def test_svc_decodes_without_the_function(expected, replace_solver):
    replace_solver()
    assert_decodes_by_svc(expected)


@every_change
def test_svc_decodes_where_the_function_has_changed(change, expected, replace_solver):
    replace_solver(fit=change(solver().fit))
    assert_decodes_by_svc(expected)


def test_the_warning_is_one_plain_sentence():
    assert svm.SLOW.endswith('.')
    assert svm.SLOW.count('. ') == 0
    assert 'same results' in svm.SLOW
    assert 'slower' in svm.SLOW


def test_worker_processes_use_svc_without_a_warning_of_their_own(tmp_path):
    """In every process, the function notes the process and fails."""
    (tmp_path / 'sitecustomize.py').write_text(f"""
import os
import sklearn.svm

class Changed:
    def set_verbosity_wrap(level):
        pass

    def fit(*args, **options):
        with open({str(tmp_path / 'processes')!r}, 'a') as file:
            file.write(f'{{os.getpid()}}\\n')
        raise TypeError

sklearn.svm._libsvm = Changed
""")
    condition = make_condition(3)
    signals = {'a': make_signal(condition)}
    np.savez(tmp_path / 'given.npz', condition=condition, **signals)
    code = f"""
import numpy as np
from measures.decoding import calculate_svms
given = np.load({str(tmp_path / 'given.npz')!r})
for name in 'xy':
    scores = calculate_svms({{'a': given['a']}}, given['condition'], 4, seed=1, jobs=2)['a']
np.save({str(tmp_path / 'scores.npy')!r}, scores)
"""
    result = subprocess.run(
        [sys.executable, '-c', code],
        cwd=ROOT,
        env=environment(PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)])),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count(svm.SLOW) == 1, result.stderr
    assert result.stderr.count('Warning') == 1, result.stderr
    # the check of the main process, and that of a worker at least
    processes = (tmp_path / 'processes').read_text().split()
    assert len(processes) == len({*processes}) > 1
    np.testing.assert_array_equal(
        np.load(tmp_path / 'scores.npy'), calculate_svms(signals, condition, 4, seed=1)['a']
    )
