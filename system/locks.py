"""Only one command at a time works on a result file.

The operating system holds the lock, which vanishes with the process. Where a file system has no
locks, a marker file beside the lock shows that the result is in use; a warning says so.
"""

import errno
import math
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from system.files import FileError, named

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

POLL = 0.05  # s
IN_USE = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK}
NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}


class Busy(ValueError):
    """Another command works on a file; the message names it, `reason` does not."""

    def __init__(self, filename: str | os.PathLike):
        marker = lock_file(filename).with_suffix('.marker')
        remedy = f'; if none does, remove {marker}' if marker.exists() else ''
        self.reason = f'another command works on it{remedy}'
        super().__init__(f'{filename} is left alone: {self.reason}')


def lock_file(filename: str | os.PathLike) -> Path:
    """The file that is locked for a result; the same for all links to it, and its checkpoint."""
    path = Path(os.path.realpath(filename))
    return path.parent / '.locks' / f'{path.stem}.lock'


@contextmanager
def lock(filename: str | os.PathLike, timeout: float = 0) -> Iterator[None]:
    """Hold the lock on a file, or on all files of a network.

    Raises Busy if another process holds it for more than `timeout` s; -1 has no limit.
    """
    held = acquire(filename, timeout)
    try:
        yield
    finally:
        held.release()


class Lock:
    """A lock that this process holds until `release()`, which may be called by any thread."""

    def __init__(self, path: Path, descriptor: int):
        self.path, self.descriptor = path, descriptor

    def release(self) -> None:
        """Let others work; the lock's file is removed."""
        if self.descriptor is not None:
            # before it is closed: then nobody else can have it
            _remove(self.path)
            os.close(self.descriptor)
            self.descriptor = None

    __del__ = release


class OtherLock:
    """The same by filelock, for Windows and for file systems without locks."""

    def __init__(self, kind: type[filelock.BaseFileLock], path: Path, timeout: float):
        self.lock, self.path = kind(path, timeout=timeout, thread_local=False), path
        self.lock.acquire()

    def release(self) -> None:
        """Let others work."""
        self.lock.release()
        with suppress(OSError):
            self.path.parent.rmdir()


def acquire(filename: str | os.PathLike, timeout: float = 0) -> Lock | OtherLock:
    """The lock on a file, which is held until its `release()`; see `lock`."""
    path = lock_file(filename)
    if fcntl is None:
        with named(path.parent, 'made'):
            _make_folder(path.parent)
        return _other(filelock.FileLock, filename, path, timeout)
    end = time.monotonic() + (timeout if timeout >= 0 else math.inf)
    while True:
        try:
            if held := _try(path):
                return held
        except FileError as error:
            if error.errno not in NO_LOCKS:
                raise
            return _marked(filename, path, timeout)
        if time.monotonic() >= end:
            raise Busy(filename)
        time.sleep(POLL)


def _try(path: Path) -> Lock | None:
    """The lock, or None if somebody else has it."""
    while True:
        with named(path, 'locked'):
            _make_folder(path.parent)
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # the folder was just removed
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still_there(path, descriptor):
                    return Lock(path, descriptor)
                os.close(descriptor)
            except OSError as error:
                os.close(descriptor)
                if error.errno in IN_USE:
                    return None
                _remove(path)
                raise


def _make_folder(path: Path) -> None:
    """Make the folder of locks, which others may remove at any moment."""
    while True:
        try:
            return path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:  # also where it is removed before pathlib looks whether it is one
            if path.exists() and not path.is_dir():
                raise


def _is_still_there(path: Path, descriptor: int) -> bool:
    """Whether the file was not removed by the one that held the lock before."""
    with suppress(OSError):
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    return False


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
        path.parent.rmdir()  # if no other lock is in it


def _marked(filename: str | os.PathLike, path: Path, timeout: float) -> OtherLock:
    marker = path.with_suffix('.marker')
    warnings.warn(
        f'the file system of {path.parent.parent} has no locks: marker files in {marker.parent} '
        'show which results are in use instead',
        stacklevel=4,
    )
    _make_folder(path.parent)
    return _other(filelock.SoftFileLock, filename, marker, timeout)


def _other(kind: type, filename: str | os.PathLike, path: Path, timeout: float) -> OtherLock:
    try:
        return OtherLock(kind, path, timeout)
    except filelock.Timeout:
        raise Busy(filename) from None


def is_held(filename: str | os.PathLike) -> bool:
    """Whether another command works on a file; looking creates nothing."""
    path = lock_file(filename)
    if not (path.exists() or path.with_suffix('.marker').exists()):
        return False
    try:
        acquire(filename).release()
    except Busy:
        return True
    except OSError:  # what cannot be locked is reported when it has to be
        return False
    return False
