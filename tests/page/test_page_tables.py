"""The tables and curves of the page."""

import numpy as np
import pytest
from folders import analyzed, trained, whole

import results
from page import curves, tables
from page.folder import read
from page.pictures import groups


@pytest.fixture(scope='module')
def networks(tmp_path_factory):
    return whole(tmp_path_factory.mktemp('set')).networks


def saved_as(folder, *networks) -> list:
    for i, network in enumerate(networks):
        results.save(folder / f'{i}.pkl', network)
    return read(folder).networks


def column(networks, title: str) -> list[str]:
    every = tables.columns(networks)
    place = [c.title for c in every].index(title)
    return [row.cells[place].text for row in tables.rows(networks, every)]


def test_swept_settings_are_columns(networks):
    assert tables.swept_settings(networks) == ['spike_cost']
    assert column(networks, 'spike_cost') == ['0.02', '0.01', '0.02', '0.1', '0.02', '0.02']
    assert column(networks, 'Minutes') == ['–', '1.5', '–', '–', '–', '–']
    assert column(networks, 'Status').count('unfinished') == 1
    titles = [c.title for c in tables.columns(networks)]
    assert 'Weight loss' not in titles  # there is no weight cost
    every = tables.columns(networks)
    assert tables.filters(networks, every) == [
        ('Task', 0, ['DMC', 'DMS']),
        ('Status', 1, ['finished', 'unfinished']),
        ('spike_cost', 2, ['0.01', '0.02', '0.1']),
    ]
    assert tables.rows(networks, every)[1].choices == ['DMS', 'finished', '0.01']


def test_missing_values_are_sorted_last(networks):
    every = tables.columns(networks)
    cells = [
        dict(zip((c.title for c in every), r.cells, strict=True))
        for r in tables.rows(networks, every)
    ]
    assert cells[0]['Manipulation'] == ('–', '', '')
    assert float(cells[1]['Manipulation'].key) == networks[1].measures['manipulation']
    assert cells[1]['spike_cost'].key == '0.01'


def test_what_was_trained(networks):
    dmc, dms = tables.trained(networks)
    assert dmc[:2] == ('DMC', 1)
    assert dmc.swept == []
    assert dms.count == 5
    assert dms.swept == ['spike_cost = 0.01, 0.02, 0.1 (default 0.02)']
    assert dms.settings == ['dt = 50 (default 10)', 'n_hidden = 10 (default 100)']
    assert (dms.seeds, dms.iterations, dms.minutes) == ('0, 1, 2, 8, 10', '6', '1.5')


def test_none_and_what_a_task_has_not_are_values(tmp_path):
    networks = saved_as(
        tmp_path,
        trained(synapse_config=None),
        trained(synapse_config='full', stop_accuracy=0.9),
        trained(w_rnn0=1 - np.eye(10)),
    )
    assert column(networks, 'synapse_config') == ['None', 'full', 'full']
    assert column(networks, 'stop_accuracy') == ['None', '0.9', 'None']
    every = tables.columns(networks)
    assert ('stop_accuracy', 1, ['0.9', 'None']) in tables.filters(networks, every)


def test_arrays_that_differ_are_told_apart(tmp_path):
    masks = [np.ones((10, 10)), np.ones((10, 10))]
    masks[1][0, 1] = 0
    networks = saved_as(tmp_path, *(trained(w_rnn_mask=mask) for mask in masks))
    assert tables.swept_settings(networks) == ['w_rnn_mask']
    (group,) = groups(networks)
    assert group.about.count('array (10, 10)') == 2


def test_conditions_of_the_analysis_are_told_apart(tmp_path):
    networks = saved_as(tmp_path, trained(), trained())
    other = networks[1].settings | {'delay_time when analysed': 1500}
    networks[1] = networks[1]._replace(settings=other)
    assert tables.swept_settings(networks) == ['delay_time when analysed']
    assert column(networks, 'delay_time when analysed') == [tables.NOTHING, '1500']


def test_many_seeds_are_counted(tmp_path):
    (row,) = tables.trained(saved_as(tmp_path, *(trained(seed=i) for i in range(9))))
    assert row.seeds == '0, 1, 2, 3, 4, 5 and 3 more'


def test_versions_are_those_in_the_files(tmp_path):
    first = trained() | {'versions': {'numpy': '2.0'}}
    networks = saved_as(tmp_path, first, trained())
    assert tables.versions(networks) == ['numpy 2.0 (1 of 2 networks)']
    assert ('numpy', '2.0') in tables.facts(networks[0])
    assert tables.versions(networks[1:]) == []


def test_groups_can_share_figures(tmp_path, networks):
    assert [(g.task, len(g.networks), g.about) for g in groups(networks)] == [
        ('DMC', 1, ''),
        ('DMS', 4, 'spike_cost = 0.01 or 0.02 or 0.1'),  # without the half-trained one
    ]
    swept = [analyzed(seed=i, delay_time=t) for i, t in enumerate((500, 1000, 1000))]
    found = groups(saved_as(tmp_path, *swept))
    assert [(g.about, len(g.networks)) for g in found] == [
        ('delay_time = 500', 1),
        ('delay_time = 1000', 2),
    ]


# Curves


def test_curves_are_thinned_to_means(tmp_path):
    long = trained() | {name: list(np.arange(2.0, 1002.0)) for name in results.CURVES}
    long['iteration'] = list(range(1000))
    long['accuracy'] = [np.nan, *np.linspace(0, 1, 998), np.nan]
    (network,) = saved_as(tmp_path, long)
    x, y = curves.thinned(network, 'accuracy')
    assert len(x) == len(y) <= curves.MOST_POINTS
    size = curves.bin_size(1000)
    assert x[0] == np.arange(size).mean()
    assert y[0] == pytest.approx(np.mean(long['accuracy'][1:size]))
    for chart in curves.charts([network], ['c0 d0']):
        (line,) = chart.lines
        points = np.array([p.split(',') for p in line.path[1:].split('L')], float)
        assert np.isfinite(points).all()
        assert points[:, 0].min() >= curves.LEFT
        assert points[:, 1].min() >= curves.TOP
        assert points[:, 1].max() <= curves.HEIGHT - curves.BOTTOM
        rises = chart.name == 'accuracy' or network.curves['loss'][-1] > network.curves['loss'][0]
        assert (points[-1, 1] < points[0, 1]) == rises


def test_networks_look_as_their_task_or_setting(networks):
    look, legend = curves.looks(networks, tables.columns(networks))
    assert legend == {'Task DMC': 'c0 d0', 'Task DMS': 'c1 d0'}
    assert look == ['c0 d0'] + ['c1 d0'] * 5
    dms = networks[1:4]
    assert curves.looks(dms, tables.columns(dms)) == (
        ['c0 d0', 'c1 d0', 'c2 d0'],
        {'spike_cost 0.01': 'c0 d0', 'spike_cost 0.02': 'c1 d0', 'spike_cost 0.1': 'c2 d0'},
    )
    assert curves.looks(dms[:1], tables.columns(dms[:1])) == (['c0 d0'], {})


def test_networks_that_were_not_trained_have_no_curves(tmp_path):
    none = {name: [] for name in results.CURVES}
    networks = saved_as(tmp_path, trained() | none)
    assert curves.charts(networks, ['c0 d0']) == []
    networks = saved_as(tmp_path, trained() | none, trained(seed=1))
    assert [line.path for line in curves.charts(networks, ['', ''])[0].lines][0] == ''


@pytest.mark.parametrize(
    ('high', 'expected'),
    [
        (0, [0]),
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (2000, [0, 500, 1000, 1500, 2000]),
        (7, [0, 2, 4, 6]),
    ],
)
def test_ticks_are_round(high, expected):
    np.testing.assert_allclose(curves._even(high), expected)
