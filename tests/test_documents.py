"""Links in the documents lead to files, headings and definitions that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob('*.md'), *ROOT.glob('docs/*.md'), *ROOT.glob('networks/**/*.md')])
LINK = re.compile(r'\[([^\]]*)\]\(([^)\s]+)\)')
PICTURE = re.compile(r'<img src="([^"]+)"')


def links(document: Path) -> list[tuple[str, str]]:
    """Text and target of each link that leads to no web page, and of each picture."""
    content = document.read_text()
    found = LINK.findall(content) + [('', source) for source in PICTURE.findall(content)]
    return [(text, target) for text, target in found if '://' not in target]


def definitions(file: Path) -> set[str]:
    """Names of functions, classes, methods and variables of a file, such as `Model.rnn_cell`."""
    found = set()

    def visit(body, prefix=''):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                visit(node.body, f'{node.name}.')
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets += [node.target] if isinstance(node, ast.AnnAssign) else []
            found.update(prefix + t.id for t in targets if isinstance(t, ast.Name))

    visit(ast.parse(file.read_text()).body)
    return found


def headings(document: Path) -> set[str]:
    """The anchors of a document's headings."""
    lines = re.findall(r'^#+ (.+)$', document.read_text(), re.M)
    return {re.sub(r'[^\w -]', '', line).strip().lower().replace(' ', '-') for line in lines}


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for text, target in links(document):
        path, _, anchor = target.partition('#')
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f'{document.name}: {target}'
        if anchor:
            assert anchor in headings(file), f'{document.name}: {target}'
        name = re.fullmatch(r'`([\w.]+)`', text)
        if name and file.suffix == '.py' and name[1] != file.name:
            assert name[1] in definitions(file), f'{document.name}: {text} in {path}'


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: path.name)
def test_rows_of_tables_are_as_long_as_their_headers(document):
    """A page shows a table as text if the line below its header has another number of cells."""
    for table in re.findall(r'(?:^\|.*\n)+', document.read_text(), re.M):
        header, delimiter, *rows = table.splitlines()
        assert re.fullmatch(r'\|( ?-+ ?\|)+', delimiter), header
        number = delimiter.count('|')
        assert {cells(line) for line in (header, *rows)} == {number}, header


def cells(row: str) -> int:
    """Number of bars of a row that are not part of its text."""
    return len(re.findall(r'(?<!\\)\|', row))


def test_faithfulness_names_definitions():
    """Else the test above would look at nothing."""
    named = [t for t, target in links(ROOT / 'docs' / 'faithfulness.md') if target.endswith('.py')]
    assert len(named) > 90
    details = re.findall(
        r'^(\d+)\. \*\*(\w+)\*\*', (ROOT / 'docs' / 'faithfulness.md').read_text(), re.M
    )
    assert [int(number) for number, _ in details] == list(range(1, len(details) + 1))
    assert {mark for _, mark in details} == {'kept', 'changed', 'fixed'}


def test_tests_that_documents_name_are_there():
    """`tests/file.py::test_name` in the tables of docs/robustness.md, and elsewhere."""
    named = [
        (document.name, *test)
        for document in DOCUMENTS
        for test in re.findall(r'`(tests/[\w/]+\.py)::(\w+)`', document.read_text())
    ]
    assert len(named) > 60
    for document, file, name in named:
        assert name in definitions(ROOT / file), f'{document}: {file}::{name}'
