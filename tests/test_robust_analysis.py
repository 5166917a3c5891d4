"""The analysis in people's hands: signals, killed processes, other calls, own tasks that fail."""

import signal
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from shell import run_here, started, wait_for, wait_until_ended, write_own_task
from test_analysis import QUICK, eagerly, network  # noqa: F401

import analysis
import results
from measures import decoding
from parameters import update_parameters
from system.locks import lock
from tasks import load_task

LONG = QUICK | {'decoding_reps': 8000}  # half a minute
STOPPED = 'error: stopped: what is analysed is kept; to continue, run the same command again\n'


@pytest.fixture
def files(tmp_path) -> list[Path]:
    """Two networks in a folder."""
    paths = [tmp_path / 'nets' / name for name in ('a.pkl', 'b.pkl')]
    for seed, path in enumerate(paths):
        results.save(path, network(seed=seed))
    return paths


def workers_of(process) -> list[psutil.Process]:
    """The processes that decode."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if is_worker(child)]


def is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # it has just ended
        return 'popen_loky' in ' '.join(process.cmdline())
    return False


def test_a_killed_worker_costs_nothing_and_a_signal_ends_all_processes(tmp_path, files):
    """Another command is refused meanwhile."""
    before = files[0].read_bytes()
    arguments = ('nets/a.pkl', '--jobs=2')
    with started(tmp_path, *arguments, program='analysis.py', **LONG) as process:
        first = wait_for(lambda: workers_of(process), process)
        status, _, err = run_here(tmp_path, 'nets/a.pkl', program='analysis.py', **LONG)
        assert (status, err) == (
            1,
            'error: nets/a.pkl is left alone: another command works on it\n',
        )
        first[0].kill()
        second = wait_for(lambda: {*workers_of(process)} - {*first}, process)
        for one in (*second, process):  # as a queue does
            one.send_signal(signal.SIGUSR1)
        out, err = process.communicate()
        wait_until_ended([*first, *second])
    assert (process.returncode, out, err) == (128 + signal.SIGUSR1, '', STOPPED)
    assert files[0].read_bytes() == before
    assert sorted(files[0].parent.iterdir()) == files


@pytest.mark.parametrize(
    ('signum', 'rows', 'words'),
    [
        (signal.SIGTERM, ['network', 'a.pkl'], STOPPED),
        (signal.SIGINT, [], ''),  # which does not wait for the end of a network
    ],
    ids=['SIGTERM', 'SIGINT'],
)
def test_a_signal_keeps_what_is_finished(files, monkeypatch, capsys, signum, rows, words):
    whole = analysis.analyze_model_from_file

    def then_stop(*arguments, **options):
        found = whole(*arguments, **options)
        signal.raise_signal(signum)
        return found

    monkeypatch.setattr(analysis, 'analyze_model_from_file', then_stop)
    given = [f'--set={name}={value}' for name, value in QUICK.items()]
    before = files[1].read_bytes()
    assert analysis.main([str(files[0].parent), '--jobs=1', *given]) == 128 + signum
    out, err = capsys.readouterr()
    assert ([line.split()[0] for line in out.splitlines()], err) == (rows, words)
    assert 'analysis' in results.load_results(files[0])
    assert files[1].read_bytes() == before


def failing(error: Exception):
    def fail(*arguments, **options):
        raise error

    return fail


@pytest.mark.parametrize(
    ('error', 'words'),
    [
        (ChildProcessError('a process was killed'), 'a process was killed'),
        (MemoryError('failed to allocate memory'), 'there is not enough memory for 10 time steps'),
        (OSError(28, 'No space left on device'), 'No space left on device'),
    ],
    ids=['worker', 'memory', 'disk'],
)
def test_what_costs_one_network_is_a_sentence(files, monkeypatch, capsys, error, words):
    """The others are analysed."""
    whole, calls = analysis.Analysis.measured, []

    def fail_once(self, measures):
        calls.append(1)
        return failing(error)() if len(calls) == 1 else whole(self, measures)

    monkeypatch.setattr(analysis.Analysis, 'measured', fail_once)
    given = [f'--set={name}={value}' for name, value in QUICK.items()]
    assert analysis.main([str(files[0].parent), '--jobs=1', *given]) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f'error: {files[0]}: ')
    assert (words in err, err.count('\n')) == (True, 1)
    assert [line.split()[0] for line in out.splitlines()] == ['network', 'b.pkl']


# Calls of scripts


@pytest.mark.parametrize('kind', ['folder', 'text', 'one file', 'list', 'save_dir'])
def test_networks_may_be_named_in_any_way(files, monkeypatch, kind):
    folder = files[0].parent
    given = {'folder': folder, 'text': str(folder), 'one file': files[0], 'list': files}
    analysed = []
    monkeypatch.setattr(analysis, 'analyze_model_from_file', lambda f, *_, **__: analysed.append(f))
    update_parameters({'save_dir': folder})
    found = analysis.run_multiple(*([given[kind]] if kind in given else []))
    assert list(found) == analysed == (files[:1] if kind == 'one file' else files)


def test_a_folder_without_networks_is_refused(tmp_path):
    with pytest.raises(results.ResultsError, match='holds no networks'):
        analysis.run_multiple(tmp_path)


def test_a_network_that_is_busy_is_left_to_the_other_command(files):
    before = files[0].read_bytes()
    with lock(files[0]):  # counts for every other file handle, also in one process
        found = analysis.run_multiple(files, QUICK, jobs=1)
    assert 'another command works on it' in str(found[files[0]])
    assert files[0].read_bytes() == before
    assert 'task_accuracy' in results.load_results(files[1])


def test_zero_repetitions_skip_their_measures(files, monkeypatch, capsys):
    monkeypatch.setattr(decoding, 'outcomes', failing(AssertionError()))
    none = QUICK | {'decoding_reps': 0, 'simulation_reps': 0, 'decode_stability': True}
    found = analysis.analyze_model_from_file(files[0], None, none, jobs=1)
    names = set(found['analysis']['measures'])
    assert 'task_accuracy' in names
    assert not [name for name in names if 'decoding' in name or 'shuffled' in name]
    given = [f'--set={name}={value}' for name, value in none.items()]
    assert analysis.main([str(files[0]), '--jobs=1', *given]) == 0
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row[0] == 'a.pkl'
    assert row[2:] == ['nan'] * 4
    some = analysis.analyze_model_from_file(files[0], None, none | {'simulation_reps': 1}, jobs=1)
    assert some['accuracy_neural_shuffled'].shape[-1] == 1
    np.testing.assert_equal(some['task_accuracy'], found['task_accuracy'])


def test_an_own_task_that_fails_in_the_analysis_is_named(tmp_path, capsys):
    file = write_own_task(tmp_path)
    broken = "    def rule_index(self, trial_info):\n        return trial_info['cue']\n"
    file.write_text(file.read_text() + '\n' + broken)
    path = tmp_path / 'net.pkl'
    results.save(path, network(load_task(file), n_output=5))
    given = [f'--set={name}={value}' for name, value in QUICK.items()]
    assert analysis.main([str(path), f'--task={file}', '--jobs=1', *given]) == 1
    line = file.read_text().count('\n')
    words = f"error: {path}: {file}, line {line}, fails: KeyError: 'cue'\n"
    assert capsys.readouterr().err == words
