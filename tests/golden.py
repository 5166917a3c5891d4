"""Numbers that a change of the code's structure must leave as they are.

    python tests/golden.py            prints a digest of each, down to the last bit
    python tests/golden.py --write    also writes the file with which the tests compare

On one machine two commits compute the same if they print the same digests. On another processor
sums are rounded differently, so the tests compare losses and measures to a relative 1e-4
(tests/test_golden.py), but the labels of the trials exactly.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FILE = Path(__file__).with_name('golden.json')
TRAINED = ('DMS', 'DMS+DMRS', 'ABBA', 'dualDMS')
NETWORK = ROOT / 'networks' / 'full' / 'DMS-run-0.pkl'
ITERATIONS = 3
# nearly all measures; few trials, repetitions and steps: it is their definition that is compared
ANALYSIS = {
    'dt': 20,
    'analysis_trials': 256,
    'decoding_reps': 1,
    'simulation_reps': 2,
    'tuning_batches': 1,
    'suppress_analysis': True,
    'decode_test': True,
    'decode_neuronal_groups': True,
}


def of_training(task: str) -> dict[str, np.ndarray]:
    """Accuracy and losses of the first iterations of a task, and the weights after them."""
    from model import Model
    from parameters import par, update_parameters
    from stimulus import Stimulus

    # 160 trials are differentiated in two parts
    update_parameters({'trial_type': task, 'seed': 3, 'n_hidden': 30, 'batch_size': 160})
    model = Model()
    curves = [
        model.optimize(Stimulus([par['seed'], i]).generate_trial(), i) for i in range(ITERATIONS)
    ]
    found = {name: np.array([values[name] for values in curves]) for name in curves[0]}
    found |= {name: variable.numpy() for name, variable in model.weights.items()}
    return {f'training/{task}/{name}': value for name, value in found.items()}


def of_batch(task: str) -> dict[str, np.ndarray]:
    """One batch of a task: labels, inputs, targets and mask."""
    from parameters import update_parameters
    from stimulus import Stimulus

    update_parameters({'trial_type': task, 'seed': 3, 'batch_size': 24})
    batch = Stimulus([3, 1]).generate_trial()
    return {f'batch/{task}/{name}': np.asarray(value) for name, value in batch.items()}


def of_analysis() -> dict[str, np.ndarray]:
    """The measures of one network."""
    from analysis import analyze_model_from_file
    from measures.sampling import SUFFIX

    found = analyze_model_from_file(NETWORK, update_params=ANALYSIS, seed=3, jobs=1)
    names = [name for name in found['analysis']['measures'] if not name.endswith(SUFFIX)]
    return {f'analysis/{name}': _directed(found, name) for name in names}


def _directed(found: dict, name: str) -> np.ndarray:
    """A measure; preferred directions as vectors, since that of an untuned unit may be any."""
    value = np.asarray(found[name])
    if 'pref_dir' not in name:
        return value
    pev = found[name.replace('pref_dir', 'pev')]
    return np.stack([pev * np.cos(value), pev * np.sin(value)])


def collect() -> dict[str, np.ndarray]:
    """All golden numbers."""
    from parameters import reset_parameters
    from tasks import TASKS

    found = {}
    for compute, tasks in ((of_training, TRAINED), (of_batch, TASKS)):
        for task in tasks:
            reset_parameters()
            found |= compute(task)
    reset_parameters()
    return found | of_analysis()


def summary(value: np.ndarray) -> list:
    """What the tests compare: integers whole; of other numbers mean and SD, and losses whole."""
    if value.dtype.kind in 'iub':
        return value.ravel().astype(int).tolist()
    finite = value[np.isfinite(value)].astype(float)
    spread = [finite.mean(), finite.std()] if finite.size else []
    return [value.size - finite.size, *spread, *(finite.tolist() if value.size < 10 else [])]


def digest(value: np.ndarray) -> str:
    """The same for the same bits, type and shape."""
    text = f'{value.dtype.str} {value.shape}'.encode()
    return hashlib.sha256(text + np.ascontiguousarray(value).tobytes()).hexdigest()[:16]


if __name__ == '__main__':
    sys.path.insert(0, str(ROOT))
    numbers = collect()
    for name, value in numbers.items():
        print(name, digest(value))
    if '--write' in sys.argv[1:]:
        rows = [f'{json.dumps(name)}: {json.dumps(summary(v))}' for name, v in numbers.items()]
        FILE.write_text('{\n' + ',\n'.join(rows) + '\n}\n')
