"""How every command runs: output that cannot be written is ignored, warnings are one sentence."""

import sys
from collections.abc import Callable
from functools import wraps

from commands.arguments import fail
from system import outputs


def command(main: Callable) -> Callable:
    """A command, or a part of one, that works where its output cannot be written."""

    @wraps(main)
    def run(*arguments, **options):
        if sys.excepthook is sys.__excepthook__:  # not in a notebook or a debugger
            sys.excepthook = stop_quietly
        with outputs.lenient_output(), outputs.plain_warnings():
            return main(*arguments, **options)

    return run


def stop_quietly(kind: type[BaseException], error: BaseException, trace) -> None:
    """Show Ctrl-C as a sentence, wherever it comes, such as between two parts of a command."""
    if issubclass(kind, KeyboardInterrupt):
        print('error: stopped', file=outputs.lenient(sys.stderr))
    else:
        sys.__excepthook__(kind, error, trace)


@command
def require_matplotlib() -> None:
    """End the process with a sentence if MPLBACKEND keeps matplotlib from being imported."""
    try:
        import matplotlib  # noqa: F401
    except ValueError as error:
        reason = outputs.one_line(error)
        sys.exit(fail(f'MPLBACKEND is not allowed by matplotlib, leave it out: {reason}', 2))
