"""The options of the analysis: parameters like the others, but never taken from a saved network."""

from collections.abc import Mapping

from settings.setting import Setting
from settings.validators import count, flag

ANALYSIS: dict[str, Setting] = {
    'analysis_trials': Setting(1024, count(1), 'trials in each batch of the analysis'),
    'tuning_batches': Setting(
        8, count(1), 'batches over which accuracies and comparisons of tuning are averaged'
    ),
    'decoding_reps': Setting(
        100, count(0), 'draws of training and test trials; 0: nothing is decoded'
    ),
    'simulation_reps': Setting(100, count(0), 'shuffles, spread over the batches; 0: none'),
    'svm_normalize': Setting(True, flag(), "scale each unit's signal to its range before decoding"),
    'analyze_tuning': Setting(
        True, flag(), 'tuning to sample and test, their similarity, manipulation and rotation'
    ),
    'calculate_resp_matrix': Setting(
        True, flag(), 'activity by sample and test, also with each unit silenced'
    ),
    'suppress_analysis': Setting(
        False, flag(), 'accuracy and tuning with groups of units silenced before the test'
    ),
    'decode_test': Setting(False, flag(), 'decode the direction of the first test'),
    'decode_match': Setting(False, flag(), 'decode whether the first test matches'),
    'decode_rule': Setting(False, flag(), 'decode the rule'),
    'decode_neuronal_groups': Setting(
        False, flag(), 'repeat the decoding, except that of the rule, for each group of units'
    ),
    'decode_stability': Setting(
        False, flag(), 'train the sample decoder at each time and test it at every time'
    ),
}
# Settings of the training, and what holds in the analysis.
_OF_TRAINING = {
    'batch_size': 'for the analysis, give analysis_trials',
    'seed': 'for the analysis, give --seed (seed=), which is no setting',
    'var_delay': 'in the analysis delays do not vary',
    'catch_trial_pct': 'in the analysis there are no catch trials',
}


def require_of_analysis(updates: Mapping) -> None:
    """Raise ValueError for settings that are those of the training alone."""
    for name, instead in _OF_TRAINING.items():
        if name in updates:
            raise ValueError(f'{name} applies to training only: {instead}')
