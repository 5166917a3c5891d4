"""How many networks are trained at once as a stack, and how much memory that takes.

A stack shares one process and one graph, so that TensorFlow starts once, and each operation is made
once for all networks; the smaller a network is, the larger is the share of such overhead.
"""

from collections.abc import Mapping

from rnn.sizes import TRIALS_PER_PART, needed_memory

# On a CPU, networks are stacked if they have at most this many activities in a step (trials times
# units). In larger ones each operation takes so long that the number of operations does not matter
# (benchmarks/stack.py).
SMALL = 8192
MOST = 64  # networks; more gain nothing
SHARE_OF_GPU = 0.8  # of its memory


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
