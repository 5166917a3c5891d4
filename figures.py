"""The paper's figures, from analysed networks.

    python figures.py FOLDER [--out FOLDER] [--format png pdf]

draws all that the networks in the folder allow, one file per figure and task. A figure is one
function: it takes analysis results, of one network or of many, and axes, and returns the figure.
The functions are in figures_network.py, figures_memory.py and figures_tasks.py; the command is in
figures_command.py.
"""

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

if __name__ == '__main__':
    # before TensorFlow is imported, which takes seconds: a wrong request is reported immediately
    from commands.figures import run

    sys.exit(run())

from plots.memory import decoding, shuffles, stability, tuning
from plots.network import learning_curves, one_trial, synapse_responses, weights
from plots.tasks import DUAL, SEQUENCES, attention, manipulation, sequence


class Entry(NamedTuple):
    """One figure: the name of its file, what draws it, and which networks it takes."""

    name: str
    draw: Callable
    analyzed: bool = True  # it needs measures, not only a trained network
    tasks: Sequence[str] = ()  # of these only; of any if empty
    per_task: bool = True  # one for each task, not one for all


# in the order of the paper
FIGURES = (
    Entry('synapses', synapse_responses, analyzed=False, per_task=False),
    Entry('trial', one_trial, analyzed=False),
    Entry('learning', learning_curves, analyzed=False),
    Entry('decoding', decoding),
    Entry('shuffles', shuffles),
    Entry('tuning', tuning),
    Entry('sequence', sequence, tasks=SEQUENCES),
    Entry('attention', attention, tasks=DUAL),
    Entry('manipulation', manipulation, per_task=False),
    Entry('stability', stability),
    Entry('weights', weights, analyzed=False),
)
