"""How much memory there is, and whether an error says that it has run out."""

import errno
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

GROUPS = '/sys/fs/cgroup'  # control groups, by which containers and batch jobs are limited
GROUP_OF_PROCESS = '/proc/self/cgroup'
EXHAUSTED = ('ResourceExhaustedError', 'OutOfMemoryError')  # of TensorFlow, which is not needed
WORDS = ('OOM when allocating', 'bad_alloc', 'Cannot allocate memory', 'failed to allocate memory')


def total() -> int:
    """Bytes that this process may have at most, with the machine's swap."""
    machine = psutil.virtual_memory().total + psutil.swap_memory().total
    return min([machine, *_of_container(), *_of_process()])


def _of_container() -> list[int]:
    found = []
    for file in _limits():
        with suppress(OSError, ValueError):  # 'max' is no number
            found.append(int(file.read_text()))
    return found


def _limits() -> Iterator[Path]:
    """Files that limit the control group of this process, and the groups in which that is."""
    groups = ['0::/', '0:memory:/']  # those of a container
    with suppress(OSError):
        groups += Path(GROUP_OF_PROCESS).read_text().splitlines()
    for group in groups:
        _, controllers, path = group.split(':', 2)
        inside = Path(path.lstrip('/'))
        for part in (inside, *inside.parents):
            if not controllers:  # version 2
                yield Path(GROUPS, part, 'memory.max')
            elif 'memory' in controllers.split(','):
                yield Path(GROUPS, 'memory', part, 'memory.limit_in_bytes')


def _of_process() -> list[int]:
    with suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        return [] if soft == resource.RLIM_INFINITY else [soft]
    return []


def ran_out(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, says that there is not enough memory."""
    while error is not None:
        named = isinstance(error, MemoryError) or type(error).__name__ in EXHAUSTED
        full = isinstance(error, OSError) and error.errno == errno.ENOMEM
        if named or full or any(words in str(error) for words in WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def size(num_bytes: float) -> str:
    """A number of bytes, human-readable."""
    for unit in ('bytes', 'kB', 'MB', 'GB'):
        if num_bytes < 1000:
            return f'{num_bytes:.3g} {unit}'
        num_bytes /= 1000
    return f'{num_bytes:.3g} TB' if num_bytes < 1e6 else f'{num_bytes:.1e} TB'
