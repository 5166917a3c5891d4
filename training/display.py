"""What a training run shows: a header, a progress bar, and a line now and then."""

import time
from collections.abc import Mapping

from tqdm import tqdm

import results
from settings.costs import COSTS
from training.notes import notes_of

Curves = dict[str, list]  # one entry per iteration, see results.CURVES


def header(p: Mapping, device_name: str) -> str:
    """The main settings of a run."""
    notes = ''.join(f'\n{note}' for note in notes_of(p))
    costs = ', '.join(f'{cost.replace("_", " ")} {p[cost]}' for cost in COSTS)
    signs = f'{p["num_exc_units"]} excitatory' if p['EI'] else 'whose weights have either sign'
    return (
        f'Task {p["trial_type"]}, synapses {p["synapse_config"]}, {device_name}, seed {p["seed"]}\n'
        f'{p["n_hidden"]} units ({signs}), {p["n_input"]} inputs, '
        f'{p["n_output"]} outputs, {p["num_time_steps"]} steps of {p["dt"]} ms, '
        f'{p["batch_size"]} trials per iteration, {p["num_iterations"]} iterations, '
        f'learning rate {p["learning_rate"]}, {costs}, '
        f'test cost multiplier {p["test_cost_multiplier"]}{notes}'
    )


class Display:
    """A bar of the iterations, and a plain line every iters_between_outputs and at the end.

    It is called with the curves after every iteration, like every `watch` of `loop.train`.
    """

    def __init__(self, p: Mapping, done: int):
        self.every = p['iters_between_outputs']
        self.bar = tqdm(
            total=p['num_iterations'],
            initial=done,
            unit='it',
            disable=None,  # where the output is no terminal
        )
        self.last = time.perf_counter()
        self.line = ''  # of the last iteration, if it is not printed

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.line:
            self.bar.write(self.line)
        self.bar.close()

    def __call__(self, curves: Curves) -> bool:
        now = time.perf_counter()
        milliseconds, self.last = 1000 * (now - self.last), now
        last = {name: values[-1] for name, values in curves.items()}
        shown = {'accuracy': f'{last["accuracy"]:.3f}', **losses(last), 'ms': f'{milliseconds:.0f}'}
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update()
        text = '  '.join(f'{name} {value}' for name, value in shown.items())
        self.line = f'iteration {last["iteration"]:5d}  {text}'
        if last['iteration'] % self.every == 0:
            self.bar.write(self.line)
            self.line = ''
        return False


def losses(values: Mapping) -> dict[str, str]:
    """The parts of the loss, human-readable."""
    names = [name for name in results.VALUES if name not in ('accuracy', 'loss')]
    return {name.replace('_', ' '): f'{values[name]:.4f}' for name in names}


def duration(seconds: float) -> str:
    """Minutes and seconds, human-readable."""
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes} min {seconds} s' if minutes else f'{seconds} s'
