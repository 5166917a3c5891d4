"""Only one process at a time works on a file."""

import errno
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from shell import ROOT, ended

from system import locks
from system.files import FileError
from system.locks import acquire, is_held, lock

HOLD = """
import sys
from system.locks import lock
with lock(sys.argv[1]):
    print('held', flush=True)
    sys.stdin.read()
"""


def test_a_lock_vanishes_with_its_process_and_leaves_nothing(tmp_path):
    path = tmp_path / 'net.pkl'
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}
    with ended([sys.executable, '-c', HOLD, str(path)], cwd=ROOT, **pipes) as other:
        assert other.stdout.readline() == 'held\n'
        assert is_held(path)
        with (
            pytest.raises(locks.Busy, match=r'net.pkl is left alone: anot'),
            lock(path, timeout=0.1),
        ):
            pytest.fail('two processes hold the lock')
        other.kill()
        other.wait()
    assert not is_held(path)
    with lock(path):
        assert list(tmp_path.iterdir()) == [tmp_path / '.locks']
    assert list(tmp_path.iterdir()) == []


def test_looking_for_a_lock_creates_nothing(tmp_path):
    assert not is_held(tmp_path / 'none' / 'net.pkl')
    assert list(tmp_path.iterdir()) == []


def test_links_and_checkpoints_share_the_lock_of_a_file(tmp_path):
    (tmp_path / 'set').mkdir()
    (tmp_path / 'link').symlink_to('set')
    (tmp_path / 'net.pkl').symlink_to('set/net.pkl')
    mine = acquire(tmp_path / 'set' / 'net.pkl')
    for other in ('link/net.pkl', 'net.pkl', 'set/net.checkpoint'):
        assert is_held(tmp_path / other)
    assert not is_held(tmp_path / 'set' / 'net-2.pkl')
    mine.release()
    mine.release()
    assert not is_held(tmp_path / 'net.pkl')


def test_a_removed_lock_is_never_held_by_two(tmp_path):
    """Many threads take the lock in turns; whoever ends removes its file."""
    path, inside, most = tmp_path / 'net.pkl', [], []

    def work():
        for _ in range(10):
            with lock(path, timeout=-1):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 40
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_locks_that_vanishes_while_it_is_made_is_made_again(tmp_path, monkeypatch):
    """It was there when mkdir was called, and another command removed it before pathlib looked."""
    mkdir, failures = Path.mkdir, [FileExistsError(errno.EEXIST, 'was there')]

    def vanishing(path, *arguments, **options):
        if path.name == '.locks' and failures:
            raise failures.pop()
        return mkdir(path, *arguments, **options)

    monkeypatch.setattr(Path, 'mkdir', vanishing)
    with lock(tmp_path / 'net.pkl'):
        assert failures == []
        assert is_held(tmp_path / 'net.pkl')
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_of_locks_is_named(tmp_path):
    (tmp_path / '.locks').touch()
    with pytest.raises(FileError, match='cannot be locked'), lock(tmp_path / 'net.pkl'):
        pytest.fail('there is no lock')


MISSING = [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS]


@pytest.mark.parametrize('number', MISSING)
def test_a_file_system_without_locks_gets_a_marker(tmp_path, monkeypatch, number):
    def refuse(descriptor, operation):
        raise OSError(number, 'no locks')

    monkeypatch.setattr(locks.fcntl, 'flock', refuse)
    path = tmp_path / 'net.pkl'
    with pytest.warns(UserWarning, match=f'the file system of {tmp_path} has no locks'):
        mine = acquire(path)
    with pytest.warns(UserWarning, match='has no locks'):
        assert is_held(path)
    assert Path(tmp_path, '.locks', 'net.marker').exists()
    with pytest.warns(match='no locks'), pytest.raises(locks.Busy, match='if none does, remove'):
        acquire(path)
    mine.release()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_made_names_its_file(tmp_path):
    (tmp_path / '.locks').touch()
    with pytest.raises(OSError, match=r'net.lock cannot be locked: File exists'):
        acquire(tmp_path / 'net.pkl')


def test_locks_where_there_is_no_fcntl(tmp_path, monkeypatch):
    """As on Windows."""
    monkeypatch.setattr(locks, 'fcntl', None)
    path = tmp_path / 'net.pkl'
    mine = acquire(path)
    assert is_held(path)
    with pytest.raises(locks.Busy, match=r'net.pkl is left alone: another command works on it'):
        acquire(path)
    mine.release()
    assert not is_held(path)
