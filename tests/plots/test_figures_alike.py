"""All figures: none has text that overlaps or leaves the page, all draw in given axes."""

import sys

import matplotlib.pyplot as plt
import pytest
from drawing import assert_texts_fit, coarse_synapses, fabricated, figure_of  # noqa: F401
from matplotlib.figure import Figure
from shell import ROOT
from test_analysis import eagerly  # noqa: F401

import figures
import plots
from plots.figure import FigureError
from plots.network import one_trial
from plots.tasks import manipulation

SINGLE = ('synapses', 'trial')  # show one network
DRAWN = [
    *((entry.name, 'DMS') for entry in figures.all_figures() if not entry.tasks),
    *((name, 'DMS+DMRS+DMC') for name in ('decoding', 'shuffles')),
    *((name, 'dualDMS') for name in ('trial', 'decoding', 'shuffles', 'tuning', 'stability')),
    *((name, 'ABBA') for name in ('decoding', 'sequence')),
    *((name, 'distractor') for name in ('trial', 'decoding')),
    ('attention', 'dualDMS'),
    ('manipulation', 'DMS'),
]
ABOUT = {'sequence': 'ABBA', 'attention': 'dualDMS'}  # a task of figures that are not about all
CASES = [(*case, 1) for case in DRAWN]
CASES += [(name, 'DMS', 3) for name, task in DRAWN if name not in SINGLE and task == 'DMS']
CASES += [('sequence', 'ABBA', 3)]


def shown(name: str, task: str, number: int = 1) -> dict | list[dict]:
    """Networks for a figure, one by itself; `sweep` shows those that differ in a setting."""
    networks = [fabricated(task, seed) for seed in range(number)]
    if name == 'sweep':
        return [*networks, fabricated(task, spike_cost=0)]
    return networks if number > 1 else networks[0]


@pytest.mark.parametrize(('name', 'task', 'number'), CASES)
def test_no_text_overlaps_or_leaves_the_page(name, task, number):
    drawn = figure_of(name)(shown(name, task, number))
    assert drawn.get_figwidth() * 25.4 <= 183 + 1e-6
    assert_texts_fit(drawn)


def test_no_text_of_all_variants_overlaps():
    names = ('DMS', 'DMRS45', 'DMRS90', 'DMRS180', 'DMS+DMRS', 'ABCA', 'ABBA', 'dualDMS')
    assert_texts_fit(manipulation([fabricated(name) for name in names]))


def test_the_check_of_texts_finds_faults():
    clipped, overlapping = Figure(), Figure()
    clipped.text(0.99, 0.5, 'a long text')
    with pytest.raises(AssertionError, match='leaves the page'):
        assert_texts_fit(clipped)
    overlapping.text(0.5, 0.5, 'one')
    overlapping.text(0.5, 0.51, 'two')
    with pytest.raises(AssertionError, match='overlap'):
        assert_texts_fit(overlapping)


@pytest.mark.parametrize('figure', figures.all_figures(), ids=lambda figure: figure.name)
def test_figures_draw_in_given_axes(figure):
    networks = shown(figure.name, ABOUT.get(figure.name, 'DMS'))
    own = figure(networks)
    # the colour bars are made by the figure itself
    number = len([ax for ax in own.axes if ax.get_subplotspec() is not None])
    page = Figure()
    given = page.subplots(1, number, squeeze=False)
    assert figure(networks, given) is page
    assert all(ax.has_data() for ax in given.flat)
    with pytest.raises(FigureError, match=f'needs {number} axes, not 9'):
        figure(networks, Figure().subplots(3, 3))
    assert plt.get_fignums() == []


def test_all_figures_are_found():
    names = ['decoding', 'shuffles', 'tuning', 'stability', 'trial', 'learning', 'weights']
    names += ['sweep', 'sequence', 'attention', 'manipulation']
    assert [figure.name for figure in figures.all_figures()] == ['synapses', *names]
    assert one_trial in figures.all_figures()
    assert one_trial.__doc__.startswith('Input, activity')


def test_a_figure_is_added_with_one_file(tmp_path, monkeypatch):
    (tmp_path / 'added.py').write_text(
        'from plots.figure import figure, panels\n'
        '@figure(measures=("{signal}_pev",), analyzed=False)\n'
        'def variance(networks, p, axes=None):\n'
        '    return panels(axes, 1, len(networks) * len(p["trial_type"]))[0, 0].figure\n'
    )
    monkeypatch.setattr(plots, '__path__', [*plots.__path__, str(tmp_path)])
    figures.all_figures.cache_clear()
    try:
        added = next(f for f in figures.all_figures() if f.name == 'variance')
        assert len(figures.all_figures()) == 13
        assert len(added([fabricated(), fabricated(seed=1)]).axes) == 6
    finally:
        figures.all_figures.cache_clear()
        sys.modules.pop('plots.added', None)


def test_a_file_of_figures_that_fails_is_a_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / 'broken_figure.py').write_text('x = 1 / 0\n')
    monkeypatch.setattr(plots, '__path__', [*plots.__path__, str(tmp_path)])
    figures.all_figures.cache_clear()
    try:
        assert figures.main([str(ROOT / 'networks' / 'full'), '--out', str(tmp_path)]) == 2
        err = capsys.readouterr().err
        assert 'broken_figure.py, line 1, fails: ZeroDivisionError' in err
        assert err.count('\n') == 1
    finally:
        figures.all_figures.cache_clear()
