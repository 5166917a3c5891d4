"""Figures of the paper from networks of the reproduction."""

import numpy as np
import pytest
from drawing import MAGIC, assert_texts_fit, lines
from made import network
from matplotlib import rc_context

from measures.network import MissingMeasure
from plots.style import STYLE
from reproduction import measured, paper

TASKS = ('DMS', 'DMRS90', 'DMS+DMRS', 'ABBA', 'ABCA', 'dualDMS')
FIGURES = [figure.__name__ for figure in paper.FIGURES]
VARIED = {
    'DMS-synapse_config=None': {'synapse_config': None},
    'DMS-delay_time=500': {'delay_time': 500},
    'DMS-delay_time=2000': {'delay_time': 2000},
    'DMS-stop_accuracy=0.9': {'stop_accuracy': 0.9},
}


@pytest.fixture(scope='module')
def by_kind():
    found = {task: [network(task, seed) for seed in range(3)] for task in TASKS}
    for kind, settings in VARIED.items():
        found[kind] = [network('DMS', seed, settings=settings) for seed in (5, 6)]
    return found


def test_all_are_drawn(by_kind, tmp_path):
    assert list(paper.draw(by_kind, {}, tmp_path)) == []
    files = [tmp_path / 'comparison.png', *(tmp_path / 'paper').iterdir()]
    assert sorted(path.stem for path in files) == ['comparison', *sorted(FIGURES)]
    assert all(path.read_bytes().startswith(MAGIC['png']) for path in files)


@pytest.mark.parametrize('name', FIGURES)
def test_texts_do_not_overlap(by_kind, name):
    figure = getattr(paper, name)
    with rc_context(STYLE):
        drawn = figure(by_kind, {}) if name == 'figure_3' else figure(by_kind)
        assert_texts_fit(drawn)


def test_what_is_lacking_is_said(by_kind, tmp_path):
    lacking = {'DMRS90': by_kind['DMRS90'], 'DMS': []}
    sentences = list(paper.draw(lacking, {}, tmp_path))
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob('*.png'))
    assert list(map(str, files)) == ['paper/figure_3.png', 'paper/figure_7.png']
    assert 'figure_2 is left out: there is no network of DMS' in sentences
    assert 'comparison is left out: there is no network of DMS' in sentences
    assert len(sentences) == 8


def test_tuning_curves_may_come_from_other_networks(by_kind):
    plain = [
        {name: value for name, value in n.items() if not name.endswith('_tuning')}
        for n in by_kind['DMRS90']
    ]
    with pytest.raises(MissingMeasure, match='lack neuronal_sample_tuning'):
        paper.figure_3({'DMRS90': plain}, {})
    drawn = paper.figure_3({'DMRS90': plain}, {'DMRS90': by_kind['DMRS90'][:1]})
    shuffles = drawn.axes[-1] if drawn.axes[-1].get_title() else drawn.subfigs[1].axes[-1]
    places = [line for line in shuffles.get_lines() if line.get_marker() == 's']
    assert len(places[0].get_ydata()) == 3 * 5  # of all networks, not only of that with curves


def test_learning_with_and_without_plasticity(by_kind):
    (ax,) = paper.supplement_plasticity(by_kind).axes
    for label, kind in (('with plasticity', 'DMS'), ('without', 'DMS-synapse_config=None')):
        curves = np.median([n['accuracy'] for n in by_kind[kind]], axis=0)
        name = f'{label}, n = {len(by_kind[kind])}'
        np.testing.assert_allclose(lines(ax)[name][1], curves)


def test_decoding_against_the_length_of_the_delay(by_kind):
    (ax,) = paper.supplement_delay(by_kind).axes
    x, y = lines(ax)['from activity']
    kinds = ('DMS-delay_time=500', 'DMS', 'DMS-delay_time=2000')
    decoded = [[measured.end_decoding(n, 'neuronal') for n in by_kind[kind]] for kind in kinds]
    np.testing.assert_array_equal(x, [500, 1000, 2000])
    np.testing.assert_allclose(y, [np.mean(values) for values in decoded])
