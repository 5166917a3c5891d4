"""What all figures share: epochs, bands, checks of the networks, saving."""

import re

import matplotlib
import numpy as np
import pytest
from drawing import MAGIC, bands, fabricated, lines
from matplotlib.colors import same_color, to_rgb
from matplotlib.figure import Figure
from scipy.stats import pearsonr, spearmanr

from measures.groups import GROUPS
from measures.network import MissingMeasure
from parameters import par, update_parameters
from plots import style
from plots.figure import (
    FigureError,
    Tasks,
    common_parameters,
    figure,
    panels,
    save,
)
from plots.style import COLORS


@pytest.fixture
def ax():
    return Figure().subplots()


def task(name: str) -> dict:
    update_parameters({'trial_type': name})
    return dict(par)


def spans(ax) -> list[tuple]:
    """(start, stop, colour) of what is shaded."""
    found = []
    for patch in ax.patches:
        x = patch.get_patch_transform().transform(patch.get_path().vertices)[:, 0]
        found.append((x.min(), x.max(), patch.get_facecolor()))
    return found


def test_a_single_network_is_a_line(ax):
    style.band(ax, [1, 2, 3], [4, 5, 6], 'red', 'one')
    np.testing.assert_array_equal(lines(ax)['one'], [[1, 2, 3], [4, 5, 6]])
    assert bands(ax) == []


def test_networks_are_their_median_and_range(ax):
    values = np.array([[1.0, 5, np.nan], [2, 9, 7], [6, 4, np.nan]])
    style.band(ax, [0, 1, 2], values, 'red', 'many')
    np.testing.assert_array_equal(lines(ax)['many'][1], [2, 5, 7])
    ((low, high),) = bands(ax)
    np.testing.assert_array_equal([low, high], [[1, 4, 7], [6, 9, 7]])
    assert same_color(ax.collections[0].get_facecolor()[0, :3], 'red')


def test_what_no_network_has_is_a_gap(ax):
    style.band(ax, [0, 1], [[1, np.nan], [3, np.nan]], 'red', 'gap')
    np.testing.assert_array_equal(lines(ax)['gap'][1], [2, np.nan])


def test_standard_errors_are_those_of_a_single_network(ax):
    style.band(ax, [0, 1], [[3, 4]], 'red', 'one', np.array([[0.5, 0.25]]))
    ((low, high),) = bands(ax)
    np.testing.assert_array_equal([low, high], [[2.5, 3.75], [3.5, 4.25]])
    style.points(ax, np.array([0, 1]), np.array([[3, 4]]), 'o', 'red', 'a', [[0.5, np.nan]])
    (bars,) = ax.containers
    (drawn,) = bars[2]
    lengths = [np.ptp(segment[:, 1]) for segment in drawn.get_segments()]
    np.testing.assert_allclose(lengths, [1, 0])
    style.points(ax, np.array([0]), np.array([[3], [4]]), 'o', 'red', 'b', [[0.5], [0.5]])
    assert len(ax.containers) == 1


def test_standard_errors_are_those_of_networks_that_have_them():
    networks = [{'a': 1.0, 'a_sem': 0.1}, {'a': 2.0}, {'a': 3.0, 'a_sem': 0.3}]
    np.testing.assert_array_equal(style.standard_errors(networks, 'a'), [0.1, 0.3])
    (row,) = style.standard_errors([{'b_sem': np.arange(6).reshape(2, 3)}], 'b', (1,))
    np.testing.assert_array_equal(row, [3, 4, 5])
    assert style.standard_errors([{'a': 3.0}], 'a') == []


def test_points_are_all_values_and_their_median(ax):
    values = np.array([[1.0, 2], [5, 6], [9, 4]])
    style.points(ax, np.array([10, 20]), values, 'o', 'red', 'group')
    x, y = lines(ax)['group']
    assert set(zip(x, y, strict=True)) == {(10, 1), (10, 5), (10, 9), (20, 2), (20, 6), (20, 4)}
    np.testing.assert_array_equal(ax.get_lines()[1].get_data(), [[10, 20], [5, 4]])


@pytest.mark.parametrize(
    ('name', 'shown', 'cues', 'limits'),
    [
        ('DMS', {'sample': (0, 500), 'test': (1500, 2000)}, [], (-500, 2000)),
        (
            'ABBA',
            {
                'sample': (0, 400),
                'test 1': (800, 1200),
                'test 2': (1600, 2000),
                'test 3': (2400, 2800),
            },
            [],
            (-500, 3300),
        ),
        (
            'dualDMS',
            {'sample': (0, 500), 'test 1': (1500, 2000), 'test 2': (3000, 3500)},
            [(1000, 2000), (2500, 3500)],
            (-500, 3500),
        ),
        (
            'distractor',
            {'sample': (0, 300), 'distractor': (1100, 1400), 'test': (2200, 2700)},
            [],
            (-500, 2700),
        ),
        (
            'DMS+DMRS',
            {'sample': (0, 500), 'test': (1500, 2000)},
            [(1000, 1250)],
            (-500, 2000),
        ),
    ],
)
def test_epochs_are_marked(ax, name, shown, cues, limits):
    style.mark_epochs(ax, task(name))
    shaded = [(a, b) for a, b, color in spans(ax) if same_color(color, COLORS['epoch'])]
    cued = [(a, b) for a, b, color in spans(ax) if same_color(color, COLORS['cue'])]
    assert shaded == list(shown.values())
    assert cued == cues
    assert len(ax.patches) == len(shown) + len(cues)
    assert {t.get_text(): t.get_position()[0] for t in ax.texts} == {
        name: np.mean(times) for name, times in shown.items()
    }
    assert ax.get_xlim() == limits
    assert ax.get_xlabel() == 'Time from sample onset (ms)'


def test_states_are_those_after_a_step_in_ms_from_the_sample():
    update_parameters({'dt': 20, 'fix_time': 100, 'dead_time': 40})
    time = style.time_axis(par)
    assert len(time) == par['num_time_steps']
    np.testing.assert_array_equal(time[:3], [-120, -100, -80])
    assert time[par['sample_time_rng'].start] == 20  # the first state that the sample changes


def test_an_image_has_a_colour_bar(ax):
    values = np.arange(6.0).reshape(2, 3)
    style.heat_map(ax, values, 'unit', vmin=-1)
    (image,) = ax.get_images()
    np.testing.assert_array_equal(image.get_array(), values)
    assert image.get_clim() == (-1, 5)
    assert image.origin == 'lower'
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == 'unit'
    assert bar.get_ylim() == (-1, 5)
    bare = Figure().subplots()
    style.heat_map(bare, values, None)
    assert bare.child_axes == []


def test_new_panels_have_the_size_of_print():
    axes = panels(None, 2, 3, width=89, height=30)
    assert axes.shape == (2, 3)
    np.testing.assert_allclose(axes[0, 0].figure.get_size_inches() * 25.4, [89, 60])


@pytest.mark.parametrize('shape', [(6,), (2, 3), (3, 2)])
def test_given_axes_are_used_in_their_order(shape):
    given = np.array(Figure().subplots(2, 3)).reshape(shape)
    axes = panels(given, 2, 3)
    assert axes.shape == (2, 3)
    assert list(axes.flat) == list(given.flat)


def test_one_axes_alone_can_be_given(ax):
    assert panels(ax, 1, 1)[0, 0] is ax
    with pytest.raises(FigureError, match='this figure needs 2 axes, not 1'):
        panels(ax, 1, 2)


def test_a_legend_names_each_thing_once():
    axes = np.array(Figure(layout='constrained').subplots(1, 2), ndmin=2)
    for ax in axes.flat:
        ax.plot([0, 1], label='a')
        ax.plot([1, 0], label='b')
    style.legend(axes, inside=False)
    (found,) = axes[0, 0].figure.legends
    assert [text.get_text() for text in found.get_texts()] == ['a', 'b']
    style.legend(axes, inside=True)
    assert [text.get_text() for text in axes[0, 0].get_legend().get_texts()] == ['a', 'b']
    assert axes[0, 1].get_legend() is None


def test_networks_of_a_figure_have_one_task_and_the_same_trials():
    assert common_parameters([fabricated(), fabricated(seed=1)])['trial_type'] == 'DMS'
    for networks, message in [
        ([], 'there is no network to draw'),
        ([fabricated(), fabricated('DMC')], 'must agree in trial_type, which is DMC and DMS'),
        ([fabricated(), fabricated(dt=25)], 'must agree in dt, which is 25 and 50'),
        (
            [fabricated(), fabricated(fix_time=250, sample_time=750)],
            'must agree in sample_time_rng, which is range(10, 20) and range(5, 20)',
        ),
    ]:
        with pytest.raises(FigureError, match=re.escape(message)):
            common_parameters(networks)


def test_correlation():
    x, y = np.array([1.0, 2, 3, 5]), np.array([2.0, 1, 4, 9])
    r, p = pearsonr(x, y)
    assert style.correlation(pearsonr, x, y) == f'R = {r:.2f}, P = {p:.2g}'
    assert style.correlation(spearmanr, x, y).startswith('R = 0.80, P = 0.2')
    assert style.correlation(pearsonr, x[:1], y[:1]) == 'n = 1'
    assert style.correlation(pearsonr, x[:2], y[:2]) == 'n = 2'
    assert style.correlation(pearsonr, x, np.ones(4)) == 'n = 4'
    gap = np.append(y[:2], [np.nan, np.nan])
    assert style.correlation(pearsonr, x, gap) == 'n = 2'


@pytest.mark.parametrize('suffix', list(MAGIC))
def test_saved_whole_or_not_at_all(tmp_path, suffix, monkeypatch):
    path = tmp_path / f'one.{suffix}'
    save(Figure(figsize=(1, 1)), path)
    before = path.read_bytes()
    assert before.startswith(MAGIC[suffix])
    broken = Figure(figsize=(1, 1))

    def fail(target, **options):
        target.write_bytes(b'half')
        raise OSError('no space')

    monkeypatch.setattr(broken, 'savefig', fail)
    with pytest.raises(OSError, match='no space'):
        save(broken, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_colours_of_groups_and_signals_can_be_told_apart():
    for names in (GROUPS, ('neuronal', 'synaptic', 'chance'), ('attended', 'unattended')):
        rgb = np.array([to_rgb(COLORS[name]) for name in names])
        distance = np.abs(rgb[:, None] - rgb).sum(-1) + 9 * np.eye(len(names))
        assert distance.min() > 0.3
    assert set(style.GROUP_NAMES) == set(GROUPS)


def test_style_does_not_leak():
    before = dict(matplotlib.rcParams)
    size_of = figure(is_general=True)(lambda networks, p, axes: matplotlib.rcParams['font.size'])
    assert size_of() == style.FONT_SIZE
    assert dict(matplotlib.rcParams) == before


def test_one_network_is_the_same_as_a_list_of_one():
    as_given = figure()(lambda networks, p, axes: (networks, p['trial_type']))
    one = fabricated()
    assert as_given(one) == as_given([one]) == as_given((one,)) == ([one], 'DMS')


def test_a_figure_gets_what_it_declares():
    as_given = figure(measures=('{signal}_pev', 'accuracy_{state}_shuffled'))(
        lambda networks, p, axes: networks
    )
    static = fabricated(synapse_config=None)
    for name in ('synaptic_pev', 'accuracy_syn_shuffled'):
        del static[name]
        lacking = {n: value for n, value in fabricated().items() if n != name}
        with pytest.raises(MissingMeasure, match=f'lack {name}'):
            as_given(lacking)
    assert as_given(static) == [static]
    with pytest.raises(FigureError, match='there is no network to draw$'):
        as_given()


def test_a_figure_of_all_tasks_leaves_networks_of_others_out():
    two = Tasks(lambda p: p['num_rules'] == 2, 'two rules')
    of_all = figure(tasks=two, per_task=False)(lambda networks, p, axes: networks)
    mixed = [fabricated('DMS+DMRS'), fabricated('DMS'), fabricated('DMS+DMC')]
    assert of_all(mixed) == [mixed[0], mixed[2]]
    with pytest.raises(FigureError, match='no network to draw: this figure is about two rules'):
        of_all(mixed[1])
    of_one = figure(tasks=two)(lambda networks, p, axes: networks)
    with pytest.raises(FigureError, match='this figure is about two rules, not about DMS$'):
        of_one(mixed[1])
