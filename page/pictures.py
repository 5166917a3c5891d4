"""The pictures of the page: figures of plots/, drawn by several processes, as text of the page."""

import base64
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib

import tasks
from figures import all_figures
from page.folder import Network
from page.tables import shown, swept_settings, value_of
from plots.drawing import LeftOut, draw, planned
from plots.drawn_networks import load, shown_together
from plots.figure import DeclaredFigure
from plots.style import COLUMN, MM, STYLE
from rnn import device
from settings.compared import sort_key
from system.outputs import one_line
from system.workers import outcomes

OF_NETWORK = ('trial', 'weights', 'decoding')  # the figures of a single network
DPI_OF_GROUP, DPI_OF_NETWORK = 160, 150
FEW = 4  # pieces of work: so few are done here before another process has started
QUALITY = 80  # of pictures of single networks, of 100; those of groups lose nothing


class Picture(NamedTuple):
    """A figure: its name and caption, its source for an <img>, and its size in pixels."""

    name: str
    caption: str
    source: str
    width: int
    height: int
    shape: str  # 'wide' as a page in print, 'tall', or 'whole'


class Album(NamedTuple):
    """Pictures of one or more networks, and sentences about those that are left out.

    notes: in which settings networks differ that one of the pictures shows together.
    """

    pictures: list[Picture]
    left_out: list[str]
    notes: Sequence[str] = ()


class Group(NamedTuple):
    """Networks of one task that can share a figure, and what tells them from the others."""

    task: str
    about: str
    networks: list[Network]


class Work(NamedTuple):
    """What a process draws: which figures ('task', 'tasks' or 'network') of which files."""

    kind: str
    files: list[Path]


def groups(networks: Sequence[Network]) -> list[Group]:
    """The finished networks in groups that can share a figure."""
    found: dict[tuple, list[Network]] = {}
    for network in networks:
        if network.is_finished:
            found.setdefault(network.group, []).append(network)
    every = list(found.values())
    return [Group(those[0].task, _about(those, every), those) for those in every]


def _about(networks: list[Network], every: Sequence[list[Network]]) -> str:
    """The settings in which networks of a task differ, with the values in this group."""
    task = networks[0].task
    of_task = [network for those in every for network in those if those[0].task == task]
    found = []
    for name in swept_settings(of_task):
        values = {shown(value_of(network, name)) for network in networks}
        found.append(f'{name} = {" or ".join(sorted(values, key=sort_key))}')
    return ', '.join(found)


def albums(work: Sequence[Work], own_tasks: Sequence[Path], jobs: int) -> Iterator[Album]:
    """The pictures of each piece of work, in order. A few pieces are done in this process."""
    jobs = jobs if len(work) > FEW else 1
    threads = 1 if jobs > 1 else None
    return outcomes(album, [(piece, list(own_tasks), threads) for piece in work], jobs)


def album(work: Work, own_tasks: Sequence[Path], threads: int | None) -> Album:
    """The pictures of the networks in files, drawn in this process."""
    for filename in own_tasks:
        tasks.load_task(filename)
    device.select(None, threads)
    networks, left_out, pictures = [load(file) for file in work.files], LeftOut(), []
    for drawing in planned(networks, _figures_of(work.kind)):
        if drawing.has_networks and (drawn := draw(drawing, left_out)):
            pictures.append(_picture(drawing.figure, drawn, work.kind))
    notes = list(shown_together(networks)) if work.kind == 'tasks' else []
    return Album(sorted(pictures, key=_place), left_out.lines(), notes)


def _figures_of(kind: str) -> list[DeclaredFigure]:
    """Figures of a task, of several, or of one network, but not those that need no network."""
    return [
        figure
        for figure in all_figures()
        if not figure.is_general
        and figure.per_task != (kind == 'tasks')
        and (kind != 'network' or figure.name in OF_NETWORK)
    ]


def _place(picture: Picture) -> int:
    """Pictures of single networks in the order of OF_NETWORK, all others after each other."""
    return OF_NETWORK.index(picture.name) if picture.name in OF_NETWORK else len(OF_NETWORK)


def _picture(figure, drawn, kind: str) -> Picture:
    """A figure as WebP, which takes a third of the room of PNG."""
    file = io.BytesIO()
    is_small = kind == 'network'
    how = {'quality': QUALITY} if is_small else {'lossless': True}
    dpi = DPI_OF_NETWORK if is_small else DPI_OF_GROUP
    with matplotlib.rc_context(STYLE):
        drawn.savefig(file, format='webp', dpi=dpi, pil_kwargs={'method': 4, **how})
    source = f'data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}'
    words = caption(figure)
    if is_small:
        words = words.replace(' of the first network', '')
    width, height = (drawn.get_size_inches() * dpi).astype(int)
    return Picture(figure.name, words, source, width, height, _shape(drawn))


def _shape(drawn) -> str:
    """How much room a figure needs."""
    width, height = drawn.get_size_inches() / MM
    return 'tall' if height > width else 'wide' if width > 1.2 * COLUMN else 'whole'


def caption(figure) -> str:
    """The first paragraph of a figure's description, without its numbers of axes."""
    first = (figure.__doc__ or figure.name).split('\n\n')[0]
    words = one_line(first)
    return re.sub(r'; \d+ axes\.$|; \d+ x \d+ axes.*\.$', '.', words)
