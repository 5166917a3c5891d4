"""A process that makes many models neither grows nor makes the same graph twice."""

import gc
import logging

import psutil
import pytest
import tensorflow as tf

from analysis import analyze_model_from_file, run_model
from model import Model, main
from parameters import par, update_parameters
from rnn import bptt, graphs
from stimulus import Stimulus

NETWORKS, SETTLED, MOST_GROWTH = 20, 3, 20e6  # bytes


def growth(use, count: int = NETWORKS) -> float:
    """By how many bytes the process grows after the first three of many uses."""
    process, start = psutil.Process(), None
    for number in range(count):
        use(number)
        if number == SETTLED - 1:
            gc.collect()
            start = process.memory_info().rss
    gc.collect()
    return process.memory_info().rss - start


@pytest.fixture
def traced(monkeypatch):
    """The shapes for which the network's equations are written into a graph, one entry each."""
    for graph in (graphs.run_graph, graphs.gradient_graph, graphs.update_graph):
        graph.cache_clear()
    forward, found = bptt.forward, []

    def counted(cell, c, stimulus, *args, **options):
        found.append(tuple(stimulus.shape))
        return forward(cell, c, stimulus, *args, **options)

    monkeypatch.setattr(bptt, 'forward', counted)
    return found


def test_training_many_networks(small, tmp_path, traced):
    def use(number):
        small(seed=number, spike_cost=0.01 * number, noise_rnn_sd=0.1 + number, num_iterations=2)
        update_parameters({'save_dir': str(tmp_path), 'save_fn': f'{number}.pkl'})
        main(watch=lambda curves: False)

    assert growth(use) < MOST_GROWTH
    assert len(traced) == 1


def test_analysing_many_networks(small, tmp_path, traced):
    """The graphs of the first network serve all others."""
    after_each = []

    def use(number):
        small(seed=number, save_dir=str(tmp_path), save_fn=f'{number}.pkl', num_iterations=1)
        options = {'analysis_trials': 32, 'tuning_batches': 2}
        options |= {'decoding_reps': 1, 'simulation_reps': 1}
        filename = main(watch=lambda curves: False)
        analyze_model_from_file(filename, filename, options, jobs=1)
        after_each.append(len(traced))

    assert growth(use, 12) < MOST_GROWTH
    assert len({*after_each}) == 1


def test_runs_of_many_sizes_share_a_graph(small, traced):
    small()
    x = Stimulus(1).generate_trial()['neural_input']
    start = [par[name][:1] for name in ('h0', 'syn_x_init', 'syn_u_init')]
    weights = {name: variable.numpy() for name, variable in Model().weights.items()}
    for num_trials in (2, 3, 5, 7, 10):
        run_model(x[:, :num_trials], *start, weights, key=[1, 2])
    assert traced == [(len(x), None, x.shape[2])]


def test_many_shapes_give_no_warning_and_only_the_last_are_kept(small, traced, monkeypatch):
    logged = []
    monkeypatch.setattr(tf.get_logger(), 'handle', lambda record: logged.append(record))
    monkeypatch.setattr(tf.get_logger(), 'level', logging.WARNING)
    tf.get_logger().warning('noticed')
    for n_hidden in range(5, 10):  # TensorFlow would warn of five
        small(n_hidden=n_hidden, test_time=50)  # 20 steps: two whole blocks
        Model().optimize(Stimulus(1).generate_trial(), 0)
    assert [record.getMessage() for record in logged] == ['noticed']
    assert len(traced) == 5
    assert graphs.gradient_graph.cache_info().currsize == 5
    assert graphs.gradient_graph.cache_info().maxsize == graphs.GRAPHS_KEPT
