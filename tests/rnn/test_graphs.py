"""Graphs are made once, whoever needs them."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import tensorflow as tf

from rnn import graphs


def test_threads_that_need_a_graph_at_the_same_time_make_it_once():
    made = []

    @graphs.cached_graph
    def adding(number):
        def add(x):
            made.append(number)
            time.sleep(0.1)  # so that the others ask while it is made
            return x + number

        return add, (tf.TensorSpec([]),), {}

    together = Barrier(4)

    def ask(_):
        together.wait()
        return adding(2.0)(tf.constant(1.0))

    with ThreadPoolExecutor(4) as threads:
        sums = list(threads.map(ask, range(4)))
    assert [float(value) for value in sums] == [3.0] * 4
    assert made == [2.0]
