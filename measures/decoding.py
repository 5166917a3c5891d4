"""Decoding: what can be read out of activity and synaptic efficacy at each time step.

    scores = calculate_svms({'neuronal': h, 'synaptic': efficacy}, sample, repetitions=100, seed=1)
    scores['synaptic']  # (repetition, time): share of correct test trials

Linear support vector machines decode a condition, such as the sample direction, from the units of
one time step (Masse et al. 2019, Methods). In each repetition

1. the trials of each condition are split into a training and a test pool (75 and 25 %),
2. equally many training and test trials per condition are drawn from the pools with replacement;
   all time steps and all signals share them,
3. each unit is scaled to 0..1 by its range over the drawn training trials of the step,
4. one classifier per pair of conditions is trained, and each votes on every test trial (svm.py).

Arrays are (time, trial, unit). This file needs no TensorFlow: its worker processes start fast.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from measures import svm
from system.workers import outcomes

MIN_TRIALS = 4  # of a condition: three for training, one for testing
DRAWS = 25  # training trials per condition and repetition, and as many test trials
DRAWS_OF_FEW = 100  # the same for one or two conditions
SIGNIFICANT_SHARE = 0.98  # of the repetitions: 98 of 100
ROUNDING = 1e-6  # scores are float32; the smallest step between two mean scores is larger


class Draw(NamedTuple):
    """The trials of one repetition, each (condition, draw); conditions are in sorted order."""

    train: np.ndarray
    test: np.ndarray


class Significance(NamedTuple):
    """`share` of the repetitions decode above chance; `above_chance`: enough of them do."""

    share: np.ndarray
    above_chance: np.ndarray


def calculate_svms(
    signals: Mapping[str, np.ndarray],
    condition: np.ndarray,
    repetitions: int,
    seed,
    *,
    across_time: bool = False,
    normalize: bool = True,
    first_step: int = 0,
    jobs: int = 1,
    progress: Callable[[int], object] | None = None,
    units: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Decode the condition of each trial at every time step.

    Args:
        signals: arrays (time, trial, unit) by name. All are decoded with the same trials.
        condition: what to decode (trial,), such as directions.
        repetitions: how often trials are drawn.
        seed: anything numpy.random.SeedSequence takes. It alone decides which trials are drawn.
        across_time: test the classifiers of each time step at every step, where features are scaled
            by the training trials of that same step.
        normalize: scale each unit by its range over the training trials of the time step. A
            constant unit is only shifted.
        first_step: earlier steps (the dead time) are not decoded and score 0.
        jobs: number of processes. Results do not depend on it.
        progress: is called with 1 after each repetition of all signals.
        units: indices or mask of the units to decode from; all if None.

    Returns the share of correct test trials by name of the signal: (repetition, time) float32, or
    across time (repetition, time of training, time of testing). It is NaN if there are no units to
    decode from.

    Raises ValueError for signals that do not fit the condition or are not finite, and for
    conditions with too few trials.
    """
    signals = _checked(signals, condition, first_step, units)
    draws = draw_repetitions(condition, repetitions, seed)
    method = _decode_across_time if across_time else _decode_over_time
    decode = partial(method, normalize=normalize, first_step=first_step)
    return _scores(decode, 1 + across_time, signals, draws, jobs, progress)


def decoding_significance(decoding: np.ndarray, num_conditions, steps) -> Significance:
    """Return whether a condition is decoded above chance (Masse et al. 2019).

    It is if, in at least 98 of 100 repetitions, the mean score over `steps` exceeds
    1 / num_conditions. A network for which it is not, in the last 100 ms of the delay and from its
    activity, is called silent.

    Args:
        decoding: scores (..., repetition, time).
        num_conditions: number of conditions that were decoded, or (...) numbers.
        steps: the time steps to average over, a slice, a range or indices.

    Returns the share of repetitions above chance and whether it suffices, each (...). A decoding
    that is NaN is not above chance.
    """
    means = decoding[..., steps].mean(axis=-1, dtype=float)  # (..., repetition)
    share = (means > 1 / np.expand_dims(num_conditions, -1) + ROUNDING).mean(axis=-1)
    return Significance(share, share >= SIGNIFICANT_SHARE)


# The trials of a repetition


def check_conditions(condition: np.ndarray, values: Iterable | None = None) -> None:
    """Raise ValueError unless two conditions or more have enough trials to be decoded.

    Args:
        condition: condition of each trial (trial,).
        values: the conditions that must be there; those that `condition` holds if None.
    """
    condition = np.asarray(condition)
    values = np.unique(condition) if values is None else np.unique(list(values))
    if len(values) < 2:
        raise ValueError(f'decoding needs at least 2 conditions, but there are {len(values)}')
    counts = {value: np.count_nonzero(condition == value) for value in values.tolist()}
    rare = [f'condition {v} has {n}' for v, n in counts.items() if n < MIN_TRIALS]
    if rare:
        raise ValueError(
            f'decoding needs at least {MIN_TRIALS} trials of each condition, but {", ".join(rare)}'
        )


def split_trials(trials: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Split `trials` at random into a training pool (75 %, rounded down) and a test pool."""
    num_train = 3 * len(trials) // 4
    shuffled = rng.permutation(trials)
    return shuffled[:num_train], shuffled[num_train:]


def draw_trials(condition: np.ndarray, rng: np.random.Generator) -> Draw:
    """Draw the training and test trials of one repetition, with replacement from their pools."""
    condition = np.asarray(condition)
    values = np.unique(condition)
    size = DRAWS if len(values) > 2 else DRAWS_OF_FEW
    train, test = [], []
    for value in values:
        train_pool, test_pool = split_trials(np.flatnonzero(condition == value), rng)
        train.append(rng.choice(train_pool, size))
        test.append(rng.choice(test_pool, size))
    return Draw(np.stack(train), np.stack(test))


def draw_repetitions(condition: np.ndarray, repetitions: int, seed) -> list[Draw]:
    """Draw the trials of all repetitions, each with its own generator spawned from `seed`.

    Raises ValueError for conditions with too few trials.
    """
    check_conditions(condition)
    seeds = np.random.SeedSequence(seed).spawn(repetitions)
    return [draw_trials(condition, np.random.default_rng(child)) for child in seeds]


# The work of one repetition, in a process of its own


def _checked(signals, condition, first_step, units) -> dict[str, np.ndarray]:
    """The signals of the units to decode from."""
    for name, signal in signals.items():
        if np.ndim(signal) != 3 or np.shape(signal)[1:2] != np.shape(condition):
            raise ValueError(
                f'the signal {name} must be (time, trial, unit) and the condition (trial,), '
                f'but their shapes are {np.shape(signal)} and {np.shape(condition)}'
            )
        if not 0 <= first_step < len(signal):
            raise ValueError(
                f'first_step must be from 0 to {len(signal) - 1} for the signal {name}, '
                f'not {first_step}'
            )
        if not np.isfinite(signal).all():
            raise ValueError(f'the signal {name} holds values that are not finite')
    picked = ... if units is None else (..., units)
    return {name: np.asarray(signal)[picked] for name, signal in signals.items()}


def _scores(decode, time_axes: int, signals, draws: Sequence[Draw], jobs: int, progress) -> dict:
    """What `decode` gives of each signal with each draw: arrays (repetition, time, ...) by name."""
    svm.warn_if_slow()  # here, so that the processes need not
    scores = {
        name: np.full((len(draws), *[len(signal)] * time_axes), np.nan, np.float32)
        for name, signal in signals.items()
    }
    with_units = {name: signal for name, signal in signals.items() if signal.shape[2]}
    arguments = [(decode, with_units, draw) for draw in draws]
    with closing(outcomes(_repetition, arguments, jobs)) as found:
        for i, result in enumerate(found):
            for name, score in result.items():
                scores[name][i] = score
            if progress is not None:
                progress(1)
    return scores


def _repetition(decode, signals, draw: Draw) -> dict:
    """Decode each signal with the trials of one draw."""
    # One thread: the matrices are small, and the processes share the cores already.
    with threadpool_limits(1):
        return {name: decode(signal, draw) for name, signal in signals.items()}


def _decode_over_time(signal, draw: Draw, normalize: bool, first_step: int) -> np.ndarray:
    """Train and test at each time step: share of correct test trials (time,)."""
    scores = np.zeros(len(signal))
    for step in range(first_step, len(signal)):
        scores[step] = _share_correct(classify(signal[step], draw, normalize))
    return scores


def classify(activity: np.ndarray, draw: Draw, normalize: bool = True) -> np.ndarray:
    """Train on the activity (trial, unit) of the training trials and classify the test trials.

    Returns the number of the condition each drawn test trial is taken for (condition, draw). It is
    the prediction of SVC, unless a trial lies on the border of two conditions to the last bit.
    """
    trials, place = _distinct(draw.test)
    train, test = _features(activity, draw.train.ravel(), trials, normalize)
    classifiers = svm.fit(train, len(draw.train))
    return svm.elect(test @ classifiers.weights.T > classifiers.thresholds)[place]


def _decode_across_time(signal, draw: Draw, normalize: bool, first_step: int) -> np.ndarray:
    """Train at each time step, test at each: share of correct test trials (trained, tested)."""
    trials, place = _distinct(draw.test)
    fits, tests = [], []
    for activity in signal[first_step:]:
        train, test = _features(activity, draw.train.ravel(), trials, normalize)
        fits.append(svm.fit(train, len(draw.train)))
        tests.append(test)
    weights = np.concatenate([fit.weights for fit in fits])  # (trained and pair, unit)
    thresholds = np.stack([fit.thresholds for fit in fits])  # (trained, pair)
    scores = np.zeros((len(signal), len(signal)))
    for step, test in enumerate(tests, start=first_step):
        # one large product for the classifiers of all steps
        sums = (test @ weights.T).reshape(len(test), *thresholds.shape)  # (trial, trained, pair)
        scores[first_step:, step] = _share_correct(svm.elect(sums > thresholds)[place])
    return scores


def _distinct(trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different ones among the drawn trials, and the place of each drawn trial among them."""
    distinct = np.unique(trials)
    return distinct, np.searchsorted(distinct, trials)


def _features(activity, train_trials, test_trials, normalize: bool) -> tuple:
    """Features of the training and the test trials, each (trial, unit) float64, like SVC's own."""
    train, test = activity[train_trials].astype(float), activity[test_trials].astype(float)
    if normalize:
        low = train.min(axis=0)
        span = train.max(axis=0) - low
        span[span == 0] = 1  # a constant unit is only shifted
        for features in (train, test):
            features -= low
            features /= span
    return train, test


def _share_correct(elected: np.ndarray) -> np.ndarray:
    """Share of the test trials (condition, draw, ...) whose own condition was elected (...)."""
    own = np.arange(len(elected)).reshape(-1, *[1] * (elected.ndim - 1))
    return (elected == own).mean(axis=(0, 1))
