"""Which of the networks needed for the findings exist, and how long the others will take."""

from reproduction import plan
from reproduction.load import ByKind
from reproduction.markdown import table
from reproduction.measured import Networks

CORES = 2  # that work at once
HEADER = ('Networks', 'Wanted', 'Trained to the end', 'Minutes of training', 'of analysis')
HEADER += ('Hours on two cores', 'left')


def state_table(by_kind: ByKind) -> str:
    """For each kind of network, how many are planned and trained, and the time that they take.

    Minutes are those of one network while another one uses the other core.
    """
    found = [(kind, _ended(kind, by_kind.get(kind.name, ()))) for kind in plan.PLAN]
    rows = [_row(kind, ended) for kind, ended in found]
    whole = sum(hours(kind, kind.number) for kind, _ in found)
    left = sum(hours(kind, kind.number - ended) for kind, ended in found)
    number = sum(kind.number for kind in plan.PLAN), sum(ended for _, ended in found)
    rows.append(['all', *map(str, number), '', '', f'{whole:.1f}', f'{left:.1f}'])
    return table(HEADER, rows)


def _ended(kind: plan.Kind, networks: Networks) -> int:
    """Networks of the plan that are trained for as many iterations as they shall be."""
    ended = [n for n in networks if kind.stops_early or len(n['accuracy']) >= kind.iterations]
    return min(kind.number, len(ended))


def _row(kind: plan.Kind, ended: int) -> list[str]:
    times = (f'{hours(kind, n):.1f}' for n in (kind.number, kind.number - ended))
    return [kind.name, str(kind.number), str(ended), *map(str, kind.minutes), *times]


def hours(kind: plan.Kind, number: int) -> float:
    """Hours on CORES cores to train and analyse `number` networks of a kind."""
    return number * sum(kind.minutes) / 60 / CORES
