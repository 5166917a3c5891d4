"""What single networks give for the tables: numbers of their training and of their analysis."""

from collections.abc import Mapping, Sequence

import numpy as np

import tasks
from measures import summary
from measures.groups import GROUPS, OF_KINDS
from measures.measure import signal_names
from measures.network import parameters_of, require
from measures.run import end_of_delay, end_of_wait
from reproduction.published import ITERATIONS
from training.stopping import ITERATIONS_TO_STOP as RECENT

AROUND = 10  # iterations whose accuracy is averaged
EPOCHS = ('fixation', 'sample', 'delay', 'test')

Networks = Sequence[Mapping]


def dms_measures(network: Mapping) -> dict[str, float]:
    """The measures of ORIGINAL, of one DMS network of this project, without those that it lacks."""
    return of_training(network) | _of_analysis(network)


def of_training(network: Mapping) -> dict[str, float]:
    """Those that follow from the learning curves and the weights, without an analysis."""
    accuracy, spike_loss = np.array(network['accuracy']), network['spike_loss']
    w_rnn = network['weights']['w_rnn']
    off_diagonal = w_rnn[~np.eye(len(w_rnn), dtype=bool)]
    found = {f'accuracy, iteration {i}': around(accuracy, i) for i in ITERATIONS}
    return found | {
        'accuracy, last 50 iterations': np.mean(accuracy[-50:]),
        'first iteration above .90': first(accuracy > 0.9),
        'perf_loss, last 50 iterations': np.mean(network['perf_loss'][-50:]),
        'spike_loss (Hz²), iteration 500': around(spike_loss, 500),
        'spike_loss (Hz²), last 50 iterations': np.mean(spike_loss[-50:]),
        'share of off-diagonal w_rnn above 0': np.mean(off_diagonal > 0),
    }


def _of_analysis(network: Mapping) -> dict[str, float]:
    p = parameters_of(network)
    late = end_of_delay(p)
    groups = dict(zip(OF_KINDS, shuffled_groups(network), strict=True))
    found = {
        'accuracy of the analysis': network['task_accuracy'],
        'decoding from synapses, end of delay': end_decoding(network, 'synaptic'),
        'decoding from activity, end of delay': end_decoding(network, 'neuronal'),
        'accuracy, activity shuffled at test onset': shuffled(network, 'neural'),
        'accuracy, synapses shuffled at test onset': shuffled(network, 'syn'),
        **{f'accuracy, synapses shuffled, {group}': value for group, value in groups.items()},
    }
    if 'acc_neuronal_suppression' in network:
        silenced = network['acc_neuronal_suppression'][0, 0, GROUPS.index('all'), 0]
        found['accuracy, all silenced for 100 ms before the test'] = silenced
    sample, test = p['sample_time_rng'], p['test_time_rng'][0]
    steps = (slice(0, sample.start), _slice(sample), slice(sample.stop, late.stop), _slice(test))
    if 'h_sample_mean' in network:
        for name, epoch in zip(EPOCHS, steps, strict=True):
            found[f'mean activity (Hz), {name}'] = network['h_sample_mean'][epoch]
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


def passed(accuracy: Sequence[float]) -> float:
    """The iteration at which the mean accuracy of the last 20 first is above .90."""
    if len(accuracy) < RECENT:
        return np.nan
    means = np.lib.stride_tricks.sliding_window_view(accuracy, RECENT).mean(-1)
    return first(means > 0.9) + RECENT - 1


def end_decoding(network: Mapping, signal: str) -> float:
    """Decoding of the sample in the last 100 ms of the delay, over rules and fields.

    NaN for synapses without plasticity, and where rules differ in their level of chance.
    """
    p = parameters_of(network)
    if signal in signal_names(p) and tasks.of(p).has_one_chance(p):
        require([network], f'{signal}_sample_decoding')
    return summary.end_decoding(network, signal)


def measure(network: Mapping, name: str) -> np.ndarray:
    """A measure of a network. Raises MissingMeasure, which says how to get it, if it has none."""
    require([network], name)
    return np.asarray(network[name])


def is_silent(network: Mapping) -> bool:
    """Whether no activity carries the sample at the end of the delay, in a task with one rule."""
    return not measure(network, 'neuronal_sample_above_chance')[0, 0]


def shuffled(network: Mapping, signal: str) -> float:
    """Accuracy with `signal` ('neural' or 'syn') shuffled at the onset of the test, over rules."""
    require([network], f'accuracy_{signal}_shuffled')
    return summary.shuffled(network, signal)


def shuffled_groups(network: Mapping) -> np.ndarray:
    """Accuracy with the synapses of one group shuffled at test onset, in rule 0: (group,)."""
    return measure(network, 'accuracy_syn_shuffled_grp')[0, -1].mean(-1)[:-1]  # without 'all'


def turned_groups(network: Mapping) -> np.ndarray:
    """Degrees by which the groups turn their code, counter-clockwise positive: (group,)."""
    return measure(network, 'synaptic_rotation')[0, 0][:-1]  # without 'all'


def turned_towards_match(network: Mapping) -> np.ndarray:
    """Degrees by which the groups turn their code, positive if a match meets the sample: (group,).

    That is the direction opposite to the rule's rotation (see `rotation` in measures/tuning.py),
    which must be by less than 180 degrees.
    """
    return -np.sign(network['parameters']['rotation_match']) * turned_groups(network)


def similarity(network: Mapping, silenced: str | None = None) -> float:
    """Similarity of the synaptic tunings to sample and test 1, during test 2.

    `silenced` is a group of units that is silenced before test 1.
    """
    test_2 = _slice(parameters_of(network)['test_time_rng'][1])
    if silenced is None:
        return float(np.mean(measure(network, 'synaptic_similarity')[0, 0, test_2]))
    of_groups = measure(network, 'synaptic_similarity_suppression')[0, 0]
    return float(np.mean(of_groups[GROUPS.index(silenced), test_2]))


def attended(network: Mapping, signal: str, delay: int) -> np.ndarray:
    """Decoding of the attended and of the other sample in the last 100 ms of a delay: (2,)."""
    p = parameters_of(network)
    # (rule, location, time)
    decoded = np.mean(measure(network, f'{signal}_sample_decoding'), axis=2)
    steps = end_of_wait(p['test_time_rng'][delay].start, p)
    return np.array([trace[steps].mean() for trace in tasks.of(p).attended(decoded, p)])
