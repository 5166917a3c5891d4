"""Too little memory is reported in a sentence, and what cannot fit is not begun."""

import errno
from types import SimpleNamespace

import pytest

from parameters import par, parameters_with, update_parameters
from rnn import sizes
from system import memory
from training.guard import enough_memory


class ResourceExhaustedError(Exception):
    """Named like that of TensorFlow."""


OUT = [
    MemoryError(),
    ResourceExhaustedError('OOM'),
    OSError(errno.ENOMEM, 'Cannot allocate memory'),
    RuntimeError('std::bad_alloc'),
    RuntimeError('OOM when allocating tensor'),
    RuntimeError('failed to allocate memory'),
    RuntimeError('Cannot allocate memory'),
]


@pytest.mark.parametrize('error', OUT, ids=repr)
def test_errors_of_memory_name_the_sizes(error):
    p = parameters_with({'n_hidden': 77})
    words = '250 time steps of 1024 trials with 77 units and 24 inputs: a smaller dose would need'
    for cause in (None, error):
        with pytest.raises(MemoryError, match=words):
            fail_by(error, cause, p)


def fail_by(error: Exception, cause: Exception | None, p: dict):
    """Fail for lack of memory, or in a way that this has caused."""
    with enough_memory(p, 'a smaller dose'):
        if cause:
            raise RuntimeError('it failed') from cause
        raise error


def test_other_errors_stay():
    with pytest.raises(KeyError), enough_memory(par, ''):
        raise KeyError('x')
    assert not memory.ran_out(None)


TOO_LARGE = [
    ('n_hidden', 10**9),
    ('batch_size', 10**9),
    ('num_motion_tuned', 10**9),
    ('num_fix_tuned', 10**9),
    ('num_rule_tuned', 10**9),
    ('n_output', 10**9),
]


@pytest.mark.parametrize(('name', 'value'), TOO_LARGE)
def test_what_cannot_fit_is_refused(monkeypatch, name, value):
    monkeypatch.setattr(memory, 'total', lambda: 64 * 10**9)
    before = dict(par)
    with pytest.raises(ValueError, match=f'{name} = {value} is not allowed: .* this machine has 6'):
        update_parameters({name: value})
    assert par == before


def test_trials_that_cannot_fit_are_refused(monkeypatch):
    monkeypatch.setattr(memory, 'total', lambda: 64 * 10**9)
    with pytest.raises(ValueError, match='a trial of 200000150 time steps .* is not allowed'):
        update_parameters({'delay_time': 2 * 10**9})


@pytest.mark.parametrize(
    ('group', 'file'),
    [
        ('0::/job/step', 'job/memory.max'),
        ('0::/job/step', 'job/step/memory.max'),
        ('0::/', 'memory.max'),
        ('5:cpu,memory:/job/step', 'memory/job/memory.limit_in_bytes'),
    ],
)
def test_limits_of_a_batch_job_count(tmp_path, monkeypatch, group, file):
    """Its control group, or one in which that is, has the limit."""
    (tmp_path / 'group').write_text(f'3:pids:/elsewhere\n{group}\n')
    monkeypatch.setattr(memory, 'GROUPS', str(tmp_path))
    monkeypatch.setattr(memory, 'GROUP_OF_PROCESS', str(tmp_path / 'group'))
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('12345\n')
    (tmp_path / 'job').mkdir(exist_ok=True)
    assert memory.total() == 12345
    path.write_text('max\n')
    assert memory.total() > 10**9


def test_a_usual_network_is_far_from_the_limit():
    assert 10**7 < sizes.needed_memory(par) < 10**9
    assert memory.total() > 10**9


@pytest.mark.parametrize(
    ('number', 'text'),
    [(12, '12 bytes'), (25.3e9, '25.3 GB'), (5e13, '50 TB'), (2e20, '2.0e+08 TB')],
)
def test_sizes_are_readable(number, text):
    assert memory.size(number) == text


def test_limits_of_a_process_and_swap_count(monkeypatch):
    resource = pytest.importorskip('resource', reason='this system has no such limits')
    with monkeypatch.context() as patch:
        patch.setattr(resource, 'getrlimit', lambda kind: (4321, 10**12))
        assert memory.total() == 4321
    monkeypatch.setattr(memory.psutil, 'virtual_memory', lambda: SimpleNamespace(total=10))
    monkeypatch.setattr(memory.psutil, 'swap_memory', lambda: SimpleNamespace(total=5))
    assert memory.total() == 15


@pytest.mark.parametrize('function', ['synapses', 'weights'])
def test_arrays_without_memory_are_refused(monkeypatch, function):
    def fail(*given):
        raise MemoryError

    monkeypatch.setattr(f'rnn.initial_values.{function}', fail)
    with pytest.raises(ValueError, match="{'n_hidden': 20} needs more memory than there is"):
        parameters_with({'n_hidden': 20})
