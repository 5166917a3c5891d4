"""Errors in code that people edit, in one sentence that says where to look."""

import os
import sysconfig
import traceback

from system.outputs import one_line

INSTALLED = tuple({sysconfig.get_path(name) for name in ('stdlib', 'purelib', 'platlib')})


def in_words(error: BaseException, file: str | os.PathLike | None = None) -> str:
    """Such as 'my_task.py, line 3, fails: KeyError: 'test''.

    The line is the innermost one in `file`, or, if none is given, outside of installed packages.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if file is None:
        frames = [f for f in frames if not f.filename.startswith((*INSTALLED, '<'))]
    else:
        frames = [f for f in frames if f.filename == str(file)]
    place = f'{frames[-1].filename}, line {frames[-1].lineno},' if frames else file or 'something'
    return f'{place} fails: {type(error).__name__}: {one_line(error)}'
