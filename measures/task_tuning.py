"""Tuning of activity and efficacy to sample and test, rule by rule (paper, Fig. 3 to 5 and 7).

tuning.py has the definitions. A field is a sample, or the test that it is compared with.
"""

import numpy as np

from measures import tuning
from measures.groups import GROUPS, efficacy_signs, unit_groups
from measures.measure import INDEPENDENT, PLASTICITY, PROBE, measure
from measures.run import END_OF_DELAY, Run, end_of_delay
from tasks import inputs
from tasks.task import steps_in

WANTED = ('analyze_tuning',)


@measure(
    {
        '{signal}_pev': 'unit, rule, field, time',
        '{signal}_pev_test': 'unit, rule, field, time',
        '{signal}_pref_dir': 'unit, rule, field, time',
        '{signal}_pref_dir_test': 'unit, rule, field, time',
        '{signal}_sample_tuning': 'unit, rule, direction, field, time',
        'h_sample_mean': 'time, unit, direction',
    },
    {
        '{signal}_category_index': 'unit, rule, field, time',
        '{signal}_similarity': 'rule, field, time',
    },
    title='tuning',
    trials=(INDEPENDENT, PROBE),
    options=WANTED,
)
def tuning_measures(run: Run) -> dict[str, np.ndarray]:
    """Tuning to the sample and the first test, and the similarity of the two.

    h_sample_mean is the mean activity for each direction of the first sample.
    """
    found = {}
    for signal in run.signals:
        for what, tunings in run.tunings.items():
            suffix = '' if what == 'sample' else '_test'
            found[f'{signal}_pev{suffix}'] = tunings[signal].pev
            found[f'{signal}_pref_dir{suffix}'] = tunings[signal].pref_dir
        curves = run.tunings['sample'][signal].curves
        found[f'{signal}_sample_tuning'] = curves
        found[f'{signal}_category_index'] = tuning.category_index(np.moveaxis(curves, 2, 1))
        if 'test' in run.fields:
            found[f'{signal}_similarity'] = _similarities(run, signal)
    found['h_sample_mean'] = tuning.mean_by_condition(
        run.states.h, run.fields['sample'][0], run.p['num_motion_dirs']
    )
    return found


def _similarities(run: Run, signal: str) -> np.ndarray:
    """Similarity (rule, test, time) of the tunings to each test and to the sample it is about."""
    test = run.tunings['test'][signal]
    return np.array(
        [
            [
                similarity(run, signal, rule, i, _part(test, rule, i))
                for i in range(test.pev.shape[2])
            ]
            for rule in range(run.num_rules)
        ]
    )


def similarity(run: Run, signal: str, rule: int, test: int, to_test: tuning.Tuning) -> np.ndarray:
    """Similarity (time,) of a tuning to a test and that to the sample which this test is about."""
    sample = _part(run.tunings['sample'][signal], rule, run.task.sample_of(rule, test))
    return tuning.similarity_index(sample.pev, sample.pref_dir, to_test.pev, to_test.pref_dir)


def _part(tunings: tuning.Tuning, rule: int, field: int) -> tuning.Tuning:
    return tuning.Tuning(tunings.pev[:, rule, field], tunings.pref_dir[:, rule, field], None)


@measure(
    averaged={'manipulation': ''},
    title='manipulation',
    trials=(PROBE,),
    options=WANTED,
    needs=(PLASTICITY,),
)
def manipulation(run: Run) -> dict[str, float]:
    """How much the network changes its code of the sample in a DMS trial (paper, Fig. 7)."""
    neuronal, synaptic, sign = _sample_and_delay(run, 0)
    sample, directions = run.fields['sample'][0], run.p['num_motion_dirs']
    value = tuning.manipulation(neuronal, synaptic, sample, directions, sign)
    return {'manipulation': value}


@measure(
    averaged={'synaptic_rotation': 'rule, field, group'},
    title='rotation',
    options=WANTED,
    needs=(PLASTICITY,),
    degrees=True,
)
def rotation(run: Run) -> dict[str, np.ndarray]:
    """By how many degrees each group turns its code of the sample until the delay ends.

    For a task with rotation (paper, Fig. 3), in its own trials; NaN for a group without tuning.
    """
    samples, groups = run.fields['sample'], list(unit_groups(run.p).values())
    of_sample = [_sample_and_delay(run, field) for field in range(len(samples))]
    found = np.empty((run.num_rules, len(samples), len(GROUPS)))
    for rule, field, group in np.ndindex(found.shape):
        neuronal, synaptic, sign = of_sample[field]
        of_group = np.ix_(run.rules == rule, groups[group])
        found[rule, field, group] = tuning.rotation(
            neuronal[of_group],
            synaptic[of_group],
            samples[field][run.rules == rule],
            run.p['num_motion_dirs'],
            sign[groups[group]],
        )
    return {'synaptic_rotation': found}


def _sample_and_delay(run: Run, field: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean h in the first 100 ms of a sample and x u in the last of the delay, (trial, unit).

    Also the sign (unit,) by which activity changes the efficacy.
    """
    p, states = run.p, run.states
    shown = run.task.sample_period(field, p)[: steps_in(END_OF_DELAY, p)]
    first = slice(shown.start, shown.stop)
    late = end_of_delay(p)
    efficacy = (states.syn_x[late] * states.syn_u[late]).mean(0)
    return states.h[first].mean(0), efficacy, efficacy_signs(p)


@measure({'input_tuning': 'unit, field, direction'}, title='input currents', options=WANTED)
def input_currents(run: Run) -> dict[str, np.ndarray]:
    """Input current of each unit for each direction; here a field is a receptive field."""
    w_in = run.model.weights['w_in'].numpy()
    return {'input_tuning': tuning.input_tuning(inputs.motion_tuning(run.task, run.p), w_in)}
