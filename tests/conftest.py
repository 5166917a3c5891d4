"""Every test starts from the default parameters and leaves them behind."""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')  # results on a CPU are what the tests know

import pytest  # noqa: E402

from parameters import reset_parameters, update_parameters  # noqa: E402

# a network and a task of which a training step takes milliseconds; 23 steps, so that the last
# block of steps is not a whole one
SMALL = {
    'seed': 5,
    'n_hidden': 12,
    'num_motion_tuned': 6,
    'num_motion_dirs': 4,
    'batch_size': 10,
    'fix_time': 40,
    'sample_time': 50,
    'delay_time': 60,
    'test_time': 80,
    'mask_duration': 20,
}


@pytest.fixture(autouse=True)
def default_parameters():
    """Undo what a test sets."""
    reset_parameters()
    yield
    reset_parameters()


@pytest.fixture
def small():
    """Set the small network, with the given changes."""

    def set_parameters(**changes):
        reset_parameters()
        update_parameters(SMALL | changes)

    return set_parameters
