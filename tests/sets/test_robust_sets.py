"""Sets whose machine has no place for their files, and how they wait for each other."""

import os
import tempfile

import pytest
from shell import SETTINGS
from test_model_command import saved_network

import results
import run_all_models
from parameters import par, update_parameters
from sets import summary as set_summary


def no_place(*arguments, **options):
    raise FileNotFoundError(2, 'No usable temporary directory found')


def words(*arguments: str) -> list[str]:
    given = [f'--set={name}={value}' for name, value in SETTINGS.items()]
    return ['none', 'set', '1', '0', *arguments, *given]


def test_a_set_without_a_temporary_folder_is_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, 'TemporaryDirectory', no_place)
    assert run_all_models.run(words()) == 1
    assert capsys.readouterr().err == (
        'error: a temporary folder cannot be made: No usable temporary directory found\n'
    )


def test_a_summary_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch, capsys):
    """The networks are saved, and the table is shown."""
    monkeypatch.chdir(tmp_path)
    update_parameters(SETTINGS | {'test_cost_multiplier': 2})
    results.save('savedir/set/DMS-run-0.pkl', saved_network(parameters=dict(par)))

    def full(path):
        raise OSError(28, f'{path} cannot be written: No space left on device')

    monkeypatch.setattr(set_summary, 'replacing', full)
    assert run_all_models.run(words()) == 1
    out, err = capsys.readouterr()
    assert 'DMS-run-0  finished' in out
    assert err.startswith('error: ')
    assert 'summary.csv cannot be written: No space left on device' in err


@pytest.mark.parametrize('kind', ['fifo', 'folder'])
def test_a_summary_that_is_no_file_is_refused(tmp_path, monkeypatch, capsys, kind):
    """To read a named pipe would hang."""
    monkeypatch.chdir(tmp_path)
    os.makedirs('savedir/set')
    (os.mkfifo if kind == 'fifo' else os.mkdir)('savedir/set/summary.csv')
    assert run_all_models.run(words()) == 2
    assert 'summary.csv is a ' in capsys.readouterr().err
