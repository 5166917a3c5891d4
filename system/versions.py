"""With what a network was trained, for its file."""

import platform
from importlib.metadata import PackageNotFoundError, version

PROJECT = '1.0'  # as in pyproject.toml, CITATION.cff
PACKAGES = ('tensorflow', 'tensorflow-cpu', 'numpy')


def versions() -> dict[str, str]:
    """Versions of this project, of Python and of the packages that decide the numbers."""
    found = {'stp-rnn': PROJECT, 'python': platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # TensorFlow has one of two names
            continue
    return found
