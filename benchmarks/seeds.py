"""How much the measures of one network differ between seeds of the analysis (docs/sampling.md).

    python benchmarks/seeds.py docs/networks/DMS-run-0.pkl ... [--seeds 10] [--jobs N]

prints, for every number that the tables of docs/reproduction.md show of a network, the mean over
seeds, the SD between seeds, and the standard error that the analysis itself gives (root mean square
over seeds). Every seed draws other trials, noise, shuffles and repetitions of the decoding. Only
what the tables show is measured: decoding at the ends of the delays, and the last of the shuffles.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import results

LIMIT = 0.03  # SD between seeds above which a measure is said to be unsure
ACTIVITY = ('fixation', 'sample', 'delay', 'test')


def of_seed(file: Path, seed: int) -> dict[str, tuple[float, float]]:
    """The numbers of a network with one seed: {name: (value, its standard error or NaN)}."""
    from rnn import device

    device.select(None, 1)
    import analysis
    from measures import shuffling
    from parameters import kept_parameters

    # only the last shuffle is in the tables
    onsets = shuffling.shuffle_onsets
    shuffling.shuffle_onsets = lambda p: onsets(p)[-1:]
    saved = results.load_results(file)
    try:
        with kept_parameters():
            analysis.set_parameters(saved, _options(saved['parameters']))
            model = analysis.Model(saved['weights'], trials_per_part=analysis.ROWS_AT_ONCE)
            return _numbers(analysis.Analysis(model, seed, 1, lambda work: None))
    finally:
        shuffling.shuffle_onsets = onsets


def _options(p: Mapping) -> dict:
    """Those for what the tables show of a task: shuffles where there is one test."""
    suppressed = {'suppress_analysis': p['trial_type'] != 'dualDMS'}
    return suppressed if len(p['test_time_rng']) == 1 else suppressed | {'simulation_reps': 1}


def _numbers(of_network) -> dict[str, tuple[float, float]]:
    """All that the tables show of this network."""
    import analysis
    from measures import fields as measures

    decoded, p = {}, of_network.p
    of_network._first = lambda kind, trials, states, what: _decoded(
        of_network, kind, trials, states, decoded
    )
    kinds = [analysis.Kind(1, 4, {}, p)]
    probe = of_network._probe()
    kinds += [probe] if probe else []
    found = of_network._accuracies()
    for kind in kinds:
        of_kind = of_network._measures(kind, [])
        found |= measures.as_probe(of_kind) if kind.settings else of_kind
    return _of_task(found, p) | {name: (value, np.nan) for name, value in decoded.items()}


def _decoded(of_network, kind, trial_info, states, decoded: dict) -> dict:
    """Add the decoding of the sample in the last 100 ms of each delay to `decoded`."""
    from measures import fields as measures
    from measures.decoding import calculate_svms
    from model import State
    from plots.memory import before
    from plots.tasks import attended_traces

    p = kind.p
    if kind.settings:
        return {}
    for delay, test in enumerate(p['test_time_rng'][: 2 if p['trial_type'] == 'dualDMS' else 1]):
        steps = before(test.start, p)
        late = State(*(part[steps] for part in states))
        decoder = measures.Decoder(late, trial_info, p, [of_network.seed, 4], 1, None)
        decoder.options['first_step'] = 0
        all_reps = decoder._all(calculate_svms, 'sample', p['decoding_reps'])
        for name, scores in all_reps.items():
            signal = {'neuronal': 'activity', 'synaptic': 'synapses'}[name]
            if delay == 0:
                decoded[f'decoding from {signal}, end of delay'] = float(scores.mean())
            if p['trial_type'] == 'dualDMS':
                whole = np.zeros((*scores.shape[:2], p['num_time_steps']))
                whole[..., steps] = scores.mean(2)
                traces = attended_traces(whole, p)
                for which, trace in zip(('attended', 'other'), traces, strict=True):
                    value = float(trace[steps].mean())
                    decoded[f'{which} sample from {signal}, delay {delay + 1}'] = value
    return {}


def _of_task(found: Mapping, p: Mapping) -> dict[str, tuple[float, float]]:
    from measures import fields as measures
    from measures.shuffling import GROUPS
    from plots.style import GROUP_NAMES

    def both(name, index=()):
        value, error = np.asarray(found[name]), np.asarray(found[f'{name}_sem'])
        if value.ndim > error.ndim:
            value = value.mean(-1)  # over repetitions
        return float(np.mean(value[index])), float(np.mean(error[index]))

    numbers = {'accuracy': both('task_accuracy')}
    if 'manipulation' in found:
        numbers['manipulation'] = both('manipulation')
    if len(p['test_time_rng']) == 1:
        for what, name in (('activity', 'neural'), ('synapses', 'syn')):
            numbers[f'accuracy, {what} shuffled'] = both(f'accuracy_{name}_shuffled', (0, -1))
        for i, group in enumerate(GROUP_NAMES[group] for group in GROUPS[:-1]):
            name = f'accuracy, synapses shuffled, {group}'
            numbers[name] = both('accuracy_syn_shuffled_grp', (0, -1, i))
            degrees = both('synaptic_rotation', (0, 0, i))
            numbers[f'rotation (degrees), {group}'] = degrees
        every = (0, 0, GROUPS.index('all'), 0)
        numbers['accuracy, all silenced'] = both('acc_neuronal_suppression', every)
    if p['trial_type'] in ('ABBA', 'ABCA'):
        test_2 = slice(p['test_time_rng'][1].start, p['test_time_rng'][1].stop)
        silenced = (0, 0, GROUPS.index('inh_fac'), test_2)
        numbers['similarity, test 2'] = both('synaptic_similarity', (0, 0, test_2))
        name = 'synaptic_similarity_suppression'
        numbers['similarity, test 2, inh. fac. silenced'] = both(name, silenced)
    if p['trial_type'] == 'DMS':
        sample, test = p['sample_time_rng'], p['test_time_rng'][0]
        edges = (0, sample.start, sample.stop, measures.end_of_delay(p).stop, test.stop)
        for name, start, stop in zip(ACTIVITY, edges, edges[1:], strict=False):
            numbers[f'mean activity, {name}'] = found['h_sample_mean'][start:stop].mean(), np.nan
    return numbers


def table(by_network: Mapping[str, list[dict]]) -> str:
    """A Markdown table of all numbers of all networks, and which of them are unsure."""
    lines = ['| Network | Measure | Mean | SD between seeds | Standard error given |']
    lines.append('| --- | --- | --- | --- | --- |')
    unsure = []
    for network, seeds in by_network.items():
        for name in seeds[0]:
            values, errors = np.transpose([found[name] for found in seeds])
            sd, error = values.std(ddof=1), np.sqrt(np.mean(errors**2))
            digits = 1 if 'degrees' in name else 4
            cells = [f'{values.mean():.{max(1, digits - 1)}f}', f'{sd:.{digits}f}']
            cells += ['' if np.isnan(error) else f'{error:.{digits}f}']
            lines.append(f'| {network} | {name} | {" | ".join(cells)} |')
            if sd > (360 * LIMIT if 'degrees' in name else LIMIT):
                unsure.append(f'{network}: {name}')
    return '\n'.join([*lines, '', f'SD above {LIMIT}: {"; ".join(unsure) or "none"}'])


def main() -> None:
    """Measure and print."""
    p = argparse.ArgumentParser(description='Differences between seeds of the analysis.')
    p.add_argument('files', nargs='+', type=Path)
    p.add_argument('--seeds', type=int, default=10)
    p.add_argument('--jobs', type=int, default=-1)
    args = p.parse_args()
    work = [(file, seed) for file in args.files for seed in range(args.seeds)]
    run = Parallel(n_jobs=args.jobs, return_as='generator')(delayed(of_seed)(*w) for w in work)
    found = list(tqdm(run, total=len(work), disable=None))
    by_network = {
        file.stem.replace('-run-', ' '): found[i * args.seeds : (i + 1) * args.seeds]
        for i, file in enumerate(args.files)
    }
    print(table(by_network))


if __name__ == '__main__':
    main()
