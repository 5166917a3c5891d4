"""The command `python figures.py` as a user meets it, most of it within this process."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawing import (  # noqa: F401
    MAGIC,
    coarse_synapses,
    fabricated,
    figure_of,
    lines,
)
from matplotlib.figure import Figure
from shell import environment, write_own_task
from test_analysis import TRIALS, eagerly, network  # noqa: F401

import analysis
import figures
import results
from plots import memory, style
from plots.figure import figure
from tasks import load_task, registry

COMMAND = Path(figures.__file__)
TIMEOUT = 240  # s
OPTIONS = {'analysis_trials': 120, 'decoding_reps': 2, 'simulation_reps': 2}
OPTIONS |= dict.fromkeys(('suppress_analysis', 'decode_test'), True)
OPTIONS['calculate_resp_matrix'] = False
KINDS = (500, 'full'), (1000, 'full'), (1000, None)  # delay_time and synapse_config


@pytest.fixture(scope='module')
def analyzed(tmp_path_factory, eagerly) -> Path:  # noqa: F811
    """A folder of tiny networks of several tasks, one of them analysed as by the command."""
    folder = tmp_path_factory.mktemp('networks')
    results.save(folder / 'DMS.pkl', network('DMS'))
    analysis.analyze_model_from_file(folder / 'DMS.pkl', folder / 'DMS.pkl', OPTIONS, jobs=1)
    for task in ('ABBA', 'dualDMS'):
        made = {n: v for n, v in fabricated(task).items() if 'stability' not in n}
        results.save(folder / f'{task}.pkl', made)
    return folder


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its status and what it wrote to stdout and stderr."""

    def run_command(*arguments) -> tuple[int, list[str], str]:
        try:
            status = figures.main(list(map(str, arguments)))
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return status, out.splitlines(), err

    return run_command


@pytest.fixture
def fast(monkeypatch):
    """Figures of one panel take the place of all others, for tests of the command alone."""

    def draw(networks, p, axes=None):
        page = Figure(figsize=(1, 1))
        page.text(0, 0, str(len(networks)))
        return page

    drawn = figure(name='learning', analyzed=False)(draw), figure(name='decoding')(draw)
    only(monkeypatch, *drawn)


def only(monkeypatch, *drawn) -> None:
    """Let these be all figures that there are."""
    monkeypatch.setattr(figures, 'all_figures', lambda: drawn)


def save(folder: Path, **networks: dict) -> Path:
    for name, saved in networks.items():
        results.save(folder / f'{name}.pkl', saved)
    return folder


def test_command_draws_what_the_tasks_allow(analyzed, run, tmp_path, monkeypatch):
    monkeypatch.setitem(style.STYLE, 'savefig.dpi', 50)
    status, out, err = run(analyzed, '--out', tmp_path, '--format', 'png')
    assert (status, err) == (0, '')
    each = ('trial', 'learning', 'decoding', 'shuffles', 'tuning', 'weights')
    expected = {f'{task}-{name}' for task in ('DMS', 'ABBA', 'dualDMS') for name in each}
    expected |= {'synapses', 'manipulation', 'ABBA-sequence', 'dualDMS-attention'}
    assert {path.name for path in tmp_path.iterdir()} == {f'{name}.png' for name in expected}
    assert [Path(line).stem in expected for line in out] == [True] * len(expected) + [False] * 2
    assert out[-2].startswith('left out stability (ABBA, DMS, dualDMS): ')
    assert out[-2].endswith('analyse them with --set decode_stability=True')
    assert out[-1] == 'left out sweep: no networks of one task differ in one setting alone'
    assert all(path.read_bytes().startswith(MAGIC['png']) for path in tmp_path.iterdir())
    assert plt.get_fignums() == []


def trained(task: str = 'DMS') -> dict:
    """What training saves of a network: no measures."""
    return {
        name: value
        for name, value in fabricated(task).items()
        if name in ('weights', 'parameters', *results.CURVES)
    }


def test_command_as_a_process(tmp_path):
    save(tmp_path, one=trained('DMC'))
    done = subprocess.run(
        [sys.executable, str(COMMAND), str(tmp_path), '--format', 'svg'],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env={key: value for key, value in environment().items() if key != 'DISPLAY'},
        check=False,
    )
    file = tmp_path / 'one.pkl'
    assert done.stderr == f'error: {file} is not analysed: python analysis.py {file}\n'
    assert done.returncode == 1
    expected = [
        tmp_path / 'figures' / f'{name}.svg'
        for name in ('synapses', 'DMC-trial', 'DMC-learning', 'DMC-weights')
    ]
    out = done.stdout.splitlines()
    assert out[:4] == list(map(str, expected))
    assert sorted((tmp_path / 'figures').iterdir()) == sorted(expected)
    assert all(path.read_bytes().startswith(MAGIC['svg']) for path in expected)
    none, fresh = 'there is no network to draw', 'its networks are not analysed'
    of_tasks = f'{none}: this figure is about tasks'
    names = ('decoding', 'shuffles', 'tuning', 'stability')
    assert out[4:] == [
        *(f'left out {name} (DMC): {fresh}' for name in names),
        f'left out sweep: {fresh}',
        f'left out sequence: {of_tasks} that compare several tests with one sample',
        f'left out attention: {of_tasks} with several samples of which a rule picks one',
        f'left out manipulation: {of_tasks} that are compared by manipulation in DMS trials',
    ]


def test_a_figure_that_fails_leaves_the_others_alone(fast, run, tmp_path, monkeypatch):
    broken = figure(name='broken')(lambda networks, p, axes: networks[0]['nothing'])
    only(monkeypatch, broken, *figures.all_figures())
    status, out, err = run(save(tmp_path, one=fabricated()))
    assert (status, err) == (1, '')
    assert [Path(line).stem for line in out[:-1]] == ['DMS-learning', 'DMS-decoding']
    place = r'test_figures_command.py, line \d+, fails'
    assert re.fullmatch(rf"left out broken \(DMS\): .*{place}: KeyError: 'nothing'", out[-1])


def test_several_formats_and_the_default_folder(fast, run, tmp_path):
    save(tmp_path, one=fabricated(), two=fabricated(seed=1))
    status, out, err = run(tmp_path, '--format', 'png', 'pdf', 'svg')
    assert (status, err) == (0, '')
    expected = [
        tmp_path / 'figures' / f'DMS-{name}.{suffix}'
        for name in ('learning', 'decoding')
        for suffix in MAGIC
    ]
    assert out == list(map(str, expected))
    assert sorted((tmp_path / 'figures').iterdir()) == sorted(expected)
    for path in expected:
        assert path.read_bytes().startswith(MAGIC[path.suffix[1:]])


def test_wrong_requests(run, tmp_path):
    (tmp_path / 'empty').mkdir()
    file = tmp_path / 'file'
    file.touch()
    save(tmp_path, one=fabricated())
    for arguments, message in [
        ((tmp_path / 'missing',), f'{tmp_path / "missing"} is not a folder'),
        ((tmp_path / 'one.pkl',), f'{tmp_path / "one.pkl"} is not a folder'),
        ((tmp_path / 'empty',), f'{tmp_path / "empty"} holds no networks (*.pkl)'),
        ((tmp_path, '--format', 'bmp'), "invalid choice: 'bmp'"),
        ((tmp_path, '--out', file), f'cannot write to the folder {file}: it is a file'),
        ((), 'the following arguments are required: FOLDER'),
    ]:
        status, out, err = run(*arguments)
        assert (status, out) == (2, []), arguments
        assert message in err
    assert {path.name for path in tmp_path.iterdir()} == {'empty', 'file', 'one.pkl'}
    assert list((tmp_path / 'empty').iterdir()) == []


def test_damaged_and_unanalysed_files_are_named_and_the_others_drawn(fast, run, tmp_path):
    incomplete = fabricated() | {'parameters': {'trial_type': 'DMS'}}
    save(tmp_path, good=fabricated(), fresh=trained('DMC'), incomplete=incomplete)
    (tmp_path / 'cut.pkl').write_bytes((tmp_path / 'good.pkl').read_bytes()[:99])
    status, out, err = run(tmp_path, '--out', tmp_path / 'pictures')
    assert status == 1
    cut, unanalysed, lacking = err.splitlines()
    assert 'cut.pkl is damaged' in cut
    fresh_file = tmp_path / 'fresh.pkl'
    assert unanalysed == f'error: {fresh_file} is not analysed: python analysis.py {fresh_file}'
    assert f'{tmp_path / "incomplete.pkl"}: ' in lacking
    assert 'lack EI_list' in lacking
    drawn = {path.name for path in (tmp_path / 'pictures').iterdir()}
    assert drawn == {'DMC-learning.png', 'DMS-learning.png', 'DMS-decoding.png'}
    assert out[-1] == 'left out decoding (DMC): its networks are not analysed'


def test_a_folder_without_a_sound_network(run, tmp_path):
    (tmp_path / 'a.pkl').write_bytes(b'nothing')
    status, out, err = run(tmp_path)
    assert (status, out) == (2, [])
    assert len(err.splitlines()) == 2
    assert f'{tmp_path} holds no network that can be drawn' in err


def test_what_networks_that_are_shown_together_differ_in_is_said(run, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, 'all_figures', lambda: (memory.decoding,))
    for seed, cost in enumerate((0.02, 0.1, 0.1)):
        same = 2.0 if seed else 2  # equal numbers are no difference
        changes = {'spike_cost': cost, 'kappa': same}
        results.save(tmp_path / f'{seed}.pkl', fabricated('DMS', seed, **changes))
    _, out, _ = run(tmp_path)
    assert out[-1] == (
        'DMS networks differ in spike_cost: '
        'of the figures of several networks only sweep distinguishes them'
    )
    (tmp_path / '0.pkl').unlink()
    assert 'differ' not in ''.join(run(tmp_path)[1])


def test_networks_that_lack_a_measure_are_left_out_of_its_figure_alone(run, tmp_path, monkeypatch):
    only(monkeypatch, figure_of('decoding'))
    lacking = fabricated(seed=1)
    del lacking['synaptic_sample_decoding']
    save(tmp_path, whole=fabricated(seed=0), lacking=lacking)
    drawn = []
    monkeypatch.setattr(figures, 'save', lambda page, path: drawn.append(page))
    status, out, err = run(tmp_path)
    assert (status, err) == (0, '')
    assert '1 of 2 networks lack synaptic_sample_decoding: analyse them' in out[-1]
    (page,) = drawn
    expected = fabricated(seed=0)['synaptic_sample_decoding'][0, 0].mean(0)
    np.testing.assert_allclose(lines(page.axes[0])['efficacy'][1], expected)


def test_networks_with_other_trials_are_drawn_apart(fast, run, tmp_path):
    """Where they differ in nothing by which figures can be named, these are numbered."""
    settings = {'delay_time': 500}, {'delay_time': 500}, {}, {'synapse_config': None}
    networks = {f'n{i}': fabricated(seed=i, **own) for i, own in enumerate(settings)}
    networks['n0']['parameters']['spike_cost'] = 0.5
    save(tmp_path, **networks)
    status, out, err = run(tmp_path)
    assert (status, err) == (0, '')
    labels = [f'DMS-delay_time={delay}-synapse_config={config}' for delay, config in KINDS]
    assert {Path(line).stem for line in out[:6]} == {
        f'{label}-{name}' for label in labels for name in ('learning', 'decoding')
    }
    assert out[6:] == [
        f'{labels[0]} networks differ in spike_cost: '
        'of the figures of several networks only sweep distinguishes them',
        'DMS networks differ in delay_time, spike_cost, synapse_config: '
        'of the figures of several tasks only sweep distinguishes them',
    ]


def test_arrays_do_not_name_figures(fast, run, tmp_path):
    networks = {'short': fabricated(delay_time=500), 'long': fabricated(delay_time=1000)}
    p = networks['long']['parameters']
    p |= {'given_arrays': ('w_in0',), 'w_in0': 2 * p['w_in0']}
    save(tmp_path, **networks)
    status, out, err = run(tmp_path)
    assert (status, err) == (0, '')
    assert {Path(line).stem for line in out[:4]} == {
        f'DMS-delay_time={delay}-{name}'
        for delay in (500, 1000)
        for name in ('learning', 'decoding')
    }


# A user's own task


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """The file of a task, beside a folder with a network of it and a DMS network."""
    monkeypatch.setattr(registry, '_own', {})
    file = write_own_task(tmp_path)
    folder = tmp_path / 'networks'
    folder.mkdir()
    save(folder, own=fabricated(load_task(file)), dms=fabricated())
    monkeypatch.setattr(registry, '_own', {})
    return file


def test_an_own_task_gets_its_figures(own, run, monkeypatch):
    monkeypatch.setitem(style.STYLE, 'savefig.dpi', 50)
    drawn = ('decoding', 'stability', 'manipulation', 'sequence', 'attention')
    only(monkeypatch, *map(figure_of, drawn))
    status, out, err = run(own.parent / 'networks', '--task', own)
    assert (status, err) == (0, '')
    expected = {f'{task}-{name}' for task in ('DMS', 'report') for name in drawn[:2]}
    assert {Path(line).stem for line in out[:-2]} == expected | {'manipulation'}
    assert [line.split(':')[0] for line in out[-2:]] == ['left out sequence', 'left out attention']


def test_an_own_task_that_is_not_given_or_has_changed_is_named(own, run, fast):
    folder = own.parent / 'networks'
    status, out, err = run(folder)
    assert status == 1
    assert err.startswith(f"error: {folder / 'own.pkl'}: its task 'report' is a file that must be")
    assert '--task path/to/report.py' in err
    assert err.count('\n') == 1
    assert [Path(line).stem for line in out] == ['DMS-learning', 'DMS-decoding']
    own.write_text(own.read_text() + '# changed')
    status, out, err = run(folder, '--task', own)
    assert status == 1
    assert err == (
        f"error: {folder / 'own.pkl'}: its task 'report' is not that of {own}, which has changed\n"
    )
    assert [Path(line).stem for line in out] == ['DMS-learning', 'DMS-decoding']


def test_a_file_that_is_no_task_is_refused(own, run):
    own.write_text('1 / 0')
    status, out, err = run(own.parent / 'networks', '--task', own)
    assert (status, out) == (2, [])
    assert err == f'error: {own}, line 1, fails: ZeroDivisionError: division by zero\n'


def test_ctrl_c_ends_the_command_quietly(fast, run, tmp_path, monkeypatch):
    save(tmp_path, one=fabricated())

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(figures, 'draw', interrupt)
    assert run(tmp_path) == (130, [], '')


def test_what_is_not_drawn_is_not_kept(tmp_path):
    saved = fabricated() | {'resp_suppression': np.zeros(9), 'neuronal_pev_dms': np.zeros(9)}
    save(tmp_path, one=saved)
    (kept,), status = figures._load([tmp_path / 'one.pkl'])
    assert status == 0
    assert set(kept.saved) == set(saved) - {'resp_suppression', 'neuronal_pev_dms'}


def test_a_signal_stops_it_between_figures(analyzed, run, monkeypatch, tmp_path):
    """So that no file is left half-written."""

    def stop_after(drawing, left_out):
        os.kill(os.getpid(), signal.SIGTERM)
        return Figure()

    monkeypatch.setattr(figures, 'draw', stop_after)
    status, out, err = run(analyzed, '--out', tmp_path)
    assert status == 128 + signal.SIGTERM
    assert [Path(line) for line in out] == [*tmp_path.iterdir()]
    assert err == 'error: stopped: the figures named above are drawn\n'
