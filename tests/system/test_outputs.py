"""What is printed never ends a run."""

import io
import os
import subprocess
import sys
import warnings

import pytest
from shell import ROOT, environment
from tqdm import tqdm

from system import outputs


class Gone(io.StringIO):
    """A stream that cannot be written."""

    def __init__(self, error: Exception):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error

    def flush(self):
        raise self.error


BROKEN = [BrokenPipeError(32, 'gone'), OSError(28, 'full'), ValueError('closed file')]


@pytest.mark.parametrize('error', BROKEN)
def test_text_that_cannot_be_written_is_lost(monkeypatch, error):
    for stream in (Gone(error), None):
        monkeypatch.setattr(sys, 'stdout', stream)
        monkeypatch.setattr(sys, 'stderr', stream)
        with outputs.lenient_output():
            print('text')
            print('text', file=sys.stderr, flush=True)
            with tqdm(total=2) as bar:
                bar.update()
                bar.write('text')
        assert (sys.stdout, sys.stderr) == (stream, stream)


def test_characters_that_an_encoding_lacks_are_spelt_out():
    stream = io.TextIOWrapper(io.BytesIO(), 'ascii')
    print('█ µ', file=outputs.LenientStream(stream), flush=True)
    assert stream.buffer.getvalue() == b'\\u2588 \\xb5\n'


def test_a_notebook_has_no_reconfigure(monkeypatch, capsys):
    """Its streams have little more than `write`."""
    written = []
    notebook = type('Notebook', (), {'write': lambda self, t: written.append(t), 'flush': print})()
    monkeypatch.setattr(sys, 'stdout', notebook)
    with outputs.lenient_output():
        print('text')
    assert written[0] == 'text'


def test_a_stream_is_wrapped_once():
    stream = io.StringIO()
    once = outputs.lenient(stream)
    assert outputs.lenient(once) is once


PROGRAM = """
import contextlib, os, sys
from system import outputs
with outputs.lenient_output():
    with open('result', 'w') as file:
        with contextlib.suppress(OSError):
            os.write(2, b'from a library')
        print('text')
        file.write('whole')
"""


@pytest.mark.parametrize('words', ['<&- >&- 2>&-', '>/dev/full 2>/dev/full', '2>&-', '| true'])
def test_a_process_whose_streams_are_closed_or_full_ends_well(tmp_path, words):
    """No file gets the number of a closed stream, into which a library would write."""
    line = f'set -o pipefail; "$0" -c "$1" {words}'
    env = environment(PYTHONPATH=str(ROOT))
    done = subprocess.run(['bash', '-c', line, sys.executable, PROGRAM], cwd=tmp_path, env=env)
    assert done.returncode == 0
    assert (tmp_path / 'result').read_text() == 'whole'


def test_a_warning_is_a_sentence():
    before = warnings.formatwarning
    with outputs.plain_warnings():
        assert warnings.formatwarning('text', UserWarning, 'file', 1) == 'note: text\n'
        other = warnings.formatwarning('text', RuntimeWarning, 'file', 1)
        assert other.startswith('file:1: RuntimeWarning')
    assert warnings.formatwarning is before


def test_standard_numbers_that_are_open_stay():
    before = [os.fstat(number) for number in range(3)]
    outputs.fill_descriptors()
    assert [os.fstat(number) for number in range(3)] == before


def test_a_reason_is_one_line_of_some_length():
    assert outputs.one_line('a\n b') == 'a b'
    long = outputs.one_line(' '.join(['word'] * 1000))
    assert 900 < len(long) <= outputs.LONGEST
    assert long.endswith(' ...')
