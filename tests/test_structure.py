"""The architecture: imports in one direction, TensorFlow where it is needed, tasks by their object.

The graph of imports comes from the sources, imports inside functions included.
"""

import ast
import functools
import re
import symtable
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tasks import TASKS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted(path.parent.name for path in ROOT.glob('*/__init__.py'))
FILES = [
    *sorted(ROOT.glob('*.py')),
    *(f for p in PACKAGES for f in sorted((ROOT / p).glob('*.py'))),
]
MODULES = {'.'.join(f.relative_to(ROOT).with_suffix('').parts): f for f in FILES}
LINK = re.compile(r'\(\.\./([\w.]+)\)')
BENCHMARKS = sorted((ROOT / 'benchmarks').glob('*.py'))
NEED_TENSORFLOW = {'model', 'rnn.bptt', 'rnn.costs', 'rnn.equations', 'rnn.graphs'}
NEED_TENSORFLOW |= {'rnn.optimizer', 'rnn.stack'}
OUTSIDE = {'tensorflow', 'matplotlib'}  # packages of which it is looked at who needs them
MOST_LINES = 400


def imports(tree: ast.AST, in_functions: bool) -> Iterator[str]:
    """Names of the modules that a source imports, as far as they can be told from the source."""
    if isinstance(tree, ast.Import):
        yield from (alias.name for alias in tree.names)
    elif isinstance(tree, ast.ImportFrom):
        yield from (f'{tree.module}.{alias.name}' for alias in tree.names)
    is_function = isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    is_main = isinstance(tree, ast.If) and '__name__' in ast.unparse(tree.test)
    if in_functions or not (is_function or is_main):
        for child in ast.iter_child_nodes(tree):
            yield from imports(child, in_functions)


@functools.cache
def imported(module: str, in_functions: bool) -> set[str]:
    """The modules of the project that one imports, and those of OUTSIDE that it imports."""
    found = set()
    for name in imports(ast.parse(MODULES[module].read_text()), in_functions):
        found |= {name.partition('.')[0]} & OUTSIDE
        owner = name if name in MODULES else name.rpartition('.')[0]
        found |= {m for m in (owner, f'{owner}.__init__') if m in MODULES}
    return found - {module}


def reachable(module: str) -> set[str]:
    """What is imported, directly or not, as soon as a module is."""
    found, waiting = set(), [module]
    while waiting:
        new = imported(waiting.pop(), in_functions=False) - found
        found |= new
        waiting += new - OUTSIDE
    return found


def part_of(module: str) -> str:
    """The package, or the module at the root."""
    return module.partition('.')[0]


def test_no_module_imports_itself_by_a_detour():
    graph = {module: imported(module, in_functions=True) for module in MODULES}
    assert sum(map(len, graph.values())) > 150
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_packages_are_layers():
    graph = {part_of(module): set() for module in MODULES}
    for module in MODULES:
        graph[part_of(module)] |= {part_of(m) for m in imported(module, in_functions=True)}
    TopologicalSorter({part: found - {part} for part, found in graph.items()}).prepare()


def test_layers_are_in_the_order_of_the_document():
    rows = (ROOT / 'docs' / 'code.md').read_text().splitlines()
    cells = [row.split('|')[1] for row in rows if row.startswith('| [')]
    places = {
        name.removesuffix('.py'): i for i, cell in enumerate(cells) for name in LINK.findall(cell)
    }
    assert {part_of(module) for module in MODULES} <= places.keys()
    for module in MODULES:
        for other in imported(module, in_functions=True) - OUTSIDE:
            below, above = part_of(other), part_of(module)
            assert places[below] <= places[above], f'{module} imports {other}'


def test_every_command_that_draws_says_where_matplotlib_cannot_be_imported():
    """It is imported with the module, so the check stands before all imports."""
    commands = {m for m, file in MODULES.items() if "if __name__ == '__main__'" in file.read_text()}
    draw = {m for m in commands if 'matplotlib' in reachable(m)}
    assert {'figures', 'report', 'simulate_STP', 'reproduction.along'} <= draw
    for module in draw:
        _, first, *_ = ast.parse(MODULES[module].read_text()).body
        assert 'require_matplotlib()' in ast.unparse(first), module


def test_tensorflow_is_needed_by_few():
    needed = {module for module in MODULES if 'tensorflow' in reachable(module)}
    of_keras = {module for module in MODULES if part_of(module) == 'stp_keras'}
    assert needed == {*NEED_TENSORFLOW, *of_keras}


def missing_names(source: str) -> set[str]:
    """What a source imports from the project that is not there."""
    names = imports(ast.parse(source), in_functions=True)
    return {name for name in names if file_of(part_of(name)) and not is_there(name)}


def is_there(name: str) -> bool:
    """Whether a name is that of a module, or of what one defines or imports."""
    owner, _, attribute = name.rpartition('.')
    return file_of(name) is not None or attribute in names_of(owner)


def names_of(module: str) -> set[str]:
    """What a module defines or imports; nothing if there is no such module."""
    source = file_of(module)
    if source is None:
        return set()
    symbols = symtable.symtable(source.read_text(), module, 'exec').get_symbols()
    return {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}


def file_of(module: str) -> Path | None:
    """The source of a module or package of the project."""
    return MODULES.get(module, MODULES.get(f'{module}.__init__'))


@pytest.mark.parametrize('file', BENCHMARKS, ids=lambda file: file.name)
def test_benchmarks_import_what_there_is(file):
    assert missing_names(file.read_text()) == set()


def test_a_name_that_is_missing_is_found():
    there = 'import model, numpy\nfrom tasks import TASKS, registry\nfrom system.locks import lock'
    gone = 'from tasks import tasc\ndef f():\n    from rnn.nothing import a\n    import system.lock'
    assert missing_names(f'{there}\n{gone}') == {'tasks.tasc', 'rnn.nothing.a', 'system.lock'}


def compared_names(file: Path) -> set[str]:
    """Names of tasks with which a source compares something, such as a parameter trial_type."""
    compared = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Compare)]
    cases = [
        n.pattern for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.match_case)
    ]
    constants = (n for place in (*compared, *cases) for n in ast.walk(place))
    values = {n.value for n in constants if isinstance(n, ast.Constant)}
    return {value for value in values if value in TASKS}


def test_only_tasks_compare_names_of_tasks(tmp_path):
    (tmp_path / 'a.py').write_text("x = p['trial_type'] in ('DMC', 'ABBA')")
    assert compared_names(tmp_path / 'a.py') == {'DMC', 'ABBA'}
    outside = [f for f in FILES if f.parent.name != 'tasks']
    found = {f.name: compared_names(f) for f in [*outside, *BENCHMARKS]}
    assert {name: names for name, names in found.items() if names} == {}


def test_the_root_holds_few_files():
    assert len(list(ROOT.glob('*.py'))) <= 9


@pytest.mark.parametrize('module', MODULES)
def test_files_are_short(module):
    assert len(MODULES[module].read_text().splitlines()) <= MOST_LINES
