"""No save of results leaves half a file."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_results import ROOT, assert_same, names

import results
from results import ResultsError


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('DMS.pkl', 'DMS.checkpoint'),
        ('lr0.01', 'lr0.01.checkpoint'),
        ('a.b.pkl', 'a.b.checkpoint'),
    ],
)
def test_the_checkpoint_lies_beside_the_result(name, expected):
    assert results.checkpoint_name(f'folder/{name}') == Path('folder', expected)


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, 'No space left on device')


def half_a_dump(_, file, **__):
    file.write(b'\x80\x04half')
    full_disk()


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ('function', 'failure', 'error'),
    [
        ('pickle.dump', half_a_dump, OSError),
        ('os.fsync', full_disk, OSError),
        ('os.replace', full_disk, OSError),
        ('os.fsync', interrupt, KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_the_old_file_and_no_other(
    tmp_path, monkeypatch, function, failure, error
):
    path = tmp_path / 'a.pkl'
    results.save(path, {'a': 1})
    old = path.read_bytes()
    with monkeypatch.context() as patches:
        patches.setattr(f'results.{function}', failure)
        for new in (path, tmp_path / 'new.pkl'):
            with pytest.raises(error):
                results.save(new, {'a': 2})
    assert names(tmp_path) == ['a.pkl']
    assert path.read_bytes() == old


CHILD = """
import os, signal, sys
import numpy as np
import results

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

for n in range(1000):
    if n == 3 and sys.argv[2]:
        setattr(os, sys.argv[2], die)
    results.save(sys.argv[1], {'n': n, 'array': np.full(300_000, n)})
    print(n, flush=True)
"""


@pytest.mark.parametrize('moment', ['', 'fsync', 'replace'])  # '': wherever the third save is
def test_a_killed_process_leaves_a_whole_file(tmp_path, moment):
    path = tmp_path / 'a.pkl'
    command = [sys.executable, '-c', CHILD, str(path), moment]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        for _ in range(3):
            child.stdout.readline()
        if not moment:
            child.kill()
    assert child.returncode == -signal.SIGKILL
    loaded = results.load(path)
    assert loaded['n'] == 2 if moment else loaded['n'] >= 2
    assert_same(loaded['array'], np.full(300_000, loaded['n']))
    assert [file.name for file in tmp_path.glob('*.pkl')] == ['a.pkl']
    if moment:
        assert len(names(tmp_path)) == 2  # the temporary file stays for now


def test_only_old_leftovers_of_the_same_file_are_removed(tmp_path):
    kept = ['[a].pkl', '[a].pkl.1.tmp', '[a].txt.2.tmp', 'a.pkl.2.tmp']
    for name in [*kept, '[a].pkl.2.tmp']:
        (tmp_path / name).write_bytes(b'')
        if '.2.' in name:
            os.utime(tmp_path / name, (0, 0))
    results.save(tmp_path / '[a].pkl', {})
    assert names(tmp_path) == sorted(kept)


def test_a_folder_is_created(tmp_path):
    results.save(str(tmp_path / 'new' / 'one' / 'a.pkl'), {'a': 1})
    assert results.load(tmp_path / 'new' / 'one' / 'a.pkl') == {'a': 1}


def test_the_check_of_a_folder_leaves_nothing_and_keeps_the_result(tmp_path):
    path = tmp_path / 'new' / 'a.pkl'
    results.check_writable(path)
    assert names(path.parent) == []
    path.write_bytes(b'old')
    results.check_writable(path)
    assert names(path.parent) == ['a.pkl']
    assert path.read_bytes() == b'old'


def test_folders_that_take_no_files_are_named(tmp_path, monkeypatch):
    (tmp_path / 'file').write_bytes(b'')
    for folder, reason in [('file', 'it is a file'), ('file/inner', 'Not a directory')]:
        with pytest.raises(ResultsError, match=f'cannot write to the folder .*{folder}: {reason}'):
            results.check_writable(tmp_path / folder / 'a.pkl')
    with pytest.raises(ResultsError, match='is a folder; the name of a file is needed'):
        results.check_writable(tmp_path)
    monkeypatch.setattr('results.os.fsync', full_disk)
    with pytest.raises(ResultsError, match='No space left'):
        results.check_writable(tmp_path / 'a.pkl')
    assert names(tmp_path) == ['file']


@pytest.mark.skipif(not Path('/proc/self').exists(), reason='needs the folder /proc of Linux')
def test_a_folder_of_the_system_is_refused():
    with pytest.raises(ResultsError, match='cannot write to the folder /proc/new: '):
        results.check_writable('/proc/new/a.pkl')


def test_all_bytes_are_written_before_the_disk_is_asked_to_keep_them(tmp_path, monkeypatch):
    sizes = []
    monkeypatch.setattr('results.os.fsync', lambda n: sizes.append(os.fstat(n).st_size))
    results.save(tmp_path / 'a.pkl', {'a': 'x' * 1000})
    assert sizes == [(tmp_path / 'a.pkl').stat().st_size]


def test_leftovers_are_removed_after_an_hour(tmp_path):
    for name, age in (('young', 3500), ('old', 3700)):
        file = tmp_path / f'a.pkl.{name}.tmp'
        file.touch()
        os.utime(file, (time.time() - age,) * 2)
    results.save(tmp_path / 'a.pkl', {})
    assert names(tmp_path) == ['a.pkl', 'a.pkl.young.tmp']


def test_leftovers_behind_a_link_are_removed(tmp_path):
    real, link = tmp_path / 'real' / 'a.pkl', tmp_path / 'link.pkl'
    results.save(real, {})
    link.symlink_to(real)
    leftover = real.with_name('a.pkl.1-aa.tmp')
    leftover.touch()
    os.utime(leftover, (0, 0))
    results.save(link, {'a': 1})
    assert names(real.parent) == ['a.pkl']
    assert link.is_symlink()


def test_a_file_that_is_write_protected_stays(tmp_path):
    """Also where its folder could be written, and for root."""
    path = tmp_path / 'a.pkl'
    results.save(path, {'a': 1})
    path.chmod(0o444)
    before = path.read_bytes()
    with pytest.raises(OSError, match=r'a.pkl is write-protected, and stays as it is'):
        results.save(path, {'a': 2})
    with pytest.raises(ResultsError, match=r'a.pkl is write-protected'):
        results.check_writable(path)
    assert (names(tmp_path), path.read_bytes()) == (['a.pkl'], before)
    path.chmod(0o644)
    results.save(path, {'a': 2})
