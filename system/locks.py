"""Only one command at a time works on a result file.

The operating system holds the lock, which vanishes with the process. Where a file system has no
locks, a file beside the lock marks who works, and a sentence says so.
"""

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from system.files import FileError, named

NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}
BUSY = 'another command works on it'


class Busy(ValueError):
    """Another command works on a file; the message names it."""


def lock_file(filename: str | os.PathLike) -> Path:
    """The file that is locked for a result; the same for all links to it, and its checkpoint."""
    path = Path(os.path.realpath(filename))
    return path.parent / '.locks' / f'{path.stem}.lock'


@contextmanager
def lock(filename: str | os.PathLike, timeout: float = 0) -> Iterator[None]:
    """Hold the lock on a file, or on all files of a network.

    Raises filelock.Timeout if another process holds it for more than `timeout` s; -1 has no limit.
    """
    held = acquire(filename, timeout)
    try:
        yield
    finally:
        held.release()


def acquire(filename: str | os.PathLike, timeout: float = 0) -> filelock.BaseFileLock:
    """The lock on a file, which is held until its `release()`; see `lock`."""
    path = lock_file(filename)
    with named(path, 'locked'):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _acquired(filelock.FileLock, path, timeout)
    except NotImplementedError:  # with which older versions of filelock say ENOSYS
        pass
    except FileError as error:
        if error.errno not in NO_LOCKS:
            raise
    marker = path.with_suffix('.marker')
    warnings.warn(
        f'the file system of {path.parent.parent} has no locks: a file in {marker.parent} marks '
        'who works instead',
        stacklevel=2,
    )
    return _acquired(filelock.SoftFileLock, marker, timeout)


def _acquired(kind, path: Path, timeout: float) -> filelock.BaseFileLock:
    # the lock may be released in another thread than the one that took it
    made = kind(path, timeout=timeout, thread_local=False)
    try:
        made.acquire()
    except filelock.Timeout:  # an OSError, too
        raise
    except OSError as error:
        raise FileError(error.errno, f'{path} cannot be locked: {error.strerror}') from error
    return made


@contextmanager
def held(filename: str | os.PathLike) -> Iterator[None]:
    """Hold the lock on a file. Raises Busy, which names it, if another command works on it."""
    mine = taken(filename)
    try:
        yield
    finally:
        mine.release()


def taken(filename: str | os.PathLike) -> filelock.BaseFileLock:
    """The lock on a file, as from `acquire`. Raises Busy if another command works on it."""
    try:
        return acquire(filename)
    except filelock.Timeout:
        raise Busy(busy(filename)) from None


def busy(filename: str | os.PathLike) -> str:
    """The sentence that refuses a file on which another command works."""
    marker = lock_file(filename).with_suffix('.marker')
    remedy = f'; if none does, remove {marker}' if marker.exists() else ''
    return f'{filename} is left alone: {BUSY}{remedy}'


def is_held(filename: str | os.PathLike) -> bool:
    """Whether another command works on a file; looking creates nothing."""
    path = lock_file(filename)
    if not (path.exists() or path.with_suffix('.marker').exists()):
        return False
    try:
        acquire(filename).release()
    except filelock.Timeout:
        return True
    except OSError:  # what cannot be locked is reported when it has to be
        return False
    return False
