"""GPUs, of which stand-ins are listed."""

from types import SimpleNamespace

import pytest
import tensorflow as tf
from tensorflow.python.client import device_lib

from rnn import device


def test_the_memory_of_a_gpu_is_that_of_its_number(monkeypatch):
    sizes = {'CPU:0': 1, 'GPU:11': 7, 'GPU:0': 5, 'GPU:1': 6}
    found = [SimpleNamespace(name=f'/device:{n}', memory_limit=m) for n, m in sizes.items()]
    monkeypatch.setattr(device_lib, 'list_local_devices', lambda: found)
    monkeypatch.setattr(device, 'select', lambda gpu_id: 'chosen')
    assert [device.memory(i) for i in ('0', 1)] == [5, 6]


def test_a_gpu_that_cannot_be_chosen_any_more(monkeypatch):
    def fail(*given):
        raise RuntimeError('too late')

    gpus = [SimpleNamespace(name='first')]
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: gpus)
    monkeypatch.setattr(tf.config, 'set_visible_devices', fail)
    with pytest.raises(device.DeviceError, match='GPU 0 cannot be chosen any more: too late'):
        device.select('0')
