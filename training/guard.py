"""What holds for a run as a whole: its lock, and a sentence where the memory runs out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from system import memory
from training.start import Start


@contextmanager
def guarded(start: Start) -> Iterator[None]:
    """Release the lock of a run when it has ended. Raises MemoryError with its sizes."""
    try:
        with enough_memory(start.p, 'a smaller batch_size or n_hidden, or fewer threads'):
            yield
    finally:
        if start.lock:
            start.lock.release()


@contextmanager
def enough_memory(p: Mapping, remedy: str) -> Iterator[None]:
    """Turn an error of memory into one that names the sizes in `p`, and what needs less."""
    try:
        yield
    except Exception as error:
        if not memory.ran_out(error):
            raise
        sizes = (
            f'{p["num_time_steps"]} time steps of {p["batch_size"]} trials with '
            f'{p["n_hidden"]} units and {p["n_input"]} inputs'
        )
        raise MemoryError(
            f'there is not enough memory for {sizes}: {remedy} would need less'
        ) from error
