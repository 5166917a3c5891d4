"""The tables beside the paper and its code, and the command that prints them."""

import csv
import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from drawing import assert_texts_fit, lines
from made import cells, network
from scipy.stats import pearsonr, spearmanr, ttest_1samp, ttest_ind

import results
from measures.groups import OF_KINDS
from plots.figure import FigureError
from plots.tasks import variant_points
from reproduction import __main__ as reproduction
from reproduction import along, closer, markdown, measured, original, published, statistics, tables
from reproduction.comparison import comparison
from reproduction.load import load_folder
from reproduction.original import original_measures


@pytest.fixture
def folder(tmp_path):
    """Networks of three tasks."""
    for i in range(3):
        results.save(tmp_path / f'DMS-{i}.pkl', network(seed=i))
    for task in ('ABBA', 'dualDMS'):
        results.save(tmp_path / f'{task}.pkl', network(task))
    return tmp_path


# Numbers of a network


def test_accuracy_around_an_iteration():
    curve = np.arange(100)
    assert measured.around(curve, 50) == np.mean(range(45, 55))
    assert np.isnan(measured.around(curve, 96))


def test_passing_is_at_the_last_of_20_iterations():
    accuracy = np.r_[np.zeros(30), np.ones(30)]
    expected = next(i for i in range(19, 60) if accuracy[i - 19 : i + 1].mean() > 0.9)
    assert measured.passed(accuracy) == expected
    assert np.isnan(measured.passed(np.ones(19)))
    assert np.isnan(measured.passed(np.full(50, 0.9)))


def test_measures_of_training():
    """Each row of the table, written out."""
    made = network()
    found = measured.of_training(made)
    accuracy, perf, spikes = (np.array(made[n]) for n in ('accuracy', 'perf_loss', 'spike_loss'))
    w = made['weights']['w_rnn']
    positive = sum(w[i, j] > 0 for i in range(10) for j in range(10) if i != j)
    expected = {
        **{
            f'accuracy, iteration {i}': accuracy[i - 5 : i + 5].mean()
            for i in (50, 100, 200, 300, 500, 1000)
        },
        'accuracy, last 50 iterations': accuracy[1150:].mean(),
        'first iteration above .90': next(i for i in range(1200) if accuracy[i] > 0.9),
        'perf_loss, last 50 iterations': perf[1150:].mean(),
        'spike_loss (Hz²), iteration 500': spikes[495:505].mean(),
        'spike_loss (Hz²), last 50 iterations': spikes[1150:].mean(),
        'share of off-diagonal w_rnn above 0': positive / 90,
    }
    assert found == pytest.approx(expected)


def test_measures_of_the_analysis():
    """Each row of the table, written out: steps of 50 ms, a test at 2 s, 4 groups and all units."""
    made = network()
    found = measured.dms_measures(made)
    assert found.keys() == published.ORIGINAL.keys()
    groups = made['accuracy_syn_shuffled_grp'][0, 1]  # of rule 0, at the onset of the test
    mean = made['h_sample_mean'].mean((1, 2))
    expected = {
        'accuracy of the analysis': made['task_accuracy'],
        'decoding from synapses, end of delay': made['synaptic_sample_decoding'][..., 38:40].mean(),
        'decoding from activity, end of delay': made['neuronal_sample_decoding'][..., 38:40].mean(),
        'accuracy, activity shuffled at test onset': made['accuracy_neural_shuffled'][0, 1].mean(),
        'accuracy, synapses shuffled at test onset': made['accuracy_syn_shuffled'][0, 1].mean(),
        'accuracy, synapses shuffled, exc_fac': groups[0].mean(),
        'accuracy, synapses shuffled, exc_dep': groups[1].mean(),
        'accuracy, synapses shuffled, inh_fac': groups[2].mean(),
        'accuracy, synapses shuffled, inh_dep': groups[3].mean(),
        'accuracy, all silenced for 100 ms before the test': made['acc_neuronal_suppression'][
            0, 0, 4, 0
        ],
        'mean activity (Hz), fixation': mean[:10].mean(),
        'mean activity (Hz), sample': mean[10:20].mean(),
        'mean activity (Hz), delay': mean[20:40].mean(),
        'mean activity (Hz), test': mean[40:].mean(),
    }
    assert found == pytest.approx(measured.of_training(made) | expected)


def test_what_was_not_measured_is_left_out():
    made = network()
    for name in ('acc_neuronal_suppression', 'h_sample_mean'):
        del made[name]
    row = cells(tables.dms_table([made]))['accuracy, all silenced for 100 ms before the test']
    assert (row[0], *row[2:]) == ('0.890 ± 0.061', '', '', '', '')


# Tables


def test_values_as_they_are_written():
    assert markdown.span([0.25, 0.5]) == '0.250 to 0.500'
    assert markdown.span([0.5, 0.5]) == '0.500'
    assert markdown.span([np.nan, 0.5]) == '0.500'
    assert markdown.span([]) == ''
    assert markdown.mean_and_sd([1, 2, 3]) == '2.000 ± 1.000'
    assert markdown.mean_and_sd([0.5]) == '0.500'
    assert markdown.mean_and_sd([]) == ''
    assert [markdown.number(v) for v in (115.2, 0.0044, 1.68)] == ['115', '0.0044', '1.680']


def test_welch_test_is_that_of_two_samples():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(0.5, 0.1, 6), rng.normal(0.6, 0.2, 20)
    expected = ttest_ind(ours, theirs, equal_var=False)
    found = statistics.beside(ours, theirs.mean(), theirs.std(ddof=1), 20)
    assert found.mean == pytest.approx(ours.mean() - theirs.mean())
    assert found.interval == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert statistics.beside(ours[:1], 0.6, 0.2, 20) is None
    assert statistics.beside([0.5, 0.5], 0.6, None, 20) is None


def test_a_mean_without_a_known_spread_counts_as_exact():
    ours = np.random.default_rng(0).normal(0.5, 0.1, 6)
    found, expected = statistics.beside(ours, 0.6, None, 20), ttest_1samp(ours, 0.6)
    low, high = expected.confidence_interval(0.95)
    assert found.mean == pytest.approx(ours.mean() - 0.6)
    assert found.interval == pytest.approx((low - 0.6, high - 0.6))
    assert found.p_value == pytest.approx(expected.pvalue)


def test_table_of_dms_networks():
    networks = [network(seed=i) for i in range(3)]
    rows = cells(tables.dms_table(networks))
    found = [measured.dms_measures(n)['spike_loss (Hz²), iteration 500'] for n in networks]
    mean, sd = np.mean(found), np.std(found, ddof=1)
    compared = statistics.beside(np.array(found), 1.68, 0.10, 20)
    low, high = compared.interval
    of_three = original_measures()['spike_loss (Hz²), iteration 500']
    assert rows['spike_loss (Hz²), iteration 500'] == [
        '1.680 ± 0.100',
        f'{np.mean(of_three):.3f} ± {np.std(of_three, ddof=1):.3f}',
        f'{mean:.3f} ± {sd:.3f}',
        f'{min(found):.3f} to {max(found):.3f}',
        f'{low:.3f} to {high:.3f}',
        f'{compared.p_value:.2g}',
    ]
    assert rows['mean activity (Hz), test'][-1].endswith(' (one-sample)')
    assert rows['silent networks'][:3] == ['2 of 20', '', '1 of 3']


def test_differences_from_the_original_are_counted():
    networks = [network(seed=i) for i in range(3)]
    found = tables.dms_table(networks)
    shown = [row[-1] for row in cells(found).values()]
    p_values = [float(cell) for cell in shown if re.fullmatch(r'[\d.]+(e-\d+)?', cell)]
    low = sum(p < 0.05 for p in p_values)
    assert sum(p < 0.01 for p in p_values) < low < len(p_values)
    assert f'\n{low} of {len(p_values)} t tests have P < .05.' in found
    seen = statistics.detectable(3, 20)
    assert f'With 3 networks beside 20, a difference of {seen:.2f} SD is detected' in found


def test_correlations_over_dms_networks():
    networks = [network(seed=i) for i in range(6)]
    found = [measured.dms_measures(n) for n in networks]
    decoded = [m['decoding from activity, end of delay'] for m in found]
    accuracy = [m['accuracy, synapses shuffled at test onset'] for m in found]
    ours = pearsonr(decoded, accuracy).statistic
    z = abs(math.atanh(ours) - math.atanh(0.62)) / math.sqrt(1 / (6 - 3) + 1 / (20 - 3))
    name = 'R of decoding from activity and accuracy, synapses shuffled'
    p_value = math.erfc(z / math.sqrt(2))
    shown = ['0.62', '', f'{ours:.2f}', '', '', f'{p_value:.2g} (Fisher z)']
    assert cells(tables.dms_table(networks))[name] == shown
    assert cells(tables.dms_table(networks[:3]))[name] == ['0.62', '', '', '', '', '']


def test_table_of_training():
    networks = [network(seed=i, iterations=n) for i, n in enumerate((30, 40))]
    row = cells(tables.training_table({'DMS': networks}))['DMS']
    accuracies = [np.mean(n['accuracy'][-20:]) for n in networks]
    assert row[:2] == ['2', '30 to 40']
    assert row[3] == f'{min(accuracies):.3f} to {max(accuracies):.3f}'
    analysed = [n['task_accuracy'] for n in networks]
    assert row[4] == f'{min(analysed):.3f} to {max(analysed):.3f}'


def test_one_network_is_shown_with_its_standard_error():
    abba = network('ABBA') | {'manipulation_sem': 0.013}
    manipulation = cells(tables.training_table({'ABBA': [abba]}))['ABBA'][-1]
    assert manipulation == f'{abba["manipulation"]:.3f} ± 0.013'
    two = [abba, abba | {'manipulation': 0.9}]
    assert '±' not in cells(tables.training_table({'ABBA': two}))['ABBA'][-1]
    assert markdown.span([0.5], errors=[np.nan]) == '0.500'


def test_table_of_groups_in_rotations():
    """Groups 0 and 3 are lowest in one and five rotating networks, group 1 in DMS."""
    made = {'DMRS45': [], 'DMRS90ccw': [], 'DMS': []}
    for task, own in made.items():
        for i in range(3):
            accuracy = np.full((1, 2, 5, 3), 0.9)
            lowest = 1 if task == 'DMS' else 0 if (task, i) == ('DMRS45', 0) else 3
            accuracy[0, -1, lowest] = 0.5 + i / 10
            turned = np.array([[[0.0, 0, 0, 10 + i, 0]]])
            own.append(
                network(task, i, accuracy_syn_shuffled_grp=accuracy, synaptic_rotation=turned)
            )
            own[-1]['neuronal_sample_decoding'][:] = i / 10
    rows = cells(closer.rotation_table(made))
    assert [row[1] for row in rows.values()][1:] == ['---', '1 of 6', '0 of 6', '0 of 6', '5 of 6']
    assert [row[3] for row in rows.values()][2:] == ['0 of 3', '3 of 3', '0 of 3', '0 of 3']
    own = rows['inh. dep.']
    assert own[:1] == [markdown.mean_and_sd([0.9, 0.6, 0.7, 0.5, 0.6, 0.7])]
    # a turn against the rule's is towards the match: -10, -11, -12 with 45, the rest with -90
    assert own[4].startswith('0.0000 (-')
    # ranks 3 1 2 and 1 2 3 beside 1 2 3; the other groups have the same accuracy everywhere
    assert rows['inh. fac.'][5] == '–'
    assert own[5].startswith('R = 0.25, ')
    assert own[5].endswith(', n = 6')
    assert cells(closer.rotation_table({'DMRS45': made['DMRS45'][:1]}))['exc. fac.'][2:] == [
        '–',
        '–',
        '–',
        '–',
    ]


def test_table_of_manipulation():
    tasks = ('DMS', 'ABBA', 'DMRS90', 'DMRS180', 'DMS+DMRS', 'dualDMS', 'DMC')
    made = {task: [network(task, 3 * i + j) for j in range(3)] for i, task in enumerate(tasks)}
    shown = {name: row[0] for name, row in cells(closer.manipulation_table(made, {})).items()}
    points = {
        task: np.array([[point[1:3] for point in variant_points(n)] for n in made[task]])
        for task in tasks
    }

    def over(*left_out):
        means = [p.mean(0) for task, p in points.items() if task not in left_out]
        found = spearmanr(*np.concatenate(means).T)
        return f'R = {found.statistic:.2f}, P = {found.pvalue:.2g}, n = {sum(map(len, means))}'

    assert shown['variants of tasks (Figure 7)'] == over('DMC')
    assert shown['variants without ABBA'] == over('DMC', 'ABBA')
    assert shown['variants without dualDMS'] == over('DMC', 'dualDMS')
    assert shown['variants without dualDMS, with DMRS90ccw and DMC'] == over('dualDMS')
    assert shown['one point for each task'].endswith(', n = 6')
    assert shown['networks, within tasks'].endswith(', n = 18')
    assert {row[1] for row in cells(closer.manipulation_table(made, {})).values()} >= {'–'}


# The command and the figure


def test_command(folder, capsys):
    assert reproduction.main([str(folder), '--figures', str(folder)]) == 0
    rows = cells(capsys.readouterr().out)
    assert {'DMS', 'ABBA', 'dualDMS', 'silent networks', *published.ORIGINAL} <= rows.keys()
    for name in ('comparison', 'paper/figure_7'):
        assert (folder / f'{name}.png').read_bytes().startswith(b'\x89PNG')


def test_tuning_curves_of_another_folder_are_drawn(tmp_path, capsys):
    tuned = network('DMRS90')
    plain = {name: tuned[name] for name in tuned if not name.endswith('_tuning')}
    for name, saved in (('plain', plain), ('tuned', tuned)):
        results.save(tmp_path / name / 'DMRS90.pkl', saved)
    words = [str(tmp_path / 'plain'), f'--figures={tmp_path}']
    drawn = tmp_path / 'paper' / 'figure_3.png'
    assert reproduction.main(words) == 0
    assert 'figure_3 is left out: 1 of 1 networks lack' in capsys.readouterr().err
    assert not drawn.exists()
    assert reproduction.main([*words, f'--tuned={tmp_path / "tuned"}']) == 0
    assert 'figure_3' not in capsys.readouterr().err
    assert drawn.exists()


def test_bad_folders(tmp_path, capsys):
    for name, make in (
        ('holds no networks', lambda: None),
        ('is not analysed', lambda: results.save(tmp_path / 'a.pkl', unanalyzed())),
        ('damaged', lambda: (tmp_path / 'a.pkl').write_bytes(b'x')),
    ):
        make()
        assert reproduction.main([str(tmp_path)]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count('\n')) == ('', 1)
        assert re.search(name, err)


def test_a_lacking_measure_is_named(tmp_path, capsys):
    for task, name in (
        ('ABBA', 'synaptic_similarity_suppression'),
        ('DMS', 'accuracy_syn_shuffled_grp'),
    ):
        lacking = network(task)
        del lacking[name]
        results.save(tmp_path / 'a.pkl', lacking)
        assert reproduction.main([str(tmp_path)]) == 2
        err = capsys.readouterr().err
        assert f'1 of 1 networks lack {name}: analyse them' in err
        assert err.count('\n') == 1


@pytest.mark.parametrize(
    ('command', 'task', 'pattern'),
    [
        (original, 'DMS', 'accuracy_syn_shuffled'),
        (along, 'ABBA', 'synaptic_similarity'),
        (along, 'ABBA', 'manipulation'),
        (reproduction, 'DMRS90', 'synaptic_rotation'),
        (reproduction, 'DMC', 'manipulation'),
    ],
)
def test_commands_without_a_measure_say_so_or_leave_it_out(
    tmp_path, capsys, command, task, pattern
):
    whole = network(task)
    whole |= {'synaptic_similarity_sem': whole.get('synaptic_similarity')}
    lacking = {name: v for name, v in whole.items() if not name.startswith(pattern)}
    results.save(tmp_path / 'a.pkl', lacking)
    status = command.main([str(tmp_path)])
    err = capsys.readouterr().err
    assert status == (0 if command is reproduction else 2)
    assert (f'lack {pattern}' in err) == (command is not reproduction)


@pytest.mark.parametrize(
    ('seed', 'settings', 'words'),
    [
        (1, {'spike_cost': 0.1}, 'but these settings differ: spike_cost'),
        (1, {'num_iterations': 7}, 'but these settings differ: num_iterations'),
        (0, {}, 'but two of them have the same seed'),
    ],
)
def test_networks_that_are_no_samples_of_the_same(tmp_path, capsys, seed, settings, words):
    results.save(tmp_path / 'a.pkl', network())
    results.save(tmp_path / 'b.pkl', network(seed=seed, settings=settings))
    assert reproduction.main([str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count('\n')) == ('', 1)
    assert f'networks of DMS must differ in their seeds and in nothing else, {words}' in err


def test_networks_of_other_tasks_are_not_compared_with_the_paper(tmp_path):
    other = network()
    other['parameters']['trial_type'] = 'report'
    results.save(tmp_path / 'a.pkl', other)
    with pytest.raises(results.ResultsError, match='no networks of the tasks of the paper'):
        load_folder(tmp_path)
    results.save(tmp_path / 'b.pkl', network())
    assert list(load_folder(tmp_path)) == ['DMS']


def unanalyzed() -> dict:
    return {name: value for name, value in network().items() if name != 'analysis'}


def test_figure_shows_networks_and_original():
    networks = [network(seed=i) for i in range(3)]
    drawn = comparison(networks)
    curves, points_of_networks = drawn.axes
    median = np.median([n['accuracy'] for n in networks], axis=0)
    np.testing.assert_allclose(lines(curves)['this project, median and range, n = 3'][1], median)
    means = [published.ORIGINAL[f'accuracy, iteration {i}'][0] for i in published.ITERATIONS]
    (shown,) = curves.containers
    np.testing.assert_array_equal(shown[0].get_xdata(), published.ITERATIONS)
    np.testing.assert_array_equal(shown[0].get_ydata(), means)
    points = [
        line.get_ydata() for line in points_of_networks.get_lines() if line.get_marker() == 'o'
    ]
    name = 'decoding from activity, end of delay'
    expected = [measured.dms_measures(n)[name] for n in networks]
    assert [values[0] for values in points] == expected
    assert_texts_fit(drawn)
    with pytest.raises(FigureError, match='this figure is about DMS, not about DMC'):
        comparison(network('DMC'))


def test_groups_of_the_original_are_in_the_order_of_this_project():
    names = [
        name for name in published.ORIGINAL if name.startswith('accuracy, synapses shuffled, ')
    ]
    assert [name.rpartition(' ')[2] for name in names] == list(OF_KINDS)


# Networks of the original code


REFERENCE = Path(__file__).resolve().parents[3] / 'shared' / 'reference'


def test_measures_of_the_original_are_those_that_are_published():
    of_three = original_measures()
    assert of_three.keys() == published.ORIGINAL.keys()
    assert {len(values) for values in of_three.values()} == {3}


@pytest.mark.skipif(not REFERENCE.is_dir(), reason='the networks of the original are not here')
def test_measures_of_training_are_those_of_the_original_networks():
    of_three = original_measures()
    for i in range(3):
        saved = results.load_results(REFERENCE / f'DMS-run-{i}.pkl')
        for name, value in measured.of_training(saved).items():
            assert of_three[name][i] == pytest.approx(value, rel=1e-5)


def test_measures_of_a_folder_of_original_networks(folder, capsys):
    assert original.main([str(folder)]) == 0
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ['measure', 'network 0', 'network 1', 'network 2']
    expected = measured.dms_measures(results.load_results(folder / 'DMS-1.pkl'))
    assert {row[0]: float(row[2]) for row in rows} == pytest.approx(expected, rel=1e-5)
    assert original.main([str(folder / 'nothing')]) == 2
    assert capsys.readouterr().err.count('\n') == 1


# Networks partway through their training


def test_networks_along_their_training(tmp_path, capsys):
    found = [network(task, iterations=n) for task in ('ABCA', 'ABBA') for n in (200, 30)]
    for i, made in enumerate([*found, network()]):
        p = made['parameters']
        made['synaptic_similarity_sem'] = np.full((1, 1, p['num_time_steps']), 0.012)
        results.save(tmp_path / f'{i}.pkl', made)
    assert along.main([str(tmp_path)]) == 0
    _, _, *rows = capsys.readouterr().out.splitlines()
    shown = [[cell.strip() for cell in row.split('|')[1:-1]] for row in rows]
    assert [row[:2] for row in shown] == [
        ['ABBA', '30'],
        ['ABBA', '200'],
        ['ABCA', '30'],
        ['ABCA', '200'],
    ]
    assert shown[2][3] == f'{measured.similarity(found[1]):.3f} ± 0.012'
    assert shown[2][4] == f'{measured.similarity(found[1], "inh_fac"):.3f}'
    for path in tmp_path.glob('[0-3].pkl'):
        path.unlink()
    assert along.main([str(tmp_path)]) == 2
    assert 'holds no networks of tasks that compare several tests' in capsys.readouterr().err
