"""With what a network was trained, for its file."""

import functools
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROJECT = '1.0'  # as in pyproject.toml, CITATION.cff
PACKAGES = ('tensorflow', 'tensorflow-cpu', 'numpy')
ROOT = Path(__file__).resolve().parents[1]
NOTED = 'system/commit.txt'  # in code that was sent to a worker: its commit, or nothing
TIMEOUT = 10  # s, for git on a slow disk


def versions() -> dict[str, str]:
    """Versions of this project, of Python and of the packages that decide the numbers.

    `commit` is that of the code, with -dirty if it was changed; absent where git does not know it.
    """
    found = {'stp-rnn': PROJECT, 'python': platform.python_version()}
    if of_code := commit(ROOT):
        found['commit'] = of_code
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # TensorFlow has one of two names
            continue
    return found


@functools.cache
def commit(folder: Path) -> str | None:
    """The commit of the code in a clone, or sent from one, as it was when this was first asked."""
    if (folder / NOTED).exists():
        return (folder / NOTED).read_text() or None
    if not (folder / '.git').exists():  # a repository further up is not this code's
        return None
    command = ['git', '--no-optional-locks', '-C', str(folder), 'describe']
    command += ['--always', '--dirty', '--abbrev=12']
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
