"""The linear classifiers of SVC, one per pair of conditions, in half of its time.

    classifiers = fit(train, num_conditions)  # train (trial, unit), sorted by condition
    elect(test @ classifiers.weights.T > classifiers.thresholds)  # the condition of each test trial

They are those of SVC(kernel='linear', C=1, tol=1e-3, shrinking=False). SVC multiplies features
again and again, where one matrix product does, and its checks take longer than the solver beneath
it. So the solver is called directly. As it is private to scikit-learn, each process compares it
with SVC once, and uses SVC where they differ.
"""

import math
import warnings
from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn.svm import SVC

SLOW = (
    'The solver beneath SVC has changed in this version of scikit-learn, so SVC itself is used: '
    'decoding gives the same results, but is slower.'
)


class Classifiers(NamedTuple):
    """One linear classifier per pair of conditions: it votes for the first condition of the pair if
    features @ weights > threshold, else for the second.
    """

    weights: np.ndarray  # (pair, unit)
    thresholds: np.ndarray  # (pair,)


def fit(features: np.ndarray, num_conditions: int) -> Classifiers:
    """Train the classifiers on features (trial, unit): equally many trials of each condition,
    sorted by condition.
    """
    return _fit(_solve if is_fast() else _solve_by_svc, features, num_conditions)


def elect(for_first: np.ndarray) -> np.ndarray:
    """The condition with most votes; the first of equals wins, as in SVC.

    for_first: whether the classifier of each pair votes for the first condition of the pair
    (..., pair), result (...).
    """
    num_conditions = (1 + math.isqrt(1 + 8 * for_first.shape[-1])) // 2
    first, second = _pairs(num_conditions)
    pair = np.arange(len(first))
    # a vote for the first condition is one taken from the second, which starts with all its votes
    moves = np.zeros((len(pair), num_conditions), np.float32)
    moves[pair, first], moves[pair, second] = 1, -1
    start = np.arange(num_conditions, dtype=np.float32)
    return (for_first.astype(np.float32) @ moves + start).argmax(axis=-1)


@cache
def is_fast() -> bool:
    """Whether the private solver is there and finds the classifiers of SVC in small problems."""
    features = np.random.default_rng(0).standard_normal((24, 4))
    features[:8] += 1  # conditions overlap in part, so that coefficients reach their limit C
    try:
        for num_conditions in (2, 3):  # SVC treats two conditions differently
            found = _fit(_solve, features, num_conditions)
            expected = _fit(_solve_by_svc, features, num_conditions)
            for ours, theirs in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours, theirs)
    except Exception:  # a change of what is private may show in any way
        return False
    return True


@cache
def warn_if_slow() -> None:
    """Warn, but once only, if SVC is used; for the main process, as its workers do the same."""
    if not is_fast():
        warnings.warn(SLOW, stacklevel=2)


def _fit(solve, features: np.ndarray, num_conditions: int) -> Classifiers:
    """Train the classifiers with one of the solvers."""
    labels = np.repeat(np.arange(float(num_conditions)), len(features) // num_conditions)
    support, dual_of_support, intercepts = solve(features @ features.T, labels)
    dual = np.zeros((num_conditions - 1, len(features)))
    dual[:, support] = dual_of_support
    dual = dual.reshape(num_conditions - 1, num_conditions, -1)
    # The classifier of conditions i < j has its coefficients for trials of i in row j - 1, those
    # for trials of j in row i.
    first, second = _pairs(num_conditions)
    pair = np.arange(len(first))
    by_pair = np.zeros((len(pair), *dual.shape[1:]))  # (pair, condition, draw)
    by_pair[pair, first] = dual[second - 1, first]
    by_pair[pair, second] = dual[first, second]
    return Classifiers(by_pair.reshape(len(pair), -1) @ features, -intercepts)


def _solve(kernel: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Support vectors, their dual coefficients (condition - 1, support vector) and intercepts."""
    from sklearn.svm import _libsvm  # not at the top: a version without it is served, too

    _libsvm.set_verbosity_wrap(0)  # it prints its progress unless told not to
    support, _, _, dual, intercepts, *_ = _libsvm.fit(
        kernel, labels, svm_type=0, kernel='precomputed', C=1, tol=1e-3, shrinking=0
    )
    return support, dual, intercepts


def _solve_by_svc(kernel: np.ndarray, labels: np.ndarray) -> tuple:
    """The same as `_solve`, from the public attributes of SVC."""
    svc = SVC(kernel='precomputed', C=1, tol=1e-3, shrinking=False).fit(kernel, labels)
    # with two conditions, SVC turns the signs around
    sign = -1 if len(svc.classes_) == 2 else 1
    return svc.support_, sign * svc.dual_coef_, sign * svc.intercept_


def _pairs(num_conditions: int) -> tuple[np.ndarray, np.ndarray]:
    """First and second condition of each pair, in the order of the classifiers."""
    return np.triu_indices(num_conditions, k=1)
