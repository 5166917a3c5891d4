"""The page of report.py in a real browser, which is the system's headless Chromium."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from folders import whole

from page.pictures import Album, Picture
from page.render import page, plan

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
GIF = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=='  # of one pixel
BY_DEFAULT = ['DMC-run-0', 'DMS-run-0', 'DMS-run-1', 'DMS-run-2', 'DMS-run-8', 'DMS-run-10']


@pytest.fixture(scope='module')
def browser() -> Iterator:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f'no Chromium is installed: none of {", ".join(NAMES)}')
    words = 'Playwright, which drives the browser, is not installed'
    sync_api = pytest.importorskip('playwright.sync_api', reason=words)
    with sync_api.sync_playwright() as playwright:
        # the sandbox of the browser works for no root, and in few containers
        started = playwright.chromium.launch(executable_path=program, args=['--no-sandbox'])
        yield started
        started.close()


@pytest.fixture(scope='module')
def file(tmp_path_factory) -> Path:
    """The page of a small set, with pictures of one pixel."""
    path = tmp_path_factory.mktemp('set')
    folder = whole(path)
    made = plan(folder, 200)
    picture = Picture('trial', 'One trial.', GIF, 1500, 500, 'wide')
    albums = [Album([picture], ['left out tuning (DMS): why']) for _ in made.work]
    (path / 'report.html').write_text(page(folder, made, albums), 'utf-8')
    return path / 'report.html'


@pytest.fixture
def visit(browser, file):
    """Open the page; in the end, nothing was logged and nothing but the file was asked for."""
    contexts, heard, requested = [], [], set()

    def open_page(**options):
        contexts.append(browser.new_context(**options))
        tab = contexts[-1].new_page()
        tab.set_default_timeout(60_000)
        tab.on('console', lambda message: heard.append(message.text))
        tab.on('pageerror', lambda error: heard.append(str(error)))
        tab.on('request', lambda request: requested.add(request.url.partition(':')[0]))
        tab.goto(file.as_uri())
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []
    assert requested <= {'file', 'data'}


def names(tab) -> list[str]:
    """The networks that the table shows, from top to bottom."""
    return tab.locator('#table tbody tr:visible th').all_inner_texts()


def link(tab, name: str):
    return tab.get_by_role('link', name=name, exact=True)


def header(tab, title: str):
    # by its text: for older versions of Playwright the arrow of a sorted column is part of its name
    return tab.locator('#table thead th', has=tab.get_by_text(title, exact=True))


def test_a_click_on_a_header_sorts(visit):
    tab = visit()
    assert names(tab) == BY_DEFAULT
    sorting, button = header(tab, 'spike_cost'), tab.get_by_role('button', name='spike_cost')
    assert sorting.get_attribute('aria-sort') == 'none'
    button.click()
    assert sorting.get_attribute('aria-sort') == 'ascending'
    assert (names(tab)[0], names(tab)[-1]) == ('DMS-run-0', 'DMS-run-2')
    button.press('Enter')
    assert sorting.get_attribute('aria-sort') == 'descending'
    assert (names(tab)[0], names(tab)[-1]) == ('DMS-run-2', 'DMS-run-0')
    for _ in range(2):  # what is not known is last in either order
        tab.get_by_role('button', name='Manipulation').click()
        assert set(names(tab)[-2:]) == {'DMC-run-0', 'DMS-run-8'}
    assert sorting.get_attribute('aria-sort') == 'none'
    tab.get_by_role('button', name='Network', exact=True).click()
    assert names(tab) == BY_DEFAULT


def test_filters_by_task_and_swept_setting(visit):
    tab = visit()
    said = tab.get_by_role('status')
    assert said.inner_text() == '6 of 6 networks are shown.'
    tab.get_by_label('Task').select_option('DMS')
    assert names(tab) == BY_DEFAULT[1:]
    tab.get_by_label('spike_cost').select_option('0.1')
    assert names(tab) == ['DMS-run-2']
    assert said.inner_text() == '1 of 6 networks is shown.'
    assert tab.locator('svg .line:visible').count() == 2  # accuracy and loss
    tab.get_by_label('Task').select_option('DMC')
    assert names(tab) == []
    tab.get_by_role('button', name='Show all').click()
    tab.get_by_text('6 of 6 networks are shown.').wait_for()
    assert names(tab) == BY_DEFAULT


def test_a_click_on_a_network_shows_its_own(visit):
    tab = visit()
    assert tab.get_by_role('article').count() == 0
    link(tab, 'DMS-run-1').click()
    own = tab.get_by_role('article', name='DMS-run-1', exact=True)
    own.wait_for()
    assert own.get_by_role('img', name='One trial. Network DMS-run-1.').is_visible()
    assert tab.evaluate('document.activeElement.id') == own.get_attribute('id')
    own.get_by_role('link', name='Next').click()
    tab.get_by_role('article', name='DMS-run-2', exact=True).wait_for()
    assert not own.is_visible()
    tab.get_by_role('link', name='Close').click()
    link(tab, 'DMS-run-2').and_(tab.locator(':focus')).wait_for()
    assert tab.get_by_role('article').count() == 0


def test_a_row_and_a_curve_mark_each_other(visit):
    tab = visit()
    marked = tab.locator('svg .line.marked')
    link(tab, 'DMS-run-0').focus()
    assert marked.count() == 2
    assert tab.locator('#readout').inner_text().startswith('DMS-run-0: ')
    link(tab, 'DMS-run-1').hover()
    assert tab.locator('tr.marked th').inner_text() == 'DMS-run-1'
    tab.locator('.line[data-network="2"] .hit').first.dispatch_event('pointerover')
    assert tab.locator('tr.marked th').inner_text() == 'DMS-run-1'
    tab.locator('.line[data-network="5"] .hit').first.dispatch_event('pointerover')
    assert tab.locator('tr.marked th').inner_text() == 'DMS-run-10'
    tab.locator('.line[data-network="5"] .hit').first.dispatch_event('click')
    tab.get_by_role('article', name='DMS-run-10', exact=True).wait_for()


def test_on_a_phone_only_tables_scroll_sideways(visit):
    tab = visit(viewport={'width': 360, 'height': 740})
    link(tab, 'DMS-run-1').click()
    assert tab.evaluate('document.documentElement.scrollWidth') == 360
    assert tab.evaluate("document.querySelector('#networks .scroll').scrollWidth") > 360


def test_the_page_is_dark_where_the_system_is(visit):
    light, dark = (
        visit(color_scheme=scheme).evaluate(
            """() => ['backgroundColor', 'color'].map((name) =>
                 Math.max(...getComputedStyle(document.body)[name].match(/[0-9]+/g)))"""
        )
        for scheme in ('light', 'dark')
    )
    assert light[0] > 200 > 100 > light[1]
    assert dark[0] < 100 < 200 < dark[1]


def test_on_paper_all_figures_are_open_and_nothing_is_to_click(visit):
    tab = visit()
    tab.locator('details.group').first.evaluate('(group) => { group.open = false }')
    tab.emulate_media(media='print')
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.locator('details.group:not([open])').count() == 0
    assert not tab.get_by_role('navigation').is_visible()
    assert not tab.locator('#filters').is_visible()


def test_networks_are_shown_without_javascript(visit):
    tab = visit(java_script_enabled=False)
    link(tab, 'DMS-run-1').click()
    tab.get_by_role('article', name='DMS-run-1', exact=True).wait_for()
    assert not tab.locator('#filters').is_visible()
