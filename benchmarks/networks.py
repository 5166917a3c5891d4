"""Time to train two networks with run_all_models.py, one after the other and at once.

    python benchmarks/networks.py [--rounds 3] [--iterations 60]

Each round runs the real command three times in a new folder, in turn: one network at a time with
one thread, two at once with one thread each, and one at a time with both threads. The last lines
are the medians, in seconds for both networks from the start of the command to its end, and how many
times as fast two at once are. It is meant for two cores.
"""

import argparse
from statistics import median

from stack import train

WAYS = {
    'one at a time, 1 thread': ['--jobs=1', '--threads=1'],
    'two at once, 1 thread each': ['--jobs=2', '--threads=1'],
    'one at a time, 2 threads': ['--jobs=1', '--threads=2'],
}


def main() -> None:
    """Print the seconds of every round, their medians, and the ratios."""
    p = argparse.ArgumentParser('benchmarks/networks.py', description='Time two networks.')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--iterations', type=int, default=60)
    args = p.parse_args()
    times = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        for way, options in WAYS.items():
            seconds, _ = train(2, {'num_iterations': args.iterations}, options)
            times[way].append(seconds)
            print(f'{way}: {times[way][-1]:.1f} s', flush=True)
    medians = {way: median(values) for way, values in times.items()}
    two = medians['two at once, 1 thread each']
    for way, value in medians.items():
        print(f'median, {way}: {value:.1f} s, {value / two:.2f} times that of two at once')


if __name__ == '__main__':
    main()
