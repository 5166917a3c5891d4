"""Networks per minute that run_all_models.py trains in stacks, beside one network after another.

    python benchmarks/stack.py [--cases a b c] [--rounds 1]
    python benchmarks/stack.py --gpu 0

On a CPU, each case runs the real command in a new folder, its start included, first without stacks
for a part of the networks and then in stacks for all of them: (a) 64 networks of 20 units and 64
trials for 200 iterations, (b) 8 networks of 50 units and 128 trials for 200 iterations, (c) 2
networks of the default size for 40 iterations, all on two cores. The ratio is that of networks per
minute, and of networks per minute of processor time, which other work disturbs less.

With --gpu: milliseconds per iteration and GPU memory of 1, 5, 20 and 50 networks of the default
size, each beside one network alone, and for how long the GPU waited for batches.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
CASES = {  # networks in stacks, networks without, settings
    'a': (64, 6, {'n_hidden': 20, 'batch_size': 64, 'num_iterations': 200}),
    'b': (8, 4, {'n_hidden': 50, 'batch_size': 128, 'num_iterations': 200}),
    'c': (2, 2, {'num_iterations': 40}),
}
WAYS = {'alone': ['--jobs=2', '--stack=1', '--threads=1'], 'stacked': ['--jobs=2']}
ON_GPU = (1, 5, 20, 50)  # networks


def train(number: int, settings: dict, options: list[str]) -> tuple[float, float]:
    """Seconds of wall clock and of processor time for so many networks."""
    program = [sys.executable, str(ROOT / 'run_all_models.py'), 'none', 'set', str(number), '0']
    given = [f'--set={name}={value}' for name, value in settings.items()]
    with tempfile.TemporaryDirectory() as folder:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [*program, *options, *given],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(case: str, rounds: int) -> None:
    """Print the networks per minute of both ways, and the ratios of their medians."""
    *numbers, settings = CASES[case]
    rates = {way: [] for way in WAYS}
    for _ in range(rounds):
        for (way, options), number in zip(WAYS.items(), reversed(numbers), strict=True):
            seconds = train(number, settings, options)
            rates[way].append([60 * number / s for s in seconds])
            wall, processor = rates[way][-1]
            print(f'({case}) {way:8} {wall:7.2f} networks per minute, ', end='')
            print(f'{processor:7.2f} per minute of processor time', flush=True)
    for i, name in enumerate(('per minute', 'per minute of processor time')):
        stacked, alone = (median(r[i] for r in rates[way]) for way in ('stacked', 'alone'))
        print(f'({case}) {stacked / alone:.2f} times as many networks {name}', flush=True)


def on_gpu(gpu_id: str) -> None:
    """Print milliseconds per iteration and memory of stacks on a GPU."""
    sys.path.insert(0, str(ROOT))
    from rnn import device

    print(device.select(gpu_id))
    alone = None
    for number in ON_GPU:
        milliseconds, waited, memory = measure_on_gpu(number)
        alone = alone or milliseconds
        print(
            f'{number:3} networks: {milliseconds:7.1f} ms per iteration, '
            f'{number * alone / milliseconds:5.2f} times as fast as alone, '
            f'{waited:5.1f} ms of them waiting for batches, {memory / 1e9:.2f} GB',
            flush=True,
        )


def measure_on_gpu(number: int, iterations: int = 20) -> tuple[float, float, float]:
    """Milliseconds per iteration, those of waiting for batches, and bytes of GPU memory."""
    from concurrent.futures import ThreadPoolExecutor

    import tensorflow as tf

    from model import Model
    from parameters import parameters_with
    from rnn.stack import together
    from stimulus import Stimulus

    networks = [parameters_with({'seed': seed}) for seed in range(number)]
    how = {'jit_compile': True, 'trials_per_part': networks[0]['batch_size']}
    model = together([Model(p=p, **how) for p in networks])
    waited = 0.0
    with ThreadPoolExecutor() as pool:

        def batches(iteration):
            return [
                pool.submit(Stimulus([p['seed'], iteration], p).generate_trial) for p in networks
            ]

        following = batches(0)
        for iteration in range(iterations + 1):
            if iteration == 1:  # the graph is made
                waited, start = 0.0, time.perf_counter()
            asked = time.perf_counter()
            infos = [batch.result() for batch in following]
            waited += time.perf_counter() - asked
            following = batches(iteration + 1)
            model.optimize(infos, [iteration] * number)
        whole = time.perf_counter() - start
    memory = tf.config.experimental.get_memory_info('GPU:0')['peak']
    return 1000 * whole / iterations, 1000 * waited / iterations, memory


def main() -> None:
    """Do what the command line says."""
    p = argparse.ArgumentParser('benchmarks/stack.py', description='Time stacks of networks.')
    p.add_argument('--cases', nargs='+', choices=CASES, default=list(CASES))
    p.add_argument('--rounds', type=int, default=1)
    p.add_argument('--gpu', metavar='ID', help='measure on this GPU instead')
    args = p.parse_args()
    if args.gpu is not None:
        on_gpu(args.gpu)
        return
    for case in args.cases:
        compare(case, args.rounds)


if __name__ == '__main__':
    main()
