"""Saved networks: with which parameters they are analysed, and which measures they lack."""

import pytest
from drawing import fabricated

from measures.network import MissingMeasure, parameters_of, require
from parameters import par, parameters_with


def task(name: str) -> dict:
    return parameters_with({'trial_type': name})


@pytest.mark.parametrize(
    ('measure', 'how'),
    [
        ('neuronal_sample_decoding', 'analyse them'),
        ('simulation_accuracy', 'analyse them'),
        ('synaptic_sample_decoding_stability', 'analyse them with --set decode_stability=True'),
        ('acc_neuronal_suppression', 'analyse them with --set suppress_analysis=True'),
        ('synaptic_similarity_suppression', 'analyse them with --set suppress_analysis=True'),
        ('neuronal_test_decoding', 'analyse them with --set decode_test=True'),
        ('neuronal_sample_tuning', 'analyse them'),
        ('synaptic_similarity', 'analyse them'),
        ('manipulation', 'analyse them'),
    ],
)
def test_a_missing_measure_is_named_with_the_option_that_makes_it(measure, how):
    bare = {'parameters': task('DMS')}
    networks = [bare | {measure: 1}, bare, bare | {'other': 2}]
    with pytest.raises(MissingMeasure) as caught:
        require(networks, measure)
    assert str(caught.value) == f'2 of 3 networks lack {measure}: {how}'
    assert caught.value.others == [networks[0]]
    assert isinstance(caught.value, ValueError)
    require([networks[0]], measure)


@pytest.mark.parametrize(
    'measure', ['synaptic_similarity', 'accuracy_syn_shuffled', 'manipulation']
)
def test_synapses_without_plasticity_have_no_measures(measure):
    static = {'parameters': fabricated(synapse_config=None)['parameters']}
    words = 'Synapses without plasticity have no synaptic measures$'
    with pytest.raises(MissingMeasure, match=f'1 of 1 networks lack {measure}: {words}'):
        require([static], measure)
    with pytest.raises(MissingMeasure, match='lack neuronal_pev: analyse them$'):
        require([static], 'neuronal_pev')
    with pytest.raises(MissingMeasure, match=f'2 of 2 networks lack {measure}: analyse them$'):
        require([static, {'parameters': task('DMS')}], measure)


def test_a_measure_that_the_task_cannot_have_is_missing_for_good():
    network = {'parameters': task('distractor')}
    words = 'distractor has no test to decode: its trials have no label .test.'
    with pytest.raises(MissingMeasure, match=f'lack neuronal_test_decoding: {words}$'):
        require([network], 'neuronal_test_decoding')
    with pytest.raises(MissingMeasure, match='lack unknown: analyse them$'):
        require([network], 'unknown')


def test_parameters_are_those_of_the_analysis_and_leave_par_alone():
    before = dict(par)
    changed = fabricated(catch_trial_pct=0.5)
    given = dict(changed['parameters'])
    changed['analysis']['options'] = {'analysis_trials': 33, 'delay_time': 700, 'seed': 2}
    p = parameters_of(changed)
    assert (p['delay_time'], p['analysis_trials'], p['catch_trial_pct']) == (700, 33, 0)
    assert p['num_time_steps'] == 2200 // p['dt']
    assert par.keys() == before.keys()
    assert all(par[name] is before[name] for name in before)
    assert all(changed['parameters'][name] is value for name, value in given.items())
    del changed['analysis']
    assert parameters_of(changed)['delay_time'] == 1000
