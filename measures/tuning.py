"""Tuning to motion direction: how strong, to which direction, how alike (paper, Methods).

    tuning = calculate_tuning({'neuronal': h, 'synaptic': x * u}, sample, num_directions=8)
    tuning['neuronal'].pev  # (unit, time)

A signal is an array (time, trial, unit): activity h, or synaptic efficacy x u. Directions are
integers from 0 to num_directions - 1, evenly spaced over 360 degrees; direction 0 is angle 0.
Signals are read one step at a time in double precision, so that no large copy is made.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tasks.trial import in_second_half

MIN_VARIANCE = 1e-9  # a unit whose signal varies less over trials has no tuning


class Tuning(NamedTuple):
    """Tuning of every unit at every step, float32.

    pev: share of the variance over trials that a cosine of the direction explains, (unit, time).
    pref_dir: preferred direction in radians, from -pi to pi, (unit, time).
    curves: mean signal for each direction, (unit, direction, time).
    """

    pev: np.ndarray
    pref_dir: np.ndarray
    curves: np.ndarray


def calculate_tuning(
    signals: Mapping[str, np.ndarray],
    direction: np.ndarray,
    num_directions: int,
    trials: np.ndarray | None = None,
) -> dict[str, Tuning]:
    """Tuning of each signal (time, trial, unit) to the direction (trial,) shown in each trial.

    Least squares, for each unit and step: signal = b + c cos(direction) + s sin(direction).
    pev = 1 - mse / (variance + 1e-9), but 0 where the variance is at most 1e-9. pref_dir =
    atan2(s, c); it means nothing where pev is 0 or where fewer than three directions occur.

    `trials`, a mask (trial,) or indices, selects trials, such as those of one rule. A direction
    that none of them has is NaN in the curves. If no trial is selected, everything is NaN.

    Raises ValueError if the shapes disagree or a direction is not an integer in range.
    """
    return {
        name: _tuning(signal, direction, num_directions, trials) for name, signal in signals.items()
    }


def stack_tuning(tunings: Sequence[Sequence[Mapping[str, Tuning]]]) -> dict[str, Tuning]:
    """Join tunings[rule][field], each from `calculate_tuning`, signal by signal.

    The result's pev and pref_dir are (unit, rule, field, time), its curves (unit, rule, direction,
    field, time).
    """

    def stack(name: str) -> Tuning:
        axes = {'pev': 'rfut->urft', 'pref_dir': 'rfut->urft', 'curves': 'rfudt->urdft'}
        return Tuning(
            **{
                measure: np.einsum(
                    order, [[getattr(field[name], measure) for field in rule] for rule in tunings]
                )
                for measure, order in axes.items()
            }
        )

    return {name: stack(name) for name in tunings[0][0]}


def mean_by_condition(signal: np.ndarray, direction: np.ndarray, num_directions: int) -> np.ndarray:
    """Mean of a signal (time, trial, unit) for each direction: (time, unit, direction), float32.

    The other arguments, and what is raised, are those of `calculate_tuning`; a direction without a
    trial is NaN.
    """
    directions = _directions(signal, direction, num_directions, None)
    means = _direction_means(signal, directions, num_directions, None)
    return means.transpose(0, 2, 1).astype(np.float32)


def similarity_index(
    pev_a: np.ndarray, pref_dir_a: np.ndarray, pev_b: np.ndarray, pref_dir_b: np.ndarray
) -> np.ndarray:
    """Whether units prefer the same directions in two tunings: 1 the same, -1 opposite ones.

    sum sqrt(w_a w_b) cos(pref_dir_a - pref_dir_b) / sum sqrt(w_a w_b), over units, where w is pev,
    or 0 where pev is negative. All are (unit, ...), such as (unit, time), and the result is (...);
    (unit, 1) compares one tuning with all steps of the other. NaN where the denominator is 0.
    """
    return _agreement(pev_a, pref_dir_a, pev_b, pref_dir_b, np.ones(len(pev_a))).real


def manipulation(
    neuronal: np.ndarray,
    synaptic: np.ndarray,
    direction: np.ndarray,
    num_directions: int,
    sign: np.ndarray,
) -> float:
    """How much a network changes its code of the sample: 0 not at all, 2 inverted (paper, Fig. 7).

    1 - similarity of the neuronal tuning early in the sample and the synaptic tuning late in the
    delay. `neuronal` (trial, unit) is the mean activity in the first 100 ms of the sample,
    `synaptic` (trial, unit) the mean efficacy x u in the last 100 ms of the delay, both in a DMS
    trial, and `direction` (trial,) the sample.

    `sign` (unit,) is +1 for facilitating, -1 for depressing and 0 for static synapses: activity
    raises the efficacy of the first and lowers that of the second, which therefore prefers the
    opposite direction in a network that keeps its code. NaN if no unit is tuned in both windows.
    """
    return 1 - _kept_code(neuronal, synaptic, direction, num_directions, sign).real


def rotation(
    neuronal: np.ndarray,
    synaptic: np.ndarray,
    direction: np.ndarray,
    num_directions: int,
    sign: np.ndarray,
) -> float:
    """By how much these units turn their code of the sample, degrees, counter-clockwise positive.

    The mean turn, weighted as in `similarity_index`, from the tuning of the activity early in the
    sample to that of the efficacy late in the delay; the arguments are those of `manipulation`.
    If the matching test is the sample turned by d degrees, it activates the units whose synapses
    remember that sample if the code has turned by -d. NaN if no unit is tuned in both windows.
    """
    kept = _kept_code(neuronal, synaptic, direction, num_directions, sign)
    return float(np.degrees(np.angle(kept)))


def _kept_code(neuronal, synaptic, direction, num_directions: int, sign) -> complex:
    windows = {'neuronal': np.asarray(neuronal)[None], 'synaptic': np.asarray(synaptic)[None]}
    tuning = calculate_tuning(windows, direction, num_directions)
    early, late = tuning['neuronal'], tuning['synaptic']
    return complex(_agreement(early.pev, early.pref_dir, late.pev, late.pref_dir, sign)[0])


def _agreement(pev_a, pref_dir_a, pev_b, pref_dir_b, sign) -> np.ndarray:
    """Mean over units of sign exp(i turn), turn from a to b, weighted as in `similarity_index`."""
    weight = np.sqrt(np.maximum(pev_a, 0.0) * np.maximum(pev_b, 0.0))
    turned = weight * np.exp(1j * (pref_dir_b - pref_dir_a))
    total, weights = np.tensordot(sign, turned, axes=1), weight.sum(axis=0)
    return _ratio(total.real, weights) + 1j * _ratio(total.imag, weights)


def category_index(curves: np.ndarray) -> np.ndarray:
    """How far units distinguish two categories rather than directions: 1 for categories only.

    (between - within) / (between + within), where `within` and `between` are the mean absolute
    differences of the responses to two directions of the same and of different categories. They
    are averaged for each angular distance at which there are both kinds of pairs, then over the
    distances, so that both have the same distances. The categories are the first and the second
    half of the directions.

    curves (unit, direction, ...) gives (unit, ...). NaN where between + within is 0, and with fewer
    than three directions.
    """
    curves = np.asarray(curves, np.float64)
    num_directions = curves.shape[1]
    start = np.arange(num_directions)
    category = in_second_half(start, num_directions)
    within, between = np.zeros((2, *curves[:, 0].shape))
    for distance in range(1, num_directions // 2 + 1):
        end = (start + distance) % num_directions
        same = category == category[end]
        if same.any() and not same.all():
            difference = np.abs(curves - curves[:, end])
            within += difference[:, same].mean(axis=1)  # the number of distances cancels below
            between += difference[:, ~same].mean(axis=1)
    return _ratio(between - within, between + within)


def input_tuning(motion_tuning: np.ndarray, w_in: np.ndarray) -> np.ndarray:
    """Input current of each unit for each direction: (unit, field, direction).

    `motion_tuning` (direction unit, field, direction) is the response of the direction units, which
    are the first rows of the input weights w_in (input, unit); weights act rectified.

    Raises ValueError if w_in has fewer rows than there are direction units.
    """
    num_motion_tuned = len(motion_tuning)
    if len(w_in) < num_motion_tuned:
        raise ValueError(
            f'w_in must have a row for each of the {num_motion_tuned} direction units; '
            f'it has {len(w_in)} rows'
        )
    weight = np.maximum(w_in[:num_motion_tuned], 0)
    return np.einsum('iu,ifd->ufd', weight, motion_tuning)


def _tuning(signal, direction, num_directions: int, trials) -> Tuning:
    selected = _directions(signal, direction, num_directions, trials)
    means = _direction_means(signal, selected, num_directions, trials)
    if len(selected) == 0:
        pev = pref_dir = np.full((means.shape[0], means.shape[2]), np.nan)
    else:
        variance = np.array([step.var(axis=0) for step in _steps(signal, trials)])
        count = np.bincount(selected, minlength=num_directions)
        pev, pref_dir = _cosine_fit(means, variance, count)
    results = pev.T, pref_dir.T, means.transpose(2, 1, 0)
    return Tuning(*(result.astype(np.float32) for result in results))


def _cosine_fit(
    means: np.ndarray, variance: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """pev and pref_dir, both (time, unit), from what the fit needs to know of the trials.

    `means` (time, direction, unit) of the trials of each direction, `variance` (time, unit) over
    all trials and `count` (direction,) of trials. Trials of the same direction have the same row in
    the design [1, cos, sin], so the fit to all trials is the fit to their means, weighted by their
    number; and with the constant in the design, mse = variance - variance of the fit.
    """
    present = np.flatnonzero(count)
    share = count[present] / count.sum()
    root = np.sqrt(share)[:, None]
    angle = 2 * np.pi / len(count) * present
    design = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], axis=1)
    weights = np.linalg.pinv(root * design) @ (root * means[:, present])  # (time, 3, unit)

    fit = design @ weights  # (time, direction, unit)
    explained = share @ (fit - (share @ fit)[:, None]) ** 2
    pev = 1 - (variance - explained) / (variance + MIN_VARIANCE)
    return np.where(variance <= MIN_VARIANCE, 0, pev), np.arctan2(weights[:, 2], weights[:, 1])


def _direction_means(signal, selected: np.ndarray, num_directions: int, trials) -> np.ndarray:
    """Mean of a signal for each direction, (time, direction, unit); NaN without a trial."""
    is_direction = np.arange(num_directions)[:, None] == selected  # (direction, trial)
    count = is_direction.sum(axis=1)
    average = is_direction / np.maximum(count, 1)[:, None]
    means = np.array([average @ step for step in _steps(signal, trials)])
    means[:, count == 0] = np.nan
    return means


def _steps(signal: np.ndarray, trials) -> Iterator[np.ndarray]:
    """The selected trials of each step in double precision, (trial, unit)."""
    for step in signal:
        yield (step if trials is None else step[trials]).astype(np.float64)


def _directions(signal, direction, num_directions: int, trials) -> np.ndarray:
    """The direction of each selected trial, once all is checked."""
    direction = np.asarray(direction)
    if signal.ndim != 3 or direction.shape != signal.shape[1:2]:
        raise ValueError(
            'a signal must be (time, trial, unit) and direction (trial,); '
            f'their shapes are {signal.shape} and {direction.shape}'
        )
    selected = direction if trials is None else direction[trials]
    in_range = (selected >= 0) & (selected < num_directions)
    if selected.dtype.kind not in 'iu' or not in_range.all():
        raise ValueError(f'directions must be integers from 0 to {num_directions - 1}')
    return selected.astype(int)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """numerator / denominator, NaN where the denominator is 0 (or NaN)."""
    return numerator / np.where(denominator > 0, denominator, np.nan)
