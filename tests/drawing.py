"""What tests of figures share: networks whose measures are random numbers, and what is drawn."""

import functools
from itertools import combinations
from unittest import mock

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import figures
import results
import simulate_STP
import tasks
from measures.run import end_of_delay
from parameters import parameters_with
from plots.figure import DeclaredFigure

MAGIC = {'png': b'\x89PNG', 'pdf': b'%PDF', 'svg': b'<?xml'}
SMALL = {'n_hidden': 10, 'dt': 50}  # with the times of the paper


def fabricated(task: str = 'DMS', seed: int = 0, **settings) -> dict:
    """An analysed network of 10 units with random measures of the right shapes."""
    rng = np.random.default_rng(seed)
    p = parameters_with({'trial_type': task, 'seed': seed} | SMALL | settings)
    weights = {name: p[f'{name}0'] for name in results.WEIGHT_SHAPES}
    curves = {name: list((0.1 + rng.random(6)) / 4 ** np.arange(6)) for name in results.CURVES}
    curves |= {'accuracy': list(rng.random(6))}
    curves['iteration'] = list(range(6))
    measures = {name: rng.random(shape) for name, shape in shapes(p).items()}
    measures = {
        name: (2 * value - 1) * np.pi if 'pref_dir' in name else value
        for name, value in measures.items()
    }
    late = end_of_delay(p)
    about = {'options': {}, 'measures': sorted(measures), 'end_of_delay': (late.start, late.stop)}
    return {'weights': weights, 'parameters': p, **curves, **measures, 'analysis': about}


def shapes(p) -> dict[str, tuple[int, ...]]:
    """Shapes of the measures that are drawn."""
    task = tasks.of(p)
    T, N, D = p['num_time_steps'], p['n_hidden'], p['num_motion_dirs']
    R, F, P = task.num_rule_indices(p), task.num_samples, len(task.shuffle_onsets(p))
    W = len(task.silencing_windows(p))
    found = {
        'simulation_accuracy': (R, P, 3),
        'accuracy_neural_shuffled': (R, P, 3),
        'accuracy_syn_shuffled': (R, P, 3),
        'accuracy_neural_shuffled_grp': (R, P, 5, 3),
        'accuracy_syn_shuffled_grp': (R, P, 5, 3),
        'acc_neuronal_suppression': (R, W, 5, 3),
        'accuracy_no_suppression': (R, 3),
        'synaptic_similarity_suppression': (R, W, 5, T),
        'manipulation': (),
        'task_accuracy': (),
        'synaptic_rotation': (R, F, 5),
    }
    for name in ('neuronal', 'synaptic'):
        found |= {
            f'{name}_sample_decoding': (R, F, 3, T),
            f'{name}_test_decoding': (R, F, 3, T),
            f'{name}_sample_decoding_stability': (R, F, 2, T, T),
            f'{name}_sample_tuning': (N, R, D, F, T),
            f'{name}_similarity': (R, F, T),
            f'{name}_pev': (N, R, F, T),
            f'{name}_pref_dir': (N, R, F, T),
        }
    return found


def lines(ax) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is drawn with a label: x and y of each line."""
    named = [line for line in ax.get_lines() if not line.get_label().startswith('_')]
    return {line.get_label(): tuple(map(np.asarray, line.get_data())) for line in named}


def bands(ax) -> list[tuple[np.ndarray, np.ndarray]]:
    """Lower and upper edge (time,) of each band."""
    found = []
    for area in ax.collections:
        outline = area.get_paths()[0].vertices
        half = (len(outline) - 3) // 2
        found.append((outline[1 : 1 + half, 1], outline[2 + half : -1, 1][::-1]))
    return found


def written_texts(drawn: Figure) -> list[tuple[str, object]]:
    """Each text that the page shows, with the rectangle that it fills."""
    found, canvas, draw = [], FigureCanvasAgg(drawn), Text.draw

    def record(text, renderer, *args, **options):
        if text.get_visible() and text.get_text().strip():
            found.append((text.get_text(), text.get_window_extent(renderer)))
        return draw(text, renderer, *args, **options)

    with mock.patch.object(Text, 'draw', record):
        canvas.draw()
    return found


def assert_texts_fit(drawn: Figure) -> None:
    texts = written_texts(drawn)
    assert texts
    page = drawn.bbox
    for text, box in texts:
        assert page.x0 <= box.x0 < box.x1 <= page.x1, f'{text!r} leaves the page'
        assert page.y0 <= box.y0 < box.y1 <= page.y1, f'{text!r} leaves the page'
    for (text_a, a), (text_b, b) in combinations(texts, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width < 0.5 or height < 0.5, f'{text_a!r} and {text_b!r} overlap'


@pytest.fixture(autouse=True)
def coarse_synapses(monkeypatch):
    """Simulate synapses in steps of 1 ms, which takes a twentieth of the time."""
    simulate = functools.partial(simulate_STP.simulate, delta_t=1.0)
    monkeypatch.setattr(simulate_STP, 'simulate', simulate)


def figure_of(name: str) -> DeclaredFigure:
    return next(figure for figure in figures.all_figures() if figure.name == name)
