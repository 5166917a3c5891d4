"""Figures that compare tasks: what is drawn is what is given."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from test_figures_alike import bands, fabricated, lines

from parameters import par, update_parameters
from plots import style, tasks
from plots.style import FigureError

GROUPS = ('exc. fac.', 'exc. dep.', 'inh. fac.', 'inh. dep.')


# ABBA and ABCA


@pytest.mark.parametrize(('task', 'number'), [('ABBA', 1), ('ABCA', 3)])
def test_sequence_decoding_of_sample_and_test(task, number):
    networks = [fabricated(task, seed) for seed in range(number)]
    axes = tasks.sequence(networks).axes
    time = style.time_axis(style.settings(networks[0]))
    for ax, signal, name in zip(
        axes, ('neuronal', 'synaptic'), ('activity', 'efficacy'), strict=False
    ):
        found = lines(ax)
        assert set(found) == {'sample', 'test 1', 'chance'}
        for label, key in (('sample', 'sample'), ('test 1', 'test')):
            given = [n[f'{signal}_{key}_decoding'][0, 0].mean(0) for n in networks]
            np.testing.assert_array_equal(found[label][0], time)
            np.testing.assert_allclose(found[label][1], np.median(given, 0))
        assert ax.get_ylabel() == f'Decoding from {name}'
        assert len(bands(ax)) == (2 if number > 1 else 0)


@pytest.mark.parametrize('number', [1, 3])
def test_sequence_similarity_from_test_1_on(number):
    networks = [fabricated('ABBA', seed) for seed in range(number)]
    ax = tasks.sequence(networks).axes[2]
    found = lines(ax)
    assert set(found) == {'none', *GROUPS}
    onset = (500 + 400 + 400) // 50
    given = np.median([n['synaptic_similarity'][0, 0, onset:] for n in networks], 0)
    assert found['none'][0][0] == 800  # ms from the sample
    np.testing.assert_allclose(found['none'][1], given)
    for group, name in enumerate(GROUPS):
        silenced = [n['synaptic_similarity_suppression'][0, 0, group, onset:] for n in networks]
        np.testing.assert_allclose(found[name][1], np.median(silenced, 0))


def test_sequence_accuracy_with_groups_silenced():
    networks = [fabricated('ABBA', seed) for seed in range(2)]
    ax = tasks.sequence(networks).axes[3]
    for kind, label in enumerate(('all tests', 'non-match', 'match')):
        x, y = lines(ax)[label]
        given = [
            value
            for n in networks
            for value in (
                n['accuracy_no_suppression'][0, kind],
                *n['acc_neuronal_suppression'][0, 0, :, kind],
            )
        ]
        np.testing.assert_allclose(y, given)
        np.testing.assert_array_equal(np.rint(x), np.tile(np.arange(6), 2))
    ticks = [text.get_text().replace('\n', ' ') for text in ax.get_xticklabels()]
    assert ticks == ['none', *GROUPS, 'all']
    assert ax.get_ylabel() == 'Accuracy in test 2'


def test_sequence_needs_its_tasks_and_measures():
    with pytest.raises(FigureError, match='about ABBA and ABCA, not about DMS'):
        tasks.sequence(fabricated())
    for name, option in (
        ('synaptic_test_decoding', 'decode_test'),
        ('synaptic_similarity', 'analyze_tuning'),
        ('acc_neuronal_suppression', 'suppress_analysis'),
        ('synaptic_similarity_suppression', 'suppress_analysis'),
    ):
        network = fabricated('ABBA')
        del network[name]
        with pytest.raises(FigureError, match=f'lack {name}: .*--set {option}=True'):
            tasks.sequence(network)


# dualDMS


def test_attended_is_the_sample_of_the_next_test():
    update_parameters({'trial_type': 'dualDMS', 'dt': 50})
    end = par['test_time_rng'][0].stop
    decoded = np.zeros((3, 4, 2, par['num_time_steps']))  # of three networks
    decoded[:, 0, 0] = 1  # both tests are about location 0
    decoded[:, 1, 1, :end] = decoded[:, 1, 0, end:] = 1  # 1, then 0
    decoded[:, 2, 0, :end] = decoded[:, 2, 1, end:] = 1  # 0, then 1
    decoded[:, 3, 1] = 1
    attended, unattended = tasks.attended_traces(decoded, par)
    assert attended.shape == unattended.shape == (3, par['num_time_steps'])
    np.testing.assert_array_equal(attended, 1)
    np.testing.assert_array_equal(unattended, 0)


def test_attended_traces_are_means_over_cues():
    update_parameters({'trial_type': 'dualDMS', 'dt': 50})
    decoded = np.random.default_rng(0).random((4, 2, par['num_time_steps']))
    attended, unattended = tasks.attended_traces(decoded, par)
    np.testing.assert_allclose(attended + unattended, decoded.sum(1).mean(0))
    first, last = 0, -1
    np.testing.assert_allclose(
        attended[first], np.mean([decoded[r, r % 2, first] for r in range(4)])
    )
    np.testing.assert_allclose(
        attended[last], np.mean([decoded[r, r // 2, last] for r in range(4)])
    )


@pytest.mark.parametrize('number', [1, 3])
def test_attention_draws_both_samples(number):
    networks = [fabricated('dualDMS', seed) for seed in range(number)]
    p = style.settings(networks[0])
    axes = tasks.attention(networks).axes
    for ax, signal in zip(axes, ('neuronal', 'synaptic'), strict=True):
        given = np.array([n[f'{signal}_sample_decoding'].mean(2) for n in networks])
        traces = tasks.attended_traces(given, p)
        for name, values in zip(('attended', 'unattended'), traces, strict=True):
            x, y = lines(ax)[f'{name} sample']
            np.testing.assert_array_equal(x, style.time_axis(p))
            np.testing.assert_allclose(y, np.median(values, 0))
        assert len(bands(ax)) == (2 if number > 1 else 0)


def test_attention_is_about_dual_dms():
    with pytest.raises(FigureError, match='this figure is about dualDMS, not about ABBA'):
        tasks.attention(fabricated('ABBA'))
    with pytest.raises(FigureError, match='there is no network of dualDMS to draw'):
        tasks.attention([])


# Manipulation


def test_points_of_a_network():
    network = fabricated('DMRS45')
    late = slice(38, 40)  # 100 ms before the test
    (point,) = tasks.variant_points(network)
    assert point.variant == 'DMRS45'
    assert point.manipulation == network['manipulation']
    np.testing.assert_allclose(
        point.decoding, network['neuronal_sample_decoding'][0, 0, :, late].mean()
    )


def test_points_of_rules_and_of_attention():
    mixed, dual = fabricated('DMS+DMRS'), fabricated('dualDMS')
    late = slice(38, 40)
    points = list(tasks.variant_points(mixed))
    assert [p.variant for p in points] == ['DMS+DMRS, DMS rule', 'DMS+DMRS, DMRS90 rule']
    decoded = mixed['neuronal_sample_decoding'][:, 0, :, late].mean((1, 2))
    np.testing.assert_allclose([p.decoding for p in points], decoded)
    points = list(tasks.variant_points(dual))
    assert [p.variant for p in points] == ['dualDMS, attended', 'dualDMS, unattended']
    decoded = dual['neuronal_sample_decoding'][..., late].mean((2, 3))
    attended = np.mean([decoded[rule, rule % 2] for rule in range(4)])
    np.testing.assert_allclose(points[0].decoding, attended)


def test_a_single_network_shows_its_standard_error():
    single, rng = fabricated('ABBA'), np.random.default_rng(3)
    names = ('synaptic_similarity', 'synaptic_similarity_suppression')
    for name in (*names, 'accuracy_no_suppression', 'acc_neuronal_suppression'):
        single[f'{name}_sem'] = 0.1 * rng.random(single[name].shape)
    axes = tasks.sequence(single).axes
    onset = (500 + 400 + 400) // 50
    low, high = bands(axes[2])[0]
    error = single['synaptic_similarity_sem'][0, 0, onset:]
    np.testing.assert_allclose(np.subtract(high, low), 2 * error)
    segments = axes[3].containers[0][2][0].get_segments()
    np.testing.assert_allclose(
        [np.ptp(segment[:, 1]) / 2 for segment in segments],
        [
            single['accuracy_no_suppression_sem'][0, 0],
            *single['acc_neuronal_suppression_sem'][0, 0, :, 0],
        ],
    )
    (ax,) = tasks.manipulation([single | {'manipulation_sem': 0.07}]).axes
    (segment,) = ax.containers[0][2][0].get_segments()
    assert np.ptp(segment[:, 0]) == pytest.approx(0.14)


def test_manipulation_draws_networks_and_means_of_variants():
    networks = [fabricated(task, seed) for task in ('DMS', 'DMRS90', 'ABBA') for seed in (0, 1)]
    for i, network in enumerate(networks):
        network['manipulation'] = 0.1 * i
    (ax,) = tasks.manipulation([*networks, fabricated('DMC')]).axes  # DMC is no variant
    found = lines(ax)
    assert set(found) == {'DMS', 'DMRS90', 'ABBA'}
    points = [next(iter(tasks.variant_points(n))) for n in networks]
    means = []
    for i, name in enumerate(('DMS', 'DMRS90', 'ABBA')):
        mean = np.mean([p[1:3] for p in points[2 * i : 2 * i + 2]], 0)
        np.testing.assert_allclose(np.ravel(found[name]), mean)
        means.append(mean)
    drawn = [line.get_xydata() for line in ax.get_lines() if line.get_label().startswith('_')]
    given = sorted([(p.manipulation, p.decoding) for p in points])
    np.testing.assert_allclose(sorted(map(tuple, np.concatenate(drawn))), given)
    r, p_value = spearmanr(*np.transpose(means))
    assert ax.get_title() == f'Spearman, over variants: R = {r:.2f}, P = {p_value:.2g}'
    assert ax.get_xlabel() == 'Manipulation'


def test_all_variants_of_the_paper():
    names = ('DMS', 'DMRS45', 'DMRS90', 'DMRS180', 'DMS+DMRS', 'ABCA', 'ABBA', 'dualDMS')
    (ax,) = tasks.manipulation([fabricated(name) for name in names]).axes
    assert list(lines(ax)) == list(tasks.VARIANTS)
    assert list(tasks.PLOTTED_TASKS) == list(names)


def test_manipulation_of_one_network():
    (ax,) = tasks.manipulation(fabricated()).axes
    assert ax.get_title() == 'Spearman, over variants: n = 1'
    assert set(lines(ax)) == {'DMS'}


def test_manipulation_needs_a_task_and_its_measure():
    with pytest.raises(FigureError, match='this figure is about DMS, DMRS45, .*dualDMS'):
        tasks.manipulation([fabricated('DMC')])
    network = fabricated()
    del network['manipulation']
    with pytest.raises(FigureError, match='1 of 2 networks lack manipulation: .*analyze_tuning'):
        tasks.manipulation([fabricated(), network, fabricated('DMC')])
