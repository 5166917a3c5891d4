"""Minutes that training takes for each kind of network of the reproduction (reproduction/plan.py).

    python benchmarks/reproduction.py [--iterations 8]

trains two networks of a kind at once, each with one thread, for a few iterations, and scales the
median time of one to all iterations of the kind; kinds whose training stops early are left out.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from parameters import parameters_with
from reproduction.plan import PLAN, Kind
from rnn import device
from sets.job import settings_of
from stimulus import Stimulus

AT_ONCE, WARM_UP = 2, 2


def seconds(kind: Kind, index: int, iterations: int) -> list[float]:
    """Of each iteration of a network, the batch included."""
    device.select(None, 1)
    from model import Model  # brings TensorFlow

    p = parameters_with(settings_of(kind.job(index, 'none')))
    model, found = Model(threads=1, p=p), []
    for iteration in range(WARM_UP + iterations):
        began = time.perf_counter()
        model.optimize(Stimulus([p['seed'], iteration], p).generate_trial(), iteration)
        found.append(time.perf_counter() - began)
    return found[WARM_UP:]


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description='Minutes of training of each kind of network.')
    p.add_argument('--iterations', type=int, default=8)
    args = p.parse_args()
    for kind in (kind for kind in PLAN if not kind.stops_early):
        work = (delayed(seconds)(kind, index, args.iterations) for index in range(AT_ONCE))
        median = np.median(Parallel(n_jobs=AT_ONCE)(work))
        print(f'{kind.name}: {median:.2f} s, {median * kind.iterations / 60:.0f} min', flush=True)


if __name__ == '__main__':
    main()
