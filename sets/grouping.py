"""Which networks of a set are trained at once, as a stack, and how much memory that takes.

A stack shares one process and one graph, so that TensorFlow starts once, and each operation is made
once for all networks; the smaller a network is, the larger is the share of such overhead.
"""

from collections.abc import Mapping

from rnn.alike import kind
from rnn.sizes import TRIALS_PER_PART, needed_memory
from sets.plan import Plan

# On a CPU, networks are stacked if they have at most this many activities in a step (trials times
# units). In larger ones each operation takes so long that the number of operations does not matter
# (benchmarks/stack.py).
SMALL = 8192
MOST = 64  # networks; more gain nothing
SHARE_OF_GPU = 0.8  # of its memory
MANY = 4  # kinds of networks for each process: then whole stacks keep all processes busy


def stacks_of(
    plans: list[Plan], size: int | str, at_once: int, gpu_memory: int | None
) -> list[list[Plan]]:
    """The networks in stacks, each of one kind (see rnn/alike.py).

    `size` is the largest number in a stack. With 'auto' it follows from the size of the networks,
    and stacks are small enough to keep `at_once` processes busy. `gpu_memory` (bytes) is None on a
    CPU. Stacks are ordered by their first network in `plans`.
    """
    kinds: dict[tuple, list[Plan]] = {}
    for p in plans:
        kinds.setdefault(kind(p.p), []).append(p)
    parts = at_once if len(kinds) < MANY * at_once else 1
    groups = []
    for alike in kinds.values():
        most = size
        if size == 'auto':
            share = -(-len(alike) // parts)
            most = min(share, usual_size(alike[0].p, gpu_memory))
        groups += [alike[i : i + most] for i in range(0, len(alike), most)]
    places = {p.job.name: place for place, p in enumerate(plans)}
    return sorted(groups, key=lambda group: places[group[0].job.name])


def say_if_separate(groups: list[list[Plan]]) -> None:
    """Print a sentence where networks that are stacked are of several kinds."""
    if len({kind(p.p) for group in groups for p in group}) > 1 and max(map(len, groups)) > 1:
        print('Only networks of one task and size are stacked with each other.')


def usual_size(p: Mapping, gpu_memory: int | None = None) -> int:
    """How many networks with these parameters are stacked, if the user does not say.

    On a CPU MOST if they are small, else 1; on a GPU as many as fit `gpu_memory` (bytes).
    """
    if gpu_memory is not None:
        return max(1, int(SHARE_OF_GPU * gpu_memory) // memory(p, 1, whole_batch=True))
    return MOST if p['batch_size'] * p['n_hidden'] <= SMALL else 1


def memory(p: Mapping, num_networks: int, threads: int = 1, whole_batch: bool = False) -> int:
    """Bytes that a stack takes, about. While a batch is used, the next one is made.

    On a GPU the whole batch is differentiated at once.
    """
    at_once = p['batch_size'] if whole_batch else threads * TRIALS_PER_PART
    return num_networks * needed_memory(p, batches=2, trials_at_once=at_once)
