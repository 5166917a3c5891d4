"""What the project says of itself to tools: dependencies, versions of Python, licence."""

import re
import sys
from pathlib import Path

import pytest

from system import versions

ROOT = Path(__file__).resolve().parents[1]


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text().splitlines()


@pytest.mark.parametrize('name', ['requirements.txt', 'tests/requirements.txt'])
def test_every_requirement_has_a_lower_bound_only(name):
    own = [line for line in lines(name) if not line.startswith('-r ')]
    assert own
    assert all(re.fullmatch(r'[a-z0-9-]+(\[[a-z]+\])?>=[\d.]+', line) for line in own)


def test_versions_of_python():
    """The README, pyproject.toml and the linter agree, and these tests run on one of them."""
    (first, last), *_ = re.findall(r'Python 3\.(\d+) to 3\.(\d+)', (ROOT / 'README.md').read_text())
    text = (ROOT / 'pyproject.toml').read_text()
    assert f'requires-python = ">=3.{first}"' in text
    assert f'target-version = "py3{first}"' in text
    assert int(first) <= sys.version_info.minor <= int(last)
    script = (ROOT / '.ci' / 'run').read_text()
    assert f'python3.{first}' in script
    assert f'python3.{last}' in script


def test_version_and_licence_are_the_same_everywhere():
    project, citation = ((ROOT / name).read_text() for name in ('pyproject.toml', 'CITATION.cff'))
    (version,) = re.findall(r'^version = "(.+)"', project, re.M)
    assert f"version: '{version}'" in citation
    assert versions.versions()['stp-rnn'] == version
    assert 'license: MIT' in citation
    assert lines('LICENSE')[0] == 'MIT License'
    assert 'the authors of this repository' in (ROOT / 'LICENSE').read_text()
