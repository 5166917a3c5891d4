"""The page as one file of HTML, which needs nothing beside it."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from page import curves, tables
from page.folder import Folder, Network
from page.pictures import Album, Group, Work, groups
from system.files import read_bytes, require_file
from system.versions import versions

HERE = Path(__file__).parent
MARKER = '<meta name="generator" content="report.py">'  # of pages that may be replaced
HEAD = 2000  # bytes in which it stands
MOST_GROUPS = 24  # with pictures, so that no sweep makes a page of a size that nobody opens


class Plan(NamedTuple):
    """What is to be drawn for a page, and in which order."""

    groups: list[Group]
    num_groups: int  # with those that are not drawn
    pictured: list[Network]
    work: list[Work]


def plan(folder: Folder, most_pictures: int) -> Plan:
    """What is drawn of a folder; at most `most_pictures` networks get pictures of their own."""
    every = groups(folder.networks)
    drawn, pictured = every[:MOST_GROUPS], folder.networks[:most_pictures]
    finished = [network.path for network in folder.networks if network.is_finished]
    work = [Work('tasks', finished)] if finished else []
    work += [Work('task', [network.path for network in group.networks]) for group in drawn]
    work += [Work('network', [network.path]) for network in pictured]
    return Plan(drawn, len(every), pictured, work)


def page(folder: Folder, made: Plan, albums: Sequence[Album]) -> str:
    """The whole page; `albums` are those of the work in the plan."""
    every, waiting = tables.columns(folder.networks), iter(albums)
    of_all = next(waiting) if made.groups else Album([], [])
    of_groups = list(islice(waiting, len(made.groups)))
    return _template().render(
        folder=folder,
        made=made,
        marker=MARKER,
        css=(HERE / 'page.css').read_text('utf-8'),
        js=(HERE / 'page.js').read_text('utf-8'),
        columns=every,
        rows=tables.rows(folder.networks, every),
        filters=tables.filters(folder.networks, every),
        trained=tables.trained(folder.networks),
        versions=tables.versions(folder.networks),
        facts=tables.facts,
        num_analyzed=sum(bool(network.measures) for network in folder.networks),
        of_all=of_all,
        of_groups=list(zip(made.groups, of_groups, strict=True)),
        of_networks=list(waiting),
        tools=versions(),
        now=datetime.now().strftime('%Y-%m-%d %H:%M'),
        **_curves(folder.networks, every),
    )


def _curves(networks: Sequence[Network], every: Sequence[tables.Column]) -> dict:
    """What the template needs for the learning curves."""
    look, legend = curves.looks(networks, every)
    longest = max(len(network.curves['iteration']) for network in networks)
    return {
        'charts': curves.charts(networks, look),
        'legend': legend,
        'averaged': curves.bin_size(longest),
        'size': {name: getattr(curves, name) for name in ('WIDTH', 'HEIGHT', 'LEFT', 'RIGHT')}
        | {'TOP': curves.TOP, 'BOTTOM': curves.BOTTOM},
    }


def _template():
    loader = FileSystemLoader(HERE)
    options = {'autoescape': True, 'undefined': StrictUndefined}
    return Environment(loader=loader, trim_blocks=True, lstrip_blocks=True, **options).get_template(
        'page.html'
    )


def is_report(filename: Path) -> bool:
    """Whether a file is a page of this kind, which may be replaced. Raises OSError."""
    require_file(filename)
    return MARKER.encode() in read_bytes(filename)[:HEAD]
