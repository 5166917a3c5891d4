"""Versions that are saved with a network."""

import platform

import numpy as np

from system import versions


def test_versions_are_those_that_run():
    found = versions.versions()
    assert found['python'] == platform.python_version()
    assert found['numpy'] == np.__version__


def test_a_package_that_is_not_there_is_left_out(monkeypatch):
    monkeypatch.setattr(versions, 'PACKAGES', ('numpy', 'no-such-package'))
    assert versions.versions().keys() == {'stp-rnn', 'python', 'numpy'}
