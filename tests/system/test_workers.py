"""Worker processes: one that dies costs nothing or a sentence, and none outlives its command."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from shell import ROOT, TIMEOUT, ended, wait_until_ended

from system import workers
from system.workers import end_idle, outcomes


def square(number: int, trace: str) -> int:
    """The square; the process that gets 3 is killed, as long as there is no file `trace`."""
    if number == 3 and not os.path.exists(trace):
        open(trace, 'w').close()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def always_killed(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_is_replaced_once(tmp_path, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join(sys.path))
    arguments = [(number, str(tmp_path / 'trace')) for number in range(8)]
    found = list(outcomes(square, arguments, jobs=2))
    assert found == [number**2 for number in range(8)]
    assert (tmp_path / 'trace').exists()


def test_processes_that_are_killed_again_and_again_are_a_sentence():
    words = 'a worker process was killed or crashed 2 times; .* use fewer jobs'
    with pytest.raises(ChildProcessError, match=words):
        list(outcomes(always_killed, [(1,), (2,)], jobs=2))


def blocked(_: int) -> set[str]:
    """The signals that this process does not get."""
    return {signal.Signals(number).name for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())}


def test_signals_do_not_reach_processes_even_while_they_start(monkeypatch):
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join(sys.path))
    end_idle()
    for names in outcomes(blocked, [(0,), (1,)], jobs=2):
        assert {*workers.LEFT_TO_THE_PARENT} <= names
    assert not blocked(0) & {*workers.LEFT_TO_THE_PARENT}


def test_one_job_needs_no_process():
    assert list(outcomes(os.path.basename, [('a/b',), ('c',)], jobs=1)) == ['b', 'c']


PARENT = """
import sys, time
from system.workers import outcomes

if __name__ == '__main__':
    for number in outcomes(time.sleep, [(0,), (0,), (100,), (100,)], jobs=2):
        print(number, flush=True)
"""


def test_processes_that_are_kept_are_ended():
    list(outcomes(os.path.basename, [('a/b',), ('c',)], jobs=2))
    kept = [p for p in psutil.Process().children() if 'LokyProcess' in ' '.join(p.cmdline())]
    assert kept
    end_idle()
    assert not any(process.is_running() for process in kept)


@pytest.mark.parametrize('signum', [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(signum):
    with ended([sys.executable, '-c', PARENT], cwd=ROOT, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.send_signal(signum)
        process.wait()
        wait_until_ended(children, within=15)


def test_signals_to_a_group_are_left_to_the_parent(monkeypatch):
    ignored = []
    monkeypatch.setattr(signal, 'signal', lambda *words: ignored.append(words))
    workers._leave_signals_to_parent()
    assert (signal.SIGUSR1, signal.SIG_IGN) in ignored
    assert len(ignored) == len(workers.LEFT_TO_THE_PARENT)


SIGNALLED = """
import psutil, signal
from system.workers import outcomes, start_trackers

if __name__ == '__main__':
    signal.signal(signal.SIGUSR1, lambda *_: print('noted', flush=True))
    start_trackers()
    children = psutil.Process().children()
    assert len(children) == 2
    for process in [psutil.Process(), *children]:
        process.send_signal(signal.SIGUSR1)
    print(list(outcomes(abs, [(-1,), (-2,)], jobs=2)))
"""


def test_a_signal_to_a_group_leaves_the_tracker_alone():
    done = subprocess.run(
        [sys.executable, '-c', SIGNALLED], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (done.stdout, done.stderr) == ('noted\n[1, 2]\n', '')


LARGE = """
import numpy as np
import run_all_models
from system.workers import outcomes

if __name__ == '__main__':
    of_this_process = np.ones(300_000)  # bytes enough to be shared
    print(*outcomes(np.sum, [(of_this_process,)] * 4, jobs=2))
"""


def test_shared_arrays_are_given_back_where_networks_may_also_be_trained():
    """Both are done by processes of loky, of which there is a copy in joblib."""
    done = subprocess.run(
        [sys.executable, '-c', LARGE], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (done.stdout.split(), done.stderr) == (['300000.0'] * 4, '')


def test_a_process_does_not_follow_itself():
    assert workers.follow(os.getpid()) is None
