"""Which figures are drawn of some networks, and what is left out and why."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from matplotlib.figure import Figure

import tasks
from measures.network import MissingMeasure
from plots.drawn_networks import DrawnNetwork, alike
from plots.figure import DeclaredFigure, FigureError
from system.errors import in_words

NOT_ANALYZED = 'its networks are not analysed'


class Drawing(NamedTuple):
    """A figure to draw, and the results of the networks in it.

    label: of the networks, see `alike`; None for a figure of several tasks. not_analyzed: the
    figure is about networks, none of which is analysed.
    """

    label: str | None
    figure: DeclaredFigure
    networks: Sequence[Mapping]
    not_analyzed: bool = False

    @property
    def has_networks(self) -> bool:
        """Whether there is a network, analysed or not, that the figure is about."""
        return bool(self.networks) or self.not_analyzed


def planned(
    networks: Sequence[DrawnNetwork], figures: Sequence[DeclaredFigure]
) -> Iterator[Drawing]:
    """All drawings of these figures, also those that no network suits."""
    groups = alike(networks)
    for figure in figures:
        suited = {
            label: [network for network in those if figure.suits(network.p)]
            for label, those in groups.items()
        }
        suited = {label: those for label, those in suited.items() if those}
        if not figure.per_task or not suited:
            suited = {None: list(chain.from_iterable(suited.values()))}
        for label, those in suited.items():
            drawable = [n.saved for n in those if n.is_analyzed or not figure.analyzed]
            yield Drawing(label, figure, drawable, bool(those) and not drawable)


class LeftOut:
    """Figures that are not drawn, with the reasons, and the networks of each reason.

    has_failed: whether one of the reasons is a defect of the figure.
    """

    def __init__(self):
        self.labels: dict[tuple[str, str], list[str]] = {}
        self.has_failed = False

    def add(self, figure: DeclaredFigure, label: str | None, reason: object) -> None:
        """Note a figure that is not drawn, or not of all networks."""
        self.labels.setdefault((figure.name, str(reason)), []).extend([label] if label else [])

    def lines(self) -> list[str]:
        """One for each figure and reason."""
        found = []
        for (name, reason), labels in self.labels.items():
            about = f' ({", ".join(labels)})' if labels else ''
            found.append(f'left out {name}{about}: {reason}')
        return found


def draw(drawing: Drawing, left_out: LeftOut) -> Figure | None:
    """Draw the figure of those networks that have its measures; None if it cannot be drawn.

    What is left out, and why, is added to `left_out`.
    """
    label, figure, networks, not_analyzed = drawing
    try:
        with tasks.blamed(networks[0]['parameters']['trial_type'] if label and networks else ''):
            return figure(networks)
    except (FigureError, MissingMeasure, tasks.TaskError) as error:
        left_out.add(figure, label, NOT_ANALYZED if not_analyzed else error)
        others = error.others if isinstance(error, MissingMeasure) else None
    except (OSError, MemoryError):
        raise
    except Exception as error:  # which must not cost the other figures
        left_out.add(figure, label, in_words(error))
        left_out.has_failed, others = True, None
    return draw(Drawing(label, figure, others), left_out) if others else None
