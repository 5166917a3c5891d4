"""Which networks of a set are trained at once, as a stack."""

from rnn.alike import kind
from sets.plan import Plan
from training.stacks import usual_size

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
