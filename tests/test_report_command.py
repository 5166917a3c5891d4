"""The command `python report.py` as a user meets it, most of it within this process."""

import base64
import html
import os
import re
from html.parser import HTMLParser
from unittest import mock

import pytest
from drawing import coarse_synapses  # noqa: F401
from folders import analyzed, trained, write_folder
from matplotlib.figure import Figure
from shell import fatal_tensorflow, refusal, write_own_task

import report
import results
from page import pictures, render
from page.folder import read
from plots.figure import figure
from system.workers import outcomes
from tasks import load_task, registry

VOID = {'meta', 'img', 'br', 'path', 'use'}


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its status and what it wrote to stdout and stderr."""

    def run_command(*arguments) -> tuple[int, str, str]:
        try:
            status = report.main(list(map(str, arguments)))
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run_command


@pytest.fixture(autouse=True)
def fast(monkeypatch, request):
    """Figures of one word take the place of all others, and one process draws them."""
    if request.function is test_pictures_are_those_of_figures:
        return

    def draw(networks, p, axes=None):
        page = Figure(figsize=(1, 1))
        page.text(0, 0, str(len(networks)))
        return page

    of_task = figure(name='learning', analyzed=False)(draw), figure(name='decoding')(draw)
    of_all = figure(name='manipulation', per_task=False)(draw)
    monkeypatch.setattr(pictures, 'all_figures', lambda: (*of_task, of_all))
    monkeypatch.setattr(pictures, 'FEW', 1000)


class Nesting(HTMLParser):
    """Whether every tag is closed, in the right order; ids and what links lead to."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.ids, self.links, self.sources = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [found['id']] if 'id' in found else []
        self.links += [found['href']] if 'href' in found else []
        self.sources += [found['src']] if 'src' in found else []
        assert tag != 'img' or found['alt']

    def handle_startendtag(self, tag, attributes):
        assert tag in VOID

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()


def test_a_page_of_a_set(tmp_path, run):
    folder = write_folder(tmp_path / 'a <set>')
    status, out, err = run(folder)
    assert (status, out) == (1, f'{folder / "report.html"}\n')
    assert err == f'error: {folder / "cut.pkl"} is damaged, cut short or no pickle (ValueError)\n'
    text = (folder / 'report.html').read_text('utf-8')
    page = Nesting(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith('#')} <= {*page.ids}
    assert all(link.startswith('#') for link in page.links)
    assert page.sources
    assert all(source.startswith('data:image/webp;base64,') for source in page.sources)
    assert base64.b64decode(page.sources[0].split(',')[1])[:4] == b'RIFF'
    assert '<h1>a &lt;set&gt;</h1>' in text
    assert 'at iteration 3 &lt;b&gt;' in text
    assert not re.search(r'https?://', text)
    left_out = html.unescape(text)
    assert 'left out decoding (DMC): its networks are not analysed' in left_out


def test_text_of_files_is_never_code(tmp_path, run):
    name = '"><script>alert(1)</script>'.replace('/', '')
    hostile = trained() | {'versions': {'<img src=x>': '</script><script>alert(2)'}}
    results.save(tmp_path / f'{name}.pkl', hostile)
    assert run(tmp_path)[0] == 0
    text = (tmp_path / 'report.html').read_text('utf-8')
    assert text.count('<script') == 1
    assert '<img src=x>' not in text


def test_a_page_is_replaced_and_another_file_is_not(tmp_path, run):
    results.save(tmp_path / 'a.pkl', trained())
    page = tmp_path / 'report.html'
    page.write_text('<html>mine')
    words = f'error: {page} exists and is not a report: choose another file with --out\n'
    assert run(tmp_path) == (2, '', words)
    assert page.read_text() == '<html>mine'
    other = tmp_path / 'new' / 'page.html'
    for _ in range(2):
        assert run(tmp_path, '--out', other) == (0, f'{other}\n', '')
    assert list(other.parent.iterdir()) == [other]


def test_wrong_requests(tmp_path, run):
    (tmp_path / 'empty').mkdir()
    results.save(tmp_path / 'nets' / 'a.pkl', trained())
    (tmp_path / 'file').touch()
    for arguments, words in [
        (('missing',), 'missing is not a folder'),
        (('nets/a.pkl',), 'a.pkl is not a folder'),
        (('empty',), 'empty holds no networks (*.pkl, *.checkpoint)'),
        (('nets', '--out', tmp_path / 'empty'), 'empty is a folder; the name of a file is needed'),
        (('nets', '--out', tmp_path / 'file' / 'a'), 'file: it is a file'),
        (('nets', '--out', tmp_path / 'page'), 'page is not allowed: a report must end in .html'),
        (('nets', '--pictures', '-1'), "'-1' is not a whole number from 0"),
        (('nets', '--task', tmp_path / 'none.py'), 'none.py'),
        ((), 'the following arguments are required: FOLDER'),
    ]:
        where = [tmp_path / arguments[0]] if arguments else []
        status, out, err = run(*where, *arguments[1:])
        assert (status, out) == (2, ''), arguments
        assert words in err
    assert sorted(path.name for path in tmp_path.rglob('*')) == ['a.pkl', 'empty', 'file', 'nets']


def test_a_wrong_request_takes_no_tensorflow(tmp_path):
    words = refusal(tmp_path, 'none', program='report.py', env=fatal_tensorflow(tmp_path))
    assert words == 'none is not a folder\n'


def test_few_networks_have_pictures_of_their_own(tmp_path, run):
    for i in range(3):
        results.save(tmp_path / f'{i}.pkl', analyzed(seed=i))
    run(tmp_path, '--pictures', 1)
    text = (tmp_path / 'report.html').read_text()
    assert text.count('This network has no pictures of its own') == 2
    assert len(Nesting(text).sources) == 3 + 1  # of all tasks, of DMS, of the network


def test_a_sweep_of_many_groups_is_cut(tmp_path, run, monkeypatch):
    monkeypatch.setattr(render, 'MOST_GROUPS', 2)
    for time in (500, 600, 700):
        results.save(tmp_path / f'{time}.pkl', analyzed(delay_time=time))
    assert run(tmp_path)[0] == 0
    text = ' '.join((tmp_path / 'report.html').read_text().split())
    assert 'The first 2 of 3 groups of networks that can share a figure are drawn.' in text
    assert 'delay_time = 600, 1 network' in text


def test_networks_that_were_not_trained_make_a_page(tmp_path, run):
    none = {name: [] for name in results.CURVES}
    results.save(tmp_path / 'a.checkpoint', trained() | none)
    status, _, err = run(tmp_path)
    assert (status, err) == (0, '')
    text = (tmp_path / 'report.html').read_text()
    assert 'id="learning"' not in text
    assert '0 of 2000 iterations are done' in text


def test_an_own_task(tmp_path, run, monkeypatch):
    monkeypatch.setattr(registry, '_own', {})
    file = write_own_task(tmp_path)
    results.save(tmp_path / 'nets' / 'own.pkl', trained(load_task(file)))
    monkeypatch.setattr(registry, '_own', {})
    status, _, err = run(tmp_path / 'nets')
    assert status == 2
    assert "its task 'report' is a file that must be given" in err
    assert run(tmp_path / 'nets', '--task', file)[0] == 0


def test_several_processes_draw_networks_of_an_own_task(tmp_path, run, monkeypatch):
    file = write_own_task(tmp_path)
    for i in range(2):
        results.save(tmp_path / 'nets' / f'{i}.pkl', trained(load_task(file), seed=i))
    drawing = tmp_path / 'processes'
    drawing.mkdir()

    def draw(networks, p, axes=None):
        (drawing / str(os.getpid())).touch()
        return Figure(figsize=(1, 1))

    weights = figure(name='weights', analyzed=False)(draw)

    def album(*arguments):
        # other processes know nothing of what is patched here, and need no TensorFlow
        with mock.patch.multiple(pictures, all_figures=lambda: [weights], device=mock.Mock()):
            return pictures.album(*arguments)

    monkeypatch.setattr(pictures, 'FEW', 0)
    monkeypatch.setattr(pictures, 'outcomes', lambda _, *how: outcomes(album, *how))
    status, _, err = run(tmp_path / 'nets', '--task', file, '--jobs', 2)
    assert (status, err) == (0, '')
    text = (tmp_path / 'nets' / 'report.html').read_text()
    assert len(Nesting(text).sources) == 1 + 2  # of the task, of each network
    processes = {path.name for path in drawing.iterdir()}
    assert processes
    assert str(os.getpid()) not in processes


def test_ctrl_c_ends_the_command_quietly(tmp_path, run, monkeypatch):
    results.save(tmp_path / 'a.pkl', trained())

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, 'albums', interrupt)
    assert run(tmp_path) == (130, '', '')
    assert [path.name for path in tmp_path.iterdir()] == ['a.pkl']


def test_pictures_are_those_of_figures(tmp_path):
    """Of a network its trial, weights and decoding; of a task all that it allows."""
    results.save(tmp_path / 'a.pkl', analyzed())
    work = render.plan(read(tmp_path), 1).work
    assert [piece.kind for piece in work] == ['tasks', 'task', 'network']
    of_all, of_task, own = pictures.albums(work, [], jobs=2)  # so few that this process draws them
    assert [picture.name for picture in of_all.pictures] == ['manipulation']
    assert [picture.name for picture in own.pictures] == ['trial', 'weights', 'decoding']
    names = {picture.name for picture in of_task.pictures}
    assert names == {'trial', 'weights', 'decoding', 'shuffles', 'tuning', 'learning', 'stability'}
    assert own.left_out == of_task.left_out == []
    assert own.pictures[0].caption == 'Input, activity, efficacy and outputs in one trial.'
    assert [picture.shape for picture in own.pictures] == ['tall', 'wide', 'whole']
    assert sum(len(picture.source) for picture in own.pictures) < 250_000
