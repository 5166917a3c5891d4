"""With which versions of Python and of packages something is computed."""

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ('numpy', 'tensorflow')


def versions() -> dict[str, str]:
    """Versions by name, without packages that are installed under another name."""
    found = {'python': platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # such as tensorflow-cpu
            continue
    return found
