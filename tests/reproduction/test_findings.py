"""The findings of the paper, each with its interval, test and verdict."""

import numpy as np
import pytest
from made import cells, network
from scipy.stats import binom, bootstrap, spearmanr, t, ttest_1samp, ttest_ind, ttest_rel

from measures.groups import GROUPS
from reproduction import markdown, measured, statistics, tables

COLUMNS = tables.HEADER[1:]


def findings(by_task) -> dict[str, dict[str, str]]:
    """The rows of the table of findings, by finding and column."""
    rows = cells(tables.findings_table(by_task))
    return {name: dict(zip(COLUMNS, row, strict=True)) for name, row in rows.items()}


# Statistics


def test_interval_is_that_of_a_percentile_bootstrap():
    values = np.random.default_rng(0).normal(0.5, 0.1, 8)
    expected = bootstrap((values,), np.mean, method='percentile').confidence_interval
    assert statistics.interval(values) == pytest.approx(expected, abs=0.005)
    assert statistics.interval(values) == statistics.interval(values)
    assert statistics.interval([0.5] * 3) == (0.5, 0.5)


@pytest.mark.parametrize(
    ('values', 'published', 'verdict'),
    [
        ([0.5, 0.6, 0.7], 0.6, 'reproduced'),
        ([0.5, 0.5, 0.5], 0.504, 'reproduced'),  # published with two decimals
        ([0.5, 0.5, 0.5], 0.51, 'weaker'),
        ([0.5, 0.5, 0.5], 0.4, 'stronger'),
        ([-0.1, 0.1, 0.12], 0.4, 'not reproduced'),  # no effect in the interval
        ([-0.5, -0.5, -0.6], 0.4, 'not reproduced'),  # the other way
        ([0.6, 0.6], 0.6, 'undecided'),
        ([0.5, 0.6, np.nan], 0.6, 'undecided'),
        ([0.01, 0.3, 0.4], 0.23, 'undecided'),  # Student's interval also holds no effect
        ([0.66, 0.6, 0.83], 0.92, 'undecided'),  # Student's interval is 0.40 to 0.99
    ],
)
def test_verdict_on_a_value(values, published, verdict):
    assert statistics.verdict_of_value(values, published, no_effect=0) == verdict


def test_verdict_on_a_value_below_what_is_no_effect():
    assert statistics.verdict_of_interval((0.3, 0.4), 0.2, no_effect=0.5) == 'weaker'
    assert statistics.verdict_of_interval((0.1, 0.15), 0.2, no_effect=0.5) == 'stronger'
    assert statistics.verdict_of_interval((0.1, 0.6), 0.2, no_effect=0.5) == 'undecided'


def test_students_interval_is_that_of_scipy():
    values = [0.1, 0.4, 0.3, 0.8]
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert statistics.student_interval(values) == pytest.approx(tuple(expected))


def test_interval_of_a_share_is_exact():
    """Beyond its ends, so few or so many have a probability below .025."""
    low, high = statistics.interval_of_share(1, 6)
    assert binom.sf(0, 6, low) == pytest.approx(0.025)
    assert binom.cdf(1, 6, high) == pytest.approx(0.025)
    assert statistics.interval_of_share(0, 3)[0] == 0


def test_verdict_on_a_direction():
    def verdict(mean, p_value):
        return statistics.verdict_of_direction(statistics.Difference(mean, (-1, 1), p_value))

    assert verdict(0.1, 0.009) == 'reproduced'
    assert verdict(-0.1, 0.009) == 'not reproduced'
    assert verdict(0.1, 0.01) == 'undecided'
    assert statistics.verdict_of_direction(None) == 'undecided'


def test_a_share_differs_only_if_the_test_says_so():
    share, published = (0.03, 0.65), 0.75
    assert statistics.verdict_of_share(share, 0.009, published) == 'weaker'
    assert statistics.verdict_of_share(share, 0.01, published) == 'undecided'
    assert statistics.verdict_of_share((0, 0.5), 0.009, published) == 'not reproduced'
    assert statistics.verdict_of_share((0.1, 0.8), 0.06, published) == 'reproduced'


def test_p_shows_on_which_side_of_the_limit_it_is():
    shown = [statistics.p_text(p) for p in (0.00996, 0.01, 0.0104, 0.0436, 1.234e-5)]
    assert shown == ['0.00996', '0.01', '0.0104', '0.044', '1.2e-05']


def test_a_difference_is_found_with_the_power_that_is_stated():
    rng, difference = np.random.default_rng(0), statistics.detectable(10, 20)
    ours, theirs = rng.normal(difference, 1, (10, 4000)), rng.normal(0, 1, (20, 4000))
    found = ttest_ind(ours, theirs).pvalue < 0.05
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)
    assert statistics.detectable(100, 100) < statistics.detectable(5, 20)


def test_interval_of_a_rank_correlation_is_from_resampled_networks():
    rng = np.random.default_rng(1)
    variants = (2, 1, 2, 1)
    points = [rng.normal(i, 2, (5, n, 2)) for i, n in enumerate(variants)]
    for of_task in points:
        of_task[..., 1] = of_task[:, :1, 1]  # variants of a task share the manipulation: a tie
    r, p_value, found = statistics.rank_correlation(points)
    means = np.concatenate([of_task.mean(0) for of_task in points])
    assert (r, p_value) == pytest.approx(tuple(spearmanr(*means.T)))
    resampled = []
    for _ in range(2000):
        drawn = [rng.choice(of_task, 5).mean(0) for of_task in points]
        resampled.append(spearmanr(*np.concatenate(drawn).T).statistic)
    assert found == pytest.approx(tuple(np.quantile(resampled, [0.025, 0.975])), abs=0.04)
    alone = [of_task[:1] for of_task in points]
    r, _, found = statistics.rank_correlation(alone)
    assert found == pytest.approx((r, r))


def test_interval_of_a_rank_correlation_over_other_variants():
    """It holds R of all variants in 95 of 100 samples of ten of them."""
    rng, held = np.random.default_rng(2), 0
    shared = rng.normal(size=(1000, 10))
    one, other = (shared + rng.normal(0, 0.7, shared.shape) for _ in range(2))
    pearson = 1 / (1 + 0.7**2)
    true = 6 / np.pi * np.arcsin(pearson / 2)  # Spearman's R of a normal distribution
    for x, y in zip(one, other, strict=True):
        low, high = statistics.correlation_interval(spearmanr(x, y).statistic, 10)
        held += low <= true <= high
    assert held / 1000 == pytest.approx(0.95, abs=0.03)
    assert statistics.correlation_interval(1.0, 4) == (1, 1)
    # z = 0.54931, its SD is (1.06 / 7)**.5 = 0.38914
    assert statistics.correlation_interval(0.5, 10) == pytest.approx((-0.2102, 0.8648), abs=1e-4)


def as_expected(found, mean, test):
    """Whether a difference is this mean, with interval and P of a test in scipy.stats."""
    low, high = test.confidence_interval(0.95)
    assert (found.mean, *found.interval) == pytest.approx((mean, low, high))
    assert found.p_value == pytest.approx(test.pvalue)


@pytest.mark.filterwarnings('ignore:Precision loss')
def test_one_of_two_groups_may_have_no_spread():
    same, other = [1.0, 1, 1], [0.2, 0.3, 0.4]
    as_expected(statistics.unpaired(same, other), 0.7, ttest_ind(same, other, equal_var=False))
    assert statistics.unpaired(same, same) is None
    assert statistics.unpaired(same[:2], other) is None
    as_expected(statistics.paired(same, other), 0.7, ttest_rel(same, other))
    as_expected(statistics.paired(other), 0.3, ttest_1samp(other, 0))
    assert statistics.paired(same, [0.5, 0.5, 0.5]) is None
    assert statistics.paired(same[:2], other[:2]) is None


def test_correlation_within_tasks_does_not_count_differences_between_them():
    rng = np.random.default_rng(3)
    x = [rng.normal(10 * i, 1, 6) for i in range(3)]
    # larger in tasks with larger x, smaller within each
    points = [np.stack([of_task, 30 * i - of_task], axis=1) for i, of_task in enumerate(x)]
    r, p_value = statistics.correlation_within([*points[:2], points[2][:, [0, 0]]])
    # 12 of 18 pairs of ranks are opposite, 6 are the same
    assert r == pytest.approx(-1 / 3)
    assert spearmanr(*np.concatenate(points).T).statistic > 0.5
    # t with 18 - 3 - 1 degrees of freedom
    assert p_value == pytest.approx(2 * t.sf(np.sqrt(14 / 8), 14), rel=1e-6)
    same = [of_task[:, [0, 0]] for of_task in points]
    assert statistics.correlation_within(same) == pytest.approx((1, 0), abs=1e-6)


def test_intervals_that_disagree_decide_nothing():
    assert statistics.agreed([(0.5, 0.8), (0.4, 0.85)], 0.93, 0) == 'weaker'
    assert statistics.agreed([(0.5, 0.8), (0.2, 0.95)], 0.93, 0) == 'undecided'


# Findings


def test_value_beside_the_paper():
    networks = [network('ABCA', i) for i in range(4)]
    found = findings({'ABCA': networks})['ABCA: similarity of sample and test 1, during test 2']
    test_2 = networks[0]['parameters']['test_time_rng'][1]
    own = slice(test_2.start, test_2.stop)
    values = [n['synaptic_similarity'][0, 0, own].mean() for n in networks]
    assert found == {
        'Paper': '0.92 (preprint)',
        'Original code': '',
        'This project': markdown.mean_and_sd(values),
        '95 % interval': ' to '.join(map(markdown.number, statistics.interval(values))),
        'Networks': '4',
        'Test': '',
        'Verdict': statistics.verdict_of_value(values, 0.92, 0),
    }


def test_silenced_groups_are_compared_in_the_same_networks():
    networks = [network('ABBA', i) for i in range(4)]
    for n in networks:
        n['synaptic_similarity_suppression'][0, 0, GROUPS.index('inh_fac')] += 2
    silenced = [measured.similarity(n, 'inh_fac') for n in networks]
    without = [measured.similarity(n) for n in networks]
    expected = ttest_rel(silenced, without)
    name = 'ABBA: similarity of sample and test 1, during test 2'
    name += ', inh. fac. units silenced, beside none'
    found = findings({'ABBA': networks})
    low, high = expected.confidence_interval()
    mean = np.mean(silenced) - np.mean(without)
    words = f'{mean:.3f} ({low:.3f} to {high:.3f}), P = {expected.pvalue:.2g} (paired t)'
    assert found[name]['Test'] == words
    assert found[name]['Verdict'] == 'reproduced'
    start = 'ABBA: by how much inh. fac. units silenced raise'
    (row,) = (row for name, row in found.items() if name.startswith(start))
    assert row['Paper'] == '0.29, to 0.52 (preprint)'
    rises = np.subtract(silenced, without)
    assert row['This project'] == f'{rises.mean():.3f} ± {rises.std(ddof=1):.3f}'
    assert row['Verdict'] == 'stronger'


@pytest.mark.parametrize(
    ('mean', 'verdict'),
    [(0, 'stronger'), (0.23, 'reproduced'), (0.5, 'weaker'), (0.92, 'not reproduced')],
)
def test_codes_that_are_as_alike_as_in_ABCA_are_no_effect_in_ABBA(mean, verdict):
    networks = [network('ABBA', i) for i in range(5)]
    for i, n in enumerate(networks):
        n['synaptic_similarity'][:] = mean + 0.01 * (i - 2)
    row = findings({'ABBA': networks})['ABBA: similarity of sample and test 1, during test 2']
    assert row['Verdict'] == verdict


def test_rotation_is_compared_with_other_networks():
    more = [network('DMRS90', i) for i in range(3)]
    for n in more:
        n['neuronal_sample_decoding'] += 1
    dms = [network('DMS', i + 5) for i in range(4)]
    decoded = [[measured.end_decoding(n, 'neuronal') for n in group] for group in (more, dms)]
    expected = ttest_ind(*decoded, equal_var=False).pvalue
    name = 'DMRS90: decoding from activity, end of delay'
    row = findings({'DMRS90': more, 'DMS': dms})[name]
    assert row['Test'].endswith(f"), P = {expected:.2g} (Welch's t)")
    assert (row['Networks'], row['Verdict']) == ('3', 'reproduced')
    assert findings({'DMRS90': more})[name]['Verdict'] == 'undecided'


def test_networks_of_all_rotations_count_together():
    rotated = {'DMRS45': 2, 'DMRS180': 1}
    networks = {task: [network(task, i) for i in range(n)] for task, n in rotated.items()}
    rows = findings(networks | {'DMS': [network('DMS', i + 5) for i in range(3)]})
    name = 'decoding from activity, end of delay'
    assert rows[f'DMRS45: {name}']['Test'] == ''
    together = rows[f'All rotations: {name}']
    assert (together['Networks'], together['Test'][-11:]) == ('3', "(Welch's t)")
    decoded = [measured.end_decoding(n, 'neuronal') for own in networks.values() for n in own]
    assert together['This project'].startswith(f'{np.mean(decoded):.3f} ± ')


def test_groups_that_carry_a_rotated_sample():
    networks = []
    for i in range(3):
        accuracy = np.full((1, 2, 5, 3), 0.9) + 0.001 * i
        accuracy[0, -1, GROUPS.index('inh_dep')] = 0.6 + 0.01 * i
        networks.append(network('DMRS90', i, accuracy_syn_shuffled_grp=accuracy))
    rows = findings({'DMRS90': networks})
    worst = rows[
        'DMRS90: accuracy, synapses of inh. dep. units shuffled, lower than for any other group'
    ]
    difference = [0.3 - 0.009 * i for i in range(3)]
    assert worst['This project'] == '0.610 ± 0.010'
    expected = ttest_1samp(difference, 0).pvalue
    assert worst['Test'].startswith('0.291 (')
    assert worst['Test'].endswith(f'), P = {expected:.2g} (paired t)')
    assert worst['Verdict'] == 'reproduced'


def turning(task, *degrees):
    """Networks whose inhibitory depressing units turn their code by these degrees."""
    turned = [np.array([[[0.0, 5, 10, of_network, 50]]]) for of_network in degrees]
    return [network(task, i, synaptic_rotation=of_one) for i, of_one in enumerate(turned)]


def test_a_code_turns_towards_the_match_if_it_turns_against_the_rule():
    name = 'degrees by which inh. dep. units turn their code'
    clockwise, counter = (-20, -21, -22), (20, 21, 22)
    rows = findings(
        {'DMRS90': turning('DMRS90', *clockwise), 'DMRS45': turning('DMRS45', *counter)}
    )
    towards, away = (rows[f'{task}: {name} towards the match'] for task in ('DMRS90', 'DMRS45'))
    assert (towards['This project'], towards['Verdict']) == ('21 ± 1.000', 'reproduced')
    assert towards['Test'] == '21 (19 to 23), P = 0.00076 (one-sample t)'
    assert (away['This project'], away['Verdict']) == ('-21 ± 1.000', 'not reproduced')
    both = {'DMRS90': turning('DMRS90', *clockwise), 'DMRS90ccw': turning('DMRS90ccw', *counter)}
    together = findings(both)[f'Rotations by 45 and 90: {name} towards the match']
    assert (together['Networks'], together['This project'][:4]) == ('6', '21 ±')


def test_half_a_turn_is_compared_with_no_rotation():
    half, none = (-170, 171, 172), (-20, 0, 30)
    rows = findings({'DMRS180': turning('DMRS180', *half), 'DMS': turning('DMS', *none)})
    name = 'DMRS180: degrees by which inh. dep. units turn their code, either way, beside DMS'
    expected = ttest_ind(np.abs(half), np.abs(none), equal_var=False).pvalue
    assert rows[name]['Test'].endswith(f"), P = {expected:.2g} (Welch's t)")
    assert (rows[name]['This project'], rows[name]['Verdict']) == ('171 ± 1.000', 'reproduced')


def test_attended_and_other_sample():
    dual = network('dualDMS')
    onset = dual['parameters']['test_time_rng'][1].start
    decoded = dual['neuronal_sample_decoding'].mean(2)[..., onset - 2 : onset].mean(-1)
    rows = findings({'dualDMS': [dual]})
    for kind, of_rule in (
        ('attended', lambda rule: rule // 2),
        ('other', lambda rule: 1 - rule // 2),
    ):
        expected = np.mean([decoded[rule, of_rule(rule)] for rule in range(4)])
        shown = rows[f'dualDMS: {kind} sample from activity, delay 2']
        assert shown['This project'] == markdown.number(expected)


def test_the_attended_sample_exceeds_the_other_one():
    networks = [network('dualDMS', i) for i in range(3)]
    for i, n in enumerate(networks):
        for rule in range(4):
            for delay, of_rule in enumerate((rule % 2, rule // 2)):
                onset = n['parameters']['test_time_rng'][delay].start
                late = n['neuronal_sample_decoding'][rule, ..., onset - 2 : onset]
                late[of_rule], late[1 - of_rule] = 0.8 + i / 100, 0.2 + i / 50
    rows = findings({'dualDMS': networks})
    for delay in (1, 2):
        name = f'dualDMS: attended sample from activity, delay {delay}, beside the other'
        assert (rows[name]['This project'], rows[name]['Verdict']) == (
            '0.810 ± 0.0100',
            'reproduced',
        )


def with_similarity(task, mean, silenced=None):
    """Four networks with these similarities, give or take some hundredths."""
    networks = [network(task, i) for i in range(4)]
    for i, n in enumerate(networks):
        n['synaptic_similarity'][:] = mean + 0.01 * i
        if silenced is not None:
            n['synaptic_similarity_suppression'][:] = silenced + 0.02 * i
    return networks


def test_no_similarity_and_no_rise_are_no_effects():
    abca = with_similarity('ABCA', 0.15)
    row = findings({'ABCA': abca})['ABCA: similarity of sample and test 1, during test 2']
    assert row['Verdict'] == 'weaker'
    rows = findings({'ABBA': with_similarity('ABBA', 0.3, 0.4)})
    (row,) = (row for name, row in rows.items() if name.startswith('ABBA: by how much'))
    assert (row['This project'][:5], row['Verdict']) == ('0.115', 'weaker')


@pytest.mark.parametrize(('at', 'verdict'), [(0.99, 'weaker'), (1 / 8, 'not reproduced')])
def test_chance_is_no_effect_on_decoding(at, verdict):
    networks = [network(seed=i) for i in range(3)]
    for n, change in zip(networks, (-0.001, 0, 0.001), strict=True):
        n['synaptic_sample_decoding'][:] = at + change
    row = findings({'DMS': networks})['DMS: decoding from synapses, end of delay']
    assert row['Verdict'] == verdict


def test_findings_of_dms_networks():
    networks = [network(seed=i) for i in range(3)]
    rows = findings({'DMS': networks})
    decoded = [measured.end_decoding(n, 'neuronal') for n in networks]
    row = rows['DMS: decoding from activity, end of delay']
    assert row['Original code'] == '0.329 ± 0.122 (.128 to .572)'
    assert row['This project'] == markdown.mean_and_sd(decoded)
    silent = rows['DMS: silent networks']
    assert [silent[c] for c in COLUMNS[:3]] == ['15 of 20 (preprint)', '2 of 20', '1 of 3']
    assert (silent['95 % interval'], silent['Verdict']) == ('0.0084 to 0.906', 'reproduced')
    # of 1771 ways to draw 3 of 23, 16 of which are silent, 35 have none and 336 have one
    assert silent['Test'] == f"P = {(35 + 336) / 1771:.2g} (Fisher's exact)"


def test_accuracy_is_that_of_the_worst_network():
    networks = [network(task_accuracy=value) for value in (0.97, 0.91, 0.99)]
    row = findings({'DMS': networks[:2], 'DMC': networks[2:]})['Accuracy of every network']
    assert (row['This project'], row['Networks']) == ('at least 0.910', '3')
    assert row['Verdict'] == 'reproduced'
    networks[1]['task_accuracy'] = 0.9
    row = findings({'DMS': networks})['Accuracy of every network']
    assert row['Verdict'] == 'not reproduced'
    row = findings({'DMS': networks[:2]})['Accuracy of every network']
    assert row['Verdict'] == 'undecided'
    early = [network(settings={'stop_accuracy': 0.9}) for _ in range(3)]
    assert 'Accuracy of every network' not in findings({'DMS': early})


def test_manipulation_is_about_the_variants_of_the_paper():
    plotted = [network(t, i) for i, t in enumerate(('DMS', 'ABBA', 'DMRS90', 'DMRS180'), 1)]
    static = {n: v for n, v in network('ABCA', 6).items() if n != 'manipulation'}
    name = 'Manipulation and delay activity'
    alone = findings({'any': plotted})[name]
    assert alone == findings({'any': [*plotted, network('DMC', 5), static]})[name]
    assert alone['This project'].endswith(', 4 variants')
    assert (alone['Networks'], alone['Verdict']) == ('4', 'undecided')
    mixed = findings({'any': [*plotted, network('DMS+DMRS', 5)]})[name]
    assert mixed['This project'].endswith(', 6 variants')
    assert mixed['Networks'] == '5'
    assert findings({'any': plotted[:2]})[name]['This project'] == 'too few variants'


def test_verdict_on_manipulation_needs_three_networks_of_each_variant():
    tasks = ('DMS', 'ABBA', 'DMRS90', 'DMRS180')
    plotted = [network(task, i) for task in tasks for i in range(3)]
    for i, of_network in enumerate(plotted):
        of_network['manipulation'] = i / 10
        of_network['neuronal_sample_decoding'][:] = i / 10
    name = 'Manipulation and delay activity'
    assert findings({'any': plotted})[name]['Verdict'] == 'stronger'  # R is 1 in all resamples
    assert findings({'any': plotted[1:]})[name]['Verdict'] == 'undecided'
