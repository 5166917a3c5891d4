"""Numbers of the paper, its preprint, and 20 DMS networks of the original code.

All else in the tables comes from result files.
"""

OF_ORIGINAL, SILENT_OF_ORIGINAL = 20, 2  # DMS networks of the original code, and silent ones
ITERATIONS = (50, 100, 200, 300, 500, 1000)  # at which its accuracy is known
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
    'spike_loss (Hz²), iteration 500': (1.68, 0.10),
    'spike_loss (Hz²), last 50 iterations': (0.964, 0.051),
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
    'mean activity (Hz), fixation': (0.18, None),
    'mean activity (Hz), sample': (0.52, None),
    'mean activity (Hz), delay': (0.22, None),
    'mean activity (Hz), test': (0.55, None),
}
# R over these 20, taken as Pearson's, of decoding from activity and the accuracy after a shuffle
CORRELATION_OF_ORIGINAL = {'activity': -0.72, 'synapses': 0.62}

# Of the preprint: how many of its DMS networks have no delay activity
OF_PREPRINT, SILENT_OF_PREPRINT = 20, 15
# similarity of sample and test 1, during test 2: ABCA, ABBA, and ABBA with inh. fac. units silenced
ALIKE, UNLIKE, SILENCED = 0.92, 0.23, 0.52
# decoding of the attended and of the other sample in dualDMS, for each delay
ATTENTION = {'neuronal': ((0.46, 0.35), (0.34, 0.21)), 'synaptic': ((1, 1), (1, 1))}
# Spearman's R of manipulation and delay activity, and the number of variants of tasks
MANIPULATION_OF_PAPER, MANIPULATION_OF_PREPRINT = (0.93, 9), (0.79, 10)
