"""How sure a mean over networks is, and whether it agrees with what was published."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import (
    binomtest,
    fisher_exact,
    nct,
    norm,
    rankdata,
    spearmanr,
    t,
    ttest_1samp,
    ttest_ind,
)

RESAMPLES, CONFIDENCE, SEED = 10_000, 0.95, 0
FEWEST = 3  # networks from which something is concluded
FEWEST_VARIANTS = 4  # of tasks over which R is computed
POWER = 0.8  # with which `detectable` states the smallest difference
DECISIVE = 0.01  # P below which a direction counts
ROUNDING = 0.005  # of published values, which have two decimals

Interval = tuple[float, float]


class Difference(NamedTuple):
    """A difference of two means, its 95 % interval, and P of the two-sided t test."""

    mean: float
    interval: Interval
    p_value: float


def interval(values: Sequence[float]) -> Interval:
    """The 95 % interval of the mean over networks, from resampling them (percentile bootstrap)."""
    values, rng = np.asarray(values, float), np.random.default_rng(SEED)
    means = rng.choice(values, (RESAMPLES, len(values))).mean(-1)
    return _middle(means)


def student_interval(values: Sequence[float]) -> Interval:
    """Student's 95 % interval of the mean: wider than `interval` where networks are few."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return _around(np.mean(values), error, len(values) - 1)


def _around(mean: float, error: float, freedom: float) -> Interval:
    """The 95 % interval of a mean with this standard error and these degrees of freedom."""
    half = t.isf((1 - CONFIDENCE) / 2, freedom) * error
    return float(mean - half), float(mean + half)


def interval_of_share(count: int, number: int) -> Interval:
    """The exact (Clopper-Pearson) 95 % interval of the share `count` of `number`."""
    found = binomtest(count, number).proportion_ci(CONFIDENCE)
    return float(found.low), float(found.high)


def _middle(resampled: np.ndarray) -> Interval:
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def rank_correlation(points: Sequence[np.ndarray]) -> tuple[float, float, Interval]:
    """Spearman's R over the means of variants, its P, and its interval from resampling networks.

    `points` are (network, variant, 2) for each task. In each of the resamples the networks of every
    task are drawn anew, with all variants of each, and R is that over the new means.
    """
    found = spearmanr(*np.concatenate([of_task.mean(0) for of_task in points]).T)
    rng, means = np.random.default_rng(SEED), []
    for of_task in points:
        drawn = rng.integers(len(of_task), size=(RESAMPLES, len(of_task)))
        means.append(of_task[drawn].mean(1))
    ranks = rankdata(np.concatenate(means, axis=1), axis=1)  # (resample, variant, 2)
    centred = ranks - ranks.mean(1, keepdims=True)
    resampled = np.prod(centred, -1).sum(1) / np.sqrt(np.square(centred).sum(1).prod(-1))
    return float(found.statistic), float(found.pvalue), _middle(resampled)


def correlation_within(points: Sequence[np.ndarray]) -> tuple[float, float]:
    """R of ranks within tasks, over all networks, and its P; `points`: (network, 2) by task.

    Ranks are divided by the number of networks plus one; differences between tasks do not count.
    """
    ranks = [rankdata(of_task, axis=0) / (len(of_task) + 1) - 0.5 for of_task in points]
    freedom = sum(map(len, points)) - len(points) - 1
    # R is NaN if all networks have the same value, and may be 1
    with np.errstate(invalid='ignore', divide='ignore'):
        r = np.corrcoef(*np.concatenate(ranks).T)[0, 1]
        return float(r), float(2 * t.sf(abs(r) * np.sqrt(freedom / (1 - r**2)), freedom))


def correlation_interval(r: float, number: int) -> Interval:
    """The 95 % interval of Spearman's R over at least four tasks, taken as a random sample.

    By Fisher's z, whose variance is 1.06 / (number - 3) for ranks (Fieller et al. 1957).
    """
    half = norm.isf((1 - CONFIDENCE) / 2) * np.sqrt(1.06 / (number - 3))
    with np.errstate(divide='ignore'):  # an R of 1 is infinite
        z = np.arctanh(r)
    return float(np.tanh(z - half)), float(np.tanh(z + half))


def verdict_of_value(values: Sequence[float], published: float, no_effect: float) -> str:
    """Does the mean over networks agree with a published value?

    `reproduced` if the value, as it is rounded, lies in the interval of the mean and no effect does
    not; otherwise, where the interval lies on the same side of `no_effect` as the value, `weaker`
    or `stronger`, else `not reproduced`. `undecided` if the interval holds both, if there are fewer
    than three networks or a value is not finite, and where Student's interval gives another
    verdict: that from resampling is too narrow where networks are few.
    """
    if len(values) < FEWEST or not np.all(np.isfinite(values)):
        return 'undecided'
    return agreed((interval(values), student_interval(values)), published, no_effect)


def agreed(intervals: Sequence[Interval], published: float, no_effect: float) -> str:
    """The verdict of all intervals of one number; `undecided` where they disagree."""
    verdicts = {verdict_of_interval(found, published, no_effect) for found in intervals}
    return verdicts.pop() if len(verdicts) == 1 else 'undecided'


def verdict_of_interval(found: Interval, published: float, no_effect: float) -> str:
    """The verdict of `verdict_of_value` for one given interval."""
    low, high = found
    holds_no_effect = low <= no_effect <= high
    if low - ROUNDING <= published <= high + ROUNDING:
        return 'undecided' if holds_no_effect else 'reproduced'
    if holds_no_effect or (low > no_effect) != (published > no_effect):
        return 'not reproduced'
    return 'weaker' if abs(high - no_effect) < abs(published - no_effect) else 'stronger'


def verdict_of_share(found: Interval, p_value: float, published: float) -> str:
    """The verdict on a share, which differs from the published one only if Fisher's test says so.

    The published share has an error of its own, which the test counts and the interval does not.
    """
    verdict = verdict_of_interval(found, published, no_effect=0)
    return verdict if verdict == 'reproduced' or p_value < DECISIVE else 'undecided'


def verdict_of_direction(found: Difference | None) -> str:
    """Is a difference, which was published as positive, positive with P < .01 (two-sided)?"""
    if found is None or not found.p_value < DECISIVE:
        return 'undecided'
    return 'reproduced' if found.mean > 0 else 'not reproduced'


def p_text(p_value: float) -> str:
    """P with two digits, or three where two would not tell on which side of the limit it is."""
    text = f'{p_value:.2g}'
    return f'{p_value:.3g}' if float(text) == DECISIVE else text


def paired(more: Sequence[float], less: Sequence[float] | float = 0) -> Difference | None:
    """How much more one value is than the other in the same networks; None if that is not known.

    That is, with too few networks, or where all have the same difference.
    """
    differences = np.subtract(more, less)
    if len(differences) < FEWEST or np.ptp(differences) == 0:
        return None
    return _of_test(ttest_1samp(differences, 0))


def unpaired(more: Sequence[float], less: Sequence[float]) -> Difference | None:
    """How much more some networks have than others (Welch's t test); None as for `paired`."""
    if min(len(more), len(less)) < FEWEST or np.ptp(more) == np.ptp(less) == 0:
        return None
    return _of_test(ttest_ind(more, less, equal_var=False))


def _of_test(found) -> Difference:
    """The result of a t test of a difference in scipy.stats."""
    low, high = map(float, found.confidence_interval(CONFIDENCE))
    return Difference((low + high) / 2, (low, high), float(found.pvalue))


def compared_shares(count: int, number: int, other_count: int, other_number: int) -> float:
    """P of Fisher's exact test of two shares: so many of a number, and so many of another."""
    both = [count, number - count], [other_count, other_number - other_count]
    return float(fisher_exact(both).pvalue)


def beside(
    values: Sequence[float], mean: float, sd: float | None, number: int
) -> Difference | None:
    """The difference from the mean of so many networks with this SD, by Welch's t test.

    Where no SD is known, by a one-sample t test, which takes their mean as exact. None without a
    spread of the values.
    """
    if len(values) < 2 or np.ptp(values) == 0:
        return None
    if sd is None:
        return _of_test(ttest_1samp(np.subtract(values, mean), 0))
    errors = np.array([np.var(values, ddof=1) / len(values), sd**2 / number])
    freedom = errors.sum() ** 2 / np.sum(errors**2 / [len(values) - 1, number - 1])
    difference, error = float(np.mean(values) - mean), np.sqrt(errors.sum())
    p_value = float(2 * t.sf(abs(difference) / error, freedom))
    return Difference(difference, _around(difference, error, freedom), p_value)


def detectable(num_1: int, num_2: int) -> float:
    """The difference of two means, in SDs, that a two-sided t test finds with P < .05 in 4 of 5."""
    freedom, root = num_1 + num_2 - 2, np.sqrt(num_1 * num_2 / (num_1 + num_2))
    critical = t.isf((1 - CONFIDENCE) / 2, freedom)

    def missing(shift: float) -> float:
        # the other tail of the test holds next to nothing of the power
        return nct.sf(critical, freedom, shift) - POWER

    return float(brentq(missing, 0, 6) / root)
