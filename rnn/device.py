"""Where TensorFlow computes: on the CPU with a number of threads, or on one GPU."""

import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from system import outputs

INSTALL_GPU = "GPU support needs an NVIDIA driver and `pip install 'tensorflow[and-cuda]'`"


class DeviceError(ValueError):
    """The GPU that was asked for is not there."""


@contextmanager
def quiet():
    """Silence what TensorFlow's libraries write to stderr; show it after all if they fail."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    outputs.fill_descriptors()
    outputs.lenient(sys.stderr).flush()
    stderr = os.dup(2)
    with _temporary_file() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except Exception:
            with suppress(OSError):
                log.seek(0)
                os.write(stderr, log.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextmanager
def _without_keras():
    """Let TensorFlow leave out Keras, which takes more than a third of the time of its import.

    TensorFlow imports Keras, or the package tf_keras if this variable says so and it is there.
    `tf.keras` still exists, and is imported when it is first used.
    """
    name = 'TF_USE_LEGACY_KERAS'
    if name in os.environ or find_spec('tf_keras'):
        yield
        return
    os.environ[name] = '1'
    try:
        yield
    finally:
        del os.environ[name]


def _temporary_file():
    """A file for a log, which goes nowhere if there is no place for it."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, 'w+b')


def select(gpu_id: str | int | None, threads: int | None = None) -> str:
    """Choose the CPU (None or 'none') or a GPU by its number, and return its human-readable name.

    On the CPU every thread runs a part of the batch of its own (`Model.optimize`), so TensorFlow
    itself uses one thread per operation. Raises DeviceError for a GPU that TensorFlow cannot see.
    """
    with quiet(), _without_keras():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices('GPU')
    tf.get_logger().setLevel('ERROR')  # it warns of graphs for several shapes, which are wanted
    if is_cpu(gpu_id):
        threads = threads or available_cores()
        with suppress(RuntimeError):  # TensorFlow has run in this process: it keeps its threads
            tf.config.set_visible_devices([], 'GPU')
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        return f'CPU, {threads} thread{"s" * (threads > 1)}'
    gpu = _find(str(gpu_id), gpus)
    try:
        tf.config.set_visible_devices(gpu, 'GPU')
        tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError as error:
        raise DeviceError(f'GPU {gpu_id} cannot be chosen any more: {error}') from error
    details = tf.config.experimental.get_device_details(gpu)
    return f'GPU {gpu_id}, {details.get("device_name", "unknown model")}'


def memory(gpu_id: str | int) -> int:
    """Bytes that TensorFlow may use of a GPU. Raises DeviceError if it is not there."""
    select(gpu_id)
    with quiet():
        from tensorflow.python.client import device_lib

        # these are all GPUs, also those that are not selected
        devices = {d.name: d.memory_limit for d in device_lib.list_local_devices()}
    return next(size for name, size in devices.items() if name.endswith(f':GPU:{int(gpu_id)}'))


def is_cpu(gpu_id: str | int | None) -> bool:
    """Whether a GPU id asks for the CPU."""
    return gpu_id is None or str(gpu_id).lower() == 'none'


def _find(gpu_id: str, gpus: list):
    if not gpu_id.isdecimal() or int(gpu_id) >= len(gpus):
        seen = ', '.join(f'{i} ({gpu.name})' for i, gpu in enumerate(gpus)) or 'none'
        raise DeviceError(
            f'GPU {gpu_id} is not there: TensorFlow sees these GPUs: {seen}. {_why_hidden()}'
        )
    return gpus[int(gpu_id)]


def _why_hidden() -> str:
    """What keeps TensorFlow from seeing a GPU."""
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    if visible is None:
        return INSTALL_GPU
    return (
        f'CUDA_VISIBLE_DEVICES = {visible!r} hides all GPUs but those that it lists, and these '
        f'are numbered from 0 on in their order there. {INSTALL_GPU}'
    )


def available_cores() -> int:
    """Cores that this process may use: its affinity, and the limits of its container."""
    import joblib  # takes a tenth of a second

    return joblib.cpu_count()
