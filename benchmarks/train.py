"""Time of a training iteration, against the plain way to train the same network.

    python benchmarks/train.py [--rounds 3] [--iterations 8]

The plain version (plain.py) unrolls time in Python, leaves the gradient to TensorFlow and makes the
stimulus trial by trial, as the original code did. Both train DMS with the default settings, in
alternating rounds on the same cores, each round in a process of its own. The last lines are the
ratios ours / plain of the medians: seconds per iteration (stimulus included), from the start of the
process to the end of the first iteration, peak memory, and seconds per stimulus alone.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
MEASURES = {
    'iteration': 's',
    'first_iteration': 's',
    'peak_memory': 'GB',
    'stimulus': 's',
}


def ours():
    """A generator that trains for one iteration at a time, and a function that makes a batch."""
    from parameters import par, update_parameters
    from rnn import device
    from stimulus import Stimulus

    update_parameters({'seed': 0})
    device.select(None)
    from model import Model

    model = Model()

    def batch(iteration):
        return Stimulus([par['seed'], iteration]).generate_trial()

    def train():
        with ThreadPoolExecutor(1) as pool:  # as in training/loop.py
            following = pool.submit(batch, 0)
            for iteration in count():
                trial_info, following = following.result(), pool.submit(batch, iteration + 1)
                model.optimize(trial_info, iteration)
                yield

    return train(), Stimulus().generate_trial


def plain():
    """The same for the plain version."""
    from plain import PlainModel, PlainStimulus

    stimulus, model = PlainStimulus(seed=0), PlainModel(seed=0)

    def train():
        while True:
            model.train_step(stimulus.generate_trial())
            yield

    return train(), stimulus.generate_trial


def seconds(function, repetitions: int) -> float:
    """Median seconds of a call."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return median(times)


def measure(version: str, process_start: float, iterations: int) -> dict[str, float]:
    """All measures of one version, in this process."""
    train, make_batch = {'ours': ours, 'plain': plain}[version]()
    next(train)
    first_iteration = time.time() - process_start
    iteration = seconds(lambda: next(train), iterations)
    peak_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    train.close()
    return {
        'iteration': iteration,
        'first_iteration': first_iteration,
        'peak_memory': peak_memory,
        'stimulus': seconds(make_batch, iterations),
    }


def measure_in_new_process(version: str, iterations: int) -> dict[str, float]:
    """Start this program for one version."""
    command = [sys.executable, __file__, '--version', version, '--iterations', str(iterations)]
    command += ['--process-start', repr(time.time())]
    env = os.environ | {'CUDA_VISIBLE_DEVICES': '-1'}  # both on the CPU
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Alternate between the versions and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--iterations', type=int, default=8)
    parser.add_argument('--version', choices=['ours', 'plain'], help='measure only this one, here')
    parser.add_argument('--process-start', type=float, default=time.time())
    args = parser.parse_args()
    if args.version:
        sys.path[:0] = [str(ROOT)]
        print(json.dumps(measure(args.version, args.process_start, args.iterations)))
        return
    rounds = {'ours': [], 'plain': []}
    for number in range(args.rounds):
        for version, results in rounds.items():
            results.append(measure_in_new_process(version, args.iterations))
            shown = '  '.join(f'{m} {results[-1][m]:.3f} {unit}' for m, unit in MEASURES.items())
            print(f'round {number + 1} {version:5}  {shown}', flush=True)
    for name in MEASURES:
        ours_median, plain_median = (
            median(result[name] for result in rounds[version]) for version in ('ours', 'plain')
        )
        print(f'{name} {ours_median / plain_median:.2f}x')


if __name__ == '__main__':
    main()
