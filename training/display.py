"""What a training run shows: a header, a progress bar, and a line now and then."""

import time
from collections.abc import Mapping

from tqdm import tqdm

import tasks
from rnn.initial_values import SYNAPSES
from tasks.epochs import durations
from training import stopping

Curves = dict[str, list]  # one entry per iteration, see results.CURVES


def header(p: Mapping, device_name: str, done: int) -> str:
    """The main settings of a run, `done` iterations of which are made already."""
    going_on = f'\nGoing on after iteration {done - 1}.' if done else ''
    notes = ''.join(f'\n{note}' for note in notes_of(p))
    signs = f'{p["num_exc_units"]} excitatory' if p['EI'] else 'whose weights have either sign'
    return (
        f'Task {p["trial_type"]}, synapses {p["synapse_config"]}, {device_name}, seed {p["seed"]}\n'
        f'{p["n_hidden"]} units ({signs}), {p["n_input"]} inputs, '
        f'{p["n_output"]} outputs, {p["num_time_steps"]} steps of {p["dt"]} ms, '
        f'{p["batch_size"]} trials per iteration, {p["num_iterations"]} iterations, '
        f'learning rate {p["learning_rate"]}, spike cost {p["spike_cost"]}, '
        f'test cost multiplier {p["test_cost_multiplier"]}{notes}{going_on}'
    )


def notes_of(p: Mapping) -> list[str]:
    """A sentence on each thing in these settings that the user may not have meant."""
    found = *uneven_times(p), *late_cues(p), *no_cue(p), *cues_alike(p), *one_sign(p)
    return [*found, *tasks.of(p).notes(p), *stopping.warnings_of(p)]


def uneven_times(p: Mapping) -> list[str]:
    """A sentence if dt does not divide times of a trial, with what they become."""
    names = [*durations(p), 'mask_duration', *['variable_delay_max'] * p['var_delay']]
    uneven = [n for n in names if type(p[n]) is int and p[n] % p['dt']]
    lengths = ', '.join(f'{n} {p[n]} ms is {p[n] // p["dt"] * p["dt"]} ms' for n in uneven)
    return [f'With steps of {p["dt"]} ms, {lengths}.'] if uneven else []


def late_cues(p: Mapping) -> list[str]:
    """A sentence if the cue of a rule can come at or after the onset of the test that needs it."""
    dt = p['dt']
    if p['num_rules'] == 1 or len(p['rule_time_rng']) != len(p['test_time_rng']):
        return []  # no rule, or which cue is for which test is not known
    earlier, begins = 0, 'begins'
    if p['var_delay']:
        earlier, begins = -(-p['variable_delay_max'] // dt), 'can begin'
    late = [
        f'a rule is cued from {cue.start * dt} ms, its test {begins} at {first * dt} ms'
        for cue, test in zip(p['rule_time_rng'], p['test_time_rng'], strict=True)
        if cue.start >= (first := test.start - earlier)
    ]
    return [f'The delay is too short for the task: {late[0]}.'] if late else []


def no_cue(p: Mapping) -> list[str]:
    """A sentence if the task has rules but never shows which one counts."""
    if p['num_rules'] == 1 or any(map(len, p['rule_time_rng'])):
        return []
    return [f'{p["trial_type"]} has {p["num_rules"]} rules but no cue: `cues` says when it is on.']


def cues_alike(p: Mapping) -> list[str]:
    """A sentence if there are too few rule inputs to tell the rules apart."""
    num_units, num_rules = p['num_rule_tuned'], p['num_rules']
    if num_units >= num_rules - 1:  # the absence of all others cues the last rule
        return []
    words = f'the inputs cannot tell all {num_rules} rules apart'
    return [f'With num_rule_tuned = {num_units}, {words}.']


def one_sign(p: Mapping) -> list[str]:
    """A sentence if kinds of synapses go by the signs of units, which have none of their own."""
    exc, inh = SYNAPSES[p['synapse_config']]
    if p['EI'] or exc == inh:
        return []
    words = f'with synapse_config = {p["synapse_config"]} all have {exc} synapses'
    return [f'Without inhibitory units (exc_inh_prop = 1), {words}.']


class Display:
    """A bar of the iterations, and a plain line every iters_between_outputs.

    It is called with the curves after every iteration, like every `watch` of `loop.train`.
    """

    def __init__(self, p: Mapping, done: int, shown: bool):
        self.every = p['iters_between_outputs']
        self.bar = tqdm(
            total=p['num_iterations'],
            initial=done,
            unit='it',
            disable=None if shown else True,  # None: where the output is no terminal
        )
        self.last = time.perf_counter()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.bar.close()

    def __call__(self, curves: Curves) -> bool:
        now = time.perf_counter()
        milliseconds, self.last = 1000 * (now - self.last), now
        last = {name: values[-1] for name, values in curves.items()}
        shown = {'accuracy': f'{last["accuracy"]:.3f}', **losses(last), 'ms': f'{milliseconds:.0f}'}
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update()
        if last['iteration'] % self.every == 0:
            text = '  '.join(f'{name} {value}' for name, value in shown.items())
            self.bar.write(f'iteration {last["iteration"]:5d}  {text}')
        return False


def losses(values: Mapping) -> dict[str, str]:
    """The parts of the loss, human-readable."""
    names = ('perf_loss', 'spike_loss', 'weight_loss')
    return {name.replace('_', ' '): f'{values[name]:.4f}' for name in names}


def duration(seconds: float) -> str:
    """Minutes and seconds, human-readable."""
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes} min {seconds} s' if minutes else f'{seconds} s'
