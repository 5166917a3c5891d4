"""Files that are none, links, and disks that are full."""

import argparse
import builtins
import errno
import os
import random
import socket

import pytest

import results
from commands.arguments import setting
from system.files import natural, not_a_file
from tasks import TaskError, load_task

DATA = {'a': [1, 2, 3]}


@pytest.fixture
def special(tmp_path, monkeypatch):
    """Make a named pipe, a socket, a device or a folder; return its path."""
    monkeypatch.chdir(tmp_path)  # the names of sockets are short

    def make(kind: str):
        if kind == 'a named pipe':
            os.mkfifo('net.pkl')
        elif kind == 'a socket':
            with socket.socket(socket.AF_UNIX) as server:
                server.bind('net.pkl')
        elif kind == 'a device':
            os.symlink('/dev/zero', 'net.pkl')
        else:
            os.mkdir('net.pkl')
        return tmp_path / 'net.pkl'

    return make


@pytest.mark.parametrize('kind', ['a named pipe', 'a socket', 'a device', 'a folder'])
def test_what_is_no_file_is_neither_read_nor_replaced(special, kind):
    """Reading it would hang."""
    path = special(kind)
    words = f'net.pkl is {kind}; the name of a file is needed'
    assert not_a_file(path) == kind
    for use in (results.load, results.check_writable):
        with pytest.raises(results.ResultsError, match=words):
            use(path)
    with pytest.raises(OSError, match=words):
        results.save(path, DATA)
    assert not_a_file(path) == kind
    assert len(list(path.parent.iterdir())) == 1


def test_a_named_pipe_is_no_task_and_no_array(tmp_path):
    for name in ('my_task.py', 'array.npy'):
        os.mkfifo(tmp_path / name)
    with pytest.raises(TaskError, match='is a named pipe'):
        load_task(tmp_path / 'my_task.py')
    with pytest.raises(argparse.ArgumentTypeError, match='is a named pipe'):
        setting(f'w_in0={tmp_path / "array.npy"}')


def test_the_target_of_a_link_is_written(tmp_path):
    for folder in ('here', 'there'):
        (tmp_path / folder).mkdir()
    link, target = tmp_path / 'here' / 'net.pkl', tmp_path / 'there' / 'real.pkl'
    link.symlink_to(target)
    for data in (DATA, {'b': 2}):  # the target is missing at first
        results.check_writable(link)
        results.save(link, data)
        assert link.is_symlink()
        assert results.load(target) == data
    assert list(link.parent.iterdir()) == [link]
    assert list(target.parent.iterdir()) == [target]


def test_links_that_lead_nowhere_are_called_so(tmp_path):
    (tmp_path / 'circle').symlink_to('circle')
    with pytest.raises(results.ResultsError, match='circle is a symbolic link that leads to its'):
        results.check_writable(tmp_path / 'circle')
    (tmp_path / 'folder').symlink_to('missing')
    for name in ('folder', 'folder/below'):
        with pytest.raises(results.ResultsError, match='folder is a symbolic link to missing, wh'):
            results.check_writable(tmp_path / name / 'net.pkl')


def test_a_result_that_appeared_meanwhile_is_kept(tmp_path):
    path = tmp_path / 'net.pkl'
    assert results.save_as_new(path, DATA) == path
    for number in (2, 3):
        other = tmp_path / f'net-{number}.pkl'
        assert results.save_as_new(path, {'number': number}) == other
        assert results.load(other) == {'number': number}
    assert results.load(path) == DATA


class FaultyDisk:
    """Lets the n-th of the calls that write a file fail."""

    def __init__(self, monkeypatch, number: int, after: int):
        self.number, self.left, self.failed = number, after, False
        for module, name in ((builtins, 'open'), (os, 'fsync'), (os, 'replace')):
            monkeypatch.setattr(module, name, self.failing(getattr(module, name)))

    def failing(self, function):
        def call(*arguments, **options):
            self.left -= 1
            if self.left == 0:
                self.failed = True
                raise OSError(self.number, os.strerror(self.number))
            return function(*arguments, **options)

        return call


@pytest.mark.parametrize('after', [1, 2, 3])
@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_disk_that_fails_at_any_moment_is_named_and_keeps_the_old_file(
    tmp_path, monkeypatch, number, after
):
    path = tmp_path / 'net.pkl'
    results.save(path, DATA)
    with monkeypatch.context() as patch:
        disk = FaultyDisk(patch, number, after)
        with pytest.raises(OSError, match='cannot be written') as error:
            results.save(path, {'new': 1})
    assert disk.failed
    assert str(error.value) == f'{path} cannot be written: {os.strerror(number)}'
    assert error.value.errno == number
    assert results.load(path) == DATA
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_after_some_bytes_keeps_the_old_file(tmp_path, monkeypatch):
    """Real writes fail here, after any number of bytes."""
    resource = pytest.importorskip('resource')
    signal = pytest.importorskip('signal')
    path = tmp_path / 'net.pkl'
    results.save(path, DATA)
    before, rng = resource.getrlimit(resource.RLIMIT_FSIZE), random.Random(1)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for _ in range(20):
            resource.setrlimit(resource.RLIMIT_FSIZE, (rng.randrange(100_000), before[1]))
            with pytest.raises(OSError, match='net.pkl cannot be written: File too large'):
                results.save(path, {'text': 'x' * 100_001})
            assert list(tmp_path.iterdir()) == [path]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert results.load(path) == DATA


def test_numbers_in_names_are_sorted_as_numbers():
    expected = ['', '2', '10b', 'a', 'b2', 'b10']
    assert sorted({*expected}, key=natural) == expected
    swept = ['a=0.01-run-0', 'a=0.01-run-1', 'a=0.1-run-0', 'a=0.1-run-1', 'a=10-run-0']
    assert sorted({*swept}, key=natural) == swept


def test_a_checkpoint_that_is_no_file_is_refused_before_the_run(tmp_path):
    (tmp_path / 'net.checkpoint').mkdir()
    with pytest.raises(results.ResultsError, match='net.checkpoint is a folder; the name'):
        results.check_writable(tmp_path / 'net.pkl')
