"""Figures of memory: what is drawn is what is given."""

import numpy as np
import pytest
from drawing import bands, fabricated, lines
from matplotlib.colors import same_color
from scipy.stats import pearsonr

from measures.groups import unit_groups
from measures.network import MissingMeasure, parameters_of
from parameters import par, update_parameters
from plots import memory, style
from plots.figure import FigureError
from plots.memory import stability
from plots.style import COLORS


def networks_of(task: str, number: int = 3, **settings) -> list[dict]:
    return [fabricated(task, seed, **settings) for seed in range(number)]


def means(networks: list[dict], name: str) -> np.ndarray:
    return np.array([network[name].mean(2) for network in networks])


# Decoding over time


@pytest.mark.parametrize(
    ('task', 'shape'), [('DMS', (1, 1)), ('DMS+DMRS', (2, 1)), ('dualDMS', (4, 2))]
)
def test_decoding_of_each_rule_and_field(task, shape):
    networks = networks_of(task)
    drawn = memory.decoding(networks)
    time = style.time_axis(parameters_of(networks[0]))
    assert len(drawn.axes) == np.prod(shape)
    for ax, (rule, field) in zip(drawn.axes, np.ndindex(shape), strict=True):
        found = lines(ax)
        assert set(found) == {'activity', 'efficacy', 'chance'}
        for name, label in (('neuronal', 'activity'), ('synaptic', 'efficacy')):
            values = means(networks, f'{name}_sample_decoding')[:, rule, field]
            np.testing.assert_array_equal(found[label][0], time)
            np.testing.assert_allclose(found[label][1], np.median(values, 0))
        low, high = bands(ax)[0]
        values = means(networks, 'neuronal_sample_decoding')[:, rule, field]
        np.testing.assert_allclose([low, high], [values.min(0), values.max(0)])
        np.testing.assert_array_equal(found['chance'][1], [1 / 8, 1 / 8])
        assert ax.get_ylim() == (-0.03, 1.03)
        assert ax.get_ylabel() == 'Decoding accuracy'


def test_decoding_of_one_network_has_no_range():
    network = fabricated()
    (ax,) = memory.decoding(network).axes
    expected = network['synaptic_sample_decoding'][0, 0].mean(0)
    np.testing.assert_allclose(lines(ax)['efficacy'][1], expected)
    assert bands(ax) == []
    line = next(line for line in ax.get_lines() if line.get_label() == 'efficacy')
    assert same_color(line.get_color(), COLORS['synaptic'])


def test_decoding_without_plasticity_is_from_activity():
    (ax,) = memory.decoding(fabricated(synapse_config=None)).axes
    assert set(lines(ax)) == {'activity', 'chance'}


def test_titles_tell_rule_and_sample():
    titles = [ax.get_title() for ax in memory.decoding(fabricated('dualDMS')).axes]
    assert titles[0] == 'tests of sample 1, then 1: sample 1'
    assert titles[7] == 'tests of sample 2, then 2: sample 2'
    mixed = memory.decoding(fabricated('DMS+DMRS')).axes
    assert [ax.get_title() for ax in mixed] == ['DMS rule', 'DMRS90 rule']
    assert memory.decoding(fabricated()).axes[0].get_title() == ''


@pytest.mark.parametrize(
    ('task', 'expected'),
    [('DMS', [1 / 8]), ('DMC', [1 / 2]), ('DMS+DMRS+DMC', [1 / 8, 1 / 8, 1 / 2])],
)
def test_chance(task, expected):
    update_parameters({'trial_type': task})
    assert [memory.chance(rule, par) for rule in range(len(expected))] == expected


def test_decoding_needs_its_measure():
    network = fabricated()
    del network['neuronal_sample_decoding']
    with pytest.raises(MissingMeasure, match='1 of 1 networks lack neuronal_sample_decoding'):
        memory.decoding(network)
    with pytest.raises(FigureError, match='trial_type, which is ABBA and DMS'):
        memory.decoding([fabricated('ABBA'), fabricated('DMS')])
    with pytest.raises(FigureError, match='there is no network to draw'):
        memory.decoding([])


# Shuffles

ACCURACIES = {
    'no shuffle': 'simulation_accuracy',
    'activity shuffled': 'accuracy_neural_shuffled',
    'synapses shuffled': 'accuracy_syn_shuffled',
}


def assert_points(ax, networks, rule, x):
    found = {label.split(':')[0]: xy for label, xy in lines(ax).items()}
    np.testing.assert_array_equal(found.pop('without the sample')[1], [0.5, 0.5])
    assert set(found) == set(ACCURACIES)
    for name, key in ACCURACIES.items():
        y = [network[key][rule, -1].mean() for network in networks]
        np.testing.assert_allclose(found[name], [x, y])


def test_shuffles_are_points_of_networks_with_their_correlation():
    networks = networks_of('DMS', 5)
    (ax,) = memory.shuffles(networks).axes
    late = slice(38, 40)  # steps of 50 ms; the test starts at 2000 ms
    x = [n['neuronal_sample_decoding'][0, 0][:, late].mean() for n in networks]
    assert_points(ax, networks, 0, x)
    y = [n['accuracy_syn_shuffled'][0, -1].mean() for n in networks]
    r, p = pearsonr(x, y)
    assert f'synapses shuffled: R = {r:.2f}, P = {p:.2g}' in lines(ax)
    assert ax.get_xlabel() == 'Decoding from activity, end of delay'


def test_shuffles_of_one_network():
    network = fabricated()
    (ax,) = memory.shuffles(network).axes
    assert set(lines(ax)) == {'without the sample', *(f'{name}: n = 1' for name in ACCURACIES)}


def test_shuffles_of_dual_dms_are_about_the_sample_of_test_2():
    networks = networks_of('dualDMS')
    late = slice(68, 70)  # before test 2 at 3500 ms
    for rule, ax in enumerate(memory.shuffles(networks).axes):
        x = [n['neuronal_sample_decoding'][rule, rule // 2][:, late].mean() for n in networks]
        assert_points(ax, networks, rule, x)


def test_shuffles_of_each_rule():
    networks = networks_of('DMS+DMRS+DMC')
    drawn = memory.shuffles(networks)
    assert [ax.get_title() for ax in drawn.axes] == ['DMS rule', 'DMRS90 rule', 'DMC rule']
    for rule, ax in enumerate(drawn.axes):
        x = [n['neuronal_sample_decoding'][rule, 0][:, 38:40].mean() for n in networks]
        assert_points(ax, networks, rule, x)


def test_shuffles_without_plasticity():
    (ax,) = memory.shuffles(fabricated(synapse_config=None)).axes
    names = {'without the sample', 'no shuffle: n = 1', 'activity shuffled: n = 1'}
    assert set(lines(ax)) == names


@pytest.mark.parametrize(
    ('task', 'level'), [('distractor', 1 / 8), ('ABBA', 5 / 8), ('ABCA', 3 / 4)]
)
def test_shuffles_show_what_is_possible_without_the_sample(task, level):
    (ax,) = memory.shuffles(fabricated(task)).axes
    np.testing.assert_array_equal(lines(ax)['without the sample'][1], [level, level])


# Tuning


def test_curves_are_turned_to_the_preferred_direction():
    curves = np.array([[0, 1, 2, 9, 3, 4], [9, 0, 1, 2, 3, 4]])
    aligned = memory.align(curves, np.array([3, 0]))
    np.testing.assert_array_equal(aligned, [[0, 1, 2, 9, 3, 4], [2, 3, 4, 9, 0, 1]])


def test_the_preferred_direction_is_that_of_the_cosine():
    angle = np.arange(8) * np.pi / 4
    preferred = np.array([0, 3, 5, 7])
    curves = 2 + np.cos(angle - preferred[:, None] * np.pi / 4 - 0.3)  # 0.3 rounds to none
    np.testing.assert_array_equal(memory.preferred_index(curves), preferred)


def test_directions_that_a_task_does_not_show_are_left_out():
    angle = np.arange(8) * np.pi / 4
    preferred = np.array([0, 2, 4, 6])
    curves = 2 + np.cos(angle - preferred[:, None] * np.pi / 4)
    curves[:, 1::2] = np.nan
    np.testing.assert_array_equal(memory.preferred_index(curves), preferred)
    groups = dict.fromkeys(memory.OF_KINDS, np.zeros(4, bool)) | {'exc_fac': np.ones(4, bool)}
    means = memory._group_means(memory.align(curves, preferred), groups)
    expected = np.where(np.arange(8) % 2, np.nan, 2 + np.cos(angle - np.pi))
    np.testing.assert_allclose(means[memory.OF_KINDS.index('exc_fac')], expected)
    assert np.isnan(means[memory.OF_KINDS.index('inh_dep')]).all()


def test_group_curves_follow_the_tuning_of_activity_in_the_sample():
    network = fabricated('DMRS90')
    p = parameters_of(network)
    groups, angle = unit_groups(p), np.arange(8) * np.pi / 4
    preferred = np.arange(10) % 8
    shape = network['neuronal_sample_tuning'].shape
    tuned = np.cos(angle - preferred[:, None] * np.pi / 4)  # (unit, direction)
    turned = np.cos(angle - (preferred[:, None] + 2) * np.pi / 4)
    network['neuronal_sample_tuning'] = np.broadcast_to(tuned[:, None, :, None, None], shape)
    synaptic = np.zeros(shape)
    synaptic[..., 38:40] = turned[:, None, :, None, None]  # at the end of the delay only
    network['synaptic_sample_tuning'] = synaptic
    curves = memory.group_curves(network, 0, p)
    assert set(curves) == {
        (signal, epoch)
        for signal in ('neuronal', 'synaptic')
        for epoch in ('sample', 'end of delay')
    }
    centred = np.cos(angle - np.pi)  # the preferred direction is at index 4
    assert all(groups[name].any() for name in groups)
    for signal_epoch, expected in {
        ('neuronal', 'sample'): centred,
        ('neuronal', 'end of delay'): centred,
        ('synaptic', 'sample'): np.zeros(8),
        ('synaptic', 'end of delay'): np.roll(centred, 2),  # 90 degrees on
    }.items():
        found = curves[signal_epoch]
        np.testing.assert_allclose(found, np.tile(expected, (4, 1)), atol=1e-6)


def test_tuning_draws_curves_and_shuffles():
    networks = networks_of('DMS+DMRS')
    axes = np.reshape(memory.tuning(networks).axes[:10], (2, 5))
    p = parameters_of(networks[0])
    keys = [(s, e) for s in ('neuronal', 'synaptic') for e in ('sample', 'end of delay')]
    for rule, row in enumerate(axes):
        curves = [memory.group_curves(network, rule, p) for network in networks]
        for ax, key in zip(row, keys, strict=False):
            assert ax.get_title().split('\n')[-1] == key[1]
            for group, name in enumerate(('exc. fac.', 'exc. dep.', 'inh. fac.', 'inh. dep.')):
                x, y = lines(ax)[name]
                np.testing.assert_array_equal(x, np.arange(-180, 181, 45))
                median = np.median([c[key][group] for c in curves], 0)
                np.testing.assert_allclose(y, np.append(median, median[0]))
        for name, key in list(ACCURACIES.items())[1:]:
            x, y = lines(row[4])[name]
            given = np.array([network[f'{key}_grp'][rule, -1].mean(-1) for network in networks])
            np.testing.assert_allclose(y, given.ravel())
            np.testing.assert_array_equal(np.rint(x), np.tile(np.arange(5), 3))
        assert [t.get_text() for t in row[4].get_xticklabels()][-1] == 'all'
    assert axes[1, 0].get_title().split('\n')[0] == 'DMRS90 rule'
    assert [ax.get_ylabel() for ax in axes[0]] == [
        *['Activity (Hz)'] * 2,
        *['Efficacy $x u$'] * 2,
        'Accuracy',
    ]


def test_tuning_of_an_empty_group_is_a_gap():
    network = fabricated(synapse_config='fac')
    ax = memory.tuning(network).axes[0]
    assert np.isnan(lines(ax)['exc. dep.'][1]).all()
    assert np.isfinite(lines(ax)['exc. fac.'][1]).all()


def test_tuning_without_plasticity_is_of_activity():
    drawn = memory.tuning(fabricated(synapse_config=None))
    assert len(drawn.axes) == 3
    assert 'synapses shuffled' not in lines(drawn.axes[2])


# Cross-temporal decoding


@pytest.mark.parametrize(('task', 'fields'), [('DMS', 1), ('dualDMS', 2)])
def test_stability_is_an_image_of_training_against_test(task, fields):
    networks = networks_of(task, 2)
    p = parameters_of(networks[0])
    limits = style.step_time([0, p['num_time_steps']], p)
    drawn = [ax for ax in stability(networks).axes if ax.get_images()]
    signals = [('neuronal', 'activity'), ('synaptic', 'efficacy')]
    cells = [(r, f, s) for r in range(fields**2) for f in range(fields) for s in signals]
    for ax, (rule, field, (name, label)) in zip(drawn, cells, strict=True):
        (image,) = ax.get_images()
        given = means(networks, f'{name}_sample_decoding_stability')[:, rule, field].mean(0)
        np.testing.assert_allclose(image.get_array(), given)
        assert image.origin == 'lower'
        np.testing.assert_array_equal(image.get_extent(), [*limits, *limits])
        assert image.get_clim() == (0, 1)
        assert ax.get_title().split('\n')[-1] == label
        assert (ax.get_xlabel(), ax.get_ylabel()) == ('Tested at (ms)', 'Trained at (ms)')


def test_stability_needs_its_option():
    network = fabricated()
    del network['synaptic_sample_decoding_stability']
    with pytest.raises(MissingMeasure, match='--set decode_stability=True'):
        stability(network)
