"""The command `python figures.py` as a user meets it, most of it within this process."""

import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from shell import environment
from shell import figures as figures_command
from test_analysis import TRIALS, eagerly, network  # noqa: F401
from test_figures_alike import MAGIC, coarse_synapses, entry_of, fabricated, lines  # noqa: F401

import analysis
import figures
import results
from parameters import kept_parameters
from plots import style

COMMAND = Path(figures.__file__)
TIMEOUT = 240  # s
OPTIONS = {'analysis_trials': 120, 'decoding_reps': 2, 'simulation_reps': 2}
OPTIONS |= dict.fromkeys(('suppress_analysis', 'decode_test'), True)
OPTIONS['calculate_resp_matrix'] = False


@pytest.fixture(scope='module')
def analyzed(tmp_path_factory, eagerly) -> Path:  # noqa: F811
    """A folder of tiny networks of several tasks, analysed."""
    folder = tmp_path_factory.mktemp('networks')
    for task in ('DMS', 'ABBA', 'dualDMS'):
        options = OPTIONS | {'analysis_trials': TRIALS.get(task, 120)}
        with kept_parameters():
            saved = network(task)
        results.save(folder / f'{task}.pkl', saved)
        analysis.analyze_model_from_file(
            folder / f'{task}.pkl', folder / f'{task}.pkl', options, jobs=1
        )
    return folder


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its status and what it wrote to stdout and stderr."""

    def run_command(*arguments) -> tuple[int, list[str], str]:
        try:
            status = figures_command.run(list(map(str, arguments)))
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return status, out.splitlines(), err

    return run_command


@pytest.fixture
def fast(monkeypatch):
    """Figures of one panel take the place of all others, for tests of the command alone."""

    def draw(networks, axes=None):
        style.common_settings(networks)
        page = Figure(figsize=(1, 1))
        page.text(0, 0, str(len(networks)))
        return page

    entries = [entry for entry in figures.FIGURES if entry.name in ('learning', 'decoding')]
    monkeypatch.setattr(figures, 'FIGURES', [entry._replace(draw=draw) for entry in entries])


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
    assert [Path(line).stem in expected for line in out] == [True] * len(expected) + [False] * 3
    for line in out[-3:]:
        assert line.startswith('left out ')
        assert line.endswith('analyse them with --set decode_stability=True')
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
        [sys.executable, str(COMMAND), str(tmp_path), '--format', 'pdf'],
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
        tmp_path / 'figures' / f'{name}.pdf'
        for name in ('synapses', 'DMC-trial', 'DMC-learning', 'DMC-weights')
    ]
    out = done.stdout.splitlines()
    assert out[:4] == list(map(str, expected))
    assert sorted((tmp_path / 'figures').iterdir()) == sorted(expected)
    assert all(path.read_bytes().startswith(MAGIC['pdf']) for path in expected)
    assert out[4:] == [
        f'left out {name}: there is no network to draw'
        for name in ('DMC-decoding', 'DMC-shuffles', 'DMC-tuning')
    ] + [
        'left out sequence: there is no network of ABBA or ABCA to draw',
        'left out attention: there is no network of dualDMS to draw',
        'left out manipulation: this figure is about DMS, DMRS45, DMRS90, DMRS180, DMS+DMRS, '
        'ABCA, ABBA, dualDMS',
        'left out DMC-stability: there is no network to draw',
    ]


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
    assert out[-1] == 'left out DMC-decoding: there is no network to draw'


def test_a_folder_without_a_sound_network(run, tmp_path):
    (tmp_path / 'a.pkl').write_bytes(b'nothing')
    status, out, err = run(tmp_path)
    assert (status, out) == (2, [])
    assert len(err.splitlines()) == 2
    assert f'{tmp_path} holds no network that can be drawn' in err


def test_networks_that_lack_a_measure_are_left_out_of_its_figure_alone(run, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, 'FIGURES', [entry_of('decoding')])
    lacking = fabricated(seed=1)
    del lacking['synaptic_sample_decoding']
    save(tmp_path, whole=fabricated(seed=0), lacking=lacking)
    drawn = []
    monkeypatch.setattr(figures_command, 'save', lambda page, path: drawn.append(page))
    status, out, err = run(tmp_path)
    assert (status, err) == (0, '')
    assert '1 of 2 networks lack synaptic_sample_decoding: analyse them' in out[-1]
    (page,) = drawn
    expected = fabricated(seed=0)['synaptic_sample_decoding'][0, 0].mean(0)
    np.testing.assert_allclose(lines(page.axes[0])['efficacy'][1], expected)


def test_networks_with_other_trials_are_left_out(run, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, 'FIGURES', [entry_of('decoding')])
    save(tmp_path, short=fabricated(delay_time=500), long=fabricated())
    status, out, _ = run(tmp_path)
    assert status == 1  # nothing is drawn
    assert out == [
        'left out DMS-decoding: the networks of one figure must agree in num_time_steps, '
        'which is 40 and 50'
    ]


def test_ctrl_c_ends_the_command_quietly(run, tmp_path, monkeypatch):
    save(tmp_path, one=fabricated())

    def interrupt(networks):
        raise KeyboardInterrupt

    monkeypatch.setattr(figures_command, '_plan', lambda networks: [('a', interrupt, networks)])
    assert run(tmp_path) == (130, [], '')


def test_what_is_not_drawn_is_not_kept(tmp_path):
    saved = fabricated() | {'resp_suppression': np.zeros(9), 'neuronal_pev_dms': np.zeros(9)}
    save(tmp_path, one=saved)
    (kept,), status = figures_command._load([tmp_path / 'one.pkl'])
    assert status == 0
    assert set(kept) == set(saved) - {'resp_suppression', 'neuronal_pev_dms'}
