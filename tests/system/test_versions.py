"""Versions that are saved with a network."""

import platform
import subprocess

import numpy as np

from system import versions


def test_versions_are_those_that_run():
    found = versions.versions()
    assert found['python'] == platform.python_version()
    assert found['numpy'] == np.__version__
    assert found.keys() & {'tensorflow', 'tensorflow-cpu'}


def test_a_package_that_is_not_there_is_left_out(monkeypatch):
    monkeypatch.setattr(versions, 'PACKAGES', ('numpy', 'no-such-package'))
    monkeypatch.setattr(versions, 'commit', lambda folder: None)
    assert versions.versions().keys() == {'stp-rnn', 'python', 'numpy'}
    monkeypatch.setattr(versions, 'commit', lambda folder: 'abc')
    assert versions.versions()['commit'] == 'abc'


def test_the_commit_is_that_of_the_code(tmp_path, monkeypatch):
    def git(*words):
        author = ['-c', 'user.name=a', '-c', 'user.email=a@b.c']
        done = subprocess.run(
            ['git', *author, *words], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert versions.commit(tmp_path) is None
    git('init', '-q')
    (tmp_path / 'code.py').write_text('')
    git('add', '.')
    git('commit', '-qm', 'first')
    versions.commit.cache_clear()
    (tmp_path / 'copy').mkdir()
    assert versions.commit(tmp_path / 'copy') is None  # no clone, but in one
    assert versions.commit(tmp_path) == git('rev-parse', '--short=12', 'HEAD')
    (tmp_path / 'code.py').write_text('changed')
    assert not versions.commit(tmp_path).endswith('-dirty')  # as it was when first asked
    versions.commit.cache_clear()
    assert versions.commit(tmp_path).endswith('-dirty')
    noted = tmp_path / 'sent' / versions.NOTED
    noted.parent.mkdir(parents=True)
    noted.write_text('abc')
    assert versions.commit(tmp_path / 'sent') == 'abc'
    monkeypatch.setenv('PATH', str(tmp_path))
    versions.commit.cache_clear()
    assert versions.commit(tmp_path) is None
