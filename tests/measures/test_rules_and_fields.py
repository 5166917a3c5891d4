"""Which trials and labels each measure takes, along the axes of rules and receptive fields."""

import copy
import itertools

import numpy as np
import pytest
from test_analysis import QUICK, TRIALS, analyze, eagerly, network, set_task  # noqa: F401
from test_shuffling import NOISELESS, network_with_active_memory

import tasks
from analysis import Analysis
from measures import accuracy, shuffling, silencing, task_decoding, task_tuning, tuning
from measures.groups import unit_groups
from measures.measure import INDEPENDENT
from measures.run import Run, end_of_delay
from model import Model
from parameters import par, parameters_with, update_parameters
from rnn.state import State
from stimulus import Stimulus
from tasks import TASKS

DECODINGS = ('neuronal_sample_decoding', 'synaptic_sample_decoding')


def trials(task: str, **changes) -> dict:
    set_task(task, batch_size=TRIALS.get(task, 200), **changes)
    return Stimulus(1).generate_trial(test_mode=True)


def random_states(num_trials: int) -> State:
    rng = np.random.default_rng(1)
    size = par['num_time_steps'], num_trials, par['n_hidden']
    return State(*(rng.random((3, *size), np.float32)))


def run_of(states: State, trial_info: dict, p=None) -> Run:
    """A run that a measure gets, with these states."""
    about = INDEPENDENT, 0, 1, 1, 1, lambda work: None
    return Run(None, dict(p or par), trial_info, None, states, *about)


def test_which_trials_each_measure_takes(tmp_path, monkeypatch):
    """Half of the tests match where accuracy counts; elsewhere they do not depend on the sample."""
    seen = {}

    def note(module, name):
        original = getattr(module, name)

        def noted(*arguments):
            seen[name] = arguments
            return original(*arguments)

        monkeypatch.setattr(module, name, noted)

    ordinary = ('simulate_network', 'suppress_groups')
    test_mode = ('tuning_under_suppression', 'calculate_response_matrix')
    note(shuffling, 'simulate_network')
    note(accuracy, 'accuracy')
    for name in ('suppress_groups', *test_mode):
        note(silencing, name)
    options = {'analysis_trials': 400, 'calculate_resp_matrix': True, 'suppress_analysis': True}
    analyze(tmp_path, network('dualDMS'), QUICK | options)
    share = {name: seen[name][1]['match'].mean() for name in (*ordinary, *test_mode)}
    share['accuracy'] = seen['accuracy'][0]['match'].mean()
    for name, value in share.items():
        assert value == pytest.approx(0.25 if name in test_mode else 0.5, abs=0.08), name
    _, trial_info, _, sample, test, *_ = seen['calculate_response_matrix']
    np.testing.assert_array_equal(sample == test, trial_info['match'][:, 0])


def test_runs_have_noise_of_their_own(monkeypatch):
    """Of the same trials, too: noise and permutations differ with the seed and the batch."""
    set_task('DMS', noise_in_sd=0, batch_size=20)
    model, same = Model(), Stimulus(1)
    monkeypatch.setattr(Analysis, '_stimulus', lambda self, kind, batch: copy.deepcopy(same))

    def run(seed, batch):
        return Analysis(model, seed, 1, None).run('training', batch)

    runs = [run(*case) for case in ((1, 0), (1, 1), (2, 0))]
    np.testing.assert_array_equal(run(1, 0).states.h, runs[0].states.h)
    noiseless = model.run_model(runs[0].trial_info['neural_input'])[1]
    activities = [np.asarray(noiseless), *(one.states.h for one in runs)]
    for h, other in itertools.combinations(activities, 2):
        assert not np.array_equal(h, other)
    np.testing.assert_array_equal(runs[1].trial_info['sample'], runs[0].trial_info['sample'])
    drawn = [tuple(one.seed(n).generate_state(4)) for one in runs for n in (2, 3, 5, 6, 'x', 'y')]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize('task', ['DMS+DMRS+DMC', 'dualDMS'])
def test_accuracy_of_each_rule(task):
    trial_info = trials(task)
    y = np.random.default_rng(1).random(trial_info['desired_output'].shape)
    task_of, p = tasks.of(par), par
    found = accuracy.accuracy(
        trial_info, y, task_of.rule_index(trial_info), task_of.num_rule_indices(p)
    )
    correct = np.argmax(y, -1) == np.argmax(trial_info['desired_output'], -1)
    scored = (trial_info['desired_output'][..., 0] == 0) & (trial_info['train_mask'] > 0)
    rule = trial_info['rule']
    rule = rule[:, 0] + 2 * rule[:, 1] if task == 'dualDMS' else rule
    assert found['task_accuracy'] == pytest.approx(correct[scored].mean())
    expected = [correct[scored & (rule == r)].mean() for r in range(rule.max() + 1)]
    np.testing.assert_allclose(found['task_accuracy_per_rule'], expected)


def samples_of_tests(trial_info: dict) -> list[np.ndarray]:
    """The sample direction that each label of a test is about."""
    sample = trial_info['sample']
    if sample.ndim == 1:
        return [sample]
    return [np.where(rule == 1, sample[:, 1], sample[:, 0]) for rule in trial_info['rule'].T]


@pytest.mark.parametrize('task', ['DMS', 'ABBA', 'location_DMS', 'dualDMS'])
def test_tests_are_those_that_match_or_not(task):
    trial_info = trials(task)
    labels, samples = tasks.of(par).fields(trial_info, par), samples_of_tests(trial_info)
    for sample, test, match in zip(samples, labels['test'], labels['match'], strict=True):
        np.testing.assert_array_equal(match, sample == test)
    np.testing.assert_array_equal(tasks.of(par).tested_sample(trial_info, par), samples[0])


@pytest.mark.parametrize('task', TASKS)
def test_labels_that_are_possible_are_there(task):
    trial_info = trials(task)
    labels = tasks.of(par).fields(trial_info, par)
    assert labels.keys() == set(tasks.of(par).decodable(par))
    for name, fields in labels.items():
        assert len(fields) == tasks.of(par).num_fields(name) == 1 + (task == 'dualDMS')


def test_categories_are_decoded_where_the_rule_is_about_them():
    trial_info = trials('DMS+DMRS+DMC')
    sample, rule = trial_info['sample'], trial_info['rule']
    for picked, condition, r, field in task_decoding.cases('sample', trial_info, par):
        assert field == 0
        np.testing.assert_array_equal(picked, np.flatnonzero(rule == r))
        of_rule = sample[rule == r]
        np.testing.assert_array_equal(condition, of_rule >= 2 if r == 2 else of_rule)
    for picked, condition, _, _ in task_decoding.cases('test', trial_info, par):
        np.testing.assert_array_equal(condition, trial_info['test'][picked])
    ((picked, condition, _, _),) = task_decoding.cases('rule', trial_info, par)
    np.testing.assert_array_equal(condition[np.argsort(picked)], rule)


@pytest.mark.parametrize('count', [0, 3])
@pytest.mark.parametrize('what', ['sample', 'test', 'match', 'rule'])
def test_a_condition_with_too_few_trials(what, count):
    set_task('DMS+DMRS')
    trial = np.arange(40)
    labels = {'sample': trial % 4, 'test': trial // 4 % 4, 'match': trial % 2, 'rule': trial // 20}
    rare = np.flatnonzero(labels[what] == 1)
    task_decoding.check_trials(labels, par, [what])
    labels[what][rare[count:]] = 0
    words = f'decode the {what} .* at least 4 trials of each condition, but condition 1 has {count}'
    with pytest.raises(ValueError, match=words):
        task_decoding.check_trials(labels, par, [what])


def test_decoding_is_of_each_rule_and_field():
    """Activity that holds one label: of one location, under one rule."""
    trial_info = trials('dualDMS')
    update_parameters({'decoding_reps': 2})
    rule = trial_info['rule'][:, 0] + 2 * trial_info['rule'][:, 1]
    h = np.zeros((par['num_time_steps'], len(rule), 4), np.float32)
    h[:] = np.eye(4)[trial_info['sample'][:, 1]] * (rule == 2)[:, np.newaxis]
    states = State(h, np.ones_like(h), np.ones_like(h))
    found = task_decoding.sample(run_of(states, trial_info))
    scores = found['neuronal_sample_decoding'].mean((2, 3))  # (rule, field)
    assert scores[2] == pytest.approx([0.25, 1], abs=0.15)
    np.testing.assert_array_equal(scores[[0, 1, 3]], 0.25)  # constant activity
    assert found['neuronal_sample_above_chance'][2, 1]
    assert not found['synaptic_sample_above_chance'].any()


@pytest.mark.parametrize(('asked', 'of_groups', 'of_stability'), [(50, 20, 10), (3, 3, 3)])
def test_decoding_from_groups_and_its_stability_are_repeated_less(
    monkeypatch, asked, of_groups, of_stability
):
    trial_info, made = trials('DMS', decoding_reps=asked), []

    def decode(signals, condition, repetitions, across_time=False, **options):
        made.append(repetitions)
        times = [par['num_time_steps']] * (2 if across_time else 1)
        return dict.fromkeys(signals, np.zeros((repetitions, *times)))

    monkeypatch.setattr(task_decoding, 'calculate_svms', decode)
    run = run_of(random_states(len(trial_info['sample'])), trial_info)
    for measure, repetitions in (
        (task_decoding.sample, [asked]),
        (task_decoding.sample_from_groups, [of_groups] * 4),
        (task_decoding.stability, [of_stability]),
    ):
        made.clear()
        measure(run)
        assert made == repetitions
        assert measure.work(par) == sum(repetitions)


def test_dead_time_and_groups_without_units_are_not_decoded():
    trial_info = trials('DMS', dead_time=100, synapse_config='exc_fac')
    update_parameters({'decoding_reps': 2})
    states = random_states(len(trial_info['sample']))
    decoder = task_decoding.Decoder(run_of(states, trial_info))
    scores = decoder.decode_groups('sample')['neuronal_sample_decoding_group']
    assert (scores[0, ..., :2] == 0).all()
    assert (scores[0, ..., 2:] > 0).all()
    assert np.isnan(scores[1:]).all()


def test_normalization_is_an_option():
    trial_info = trials('DMS')
    states, scores = random_states(len(trial_info['sample'])), []
    for normalize in (True, False):
        update_parameters({'decoding_reps': 2, 'svm_normalize': normalize})
        decoder = task_decoding.Decoder(run_of(states, trial_info))
        scores.append(decoder.decode('sample')['neuronal_sample_decoding'])
    assert not np.array_equal(*scores)


def test_tuning_is_of_each_rule_and_field():
    trial_info = trials('dualDMS')
    states = random_states(len(trial_info['sample']))
    found = task_tuning.tuning_measures(run_of(states, trial_info))
    rule = trial_info['rule'][:, 0] + 2 * trial_info['rule'][:, 1]
    signals = {'neuronal': states.h, 'synaptic': states.syn_x * states.syn_u}
    directions = {'': trial_info['sample'], '_test': trial_info['test'][..., 0]}

    def expected(name, suffix, r, field):
        one = {name: signals[name]}
        return tuning.calculate_tuning(one, directions[suffix][:, field], 4, rule == r)[name]

    for name, r, field in [(name, *i) for name in signals for i in np.ndindex(4, 2)]:
        for suffix in directions:
            of_label = expected(name, suffix, r, field)
            for what in ('pev', 'pref_dir'):
                value = found[f'{name}_{what}{suffix}'][:, r, field]
                np.testing.assert_array_equal(value, getattr(of_label, what))
        sample, test = expected(name, '', r, field), expected(name, '_test', r, field)
        np.testing.assert_array_equal(found[f'{name}_sample_tuning'][:, r, :, field], sample.curves)
        index = tuning.category_index(sample.curves)
        np.testing.assert_array_equal(found[f'{name}_category_index'][:, r, field], index)
        sample = expected(name, '', r, (r & 1, r >> 1)[field])  # the location that is tested
        index = tuning.similarity_index(sample.pev, sample.pref_dir, test.pev, test.pref_dir)
        np.testing.assert_allclose(found[f'{name}_similarity'][r, field], index, rtol=1e-6)
    mean = [states.h[:, trial_info['sample'][:, 0] == d].mean(1) for d in range(4)]
    np.testing.assert_allclose(found['h_sample_mean'], np.stack(mean, -1), rtol=1e-5)


@pytest.mark.parametrize('task', ['ABBA', 'dualDMS'])
def test_similarity_under_suppression_is_that_of_the_tested_location(task, monkeypatch):
    trial_info = trials(task, synapse_config='exc_fac')
    run = run_of(random_states(par['batch_size']), trial_info)
    (rules, windows), steps = (4, 2) if task == 'dualDMS' else (1, 1), par['num_time_steps']
    rng = np.random.default_rng(0)
    silenced = {
        f'synaptic_{name}_test_suppression': rng.uniform(0, high, (rules, windows, 5, 12, steps))
        for name, high in (('pev', 1), ('pref_dir', np.pi))
    }
    silenced['synaptic_pev_test_suppression'][:, :, 2] = np.nan  # an empty group
    monkeypatch.setattr(silencing, 'tuning_under_suppression', lambda *arguments: silenced)
    similarity = silencing.suppressed_tuning(run)['synaptic_similarity_suppression']
    assert similarity.shape == (rules, windows, 5, steps)
    sample = run.tunings['sample']['synaptic']
    for rule, window, group in np.ndindex(rules, windows, 5):
        expected = tuning.similarity_index(
            sample.pev[:, rule, rule % 2],
            sample.pref_dir[:, rule, rule % 2],
            *(value[rule, window, group] for value in silenced.values()),
        )
        np.testing.assert_array_equal(similarity[rule, window, group], expected)
    assert np.isnan(similarity[:, :, 2]).all()
    assert np.isfinite(np.delete(similarity, 2, axis=2)).all()


@pytest.mark.parametrize(
    ('config', 'sign'),
    [
        ('full', [1, -1] * 6),
        ('exc_dep_inh_fac', [-1] * 10 + [1] * 2),
        ('inh_fac', [0] * 10 + [1] * 2),
    ],
)
def test_windows_and_signs_of_manipulation(config, sign):
    trial_info = trials('DMS', synapse_config=config)
    sample = trial_info['sample']
    states = random_states(len(sample))
    run = run_of(states, trial_info)
    early = states.h[2:4].mean(0)  # two steps are 100 ms; fixation and sample take two each
    late = (states.syn_x * states.syn_u)[5:7].mean(0)
    expected = tuning.manipulation(early, late, sample, 4, np.array(sign))
    assert task_tuning.manipulation(run)['manipulation'] == pytest.approx(expected, rel=1e-5)


def test_chance_of_a_category_is_a_half():
    """Decoding of .3 is above the chance of a direction, not of a category."""
    trial_info = trials('DMS+DMC')
    decoder = task_decoding.Decoder(run_of(random_states(par['batch_size']), trial_info))
    scores = np.full((2, 1, 5, par['num_time_steps']), 0.3)
    found = decoder.significance(dict.fromkeys(DECODINGS, scores))
    for name in ('neuronal_sample_above_chance', 'synaptic_sample_above_chance'):
        np.testing.assert_array_equal(found[name], [[True], [False]])


def test_a_window_has_at_least_one_step():
    p = parameters_with({'dt': 125, 'membrane_time_constant': 125})
    onset = p['test_time_rng'][0].start
    assert end_of_delay(p) == slice(onset - 1, onset)
    assert list(tasks.of(p).wait_before(onset, 100, p)) == [onset - 1]
    assert end_of_delay(parameters_with({'dt': 10})) == slice(190, 200)


def test_windows_before_a_test_hold_no_stimulus():
    """With short delays they are what there is of the delay."""
    p = parameters_with({'delay_time': 50})
    assert end_of_delay(p) == slice(100, 105)
    p = parameters_with({'trial_type': 'ABBA'})
    assert tasks.of(p).silencing_windows(p)[0][0] == range(110, 130)  # 200 ms before test 1
    p = parameters_with({'trial_type': 'ABBA', 'ABBA_delay': 100, 'delay_time': 600})
    assert tasks.of(p).silencing_windows(p)[0][0] == range(90, 100)
    p = parameters_with({'trial_type': 'dualDMS', 'delay_time': 60})
    (first, test_1), (second, test_2) = tasks.of(p).silencing_windows(p)
    assert first == range(p['sample_time_rng'].stop, test_1.start)
    assert second == range(test_1.stop, test_2.start)
    p = parameters_with({'trial_type': 'distractor', 'delay_time': 60})
    shown, onset = p['other_time_rng']['distractor'], p['test_time_rng'][0].start
    assert end_of_delay(p) == slice(shown.stop, onset)


def test_rotation_of_each_rule_and_group():
    trial_info = trials('DMS+DMRS')
    states = random_states(len(trial_info['sample']))
    found = task_tuning.rotation(run_of(states, trial_info))['synaptic_rotation']
    early = states.h[2:4].mean(0)
    late = (states.syn_x * states.syn_u)[end_of_delay(par)].mean(0)
    sign = np.array([1, -1] * 6)
    cases = itertools.product(range(2), enumerate(unit_groups(par).values()))
    for rule, (group, members) in cases:
        of_rule = trial_info['rule'] == rule
        expected = tuning.rotation(
            early[of_rule][:, members],
            late[of_rule][:, members],
            trial_info['sample'][of_rule],
            4,
            sign[members],
        )
        assert found[rule, 0, group] == pytest.approx(expected, rel=1e-5)


def test_decoding_shuffled_labels_is_chance():
    saved = network_with_active_memory()
    set_task('distractor', **NOISELESS, membrane_time_constant=10_000, batch_size=200)
    update_parameters({'decoding_reps': 10})
    trial_info = Stimulus(1).generate_trial()
    states = State(*Model(saved['weights']).run_model(trial_info['neural_input'])[1:])
    shuffled = np.random.default_rng(1).permutation(trial_info['sample'])
    late = end_of_delay(par)
    for sample, expected in ((trial_info['sample'], 1), (shuffled, 1 / 4)):
        labels = trial_info | {'sample': sample}
        decoder = task_decoding.Decoder(run_of(states, labels))
        scores = decoder.decode('sample')['neuronal_sample_decoding'][..., late]
        assert np.mean(scores) == pytest.approx(expected, abs=0.1)
