"""Notebooks as a reader meets them: stored, and run in a kernel of their own; for their tests."""

import base64
import copy
import io
import re
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np
from nbclient import NotebookClient
from shell import environment

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 240  # s, for a cell


def stored(name: str):
    """A notebook of the project, with the outputs that are stored in it."""
    return nbformat.read(ROOT / name, as_version=4)


def executed(notebook, **changes):
    """A notebook after a run from top to bottom; a cell that fails raises. The file stays.

    `changes` are those of the environment.
    """
    notebook = copy.deepcopy(notebook)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    resources = {'metadata': {'path': str(ROOT)}}
    client = NotebookClient(notebook, timeout=TIMEOUT, resources=resources, coalesce_streams=True)
    return client.execute(env=environment(**changes))


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == 'code']


def outputs(notebook) -> list:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def printed(notebook) -> str:
    return ''.join(output.text for output in outputs(notebook) if output.output_type == 'stream')


def prose(notebook) -> str:
    """The text of a notebook, in one line."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == 'markdown']
    return ' '.join('\n'.join(texts).split())


def numbers_after(words: str, notebook) -> list[float]:
    """Each number that is printed right after the words, a regular expression."""
    return [float(number) for number in re.findall(rf'{words} +([\d.]+)', printed(notebook))]


def assert_well_stored(notebook):
    """It is valid, and was run once from top to bottom with the kernel python3."""
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == 'python3'
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def assert_same_kinds_of_outputs(notebook, other):
    for before, now in zip(code_cells(notebook), code_cells(other), strict=True):
        assert _kinds(before) == _kinds(now)


def _kinds(cell) -> set:
    """What a cell puts out: kinds of data, or names of streams."""
    return {frozenset(output.get('data', [output.get('name')])) for output in cell.outputs}


def assert_quiet(notebook):
    """Nothing is written to stderr, where warnings, logs and progress bars go."""
    streams = [output.name for output in outputs(notebook) if output.output_type == 'stream']
    assert set(streams) == {'stdout'}


def assert_figures(notebook, number: int):
    """So many figures come out, and something is drawn in each."""
    data = [output.data for output in outputs(notebook) if 'data' in output]
    pictures = [base64.b64decode(d['image/png']) for d in data if 'image/png' in d]
    assert len(pictures) == number
    for picture in pictures:
        pixels = matplotlib.image.imread(io.BytesIO(picture), format='png')[..., :3]
        assert min(pixels.shape[:2]) > 200
        colors = np.round(255 * pixels) @ [1, 256, 256**2]  # as one number, which is faster
        assert len(np.unique(colors)) > 20
