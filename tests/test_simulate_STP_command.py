"""The command `python simulate_STP.py`, most of it within this process."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from shell import fatal_tensorflow
from test_simulate_STP import COARSE, MAGIC

import simulate_STP as stp

COMMAND = Path(stp.__file__)
TIMEOUT = 120  # s


@pytest.fixture
def coarse(monkeypatch):
    """Simulate in coarse steps, which the command does not offer; its processes below do not."""
    monkeypatch.setattr(stp, 'simulate', partial(stp.simulate, **COARSE))


@pytest.fixture
def drawn(monkeypatch, tmp_path, capsys, coarse):
    """Run the command in this process and in a folder of its own; return the figure's titles."""
    figures = []
    save = stp.save

    def save_and_keep(figure, filename):
        figures.append(figure)
        save(figure, filename)

    def run(*arguments):
        status = stp.run(list(arguments))
        assert (status, capsys.readouterr().err) == (0, '')
        return [panel.get_title() for panel in figures[-1].axes if panel.get_title()]

    monkeypatch.setattr(stp, 'save', save_and_keep)
    monkeypatch.chdir(tmp_path)
    return run


@pytest.mark.parametrize(
    ('arguments', 'titles'),
    [
        ([], ['Depressing synapse, 50 Hz', 'Facilitating synapse, 50 Hz']),
        (['both'], ['Depressing synapse, 50 Hz', 'Facilitating synapse, 50 Hz']),
        (['std'], ['Depressing synapse, 50 Hz']),
        (
            ['stf', '--rate', '20', '12.5'],
            ['Facilitating synapse, 20 Hz', 'Facilitating synapse, 12.5 Hz'],
        ),
    ],
)
def test_a_column_for_each_synapse_and_rate(drawn, arguments, titles):
    assert drawn(*arguments) == titles
    assert [path.name for path in Path.cwd().iterdir()] == ['simulate_STP.png']


@pytest.mark.parametrize('suffix', ['.png', '.pdf', '.svg'])
def test_the_suffix_decides_the_format(drawn, suffix):
    drawn('std', '--out', f'picture{suffix}')
    assert Path(f'picture{suffix}').read_bytes().startswith(MAGIC[suffix])


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['--rate', '0'], 'rate = 0.0 is not allowed'),
        (['--rate', '50', 'nan'], 'rate = nan is not allowed'),
        (['--out', 'picture.xyz'], '--out picture.xyz is not allowed: it must end in .png'),
        (['--out', 'picture'], '.pdf or .svg'),
        (['--out', 'file/picture.png'], 'file/picture.png cannot be written: File exists'),
        (['--out', 'folder.png'], 'folder.png is a folder; the name of a file is needed'),
    ],
)
def test_a_wrong_request_is_reported_in_one_sentence(
    monkeypatch, tmp_path, capsys, coarse, arguments, sentence
):
    monkeypatch.chdir(tmp_path)
    Path('folder.png').mkdir()
    Path('file').touch()
    assert stp.run(['std', *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ''
    assert err.startswith('error: ')
    assert sentence in err
    assert err.count('\n') == 1
    assert {path.name for path in tmp_path.iterdir()} == {'file', 'folder.png'}


def test_a_file_that_cannot_be_drawn_leaves_the_old_one(monkeypatch, tmp_path):
    old = tmp_path / 'picture.png'
    old.write_bytes(b'old')

    def broken(figure, filename, **_):
        Path(filename).write_bytes(b'half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(stp.Figure, 'savefig', broken)
    assert stp.run(['std', '--out', str(old)]) == 2
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == {old: b'old'}


@pytest.fixture
def process(tmp_path):
    """Run the command as a user does, where importing TensorFlow ends the process."""
    packages = tmp_path / 'packages'
    packages.mkdir()
    env = fatal_tensorflow(packages)
    folder = tmp_path / 'here'
    folder.mkdir()

    def run(*arguments):
        words = [sys.executable, str(COMMAND), *arguments]
        done = subprocess.run(
            words, cwd=folder, env=env, capture_output=True, text=True, timeout=TIMEOUT
        )
        return done, folder

    return run


def test_the_command_draws_both_synapses(process):
    done, folder = process()
    assert (done.returncode, done.stdout, done.stderr) == (0, 'simulate_STP.png\n', '')
    assert (folder / 'simulate_STP.png').read_bytes().startswith(MAGIC['.png'])


def test_the_command_refuses_an_unknown_synapse(process):
    done, folder = process('fac')
    assert done.returncode == 2
    assert all(word in done.stderr for word in ("'fac'", 'std', 'stf', 'both'))
    assert 'Traceback' not in done.stderr
    assert list(folder.iterdir()) == []
