"""Commands as a user meets them, in processes of their own: what their tests share."""

import csv
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import SMALL

import analysis
import results
import run_all_models
from commands import train
from parameters import reset_parameters
from sets.job import Job, Report
from sets.train import train_networks
from training.member import Watch

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 240  # s, after which a process is killed, and a wait has failed
SHORT = SMALL | {'fix_time': 10, 'delay_time': 20, 'test_time': 20, 'mask_duration': 10}


def command_line(program: str, arguments, settings) -> list[str]:
    given = [f'--set={name}={value}' for name, value in settings.items()]
    return [sys.executable, str(ROOT / program), *map(str, arguments), *given]


def environment(**changes) -> dict:
    """A user's: nothing keeps TensorFlow from writing its log. Output comes line by line."""
    kept = {name: value for name, value in os.environ.items() if name != 'TF_CPP_MIN_LOG_LEVEL'}
    return kept | {'PYTHONUNBUFFERED': '1'} | changes


def fatal_tensorflow(folder: Path) -> dict:
    """An environment in which importing TensorFlow ends the process."""
    (folder / 'tensorflow').mkdir()
    (folder / 'tensorflow' / '__init__.py').write_text("raise SystemExit('TensorFlow imported')")
    return environment(PYTHONPATH=str(folder))


def without(folder: Path, package: str) -> dict:
    """An environment in which a package is not installed."""
    (folder / 'sitecustomize.py').write_text(f'import sys\nsys.modules[{package!r}] = None\n')
    return environment(PYTHONPATH=str(folder))


SLOW_DISK = """
import os, time
fsync = os.fsync
os.fsync = lambda file: (time.sleep(0.1), fsync(file))
"""


def slow_disk(folder: Path) -> dict:
    """An environment in which every file takes 0.1 s longer to save.

    Networks that save a checkpoint at each iteration can then be met while they train, though they
    need little of the processor.
    """
    (folder / 'sitecustomize.py').write_text(SLOW_DISK)
    return environment(PYTHONPATH=str(folder))


@contextmanager
def ended(words: list[str], **options):
    """Start a process; kill it in the end, or when it hangs."""
    with subprocess.Popen(words, text=True, **options) as process:
        killer = threading.Timer(TIMEOUT, process.kill)
        killer.start()
        try:
            yield process
        finally:
            killer.cancel()
            process.kill()


def started(folder, *arguments, program='model.py', env=None, stderr=subprocess.PIPE, **settings):
    """Start a command in `folder`, for a `with` block that kills it in the end."""
    words = command_line(program, arguments, settings)
    pipes = {'stdout': subprocess.PIPE, 'stderr': stderr}
    return ended(words, cwd=folder, env=env or environment(), **pipes)


def run(folder, *arguments, **options) -> tuple[int, str, str]:
    """Run a command to its end; return its status and what it wrote to stdout and stderr."""
    with started(folder, *arguments, **options) as process:
        out, err = process.communicate()
        return process.returncode, out, err


def run_on_terminal(folder, *arguments, **options) -> tuple[int, str, bytes]:
    """Run a command whose stderr is a terminal; return its status, stdout and what was shown."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack('4H', 24, 200, 0, 0))  # 24 lines of 200
    with started(folder, *arguments, stderr=theirs, **options) as process:
        os.close(theirs)
        shown = b''
        with suppress(OSError):  # which is how a terminal ends on Linux
            while read := os.read(ours, 1000):
                shown += read
        os.close(ours)
        out, _ = process.communicate()
    return process.returncode, out, shown


def refusal(folder, *arguments, program='model.py', **options) -> str:
    """The sentence with which a command refuses a wrong request."""
    return sentence_of(*run(folder, *arguments, program=program, **options), program)


def sentence_of(status: int, out: str, err: str, program: str) -> str:
    """The sentence in what a command wrote that refused a request."""
    assert (status, out) == (2, ''), err
    usage, sentence = err.split('error: ')
    assert usage == '' or usage.startswith(f'usage: {program} ')
    assert sentence.count('\n') == 1
    return sentence


# what a command does in a process before it needs TensorFlow
REQUESTS = {
    'model.py': train.request,
    'run_all_models.py': run_all_models.run,
    'analysis.py': analysis.main,
}


def run_here(folder, *arguments, program='model.py', **settings) -> tuple[int, str, str]:
    """As `run`, in this process, where to import TensorFlow, or a module that has, fails."""
    words, out, err = command_line(program, arguments, settings)[2:], io.StringIO(), io.StringIO()
    reset_parameters()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        for name, module in list(sys.modules.items()):
            if name == 'tensorflow' or 'tf' in vars(module):
                patch.setitem(sys.modules, name, None)
        try:
            status = REQUESTS[program](words)
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), err.getvalue()


def train_network(job: Job, watch: Watch) -> Report:
    """Train a network of a set in this process, or go on with it."""
    return train_networks([job], [watch])[0]


def refusal_here(folder, *arguments, program='model.py', **settings) -> str:
    """As `refusal`, in this process, where to import TensorFlow, or a module that has, fails."""
    return sentence_of(*run_here(folder, *arguments, program=program, **settings), program)


def wait_for(condition, *processes, within=TIMEOUT):
    """Wait until `condition()` is true, which the processes must live to see; return its value."""
    end = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < end
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)  # conditions may read whole files
    return value


def wait_until_ended(processes: list[psutil.Process], within=TIMEOUT):
    """Wait for processes that may not be children of this one, so that nobody may bury them."""

    def is_alive(process) -> bool:
        with suppress(psutil.NoSuchProcess):
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return False

    wait_for(lambda: not any(map(is_alive, processes)), within=within)


# Networks


def iterations(path) -> list[int]:
    """The iterations in a result file or checkpoint."""
    return results.load_results(path)['iteration']


def assert_same_network(path, expected_path):
    """Weights and curves of two result files are the same bits."""
    got, expected = results.load_results(path), results.load_results(expected_path)
    for name, value in expected['weights'].items():
        np.testing.assert_array_equal(got['weights'][name], value, err_msg=name)
    for name in results.CURVES:
        assert got[name] == expected[name], name


def assert_alike(path, expected_path):
    """Curves of two result files, of which one was trained in a stack, are the same to rounding."""
    got, expected = results.load_results(path), results.load_results(expected_path)
    assert got['iteration'] == expected['iteration']
    for name in ('accuracy', 'loss'):
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-3, atol=1e-3)


# A user's own task

OWN_TASK = """
import numpy as np
from tasks import Task
from settings.validators import count

class Report(Task):
    '''Report the direction of the sample after a delay.'''
    suggested = {'n_output': 9}
    settings = {'num_reports': (1, count(1))}
    responses = ('fixate', 'directions')
    labels = ('sample',)

    def trials(self, batch):
        sample = batch.draw_direction()
        batch.show(batch.p['sample_time_rng'], sample)
        _, catch = batch.single_test(1 + sample)
        return {'sample': sample, 'catch': catch}
"""
OWN_SETTINGS = {'n_output': 5}  # with 4 directions


def write_own_task(folder: Path, name: str = 'report') -> Path:
    """Write the file of a task that is not one of the paper's; return its path."""
    file = folder / f'{name}.py'
    file.write_text(OWN_TASK)
    return file


# Sets of networks

SETTINGS = {name: value for name, value in SHORT.items() if name != 'seed'}
train_set = partial(run, program='run_all_models.py')
start_set = partial(started, program='run_all_models.py')
refused_set = partial(refusal, program='run_all_models.py')
set_here = partial(run_here, program='run_all_models.py')
refused_set_here = partial(refusal_here, program='run_all_models.py')


def paths_of(folder, name: str, count: int = 2) -> list:
    """The result files of the first DMS networks of a set."""
    return [folder / 'savedir' / name / f'DMS-run-{i}.pkl' for i in range(count)]


def summary_of(path) -> dict[str, dict[str, str]]:
    """The rows of summary.csv beside a result file, by network."""
    with open(path.with_name('summary.csv'), newline='') as file:
        return {row['network']: row for row in csv.DictReader(file)}


def files_in(folder) -> list[str]:
    """Files of a set, without locks and logs."""
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def statuses(out: str) -> dict[str, str]:
    """What the lines of a command say of its networks, but not of their measures."""
    lines = [line for line in out.splitlines() if re.match(r'\S+-run-\d+ +[a-z]', line)]
    return dict(line.split()[:2] for line in lines)


def assert_logged_once(path):
    """The events of a network hold its curves, every iteration once."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    log = path.parent / 'logs' / path.stem
    events = EventAccumulator(str(log), size_guidance={'tensors': 0}).Reload()
    saved = results.load_results(path)
    for name in results.VALUES:
        logged = events.Tensors(name)
        assert [event.step for event in logged] == saved['iteration']
        values = [make_ndarray(event.tensor_proto) for event in logged]
        np.testing.assert_array_equal(values, np.float32(saved[name]))
