"""How much the measures of one network differ between seeds of the analysis (docs/sampling.md).

    python benchmarks/seeds.py networks/averaged/DMS-run-0.pkl ... [--seeds 10] [--jobs N]
                               [--set NAME=VALUE]...

prints, for every number that the tables of docs/reproduction.md show of a network, the mean over
seeds, the SD between seeds, and the standard error that the analysis itself gives (root mean square
over seeds). Every seed draws other trials, noise, shuffles and repetitions of the decoding. The
sample is decoded at the ends of the delays only, which is what the tables show. `--set` changes
options of the analysis.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import analysis
import results
import tasks
from commands.arguments import add_settings
from measures.groups import GROUPS, OF_KINDS
from measures.measure import INDEPENDENT
from measures.run import Run, end_of_delay, end_of_wait
from measures.task_decoding import Decoder
from parameters import analysis_parameters
from plots.style import GROUP_NAMES
from plots.tasks import SEQUENCES
from rnn import device
from rnn.state import State

LIMIT = 0.03  # SD between seeds above which a measure is said to be unsure
ACTIVITY = ('fixation', 'sample', 'delay', 'test')
SIGNALS = {'neuronal': 'activity', 'synaptic': 'synapses'}  # as the tables name them

Numbers = dict[str, tuple[float, float]]


def of_seed(file: Path, seed: int, settings: Mapping) -> Numbers:
    """The numbers of a network with one seed: {name: (value, its standard error or NaN)}."""
    device.select(None, 1)
    from model import Model  # brings TensorFlow

    saved = results.load_results(file)
    p = analysis_parameters(saved['parameters'], _options(saved['parameters']) | dict(settings))
    # decoding at all times is not shown, but belongs to every analysis: once is little work
    once = p | {'decoding_reps': 1}
    model = Model(saved['weights'], trials_per_part=analysis.rows_at_once(once), p=once)
    of_network = analysis.Analysis(model, seed, 1, lambda work: None)
    numbers = _of_task(of_network.measured(), p)
    first = of_network.run(INDEPENDENT, 0)
    return numbers | {name: (value, np.nan) for name, value in _decoded(first, p)}


def _options(p: Mapping) -> dict:
    """Those for what the tables show of a task: shuffles where there is one test."""
    options = {'calculate_resp_matrix': False}
    options['suppress_analysis'] = tasks.of(p).num_samples == 1
    return options if len(p['test_time_rng']) == 1 else options | {'simulation_reps': 1}


def _decoded(run: Run, p: Mapping) -> Iterator[tuple[str, float]]:
    """Decoding of the sample in the last 100 ms of each delay, by name."""
    tests = p['test_time_rng'] if run.task.num_samples > 1 else p['test_time_rng'][:1]
    for delay, test in enumerate(tests):
        steps = end_of_wait(test.start, p)
        late = State(*(part[steps] for part in run.states))
        of_delay = replace(run, states=late, p={**p, 'dead_time_rng': range(0)})
        found = Decoder(of_delay).decode('sample')
        for signal, source in SIGNALS.items():
            scores = found[f'{signal}_sample_decoding']  # (rule, field, repetition, time)
            if delay == 0:
                yield f'decoding from {source}, end of delay', float(scores.mean())
            if len(tests) > 1:
                whole = np.zeros((*scores.shape[:2], p['num_time_steps']))
                whole[..., steps] = scores.mean(2)
                traces = run.task.attended(whole, p)
                for which, trace in zip(('attended', 'other'), traces, strict=True):
                    name = f'{which} sample from {source}, delay {delay + 1}'
                    yield name, float(trace[steps].mean())


def _of_task(found: Mapping, p: Mapping) -> Numbers:
    """The numbers of a task, from all measures of a network."""
    numbers = {
        label: _with_error(found, name, index) for label, name, index in _shown(p) if name in found
    }
    if tasks.of(p).probe == 'own':
        sample, test = p['sample_time_rng'], p['test_time_rng'][0]
        edges = (0, sample.start, sample.stop, end_of_delay(p).stop, test.stop)
        for name, start, stop in zip(ACTIVITY, edges, edges[1:], strict=False):
            numbers[f'mean activity (Hz), {name}'] = (
                found['h_sample_mean'][start:stop].mean(),
                np.nan,
            )
    return numbers


def _with_error(found: Mapping, name: str, index: tuple) -> tuple[float, float]:
    """A measure at an index, averaged over repetitions and steps, and its standard error."""
    value, error = np.asarray(found[name]), np.asarray(found[f'{name}_sem'])
    if value.ndim > error.ndim:
        value = value.mean(-1)  # over repetitions
    return float(np.mean(value[index])), float(np.mean(error[index]))


def _shown(p: Mapping) -> Iterator[tuple[str, str, tuple]]:
    """(what it is called, name of the measure, index) of what the tables show of a task."""
    yield 'accuracy', 'task_accuracy', ()
    yield 'manipulation', 'manipulation', ()
    if len(p['test_time_rng']) == 1:
        for what, name in (('activity', 'neural'), ('synapses', 'syn')):
            yield f'accuracy, {what} shuffled', f'accuracy_{name}_shuffled', (0, -1)
        for i, group in enumerate(GROUP_NAMES[group] for group in OF_KINDS):
            name = f'accuracy, synapses shuffled, {group}'
            yield name, 'accuracy_syn_shuffled_grp', (0, -1, i)
            yield f'rotation (degrees), {group}', 'synaptic_rotation', (0, 0, i)
        every = (0, 0, GROUPS.index('all'), 0)
        yield 'accuracy, all silenced', 'acc_neuronal_suppression', every
    if SEQUENCES.include(p):
        test_2 = slice(p['test_time_rng'][1].start, p['test_time_rng'][1].stop)
        silenced = (0, 0, GROUPS.index('inh_fac'), test_2)
        yield 'similarity, test 2', 'synaptic_similarity', (0, 0, test_2)
        name = 'similarity, test 2, inh. fac. silenced'
        yield name, 'synaptic_similarity_suppression', silenced


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
    add_settings(p)
    args = p.parse_args()
    settings = dict(args.settings)
    work = [(file, seed, settings) for file in args.files for seed in range(args.seeds)]
    run = Parallel(n_jobs=args.jobs, return_as='generator')(delayed(of_seed)(*w) for w in work)
    found = list(tqdm(run, total=len(work), disable=None))
    by_network = {
        file.stem.replace('-run-', ' '): found[i * args.seeds : (i + 1) * args.seeds]
        for i, file in enumerate(args.files)
    }
    print(table(by_network))


if __name__ == '__main__':
    main()
