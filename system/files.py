"""Reading files safely: paths that are not files, errors that name the file, natural sort order."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KINDS = (
    (stat.S_ISFIFO, 'a named pipe'),
    (stat.S_ISSOCK, 'a socket'),
    (stat.S_ISCHR, 'a device'),
    (stat.S_ISBLK, 'a device'),
    (stat.S_ISDIR, 'a folder'),
)


class FileError(OSError):
    """An OSError whose message is a sentence with the name of the file."""

    def __init__(self, number: int | None, sentence: str):
        super().__init__(number, sentence)

    def __str__(self) -> str:
        return self.strerror


@contextmanager
def named(path: str | os.PathLike, deed: str) -> Iterator[None]:
    """Let an OSError say that `path` cannot be `deed`, such as 'written', and why."""
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise FileError(error.errno, f'{path} cannot be {deed}: {reason}') from error


def not_a_file(path: str | os.PathLike) -> str | None:
    """What `path` is instead of a file, such as 'a named pipe'; None for a file or nothing.

    A pipe or a device is not to be opened: this may hang.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return None
    return next((words for is_kind, words in KINDS if is_kind(mode)), None)


def require_file(path: str | os.PathLike) -> None:
    """Raise FileError if `path` is a folder, a pipe or anything else that is no file."""
    kind = not_a_file(path)
    if kind:
        raise FileError(None, f'{path} is {kind}; the name of a file is needed')


def require_replaceable(path: str | os.PathLike) -> None:
    """Raise FileError for what is no file, and for a file that nobody may write.

    A new file could take its place all the same, also for its owner, or for root.
    """
    require_file(path)
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return  # nothing is there
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise FileError(None, f'{path} is write-protected, and stays as it is')


def read_bytes(path: str | os.PathLike) -> bytes:
    """The content of a file. Raises FileError."""
    require_file(path)
    with named(path, 'read'):
        return Path(path).read_bytes()


def target_of(path: str | os.PathLike) -> Path:
    """The file itself where `path` is a symbolic link. Raises FileError for a circle of links."""
    path = Path(path)
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise FileError(None, f'{path} is a symbolic link that leads to itself')
    return target


def why_no_folder(path: Path) -> str | None:
    """Why `path` cannot be a folder: it is a file, or it or a folder above it is a broken link."""
    for place in (path, *path.parents):
        if place.is_symlink() and not place.exists():
            return f'{place} is a symbolic link to {os.readlink(place)}, which is missing'
        if place.exists():
            return None if place.is_dir() else ('it is a file' if place == path else None)
    return None


def naming(path: Path, error: object) -> str:
    """The message of an error, with the name of the file that it is about."""
    return str(error) if str(path) in str(error) else f'{path}: {error}'


def natural(name: str) -> list:
    """A key that sorts DMS-run-10 after DMS-run-9, and 0.1 after 0.05."""
    parts = re.split(r'([0-9]+(?:\.[0-9]+)?)', name)  # text and numbers take turns
    return [float(part) if i % 2 else part for i, part in enumerate(parts)]
