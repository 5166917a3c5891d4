"""Standard output and error: where they cannot be written, the work goes on.

The reader of a pipe may leave (`| head`), the disk of a log may be full, a service may have closed
the standard streams, and a program without a console (pythonw) has none at all.
"""

import io
import os
import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CANNOT_WRITE = (OSError, ValueError)  # the latter for a closed stream
LONGEST = 1000  # characters of a reason that are shown


class LenientStream:
    """A stream of text that loses what cannot be written; in all else it is `stream`."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name: str):
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write what the stream takes; characters that its encoding lacks are spelt out."""
        try:
            self.stream.write(text)
        except UnicodeEncodeError:
            known = self.stream.encoding
            with suppress(*CANNOT_WRITE):
                self.stream.write(text.encode(known, 'backslashreplace').decode(known))
        except CANNOT_WRITE:
            pass
        return len(text)

    def flush(self) -> None:
        """Flush the stream if it can be."""
        with suppress(*CANNOT_WRITE):
            self.stream.flush()


def lenient(stream) -> LenientStream:
    """A stream, or none, as one that never fails."""
    if isinstance(stream, LenientStream):
        return stream
    return LenientStream(io.StringIO() if stream is None else stream)


@contextmanager
def lenient_output() -> Iterator[None]:
    """Make standard output and standard error ignore failures and flush after every line.

    In the end both are what they were. A stream that cannot be written is led to nowhere, since
    Python would end with an error when it flushes the stream once more.
    """
    fill_descriptors()
    before = {name: getattr(sys, name) for name in ('stdout', 'stderr')}
    ours = {name: lenient(stream) for name, stream in before.items()}
    for name, stream in ours.items():
        with suppress(AttributeError, *CANNOT_WRITE):  # a notebook's has no line_buffering
            stream.reconfigure(line_buffering=True)
        setattr(sys, name, stream)
    try:
        yield
    finally:
        for name, stream in before.items():
            if getattr(sys, name) is ours[name]:
                setattr(sys, name, stream)
            _lead_to_nowhere_if_broken(stream)


def fill_descriptors() -> None:
    """Open the null device on each of the file descriptors 0, 1 and 2 that is closed.

    Otherwise the next file that is opened, maybe a result, would get such a descriptor, and what
    libraries write to standard error would end up in it.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        os.set_inheritable(descriptor, True)
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


def _lead_to_nowhere_if_broken(stream) -> None:
    try:
        if stream is not None:
            stream.flush()
    except CANNOT_WRITE:
        with suppress(*CANNOT_WRITE):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show a warning to the user as one sentence, without the line of the source."""
    before = warnings.formatwarning

    def sentence(message, category, *place, **options) -> str:
        if issubclass(category, UserWarning):
            return f'note: {message}\n'
        return before(message, category, *place, **options)

    warnings.formatwarning = sentence
    try:
        yield
    finally:
        warnings.formatwarning = before


def one_line(reason: object) -> str:
    """A reason in one line, as tables and errors need it; those of TensorFlow may hold arrays."""
    return textwrap.shorten(str(reason), LONGEST, placeholder=' ...')
