"""Errors in code that people edit, in one sentence that says where to look."""

import importlib
import os
import pkgutil
import sysconfig
import traceback
from types import ModuleType

from system.outputs import one_line

INSTALLED = tuple({sysconfig.get_path(name) for name in ('stdlib', 'purelib', 'platlib')})


def modules_in(package: ModuleType, error: type[Exception], without: str = '') -> list[ModuleType]:
    """The modules of a package, in the order of their names, but the one called `without`.

    Raises `error`, which names file and line, if one of them fails.
    """
    found = []
    for finder, name, _ in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        if name == without:
            continue
        try:
            found.append(importlib.import_module(f'{package.__name__}.{name}'))
        except Exception as failure:  # whatever a file of the user's own may raise
            file = os.path.join(finder.path, f'{name}.py')
            raise error(in_words(failure, file)) from failure
    return found


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
    if isinstance(error, SyntaxError) and error.filename:
        place = f'{error.filename}, line {error.lineno},'
    return f'{place} fails: {type(error).__name__}: {one_line(error)}'
