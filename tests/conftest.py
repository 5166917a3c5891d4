"""Every test starts from the default parameters and leaves them behind."""

import os
import signal

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')  # results on a CPU are what the tests know
# processes of pytest-xdist ignore Ctrl-C, as would the commands that they start
signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from parameters import (  # noqa: E402
    GROUPS,
    SETTINGS,
    reset_parameters,
    update_parameters,
    user_settings,
)
from rnn.device import available_cores  # noqa: E402
from settings.costs import COSTS  # noqa: E402
from settings.setting import Setting  # noqa: E402
from tasks import registry  # noqa: E402

# examples may take any time on a busy machine, and are the same in every run
settings.register_profile(
    'steady',
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile('steady')

# With pytest-xdist every process runs whole files, whose fixtures they then set up once. What takes
# longest comes first, so that no core is left with it when the others are done; its longest file
# decides how many processes are of use, each of which imports TensorFlow.
MOST_PROCESSES = 6
FIRST = ('test_cluster', 'test_run_all_models', 'test_analysis', 'test_model_command')
FIRST += ('test_robust_training', 'test_stacked_sets', 'test_own_task_page', 'test_robust_analysis')
FIRST += ('test_tutorial', 'test_sweeps')

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


def declare_cost(monkeypatch, name: str, setting: Setting) -> None:
    """Add the weight of a cost to the settings, as its line in settings/costs.py would."""
    for known in (COSTS, SETTINGS, GROUPS['Cost']):
        monkeypatch.setitem(known, name, setting)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores to use, since many tests wait for other processes."""
    return min(available_cores() + 1, MOST_PROCESSES)


def pytest_collection_modifyitems(items) -> None:
    """Put the files of FIRST first."""
    places = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.module.__name__, len(FIRST)))


@pytest.fixture(autouse=True)
def default_parameters():
    """Undo what a test sets, and what a fixture of its module has set."""
    _undo_settings()
    yield
    _undo_settings()
    registry._own.clear()


def _undo_settings() -> None:
    if user_settings():  # thousands of tests set nothing
        reset_parameters()


@pytest.fixture
def eager():
    """Run TensorFlow's functions without making graphs of them, which takes a second for each."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def small():
    """Set the small network, with the given changes."""

    def set_parameters(**changes):
        reset_parameters()
        update_parameters(SMALL | changes)

    return set_parameters
