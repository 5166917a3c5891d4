"""Training networks, alone or at once, from the start to their result files.

A run is a function of its settings and seed alone: the batch and the noise of an iteration follow
from the seed and the iteration's number. So a checkpoint needs no state of a random generator, and
a run that was stopped and resumed ends as if it had never stopped.
"""

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from pathlib import Path

from logs.log import Log
from rnn import device
from system import outputs
from system.signals import Signals
from training.display import Display, duration, header
from training.guard import guarded
from training.member import Member, Watch
from training.start import Start


def train(make_model: Callable, start: Start, watch: Watch | None = None) -> Path:
    """Train a network; return the path of its result file.

    `make_model` is `model.Model`, `start` comes from `start.begin`. `watch`, if given, gets the
    curves after every iteration, in place of what is printed, and stops the run by returning True.
    Raises RunError for a checkpoint that does not fit, TrainingError where the loss is not finite,
    MemoryError with its sizes, and Interrupted after a signal (system/signals.py) or a stop by
    `watch`. A result that has appeared meanwhile is kept, which a TrainingError says.
    """
    with guarded(start), outputs.lenient_output():
        return _train(make_model, start, watch)


def _train(make_model: Callable, start: Start, watch: Watch | None) -> Path:
    began, say = time.perf_counter(), _silent if watch else print
    if start.is_finished:
        say(start.words_if_finished)
        return start.filename
    say(header(start.p, start.device_name))
    if start.resume:
        say(start.words_if_resumed)
    with nullcontext(watch) if watch else Display(start.p, start.done) as watching:
        (outcome,) = train_stack(make_model, [start], [watching])
    if isinstance(outcome, BaseException):
        raise outcome
    say(f'Saved {outcome} after {duration(time.perf_counter() - began)}.')
    return outcome


def train_stack(
    make_model: Callable, starts: Sequence[Start], watches: Sequence[Watch]
) -> list[Path | BaseException]:
    """Train networks at once, each as if it were alone; return the outcome of each.

    That is the path of its result file, or what `train` would raise. A network that ends leaves
    the others alone. One `watch` that returns True stops all of them. The curves are logged as the
    starts say.
    """
    with Signals() as signals, ExitStack() as logs:
        both = zip(starts, watches, strict=True)
        logged = [logs.enter_context(Log(s.log, s.network, watch)) for s, watch in both]
        members = [Member(start, log) for start, log in zip(starts, logged, strict=True)]
        for member in members:
            member.build(make_model)
        with ThreadPoolExecutor(1 if device.is_cpu(starts[0].gpu_id) else None) as pool:
            _iterate(members, signals, pool)
    return [member.outcome for member in members]


def _iterate(members: Sequence[Member], signals: Signals, pool) -> None:
    """Train until all networks have an outcome."""
    for member in members:
        if member.outcome is None and member.iteration >= member.p['num_iterations']:
            member.save(member.model, 1, 0)  # a checkpoint with nothing left to do
    while training := [member for member in members if member.outcome is None]:
        _train_together(training, signals, pool, len(members))


def _train_together(members: Sequence[Member], signals: Signals, pool, num: int) -> None:
    """Train networks at once until half of them have ended; `num` is how many there were first.

    Until then, those that have ended stay in the stack with their last batch, since a stack of
    another size needs a new graph. Batches are made while the ones before are trained on.
    """
    from rnn.stack import together  # brings TensorFlow

    model = together([member.model for member in members])
    following = [pool.submit(member.batch, member.iteration) for member in members]
    batches = [None] * len(members)
    while _enough_left(members):
        for i, member in enumerate(members):
            if member.outcome is None and member.take(following[i]):
                batches[i] = following[i].result()
                following[i] = pool.submit(member.batch, member.iteration + 1)
        if not _enough_left(members):
            break
        spare = next(batch for batch in batches if batch is not None)
        batches = [spare if batch is None else batch for batch in batches]
        values = model.optimize(batches, [member.iteration for member in members])
        training = [(m, v) for m, v in zip(members, values, strict=True) if m.outcome is None]
        asked_to_stop = [member.note(value) for member, value in training]
        signum = signals.received or (signal.SIGTERM if any(asked_to_stop) else 0)
        for i, member in enumerate(members):
            if member.outcome is None and member.is_due(signum):
                member.save(model.member(i), num, signum)
    for i, member in enumerate(members):
        if member.outcome is None:
            member.model = model.member(i)


def _enough_left(members: Sequence[Member]) -> bool:
    """Whether more than half of the networks are still in training."""
    return sum(member.outcome is None for member in members) > len(members) // 2


def _silent(text: str) -> None:
    """Print nothing."""
