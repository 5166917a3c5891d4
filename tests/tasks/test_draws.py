"""The labels of large batches against the exact probabilities of each task."""

from collections import Counter
from math import exp

import numpy as np
import pytest
from scipy import stats

from parameters import par, update_parameters
from stimulus import Stimulus

# Long steps and few units: only the labels are of interest.
SMALL = {'batch_size': 20_000, 'dt': 100, 'n_hidden': 2}
UNLIKELY = 1e-4  # the seeds are fixed, so a test that passes once passes always
BASIC = {  # rotation in directions, or None for the category, of each rule
    'DMS': [0],
    'DMRS45': [1],
    'DMRS90': [2],
    'DMRS90ccw': [-2],
    'DMRS180': [4],
    'DMC': [None],
    'DMS+DMRS': [0, 2],
    'DMS+DMRS_early_cue': [0, 2],
    'DMS+DMRS_full_cue': [0, 2],
    'DMS+DMC': [0, None],
    'DMS+DMRS+DMC': [0, 2, None],
    'location_DMS': [0],
}


def labels_of(task, test_mode=False, **updates):
    num_units = {'dualDMS': 2, 'location_DMS': 3, 'distractor': 8}.get(task, 1)
    update_parameters({'trial_type': task, 'num_motion_tuned': num_units, **SMALL, **updates})
    return Stimulus([11, 2]).generate_trial(test_mode)


def assert_distribution(columns, probabilities):
    """Rows of the columns occur with the given probabilities (row: probability), and no others."""
    counts = Counter(zip(*(np.asarray(column).tolist() for column in columns), strict=True))
    assert counts.keys() <= probabilities.keys()
    assert sum(probabilities.values()) == pytest.approx(1)
    total = counts.total()
    observed = [counts[row] for row in probabilities]
    expected = [total * probability for probability in probabilities.values()]
    assert stats.chisquare(observed, expected).pvalue > UNLIKELY


def assert_share(events, probability):
    result = stats.binomtest(int(np.count_nonzero(events)), np.size(events), probability)
    assert result.pvalue > UNLIKELY


def uniform(*sizes):
    rows = list(np.ndindex(*sizes))
    return dict.fromkeys(rows, 1 / len(rows))


def sample_and_test(rotation):
    """Probability of each pair: a match in half of the trials, else any other direction."""
    if rotation is None:  # four directions match and four do not, all alike
        return uniform(8, 8)
    return {
        (sample, test): (0.5 if (test - sample) % 8 == rotation % 8 else 0.5 / 7) / 8
        for sample, test in np.ndindex(8, 8)
    }


@pytest.mark.parametrize('task', BASIC)
def test_samples_and_tests_of_basic_tasks(task):
    info = labels_of(task)
    assert_share(info['match'], 0.5)
    for rule, rotation in enumerate(BASIC[task]):
        trials = info['rule'] == rule
        assert_share(info['match'][trials], 0.5)
        assert_distribution(
            [info['sample'][trials], info['test'][trials]], sample_and_test(rotation)
        )


@pytest.mark.parametrize('task', BASIC)
def test_rules_are_uniform_and_independent_of_match(task):
    info = labels_of(task)
    assert_distribution([info['rule'], info['match']], uniform(len(BASIC[task]), 2))


def test_category_tests_are_uniform_inside_the_category():
    info = labels_of('DMC')
    category_and_test = [info['sample'] // 4, info['match'], info['test'] % 4]
    assert_distribution(category_and_test, uniform(2, 2, 4))
    # the sample's own direction is as likely as the others of its category
    match = info['match'] == 1
    assert_share(info['test'][match] == info['sample'][match], 0.25)


@pytest.mark.parametrize('task', BASIC)
def test_test_mode_directions_are_uniform_and_independent(task):
    info = labels_of(task, test_mode=True)
    rules = len(BASIC[task])
    assert_distribution([info['rule'], info['sample'], info['test']], uniform(rules, 8, 8))


def test_location_of_the_test_is_independent_of_sample_and_match():
    info = labels_of('location_DMS')
    assert_distribution(
        [info['test_location'] - 1, info['sample'], info['match']], uniform(2, 8, 2)
    )


def sequences(repeat):
    """Probabilities of three tests, as directions from the sample (0: match)."""
    probabilities = Counter({(): 1.0})
    for i in range(3):
        longer = Counter()
        for tests, p in probabilities.items():
            p_repeat = 0.5 * repeat if i > 0 else 0
            new = set(range(1, 8)) - set(tests)
            longer[(*tests, 0)] += 0.5 * p
            if p_repeat:
                longer[(*tests, tests[-1])] += p_repeat * p
            for direction in new:
                longer[(*tests, direction)] += (0.5 - p_repeat) * p / len(new)
        probabilities = longer
    return dict(probabilities)


@pytest.mark.parametrize(('task', 'repeat'), [('ABBA', 0.5), ('ABCA', 0)])
def test_sequences_of_tests(task, repeat):
    info = labels_of(task)
    from_sample = (info['test'] - info['sample'][:, None]) % 8
    assert_distribution(from_sample.T, sequences(repeat))
    assert_distribution([info['sample'], info['match'][:, 0]], uniform(8, 2))


@pytest.mark.parametrize(
    ('task', 'shares'), [('ABBA', [0.5, 0.625, 0.65625]), ('ABCA', [0.5, 0.5, 0.5])]
)
def test_share_of_matching_tests_in_a_sequence(task, shares):
    info = labels_of(task)
    for match, share in zip(info['match'].T, shares, strict=True):
        assert_share(match, share)


def test_repeats_of_non_matching_tests():
    info = labels_of('ABBA')
    test, match = info['test'], info['match']
    repeats = (test[:, 1:] == test[:, :-1]) & (match[:, 1:] == 0)
    np.testing.assert_array_equal(info['repeat_test_stim'], repeats.any(1))
    for i in range(2):  # half of the draws that are not matches repeat
        assert_share(repeats[match[:, i] == 0, i], 0.25)
    # at test 2, at test 3, less those at both
    assert_share(info['repeat_test_stim'], 0.5 * 0.25 + 0.375 * 0.25 - 0.5 * 0.25 * 0.25)


@pytest.mark.parametrize('task', ['ABCA', 'ABBA'])
def test_sequences_without_repeats(task):
    info = labels_of(task, test_mode=task == 'ABBA')
    assert not info['repeat_test_stim'].any()


@pytest.mark.parametrize('task', ['ABBA', 'ABCA'])
def test_sequences_in_test_mode_are_uniform_and_independent(task):
    info = labels_of(task, test_mode=True)
    assert_distribution([info['sample'], *info['test'][:, :2].T], uniform(8, 8, 8))
    assert_distribution(info['test'].T, uniform(8, 8, 8))


def test_dual_cues_matches_and_catches_are_independent():
    info = labels_of('dualDMS', catch_trial_pct=0.3)
    assert_distribution([*info['rule'].T, *info['match'].T], uniform(2, 2, 2, 2))
    share = {0: 0.7, 1: 0.3}
    assert_distribution(
        [*info['rule'].T, *info['catch'].T],
        {(*row, i, j): share[i] * share[j] / 4 for *row, i, j in np.ndindex(2, 2, 2, 2)},
    )


@pytest.mark.parametrize('period', [0, 1])
@pytest.mark.parametrize('test_mode', [False, True])
def test_dual_samples_and_tests(period, test_mode):
    info = labels_of('dualDMS', test_mode, catch_trial_pct=0.3)
    tested = info['test_mod'][:, period]
    trials = np.arange(len(tested))
    sample, other_sample = info['sample'][trials, tested], info['sample'][trials, 1 - tested]
    test, other_test = info['test'][:, period].T
    assert_distribution([sample, test], uniform(8, 8) if test_mode else sample_and_test(0))
    for pair in ([sample, other_sample], [other_sample, other_test], [test, other_test]):
        assert_distribution(pair, uniform(8, 8))


def test_distractor_is_independent_of_the_sample():
    info = labels_of('distractor')
    assert_distribution([info['sample'], info['distractor']], uniform(8, 8))


@pytest.mark.parametrize('task', [*BASIC, 'distractor', 'ABBA', 'ABCA'])
@pytest.mark.parametrize('probability', [0, 0.15])
def test_share_of_catch_trials(task, probability):
    info = labels_of(task, catch_trial_pct=probability)
    if probability:
        assert_share(info['catch'], probability)
        assert_distribution(
            [info['catch'], info['sample']],
            {(c, d): (0.85, 0.15)[c] / 8 for c, d in np.ndindex(2, 8)},
        )
    else:
        assert not info['catch'].any()


def test_drawn_delays_are_exponential():
    """A delay is up to 300 ms too short: in n steps of 10 ms, the last one is the likeliest."""
    times = {'fix_time': 10, 'sample_time': 10, 'delay_time': 310, 'test_time': 10}
    info = labels_of('DMS', var_delay=True, catch_trial_pct=0.1, dt=10, mask_duration=0, **times)
    assert_share(info['catch'], 0.1 + 0.9 * exp(-2))
    shown = info['catch'] == 0
    onset = np.argmax(info['desired_output'][:, shown, 0] == 0, axis=0)
    nominal = par['test_time_rng'][0].start
    # the exponential time has a mean of 150 ms; step k of it shifts the test by k - 30 steps
    in_step = {k: exp(-10 * k / 150) - exp(-10 * (k + 1) / 150) for k in range(30)}
    total = sum(in_step.values())
    assert_distribution([onset], {(nominal - 30 + k,): p / total for k, p in in_step.items()})
