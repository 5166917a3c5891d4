"""The figure of networks that differ in a setting: which panels there are, and what they show."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawing import assert_texts_fit, fabricated, lines

from measures.summary import summary
from plots import sweep as drawn
from plots.figure import FigureError

CHANCE = 'chance'
LABELS = {label: name for name, (label, _) in drawn.DRAWN.items()}


def titles(page) -> list[str]:
    return [ax.get_title() for ax in page.axes if ax.has_data()]


def test_points_are_networks_and_lines_join_means():
    delays = 500, 500, 2000, 1000
    networks = [fabricated('DMS', seed, delay_time=ms) for seed, ms in enumerate(delays)]
    (ax,) = drawn.sweep(networks).axes
    assert (ax.get_xlabel(), ax.get_title()) == ('delay_time (ms)', 'DMS')
    assert list(ax.get_xticks()) == [500, 1000, 2000]
    found = lines(ax)
    assert set(found) == {*LABELS, CHANCE}
    for label, name in LABELS.items():
        values = [summary(network)[name] for network in networks]
        np.testing.assert_array_equal(found[label][0], [500, 1000, 2000])
        means = [np.mean(values[:2]), values[3], values[2]]
        np.testing.assert_allclose(found[label][1], means)
        points = [
            line.get_xydata()
            for line in ax.get_lines()
            if line.get_marker() == 'o' and line.get_color() == ax_color(ax, label)
        ]
        expected = sorted(zip(delays, values, strict=True))
        np.testing.assert_allclose(sorted(map(tuple, np.concatenate(points))), expected)
    assert set(found[CHANCE][1]) == {1 / 8}


def ax_color(ax, label: str) -> str:
    return next(line.get_color() for line in ax.get_lines() if line.get_label() == label)


def test_networks_of_one_panel_differ_in_one_setting():
    networks = [
        fabricated('DMS', delay_time=ms, spike_cost=cost)
        for ms in (500, 1000)
        for cost in (0, 0.02)
    ]
    networks += [fabricated('DMC', spike_cost=0), fabricated('DMC'), fabricated('DMRS90')]
    page = drawn.sweep(networks)
    assert titles(page) == [
        'DMC',
        'DMS\nspike_cost = 0',
        'DMS\nspike_cost = 0.02',
        'DMS\ndelay_time = 500',
        'DMS\ndelay_time = 1000',
    ]
    names = [ax.get_xlabel() for ax in page.axes]
    assert names[:5] == ['spike_cost', *['delay_time (ms)'] * 2, *['spike_cost'] * 2]
    assert [ax.axison for ax in page.axes] == [True] * 5 + [False]
    assert_texts_fit(page)
    assert plt.get_fignums() == []


def test_a_network_that_differs_in_two_settings_is_in_no_panel_with_the_others():
    networks = [fabricated('DMS'), fabricated('DMS', delay_time=500, spike_cost=0)]
    with pytest.raises(FigureError, match='^no networks of one task differ in one setting alone$'):
        drawn.sweep(networks)
    with pytest.raises(FigureError, match='no networks of one task'):
        drawn.sweep([fabricated('DMS', seed) for seed in range(3)])


def test_values_that_are_no_numbers_stand_side_by_side():
    configs = 'full', None, 'exc_dep_inh_fac'
    networks = [fabricated('DMS', synapse_config=config) for config in configs]
    del networks[1]['synaptic_sample_decoding']  # there is none without plasticity
    page = drawn.sweep(networks)
    (ax,) = page.axes
    written = [label.get_text() for label in ax.get_xticklabels()]
    assert written == ['None', 'exc_dep_inh_fac', 'full']
    found = lines(ax)
    assert list(found['accuracy'][0]) == [0, 1, 2]
    assert list(found['from efficacy'][0]) == [1, 2]
    assert_texts_fit(page)


@pytest.mark.parametrize(
    ('costs', 'scale'), [((0.001, 0.01, 0.1), 'log'), ((0, 0.1), 'linear'), ((0.1, 0.2), 'linear')]
)
def test_values_of_several_sizes_have_a_logarithmic_axis(costs, scale):
    page = drawn.sweep([fabricated('DMS', spike_cost=cost) for cost in costs])
    assert page.axes[0].get_xscale() == scale
    assert_texts_fit(page)


def test_values_close_together_do_not_overlap():
    page = drawn.sweep(
        [fabricated('DMS', spike_cost=cost) for cost in (0.02, 0.0201, 0.0202, 0.04)]
    )
    assert_texts_fit(page)


def test_chance_is_drawn_where_all_have_the_same():
    networks = [fabricated('DMS', num_motion_dirs=number) for number in (6, 8)]
    assert CHANCE not in lines(drawn.sweep(networks).axes[0])
    mixed = [fabricated('DMS+DMRS+DMC', spike_cost=cost) for cost in (0, 0.02)]
    assert set(lines(drawn.sweep(mixed).axes[0])) == {'accuracy'}  # rules differ in their chance


def test_too_many_panels_are_refused():
    networks = [
        fabricated('DMS', spike_cost=i / 100, weight_cost=j / 100)
        for i in range(13)
        for j in range(13)
    ]
    with pytest.raises(FigureError, match='26 panels, more than 24'):
        drawn.sweep(networks)
