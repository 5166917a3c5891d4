"""Time of each measure of the analysis, against a plain loop that computes the same.

    python benchmarks/analysis.py [FILE] [--trials 1024] [--repetitions 100] [--jobs N]

FILE is a saved DMS network (default: one that is not trained). Our measures run at full size. The
plain loops do a small part of the same work, one step, unit or repetition after the other; their
time is scaled to the full size. The ratios ours / plain are in the last column.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import parameters
import results
from measures.decoding import calculate_svms, draw_repetitions
from measures.tuning import calculate_tuning
from parameters import par
from rnn import device
from rnn.state import State
from stimulus import Stimulus


def timed(function, *arguments, **options):
    """Result of a call, and its seconds."""
    start = time.perf_counter()
    result = function(*arguments, **options)
    return result, time.perf_counter() - start


def plain_decoding(signals, condition, repetitions, steps) -> None:
    """A support vector machine of scikit-learn for each repetition, step and signal."""
    from sklearn.svm import SVC

    for draw in draw_repetitions(condition, repetitions, 0):
        for step in steps:
            for signal in signals.values():
                train, test = signal[step, draw.train.ravel()], signal[step, draw.test.ravel()]
                low, high = train.min(0), train.max(0)
                span = np.where(high > low, high - low, 1)
                svc = SVC(kernel='linear', C=1, tol=1e-3, shrinking=False)
                svc.fit((train - low) / span, condition[draw.train.ravel()])
                svc.predict((test - low) / span)


def plain_run(p, weights, x, h, syn_x, syn_u) -> np.ndarray:
    """Mean activity of a run, one step of NumPy after the other."""
    W = p['EI_list'][:, None] * np.maximum(weights['w_rnn'], 0)
    w_in, alpha, dt = np.maximum(weights['w_in'], 0), p['alpha_neuron'], p['dt_sec']
    rng, total = np.random.default_rng(0), 0
    for stimulus in x:
        dx = p['alpha_std'] * (1 - syn_x) - dt * syn_u * syn_x * h
        du = p['alpha_stf'] * (p['U'] - syn_u) + dt * p['U'] * (1 - syn_u) * h
        syn_x, syn_u = np.clip(syn_x + dx, 0, 1), np.clip(syn_u + du, 0, 1)
        drive = stimulus @ w_in + (syn_u * syn_x * h) @ W + weights['b_rnn']
        noise = rng.standard_normal(h.shape, np.float32) * np.float32(p['noise_rnn'])
        h = np.maximum((1 - alpha) * h + alpha * drive + noise, 0)
        total = total + h
    return total / len(x)


def plain_tuning(signals, direction, num_directions, steps, units) -> None:
    """A least-squares fit for each unit and step."""
    angle = 2 * np.pi * direction / num_directions
    design = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], 1)
    for signal in signals.values():
        for step in steps:
            for unit in units:
                np.linalg.lstsq(design, signal[step, :, unit], rcond=None)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file', nargs='?', type=Path)
    parser.add_argument('--trials', type=int, default=1024)
    parser.add_argument('--repetitions', type=int, default=100)
    parser.add_argument('--jobs', type=int, default=device.available_cores())
    return parser.parse_args()


def network(args) -> dict | None:
    """Set `par`; return the weights of the file, if there is one."""
    saved = results.load_results(args.file) if args.file else {'parameters': {}, 'weights': None}
    parameters.update_parameters(saved['parameters'])
    parameters.update_parameters({'batch_size': args.trials, 'seed': 0})
    return saved['weights']


def measure(weights, args) -> list[tuple[str, float, float]]:
    """(measure, our seconds, seconds of the plain loop scaled to the same size)."""
    import analysis
    from model import Model

    model = Model(weights, trials_per_part=analysis.rows_at_once(par), threads=args.jobs)
    p, trial = model.par, Stimulus(0).generate_trial(test_mode=True)
    x, sample, test = trial['neural_input'], trial['sample'].astype(int), trial['test']
    steps, units, repetitions = p['num_time_steps'], p['n_hidden'], args.repetitions
    states = State(*model.run_model(x, key=[0, 0])[1:])
    signals = {'neuronal': states.h, 'synaptic': states.syn_x * states.syn_u}
    seed = np.random.SeedSequence(0)
    arrays = {name: variable.numpy() for name, variable in model.weights.items()}
    onset = p['test_time_rng'][0].start

    def plain_from(start):
        return timed(plain_run, p, arrays, x[start:], *(part[start - 1] for part in states))[1]

    rows = []
    _, ours = timed(calculate_svms, signals, sample, repetitions, 0, jobs=args.jobs)
    _, plain = timed(plain_decoding, signals, sample, 1, range(0, steps, 10))
    rows.append(('decoding', ours, plain * repetitions * steps / len(range(0, steps, 10))))
    _, ours = timed(analysis.simulate_network, model, trial, states, repetitions, seed)
    runs = 3 * repetitions + 2 * 5 * min(5, repetitions)
    plain = sum(plain_from(start) for start in (p['sample_time_rng'].stop, onset))
    rows.append(('shuffles', ours, plain * runs))
    _, ours = timed(analysis.calculate_response_matrix, model, trial, states, sample, test, seed)
    rows.append(('response matrix', ours, plain_from(onset) * (1 + units)))
    _, ours = timed(calculate_tuning, signals, sample, p['num_motion_dirs'])
    some = range(0, steps, 50), range(0, units, 10)
    _, plain = timed(plain_tuning, signals, sample, p['num_motion_dirs'], *some)
    rows.append(('tuning', ours, plain * steps * units / (len(some[0]) * len(some[1]))))
    return rows


def main() -> None:
    """Print a table of all measures."""
    args = arguments()
    weights = network(args)
    device.select(None, args.jobs)
    rows = measure(weights, args)
    rows.append(('all', sum(row[1] for row in rows), sum(row[2] for row in rows)))
    print(f'{"measure":16}{"ours":>10}{"plain loop":>12}{"ratio":>8}')
    for name, ours, plain in rows:
        print(f'{name:16}{ours:8.1f} s{plain:10.1f} s{ours / plain:7.2f}x')
    here, children = (
        resource.getrusage(who).ru_maxrss / 2**20
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f'peak memory {here:.2f} GB, and {children:.2f} GB in the largest worker')


if __name__ == '__main__':
    main()
