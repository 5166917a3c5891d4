"""Tables of networks beside the paper and its code (docs/reproduction.md).

    python -m reproduction FOLDER

prints them. The numbers of the paper and of its code stand here; all others come from result files.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import fisher_exact, norm, spearmanr, ttest_ind_from_stats

import tasks
from measures.groups import GROUPS
from measures.run import before, end_of_delay
from plots import style
from plots.figure import settings
from plots.style import GROUP_NAMES, standard_errors
from plots.tasks import COMPARED, by_variant
from training.accuracy import ITERATIONS_TO_STOP as RECENT

AROUND = 10  # iterations whose accuracy is averaged
OF_ORIGINAL, SILENT_OF_ORIGINAL = 20, 2  # DMS networks of the original code; without delay activity
ITERATIONS = (50, 100, 200, 300, 500, 1000)
ROTATIONS = ('DMRS45', 'DMRS90', 'DMRS90ccw', 'DMRS180')
EPOCHS = ('fixation', 'sample', 'delay', 'test')
# mean and SD over these 20; None where it is not known
ORIGINAL: dict[str, tuple[float, float | None]] = {
    'accuracy, iteration 50': (0.69, 0.06),
    'accuracy, iteration 100': (0.864, 0.044),
    'accuracy, iteration 200': (0.961, 0.011),
    'accuracy, iteration 300': (0.979, 0.004),
    'accuracy, iteration 500': (0.988, 0.001),
    'accuracy, iteration 1000': (0.994, 0.002),
    'accuracy, last 50 iterations': (0.9964, 0.0006),
    'first iteration above .90': (115, 23),
    'perf_loss, last 50 iterations': (0.0044, 0.0007),
    'spike_loss, iteration 500': (1.68, 0.10),
    'spike_loss, last 50 iterations': (0.964, 0.051),
    'share of off-diagonal w_rnn above 0': (0.188, 0.008),
    'accuracy of the analysis': (0.996, 0.001),
    'decoding from synapses, end of delay': (1.0, None),
    'decoding from activity, end of delay': (0.329, 0.122),
    'accuracy, activity shuffled at test onset': (0.923, 0.058),
    'accuracy, synapses shuffled at test onset': (0.525, 0.023),
    'accuracy, synapses shuffled, exc_fac': (0.971, None),
    'accuracy, synapses shuffled, exc_dep': (0.749, None),
    'accuracy, synapses shuffled, inh_fac': (0.971, None),
    'accuracy, synapses shuffled, inh_dep': (0.886, None),
    'accuracy, all silenced for 100 ms before the test': (0.890, 0.061),
    'mean activity, fixation': (0.18, None),
    'mean activity, sample': (0.52, None),
    'mean activity, delay': (0.22, None),
    'mean activity, test': (0.55, None),
}
# R over these 20, taken as Pearson's, of decoding from activity and the accuracy after a shuffle
CORRELATION_OF_ORIGINAL = {'activity': -0.72, 'synapses': 0.62}

# measures whose standard errors are shown with one network
SHUFFLED = {
    'accuracy, activity shuffled at test onset': 'accuracy_neural_shuffled',
    'accuracy, synapses shuffled at test onset': 'accuracy_syn_shuffled',
}

Networks = Sequence[Mapping]


def dms_measures(network: Mapping) -> dict[str, float]:
    """The measures of ORIGINAL, of one DMS network of this project, without those that it lacks."""
    return _of_training(network) | _of_analysis(network)


def _of_training(network: Mapping) -> dict[str, float]:
    accuracy, spike_loss = np.array(network['accuracy']), network['spike_loss']
    w_rnn = network['weights']['w_rnn']
    off_diagonal = w_rnn[~np.eye(len(w_rnn), dtype=bool)]
    found = {f'accuracy, iteration {i}': around(accuracy, i) for i in ITERATIONS}
    return found | {
        'accuracy, last 50 iterations': np.mean(accuracy[-50:]),
        'first iteration above .90': first(accuracy > 0.9),
        'perf_loss, last 50 iterations': np.mean(network['perf_loss'][-50:]),
        'spike_loss, iteration 500': around(spike_loss, 500),
        'spike_loss, last 50 iterations': np.mean(spike_loss[-50:]),
        'share of off-diagonal w_rnn above 0': np.mean(off_diagonal > 0),
    }


def _of_analysis(network: Mapping) -> dict[str, float]:
    p = settings(network)
    late = end_of_delay(p)
    groups = dict(zip(GROUPS, network['accuracy_syn_shuffled_grp'][0, -1].mean(-1), strict=True))
    found = {
        'accuracy of the analysis': network['task_accuracy'],
        'decoding from synapses, end of delay': end_decoding(network, 'synaptic'),
        'decoding from activity, end of delay': end_decoding(network, 'neuronal'),
        'accuracy, activity shuffled at test onset': network['accuracy_neural_shuffled'][0, -1],
        'accuracy, synapses shuffled at test onset': network['accuracy_syn_shuffled'][0, -1],
        **{f'accuracy, synapses shuffled, {g}': groups[g] for g in GROUPS[:-1]},
    }
    if 'acc_neuronal_suppression' in network:
        silenced = network['acc_neuronal_suppression'][0, 0, GROUPS.index('all'), 0]
        found['accuracy, all silenced for 100 ms before the test'] = silenced
    sample, test = p['sample_time_rng'], p['test_time_rng'][0]
    steps = (slice(0, sample.start), _slice(sample), slice(sample.stop, late.stop), _slice(test))
    if 'h_sample_mean' in network:
        for name, epoch in zip(EPOCHS, steps, strict=True):
            found[f'mean activity, {name}'] = network['h_sample_mean'][epoch]
    return {name: float(np.mean(value)) for name, value in found.items()}


def _slice(steps: range) -> slice:
    return slice(steps.start, steps.stop)


def around(curve: Sequence[float], iteration: int) -> float:
    """Mean of the 10 iterations around one; NaN where the curve is shorter."""
    part = curve[iteration - AROUND // 2 : iteration + AROUND // 2]
    return float(np.mean(part)) if len(part) == AROUND else np.nan


def first(condition: np.ndarray) -> float:
    """The first iteration at which the condition is met; NaN if it never is."""
    return float(np.argmax(condition)) if np.any(condition) else np.nan


def passed(accuracy: Sequence[float], wanted: float = 0.9) -> float:
    """The iteration at which the mean accuracy of the last 20 first is above `wanted`."""
    if len(accuracy) < RECENT:
        return np.nan
    means = np.lib.stride_tricks.sliding_window_view(accuracy, RECENT).mean(-1)
    return first(means > wanted) + RECENT - 1


def end_decoding(network: Mapping, signal: str) -> float:
    """Decoding of the sample in the last 100 ms of the delay, over rules and fields."""
    late = end_of_delay(settings(network))
    return float(np.mean(network[f'{signal}_sample_decoding'][..., late]))


def training_table(by_task: Mapping[str, Networks]) -> str:
    """How the networks of each task learned, and where they hold the sample."""
    rows = []
    for task, networks in by_task.items():
        columns = {
            'iterations': [len(n['accuracy']) for n in networks],
            'passed': [passed(n['accuracy']) for n in networks],
            'accuracy': [np.mean(n['accuracy'][-RECENT:]) for n in networks],
            'neuronal': [end_decoding(n, 'neuronal') for n in networks],
            'synaptic': [end_decoding(n, 'synaptic') for n in networks],
        }
        formats = ('.0f', '.0f', *['.3f'] * 3)
        cells = [span(v, f) for v, f in zip(columns.values(), formats, strict=True)]
        manipulated = [n.get('manipulation', np.nan) for n in networks]
        cells.append(span(manipulated, '.3f', standard_errors(networks, 'manipulation')))
        rows.append([task, str(len(networks)), *cells])
    header = ['Task', 'Networks', 'Iterations', 'Passed .90 at', 'Accuracy, last 20 iterations']
    header += ['Decoding from activity', 'Decoding from synapses', 'Manipulation']
    return table(header, rows)


def dms_table(networks: Networks) -> str:
    """DMS networks beside the original's, with Welch's t test where both have a spread."""
    found = [dms_measures(network) for network in networks]
    rows, p_values = [], []
    for name, (mean, sd) in ORIGINAL.items():
        values = np.array([measured.get(name, np.nan) for measured in found])
        values = values[np.isfinite(values)]
        p_value = welch(values, mean, sd)
        p_values += [] if p_value is None else [p_value]
        tested = '' if p_value is None else f'{p_value:.2g}'
        rows.append([name, of_original(name), mean_and_sd(values), span(values), tested])
    silent = num_silent(networks)
    both = [[silent, len(networks) - silent]]
    both += [[SILENT_OF_ORIGINAL, OF_ORIGINAL - SILENT_OF_ORIGINAL]]
    ours, theirs = f'{silent} of {len(networks)}', f'{SILENT_OF_ORIGINAL} of {OF_ORIGINAL}'
    rows.append(['silent networks', theirs, ours, '', f'{fisher_exact(both).pvalue:.2g} (Fisher)'])
    rows += [_correlation_row(found, *original) for original in CORRELATION_OF_ORIGINAL.items()]
    header = ['DMS', f'Original code, {OF_ORIGINAL} networks']
    header += [f'This project, {len(networks)} networks', 'Range', "P (Welch's t)"]
    low = sum(p_value < 0.05 for p_value in p_values)
    return f'{table(header, rows)}\n\n{low} of {len(p_values)} t tests have P < .05.'


def of_original(name: str) -> str:
    """Mean and SD of a measure over the original's networks."""
    mean, sd = ORIGINAL[name]
    return number(mean) if sd is None else f'{number(mean)} ± {number(sd)}'


def num_silent(networks: Networks) -> int:
    """How many DMS networks have no activity that carries the sample at the end of the delay."""
    return sum(not n['neuronal_sample_above_chance'][0, 0] for n in networks)


def welch(values: np.ndarray, mean: float, sd: float | None) -> float | None:
    """P of Welch's t test against the original's networks; None without two spreads."""
    if sd is None or len(values) < 2 or np.std(values) == 0:
        return None
    ours = np.mean(values), np.std(values, ddof=1), len(values)
    return float(ttest_ind_from_stats(*ours, mean, sd, OF_ORIGINAL, equal_var=False).pvalue)


def _correlation_row(found: Sequence[Mapping], shuffled: str, original: float) -> list[str]:
    """Do networks with more delay activity rely on it more? With Fisher's test of two R."""
    name = 'decoding from activity, end of delay'
    row = [f'R of decoding from activity and accuracy, {shuffled} shuffled', f'{original:.2f}']
    if len(found) < 4:
        return [*row, '', '', '']
    pairs = [(m[name], m[f'accuracy, {shuffled} shuffled at test onset']) for m in found]
    ours = np.corrcoef(np.transpose(pairs))[0, 1]
    sd = np.hypot(*(1 / np.sqrt(n - 3) for n in (len(found), OF_ORIGINAL)))
    p_value = 2 * norm.sf(abs(np.arctanh(ours) - np.arctanh(original)) / sd)
    return [*row, f'{ours:.2f}', '', f'{p_value:.2g} (Fisher z)']


def findings_table(by_task: Mapping[str, Networks]) -> str:
    """The findings of the paper and of its preprint, beside these networks."""
    rows = [
        *_memory_rows(by_task.get('DMS', ())),
        *_rotation_rows(by_task),
        *_similarity_rows(by_task),
        *_attention_rows(by_task.get('dualDMS', ())),
        *_manipulation_rows(all_networks(by_task)),
        _accuracy_row(all_networks(by_task)),
    ]
    return table(['Finding', 'Paper', 'Original code', 'This project', 'Networks'], rows)


def all_networks(by_task: Mapping[str, Networks]) -> list[Mapping]:
    """The networks of all tasks in one list."""
    return [network for networks in by_task.values() for network in networks]


def _memory_rows(networks: Networks) -> list[list[str]]:
    """Where DMS networks hold the sample, and what they need for the decision."""
    cases = {
        'decoding from synapses, end of delay': ('1', ''),
        'decoding from activity, end of delay': ('weak or none', ' (.128 to .572)'),
        'accuracy, activity shuffled at test onset': ('', ''),
        'accuracy, synapses shuffled at test onset': ('this is what breaks it', ''),
    }
    found, count = [dms_measures(network) for network in networks], str(len(networks))
    rows = []
    for name, (paper, known_range) in cases.items():
        original = of_original(name) + known_range
        error = standard_errors(networks, SHUFFLED[name], (0, -1)) if name in SHUFFLED else ()
        ours = span([m[name] for m in found], errors=error)
        rows.append([f'DMS: {name}', paper, original, ours, count])
    theirs = f'{SILENT_OF_ORIGINAL} of {OF_ORIGINAL}'
    ours = f'{num_silent(networks)} of {count}'
    return [*rows, ['DMS: silent networks', '15 of 20 (preprint)', theirs, ours, count]]


def _rotation_rows(by_task: Mapping[str, Networks]) -> list[list[str]]:
    """Activity in the delay of tasks with rotation, and which groups of units turn the code."""
    rows = []
    for task in ROTATIONS:
        networks = by_task.get(task, ())
        decoded = [end_decoding(network, 'neuronal') for network in networks]
        name = f'{task}: decoding from activity, end of delay'
        rows.append([name, 'clearly more than DMS', '', span(decoded), str(len(networks))])
    for task in ('DMS', *ROTATIONS):
        networks = by_task.get(task, ())
        paper = 'inh. dep. units carry the rotated sample' if task in ROTATIONS else ''
        shuffled = [n['accuracy_syn_shuffled_grp'][0, -1].mean(-1) for n in networks]
        name = f'{task}: accuracy, synapses of a group shuffled at test onset'
        error = standard_errors(networks, 'accuracy_syn_shuffled_grp', (0, -1))
        rows.append([name, paper, '', _by_group(shuffled, error), str(len(networks))])
        turned = [n['synaptic_rotation'][0, 0] for n in networks if 'synaptic_rotation' in n]
        degrees = np.round(turned, 1) + 0.0  # no -0
        error = standard_errors(networks, 'synaptic_rotation', (0, 0))
        name = f'{task}: degrees by which groups of units turn their code'
        rows.append([name, paper, '', _by_group(degrees, error, '.1f'), str(len(turned))])
    return rows


def _by_group(values: Sequence[np.ndarray], error, form: str | None = None) -> str:
    """Ranges of values (network, group), such as `exc. fac. .97 to .99, exc. dep. ...`."""
    shown = []
    for i, group in enumerate(GROUPS[:-1]):  # without 'all'
        of_group = span([v[i] for v in values], form, [e[i] for e in error])
        shown += [f'{GROUP_NAMES[group]} {of_group}'] if len(values) else []
    return ', '.join(shown)


def _similarity_rows(by_task: Mapping[str, Networks]) -> list[list[str]]:
    """Similarity of the synaptic tunings to sample and test 1, during test 2."""
    own, silenced = ('synaptic_similarity', (0, 0)), GROUPS.index('inh_fac')
    suppressed = ('synaptic_similarity_suppression', (0, 0, silenced))
    cases = (('ABCA', '', '.92', *own), ('ABBA', '', '.23', *own))
    cases += (('ABBA', ', inhibitory facilitating units silenced', '.52', *suppressed),)
    rows = []
    for task, condition, paper, measure, index in cases:
        networks = by_task.get(task, ())
        values = [n[measure][index][_test_2(n)].mean() for n in networks]
        # the steps share their trials, so the error of their mean is nearly that of a step
        of_steps = standard_errors(networks, measure, index)
        error = [e[_test_2(n)].mean() for e, n in zip(of_steps, networks, strict=False)]
        name = f'{task}: similarity of sample and test, test 2{condition}'
        rows.append([name, paper, '', span(values, errors=error), str(len(values))])
    return rows


def _test_2(network: Mapping) -> slice:
    return _slice(network['parameters']['test_time_rng'][1])


def _attention_rows(networks: Networks) -> list[list[str]]:
    """Decoding of the attended and of the other sample in the last 100 ms of either delay."""
    paper = {'neuronal': (('.46', '.35'), ('.34', '.21')), 'synaptic': (('1', '1'), ('1', '1'))}
    rows = []
    for signal, delays in paper.items():
        for delay, published in enumerate(delays):
            values = [_attended(n, signal, delay) for n in networks]
            ours = [span([pair[i] for pair in values]) for i in range(2)]
            source = style.SIGNALS[signal]
            name = f'dualDMS: attended / other sample from {source}, delay {delay + 1}'
            rows.append([name, ' / '.join(published), '', ' / '.join(ours), str(len(values))])
    return rows


def _attended(network: Mapping, signal: str, delay: int) -> list[float]:
    p = settings(network)
    decoded = np.mean(network[f'{signal}_sample_decoding'], axis=2)  # (rule, location, time)
    steps = before(p['test_time_rng'][delay].start, p)
    return [trace[steps].mean() for trace in tasks.of(p).attended(decoded, p)]


def _manipulation_rows(networks: Networks) -> list[list[str]]:
    """Spearman's R of manipulation and decoding from activity, over the variants of tasks."""
    networks = [network for network in networks if 'manipulation' in network]
    plotted = [n for n in networks if COMPARED.include(n['parameters'])]
    points = by_variant(plotted)
    means = np.array([of_variant[:, :2].mean(axis=0) for of_variant in points.values()])
    ours = 'too few variants'
    if len(means) > 2:
        ours = f'{style.correlation(spearmanr, *means.T)}, {len(means)} variants'
    paper = 'R = .93, 9 variants; .79, 10 (preprint)'
    return [['Manipulation and delay activity', paper, '', ours, str(len(plotted))]]


def _accuracy_row(networks: Networks) -> list[str]:
    """The worst network of all tasks."""
    worst = min(networks, key=lambda network: network['task_accuracy'])
    ours = span([worst['task_accuracy']], errors=standard_errors([worst], 'task_accuracy'))
    return ['Accuracy of every network', 'above .90', '', f'at least {ours}', str(len(networks))]


def mean_and_sd(values: Sequence[float]) -> str:
    """Such as `.961 ± .011`; the mean alone for one network."""
    if not len(values):
        return ''
    if len(values) == 1:
        return number(values[0])
    return f'{number(np.mean(values))} ± {number(np.std(values, ddof=1))}'


def span(values: Sequence[float], form: str | None = None, errors: Sequence[float] = ()) -> str:
    """Smallest to largest, or the one value that all have; one network with its standard error."""
    values = [v for v in values if np.isfinite(v)]
    shown = [number(v, form) for v in (min(values), max(values))] if values else ['']
    error = ''
    if len(values) == len(errors) == 1 and np.isfinite(errors[0]):
        error = f' ± {number(errors[0], form)}'
    return ' to '.join(dict.fromkeys(shown)) + error


def number(value: float, form: str | None = None) -> str:
    """Three digits; whole from 100 on; four decimals where it is very small."""
    return format(value, form or ('.0f' if value >= 10 else '.4f' if value < 0.01 else '.3f'))


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def print_tables(by_task: Mapping[str, Networks]) -> None:
    """Print all tables that these tasks allow."""
    print(training_table(by_task), end='\n\n')
    if networks := by_task.get('DMS'):
        print(dms_table(networks), end='\n\n')
    print(findings_table(by_task))
