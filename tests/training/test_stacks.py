"""Networks that are trained at once: each as if it were alone, whatever becomes of the others."""

import re
import signal

import numpy as np
import pytest
import tensorflow as tf
from conftest import SMALL
from shell import ROOT
from test_loop import CHANGES, SHORT

import analysis
import results
from model import Model, main
from parameters import par, parameters_with, update_parameters
from rnn import bptt, graphs
from rnn.alike import ALIKE, kind
from rnn.initial_values import SYNAPSES
from rnn.stack import stack as stack_of
from sets.grouping import memory, usual_size
from settings.costs import COSTS
from stimulus import Stimulus
from system.signals import Interrupted
from system.versions import versions
from tasks import TASKS
from training.loop import train_stack
from training.member import Member, TrainingError
from training.start import begin

OTHERS = (  # in what networks of a stack differ
    {'seed': 1},
    {'seed': 2, 'spike_cost': 0.1, 'synapse_config': None, 'exc_inh_prop': 0.6, 'tau_fast': 100},
    {'seed': 3, 'spike_cost': 0, 'synapse_config': 'exc_fac', 'noise_rnn_sd': 0, 'tau_slow': 800},
)
KINDS = ('DMS', 'ABBA', 'dualDMS', 'distractor')  # one of each kind of task is trained for longer
COARSE = {'dt': 50, 'fix_time': 50, 'sample_time': 50, 'test_time': 100, 'mask_duration': 50}


def go_on(curves) -> bool:
    return False


def settings_of(task: str) -> dict:
    directions = {} if task == 'distractor' else {'num_motion_dirs': 8}
    outputs = {'n_output': 5, 'distractor_time': 20} if task == 'distractor' else {}
    coarse = COARSE if task == 'DMS+DMRS' else {}  # its cue comes 500 ms after the sample
    changes = directions | outputs | CHANGES.get(task, {}) | coarse
    return SMALL | SHORT | {'trial_type': task} | changes


@pytest.fixture
def starts(tmp_path):
    """Starts of networks `name` with settings that differ."""

    def make(name: str, settings, *others, **options) -> list:
        return [
            begin(
                parameters_with(
                    settings | other | {'save_dir': str(tmp_path), 'save_fn': f'{name}{i}.pkl'}
                ),
                locked=True,
                **options,
            )
            for i, other in enumerate(others)
        ]

    return make


def made(networks, **options):
    """A stack of networks with these parameters."""
    return stack_of([Model(p=p, **options) for p in networks])


def assert_alike(stacked, alone):
    """The curves and weights of two result files, to rounding."""
    got, expected = results.load_results(stacked), results.load_results(alone)
    for name in results.CURVES:
        assert len(got[name]) == len(expected[name])
        np.testing.assert_allclose(got[name], expected[name], rtol=2e-4, err_msg=name)
    for name, value in expected['weights'].items():
        np.testing.assert_allclose(got['weights'][name], value, atol=2e-4, err_msg=name)


# Against networks alone


@pytest.mark.parametrize('task', TASKS)
def test_a_stack_is_trained_like_networks_alone(starts, task, eager):
    """Three networks that differ in much that may differ."""
    settings = settings_of(task) | {'num_iterations': 4 if task in KINDS else 1}
    together = train_stack(Model, starts('stacked', settings, *OTHERS), [go_on] * 3)
    for i, other in enumerate(OTHERS):
        (start,) = starts('alone', settings, other)
        (alone,) = train_stack(Model, [start], [go_on])
        assert_alike(together[i], alone)
        saved = results.load(together[i])
        assert saved.pop('stacked') == 3
        assert saved.keys() == results.load(alone).keys()
        assert saved['versions'] == versions()
        assert saved['parameters']['spike_cost'] == start.p['spike_cost']
        alone.unlink()


@pytest.mark.parametrize('trials_per_part', [4, 128])
def test_gradients_of_a_stack_equal_automatic_differentiation(trials_per_part, eager):
    """Of networks with every configuration of synapses, at once."""
    configs = [
        {'synapse_config': c, 'seed': i, 'spike_cost': 0.1 * i} for i, c in enumerate(SYNAPSES)
    ]
    networks = [parameters_with(SMALL | {'weight_cost': 0.5} | config) for config in configs]
    infos = [Stimulus(1, p).generate_trial() for p in networks]
    stack = made(networks, trials_per_part=trials_per_part, threads=1)
    parts = stack.losses_and_gradients(infos, [4] * len(networks))
    sums = {name: tf.add_n([part[name] for part in parts]) for name in parts[0]}
    weights = {name: variable.read_value() for name, variable in stack.weights.items()}
    factors = {name: stack._number(name, 0) for name in COSTS}
    found, _ = graphs.trained_gradients(Model, weights, stack._sign(), sums, factors, 2)
    for i, (p, info) in enumerate(zip(networks, infos, strict=True)):
        expected = _automatic(Model(p=p, trials_per_part=trials_per_part), info, 4)
        for name, value in expected.items():
            largest = np.abs(value).max()
            assert largest > 0
            np.testing.assert_allclose(
                found[name][i], value, rtol=1e-4, atol=2e-6 * largest, err_msg=name
            )


def _automatic(model: Model, trial, iteration: int) -> dict:
    """Gradients of the trained variables, by TensorFlow's own differentiation."""
    p, total = model.par, {}
    num_parts = -(-p['batch_size'] // model.trials_per_part)
    names = ('neural_input', 'desired_output', 'train_mask')
    splits = zip(*(np.array_split(trial[name], num_parts, 1) for name in names), strict=True)
    for part, (stimulus, target, mask) in enumerate(splits):
        with tf.GradientTape() as tape:
            c = model.coefficients().repeated(stimulus.shape[1])
            start = model.initial_state(stimulus.shape[1])
            noise = model.noise([p['seed'], iteration, part]).get('noise')
            arrays = bptt.forward(model.rnn_cell, c, tf.constant(stimulus), start, noise)
            h = arrays[0].stack()[1:]
            y = model.output(h, c)
            losses = mask * tf.nn.softmax_cross_entropy_with_logits(target, y)
            share = stimulus.shape[1] / p['batch_size']
            loss = share * tf.reduce_mean(losses) + share * p['spike_cost'] * tf.reduce_mean(h**2)
            if part == 0:
                loss += p['weight_cost'] * tf.reduce_mean(tf.nn.relu(c.w_rnn) ** 2)
        for name, value in tape.gradient(loss, model.weights).items():
            total[name] = value if name not in total else total[name] + value
    return total


@pytest.mark.parametrize('threads', [1, 2, 3])
def test_threads_and_graphs_do_not_matter(threads):
    """Also in graphs, and where the networks of a stack are shared out to threads."""
    longer = settings_of('DMS') | {'sample_time': 50}  # more than a block of steps
    networks = [parameters_with(longer | other) for other in OTHERS]
    stack, alone = made(networks, threads=threads), [Model(p=p) for p in networks]
    assert len(stack.chunks(1)) == threads  # one of two networks, where there are two
    for iteration in range(3):
        infos = [Stimulus([p['seed'], iteration], p).generate_trial() for p in networks]
        found = stack.optimize(infos, [iteration] * 3)
        for values, model, info in zip(found, alone, infos, strict=True):
            for name, value in model.optimize(info, iteration).items():
                assert values[name] == pytest.approx(value, rel=1e-5), name


def test_chunks_keep_threads_busy_and_fit_the_cache(monkeypatch):
    networks = [parameters_with(SMALL | {'seed': i}) for i in range(5)]
    two, one = (made(networks, threads=n) for n in (2, 1))
    assert two.chunks(1) == [slice(0, 3), slice(3, 5)]
    assert two.chunks(2) == [slice(0, 5)]
    monkeypatch.setattr('rnn.stack.ACTIVITIES_AT_ONCE', 250)  # 2 networks of 10 trials, 12 units
    assert one.chunks(1) == [slice(0, 2), slice(2, 4), slice(4, 5)]


def test_xla_compiles_a_stack():
    """As it does on a GPU: all networks and the whole batch in one step."""
    noiseless = {'noise_rnn_sd': 0}  # XLA draws other numbers
    networks = [parameters_with(SMALL | other | noiseless) for other in OTHERS]
    stack = made(networks, jit_compile=True, trials_per_part=10, threads=1)
    infos = [Stimulus([p['seed'], 0], p).generate_trial() for p in networks]
    assert stack.chunks(1) == [slice(0, 3)]
    found = stack.optimize(infos, [0] * 3)
    for values, p, info in zip(found, networks, infos, strict=True):
        for name, value in Model(p=p).optimize(info, 0).items():
            assert values[name] == pytest.approx(value, rel=1e-3), name


# Networks that leave, fail, stop and go on


def test_networks_that_end_earlier_leave_the_others_alone(starts, eager):
    """Half of them, so that the stack is put together anew; each at another iteration."""
    settings = settings_of('DMS')
    others = [other | {'num_iterations': n} for other, n in zip(OTHERS, (2, 5, 9), strict=True)]
    together = train_stack(Model, starts('stacked', settings, *others), [go_on] * 3)
    for i, other in enumerate(others):
        (alone,) = train_stack(Model, starts('alone', settings, other), [go_on])
        assert_alike(together[i], alone)
        alone.unlink()


@pytest.mark.filterwarnings('ignore:overflow')
def test_a_network_that_diverges_ends_alone(starts, eager):
    settings = settings_of('DMS') | {'num_iterations': 6, 'save_every': 100}
    others = OTHERS[0], OTHERS[1] | {'learning_rate': 1e30}, OTHERS[2]
    first, second, third = train_stack(Model, starts('stacked', settings, *others), [go_on] * 3)
    assert isinstance(second, TrainingError)
    assert 'is not finite' in str(second)
    for path, other in ((first, others[0]), (third, others[2])):
        (alone,) = train_stack(Model, starts('alone', settings, other), [go_on])
        assert_alike(path, alone)
        alone.unlink()


@pytest.mark.parametrize('fails_at', [0, 2])
def test_a_network_whose_batch_fails_ends_alone(starts, eager, monkeypatch, fails_at):
    make = Member.batch

    def batch(self, iteration):
        if self.start.filename.name == 'stacked1.pkl' and iteration == fails_at:
            raise ValueError('no such trial')
        return make(self, iteration)

    monkeypatch.setattr(Member, 'batch', batch)
    settings = settings_of('DMS') | {'num_iterations': 4, 'save_every': 100}
    first, second, third = train_stack(Model, starts('stacked', settings, *OTHERS), [go_on] * 3)
    assert str(second) == 'no such trial'
    for path, other in ((first, OTHERS[0]), (third, OTHERS[2])):
        (alone,) = train_stack(Model, starts('alone', settings, other), [go_on])
        assert_alike(path, alone)
        alone.unlink()
    third.unlink()
    first.unlink()
    # half of the networks: the other one goes on alone
    path, failed = train_stack(Model, starts('stacked', settings, *OTHERS[:2]), [go_on] * 2)
    assert str(failed) == 'no such trial'
    (alone,) = train_stack(Model, starts('alone', settings, OTHERS[0]), [go_on])
    assert_alike(path, alone)


def test_a_stack_that_is_stopped_goes_on_in_another_arrangement(starts, eager):
    """Checkpoints are those of single networks, and may be at different iterations."""
    settings = settings_of('DMS') | {'num_iterations': 7, 'save_every': 100}

    def after(number):
        return lambda curves: len(curves['iteration']) == number

    stopped = train_stack(Model, starts('net', settings, *OTHERS), [after(3), go_on, go_on])
    assert [type(outcome) for outcome in stopped] == [Interrupted] * 3
    assert stopped[0].signum == signal.SIGTERM
    again = starts('net', settings, *OTHERS, resume=True)
    assert [start.done for start in again] == [3, 3, 3]
    (outcome,) = train_stack(Model, again[:1], [after(5)])
    assert isinstance(outcome, Interrupted)
    again = starts('net', settings, *OTHERS, resume=True)
    assert [start.done for start in again] == [5, 3, 3]
    together = train_stack(Model, again, [go_on] * 3)
    for i, other in enumerate(OTHERS):
        (alone,) = train_stack(Model, starts('alone', settings, other), [go_on])
        assert_alike(together[i], alone)
        alone.unlink()
    folder = again[0].filename.parent
    assert sorted(path.name for path in folder.iterdir()) == ['net0.pkl', 'net1.pkl', 'net2.pkl']


def test_a_damaged_checkpoint_among_good_ones(starts, eager):
    settings = settings_of('DMS') | {'num_iterations': 4, 'save_every': 100}
    made = starts('net', settings, *OTHERS)
    train_stack(Model, made, [lambda curves: len(curves['iteration']) == 2] * 3)
    checkpoint = results.checkpoint_name(made[1].filename)
    saved = results.load(checkpoint)
    saved['optimizer']['m'].pop('w_in')
    results.save(checkpoint, saved)
    before = checkpoint.read_bytes()
    again = starts('net', settings, *OTHERS, resume=True)
    first, second, third = train_stack(Model, again, [go_on] * 3)
    assert str(checkpoint) in str(second)
    assert checkpoint.read_bytes() == before
    assert len(results.load(first)['iteration']) == len(results.load(third)['iteration']) == 4


# What can be stacked


@pytest.mark.parametrize(
    ('name', 'changes'),
    [
        ('trial_type', {'trial_type': 'DMC'}),
        ('shape', {'n_hidden': 13}),
        ('num_time_steps', {'delay_time': 70}),
        ('batch_size', {'batch_size': 11}),
        ('EI', {'exc_inh_prop': 1}),
        ('spike_regularization', {'spike_regularization': 'L1'}),
    ],
)
def test_networks_that_cannot_be_stacked(name, changes):
    networks = [parameters_with(SMALL), parameters_with(SMALL | changes)]
    assert name in ALIKE
    assert kind(networks[0]) != kind(networks[1])
    with pytest.raises(ValueError, match=f'networks of a stack must agree in {name}: '):
        made(networks)


def test_a_stack_can_only_be_trained(small):
    small()
    stack = made([par, par])
    with pytest.raises(ValueError, match=r'can only be trained: run its members\(\)'):
        stack.run_model(np.zeros((3, 2, par['n_input'])))


def test_each_network_of_a_stack_needs_a_batch(small):
    small()
    stack, batch = made([par, par]), Stimulus(1).generate_trial()
    with pytest.raises(ValueError, match='1 batches for 2 networks'):
        stack.optimize([batch], [0, 0])
    with pytest.raises(ValueError, match='3 iterations for 2 networks'):
        stack.optimize([batch] * 2, [0] * 3)


def example(word: str) -> str:
    """The example of docs/training.md with a word; it must run when copied alone."""
    text = (ROOT / 'docs' / 'training.md').read_text('utf-8')
    (found,) = (e for e in re.findall(r'```python\n(.*?)```', text, re.S) if word in e)
    return found


def test_the_example_of_a_stack(capsys):
    names = {}
    exec(example('rnn.stack'), names)
    assert capsys.readouterr().out.count('accuracy') == 10
    assert [type(model) for model in names['trained']] == [Model] * 10


def test_the_example_of_stages(small, tmp_path):
    """Each begins with weights that act as those with which the one before ended."""
    small(save_dir=str(tmp_path), num_iterations=2)
    exec(example('delay_time'), {})
    for before, after in ((200, 500), (500, 1000)):
        p = results.load_results(tmp_path / f'delay_{after}.pkl')['parameters']
        assert p['delay_time'] == after
        trained = results.load_results(tmp_path / f'delay_{before}.pkl')
        acting = Model(trained['weights'], p=trained['parameters']).effective_weights()
        start = Model(p=p).effective_weights()
        for name, weight in acting.items():
            np.testing.assert_array_equal(start[name], weight, err_msg=name)


def test_the_example_of_single_steps(small, capsys, tmp_path, monkeypatch):
    small()
    update_parameters({'num_iterations': 2})
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(example('model.optimize('), names)
    saved = results.load_results(tmp_path / 'savedir' / 'own_loop.pkl')
    assert saved['iteration'] == []
    options = {'analysis_trials': 64, 'tuning_batches': 1, 'decoding_reps': 1}
    found = analysis.analyze_model_from_file('savedir/own_loop.pkl', None, options, jobs=1)
    assert 0 <= found['task_accuracy'] <= 1
    assert capsys.readouterr().out.count('accuracy') == 2
    assert names['syn_u'].shape == (par['num_time_steps'], par['batch_size'], par['n_hidden'])


def test_members_of_a_stack_are_models(small):
    small()
    networks = [parameters_with(SMALL | other) for other in OTHERS]
    models = [Model(p=p) for p in networks]
    for member, model in zip(stack_of(models).members(), models, strict=True):
        for name, variable in model.weights.items():
            np.testing.assert_array_equal(member.weights[name], variable)
        assert member.par == model.par or member.par['seed'] == model.par['seed']


def test_small_networks_are_stacked_on_a_cpu():
    small = parameters_with({'n_hidden': 20, 'batch_size': 64})
    default = parameters_with({})
    assert usual_size(small) > 8
    assert usual_size(default) == 1


def test_threads_need_memory_for_the_states_of_their_trials():
    default = parameters_with({})
    small = parameters_with({'n_hidden': 20, 'batch_size': 64})
    more = memory(default, 1, threads=2) - memory(default, 1)
    assert more == 4 * 3 * (250 + 1) * 128 * 100  # h, x and u of 128 more trials
    assert memory(small, 8, threads=2) == 8 * memory(small, 1)  # it has 64 trials


def test_as_many_networks_as_a_gpu_holds_are_stacked():
    """Of 250 steps and 1024 trials, with 24 inputs, 100 units and 3 outputs."""
    default = parameters_with({})
    batches = 2 * 250 * 1024 * (24 + 3 + 1)  # input, target and mask; the next one is being made
    states = 3 * (250 + 1) * 1024 * 100  # h, x and u, also before the first step
    weights = 6 * 100 * (24 + 100 + 3)  # with their slots and what else has their shape
    synapses, tuning = 2 * 1024 * 100, 24 * 8  # x and u at the start; input to each direction
    parts = batches, states, weights, synapses, tuning
    assert memory(default, 1, whole_batch=True) == 4 * sum(parts)
    assert usual_size(default, gpu_memory=8 * 10**9) == 17  # in 80 %
    assert usual_size(default, gpu_memory=10**8) == 1


def test_main_trains_one_network(small, tmp_path, eager):
    """The note that a network was stacked is in files of stacks only."""
    small(**SHORT, save_dir=str(tmp_path), num_iterations=2)
    update_parameters({'save_fn': 'net.pkl'})
    assert 'stacked' not in results.load(main(watch=go_on))
