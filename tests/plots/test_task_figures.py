"""Figures that compare tasks: what is drawn is what is given."""

import numpy as np
import pytest
from drawing import bands, fabricated, lines
from scipy.stats import sem, spearmanr

import tasks
from measures.network import MissingMeasure, parameters_of
from parameters import par, update_parameters
from plots import memory, style
from plots import tasks as drawn
from plots.figure import FigureError
from tasks import registry
from tasks.epochs import Epochs, consecutive, until_sample

GROUPS = ('exc. fac.', 'exc. dep.', 'inh. fac.', 'inh. dep.')


# ABBA and ABCA


@pytest.mark.parametrize(('task', 'number'), [('ABBA', 1), ('ABCA', 3)])
def test_sequence_decoding_of_sample_and_test(task, number):
    networks = [fabricated(task, seed) for seed in range(number)]
    axes = drawn.sequence(networks).axes
    time = style.time_axis(parameters_of(networks[0]))
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
    ax = drawn.sequence(networks).axes[2]
    found = lines(ax)
    assert set(found) == {'none', *GROUPS}
    onset = (500 + 400 + 400) // 50
    given = np.median([n['synaptic_similarity'][0, 0, onset:] for n in networks], 0)
    assert found['none'][0][0] == 850  # ms from the sample, after the first step of test 1
    np.testing.assert_allclose(found['none'][1], given)
    for group, name in enumerate(GROUPS):
        silenced = [n['synaptic_similarity_suppression'][0, 0, group, onset:] for n in networks]
        np.testing.assert_allclose(found[name][1], np.median(silenced, 0))


def test_sequence_accuracy_with_groups_silenced():
    networks = [fabricated('ABBA', seed) for seed in range(2)]
    ax = drawn.sequence(networks).axes[3]
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
    with pytest.raises(FigureError, match='compare several tests with one sample, not about DMS'):
        drawn.sequence(fabricated())
    for name, remedy in (
        ('synaptic_test_decoding', 'analyse them with --set decode_test=True'),
        ('synaptic_similarity', 'analyse them'),
        ('acc_neuronal_suppression', 'analyse them with --set suppress_analysis=True'),
        ('synaptic_similarity_suppression', 'analyse them with --set suppress_analysis=True'),
    ):
        network = fabricated('ABBA')
        del network[name]
        with pytest.raises(MissingMeasure, match=f'lack {name}: {remedy}$'):
            drawn.sequence(network)
    newer = fabricated('ABBA')  # a result that the measure did not have when it was taken
    del newer['synaptic_similarity']
    newer['analysis']['measures'].remove('synaptic_similarity')
    with pytest.raises(MissingMeasure, match='analyse them with --overwrite$'):
        drawn.sequence(newer)


# dualDMS


def test_attended_is_the_sample_of_the_next_test():
    update_parameters({'trial_type': 'dualDMS', 'dt': 50})
    end = par['test_time_rng'][0].stop
    decoded = np.zeros((3, 4, 2, par['num_time_steps']))  # of three networks
    decoded[:, 0, 0] = 1  # both tests are about location 0
    decoded[:, 1, 1, :end] = decoded[:, 1, 0, end:] = 1  # 1, then 0
    decoded[:, 2, 0, :end] = decoded[:, 2, 1, end:] = 1  # 0, then 1
    decoded[:, 3, 1] = 1
    attended, unattended = tasks.of(par).attended(decoded, par)
    assert attended.shape == unattended.shape == (3, par['num_time_steps'])
    np.testing.assert_array_equal(attended, 1)
    np.testing.assert_array_equal(unattended, 0)


def test_attended_traces_are_means_over_cues():
    update_parameters({'trial_type': 'dualDMS', 'dt': 50})
    decoded = np.random.default_rng(0).random((4, 2, par['num_time_steps']))
    attended, unattended = tasks.of(par).attended(decoded, par)
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
    p = parameters_of(networks[0])
    axes = drawn.attention(networks).axes
    for ax, signal in zip(axes, ('neuronal', 'synaptic'), strict=True):
        given = np.array([n[f'{signal}_sample_decoding'].mean(2) for n in networks])
        traces = tasks.of(p).attended(given, p)
        for name, values in zip(('attended', 'unattended'), traces, strict=True):
            x, y = lines(ax)[f'{name} sample']
            np.testing.assert_array_equal(x, style.time_axis(p))
            np.testing.assert_allclose(y, np.median(values, 0))
        assert len(bands(ax)) == (2 if number > 1 else 0)


def test_attention_is_about_several_samples():
    about = 'this figure is about tasks with several samples of which a rule picks one'
    with pytest.raises(FigureError, match=f'{about}, not about ABBA'):
        drawn.attention(fabricated('ABBA'))
    with pytest.raises(FigureError, match=f'there is no network to draw: {about}'):
        drawn.attention([])


# Manipulation


def test_points_of_a_network():
    network = fabricated('DMRS45')
    late = slice(38, 40)  # 100 ms before the test
    (point,) = drawn.variant_points(network)
    assert point.variant == 'DMRS45'
    assert point.manipulation == network['manipulation']
    np.testing.assert_allclose(
        point.decoding, network['neuronal_sample_decoding'][0, 0, :, late].mean()
    )


def test_points_of_rules_and_of_attention():
    mixed, dual = fabricated('DMS+DMRS'), fabricated('dualDMS')
    late = slice(38, 40)
    points = list(drawn.variant_points(mixed))
    assert [p.variant for p in points] == ['DMS+DMRS, DMS rule', 'DMS+DMRS, DMRS90 rule']
    decoded = mixed['neuronal_sample_decoding'][:, 0, :, late].mean((1, 2))
    np.testing.assert_allclose([p.decoding for p in points], decoded)
    points = list(drawn.variant_points(dual))
    assert [p.variant for p in points] == ['dualDMS, attended', 'dualDMS, unattended']
    decoded = dual['neuronal_sample_decoding'][..., late].mean((2, 3))
    attended = np.mean([decoded[rule, rule % 2] for rule in range(4)])
    np.testing.assert_allclose(points[0].decoding, attended)


def test_a_single_network_shows_its_standard_error():
    single, rng = fabricated('ABBA'), np.random.default_rng(3)
    names = ('synaptic_similarity', 'synaptic_similarity_suppression')
    for name in (*names, 'accuracy_no_suppression', 'acc_neuronal_suppression'):
        single[f'{name}_sem'] = 0.1 * rng.random(single[name].shape)
    axes = drawn.sequence(single).axes
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
    (ax,) = drawn.manipulation([single | {'manipulation_sem': 0.07}]).axes
    assert _extents(ax.containers[0]) == pytest.approx((0, 0.14))


def _extents(container) -> tuple[float, float]:
    """Width and height of the error bars of one point."""
    across, up = (bars.get_segments()[0] for bars in container[2])
    return np.ptp(across[:, 0]), np.ptp(up[:, 1])


def test_manipulation_draws_networks_and_means_of_variants():
    networks = [fabricated(task, seed) for task in ('DMS', 'DMRS90', 'ABBA') for seed in (0, 1)]
    for i, network in enumerate(networks):
        network['manipulation'] = 0.1 * i
    (ax,) = drawn.manipulation([*networks, fabricated('DMC')]).axes  # DMC is no variant
    found = lines(ax)
    assert set(found) == {f'{name}, n = 2' for name in ('DMS', 'DMRS90', 'ABBA')}
    points = [next(iter(drawn.variant_points(n))) for n in networks]
    means = []
    for i, name in enumerate(('DMS', 'DMRS90', 'ABBA')):
        mean = np.mean([p[1:3] for p in points[2 * i : 2 * i + 2]], 0)
        np.testing.assert_allclose(np.ravel(found[f'{name}, n = 2']), mean[::-1])
        means.append(mean)
        of_networks = [p[1:3] for p in points[2 * i : 2 * i + 2]]
        np.testing.assert_allclose(_extents(ax.containers[i]), 2 * sem(of_networks)[::-1])
    small = [line.get_xydata() for line in ax.get_lines() if line.get_label().startswith('_')]
    given = sorted([(p.decoding, p.manipulation) for p in points])
    np.testing.assert_allclose(sorted(map(tuple, np.concatenate(small))), given)
    assert ax.get_title() == 'Spearman, over variants: n = 3'  # too few
    assert ax.get_ylabel() == 'Manipulation'


def test_all_variants_of_the_paper():
    names = ('DMS', 'DMRS45', 'DMRS90', 'DMRS180', 'DMS+DMRS', 'ABCA', 'ABBA', 'dualDMS')
    networks = [fabricated(name, seed) for seed, name in enumerate(names)]
    (ax,) = drawn.manipulation(networks).axes
    assert list(lines(ax)) == [f'{name}, n = 1' for name in drawn.VARIANTS]
    points = drawn.by_variant(networks).values()
    r, p_value = spearmanr(*np.transpose([p[0, :2] for p in points]))
    assert ax.get_title() == f'Spearman, over variants: R = {r:.2f}, P = {p_value:.2g}'


def test_manipulation_of_one_network():
    (ax,) = drawn.manipulation(fabricated()).axes
    assert ax.get_title() == 'Spearman, over variants: n = 1'
    assert set(lines(ax)) == {'DMS, n = 1'}


def test_manipulation_needs_a_task_and_its_measure():
    with pytest.raises(FigureError, match='this figure is about tasks that are compared'):
        drawn.manipulation([fabricated('DMC')])
    network = fabricated()
    del network['manipulation']
    with pytest.raises(MissingMeasure, match='1 of 2 networks lack manipulation: analyse'):
        drawn.manipulation([fabricated(), network, fabricated('DMC')])


# A user's own task with two samples


class Pair(tasks.Task):
    """One of two samples is tested, that of the rule; three tests."""

    rules = (('rotation', 0), ('rotation', 0))
    num_samples = 2

    def epochs(self, steps):
        dead, fix, sample, *rest = consecutive(
            *until_sample(steps), *[steps['delay_time'], steps['test_time']] * 3
        )
        return Epochs(dead, fix, sample, rest[1::2], rest[-1].stop)

    def sample_of(self, rule, test):
        return (rule + test) % 2


@pytest.fixture
def pair(monkeypatch):
    monkeypatch.setattr(registry, 'TASKS', registry.TASKS | {'pair': Pair()})
    return [fabricated('pair', seed, num_rule_tuned=2) for seed in range(2)]


def test_attention_of_an_own_task(pair):
    p = parameters_of(pair[0])
    for ax, signal in zip(drawn.attention(pair).axes, ('neuronal', 'synaptic'), strict=True):
        given = np.array([n[f'{signal}_sample_decoding'].mean(2) for n in pair])
        time = p['test_time_rng'][0].stop - 1
        attended = np.mean([given[:, rule, rule, time] for rule in range(2)], axis=0)
        assert lines(ax)['attended sample'][1][time] == pytest.approx(np.median(attended))


def test_an_own_task_is_a_variant_of_its_own_look(pair):
    names = ['pair, attended, n = 2', 'pair, unattended, n = 2']
    (ax,) = drawn.manipulation([*pair, fabricated('DMS')]).axes
    assert list(lines(ax)) == ['DMS, n = 1', *names]
    markers = {line.get_label(): line.get_marker() for line in ax.get_lines()}
    assert len({markers[name] for name in names}) == 2


def test_panels_of_several_samples_are_named(pair):
    titles = [ax.get_title() for ax in memory.decoding(pair).axes]
    assert titles == [f'test of sample {i}: sample {j}' for i in (1, 2) for j in (1, 2)]
    p = parameters_of(pair[0])
    # the states are shuffled before test 1
    assert [memory.remembered_field(rule, p) for rule in range(2)] == [0, 1]


class Rows(tasks.Task):
    """Two rules, and two tests that are both about the only sample."""

    rules = (('rotation', 0), ('rotation', 180))

    def epochs(self, steps):
        dead, fix, sample, *rest = consecutive(
            *until_sample(steps), *[steps['delay_time'], steps['test_time']] * 2
        )
        return Epochs(dead, fix, sample, rest[1::2], rest[-1].stop)


def test_a_sequence_of_an_own_task_has_panels_for_each_rule(monkeypatch):
    monkeypatch.setattr(registry, 'TASKS', registry.TASKS | {'rows': Rows()})
    network = fabricated('rows', num_rule_tuned=2)
    axes = drawn.sequence(network).axes
    assert len(axes) == 8
    assert [axes[0].get_title(), axes[4].get_title()] == ['DMS rule', 'DMRS180 rule']
    expected = network['neuronal_test_decoding'][1, 0].mean(0)
    np.testing.assert_allclose(lines(axes[4])['test 1'][1], expected)
    # its windows are those before each test, the first of which is scored in test 1
    labels = 'Silenced before test 1', 'Accuracy in test 1'
    assert (axes[7].get_xlabel(), axes[7].get_ylabel()) == labels
