"""Time to train two networks with run_all_models.py, one after the other and at once.

    python benchmarks/networks.py [--rounds 3] [--iterations 60]

Each round runs the real command three times in a new folder, in turn: one network at a time with
one thread, two at once with one thread each, and one at a time with both threads. The last lines
are the medians, in seconds for both networks from the start of the command to its end, and how many
times as fast two at once are. It is meant for two cores.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
WAYS = {  # --jobs, --threads
    'one at a time, 1 thread': (1, 1),
    'two at once, 1 thread each': (2, 1),
    'one at a time, 2 threads': (1, 2),
}


def seconds(jobs: int, threads: int, iterations: int) -> float:
    """Seconds in which the command trains two DMS networks."""
    program = [sys.executable, str(ROOT / 'run_all_models.py'), 'none', 'benchmark', '2', '0']
    options = [f'--jobs={jobs}', f'--threads={threads}', f'--set=num_iterations={iterations}']
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([*program, *options], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def main() -> None:
    """Print the seconds of every round, their medians, and the ratios."""
    p = argparse.ArgumentParser('benchmarks/networks.py', description='Time two networks.')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--iterations', type=int, default=60)
    args = p.parse_args()
    times = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        for way, (jobs, threads) in WAYS.items():
            times[way].append(seconds(jobs, threads, args.iterations))
            print(f'{way}: {times[way][-1]:.1f} s', flush=True)
    medians = {way: median(values) for way, values in times.items()}
    two = medians['two at once, 1 thread each']
    for way, value in medians.items():
        print(f'median, {way}: {value:.1f} s, {value / two:.2f} times that of two at once')


if __name__ == '__main__':
    main()
