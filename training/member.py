"""One network in training: its model, its files, and its curves."""

import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

import numpy as np

import results
from rnn import device
from stimulus import Stimulus
from system.files import named
from system.signals import Interrupted
from system.versions import versions
from training.display import Curves
from training.start import RunError, Start
from training.stopping import accurate_enough

Watch = Callable[[Curves], bool]
MOST_UNSAVED = 5  # checkpoints in a row that cannot be written


class TrainingError(RuntimeError):
    """The run failed on its way; the message says why in one sentence."""


class Member:
    """One of the networks that are trained together, as a stack.

    `outcome` is None while training goes on, then the path of the result file, or the exception
    that `loop.train` raises. `model` is the network on its own, as of when it was last taken out of
    a stack or saved.
    """

    def __init__(self, start: Start, watch: Watch):
        self.start, self.p, self.watch = start, start.p, watch
        self.checkpoint = results.checkpoint_name(start.filename)
        saved = start.checkpoint or {}
        self.curves: Curves = {name: list(saved.get(name, [])) for name in results.CURVES}
        self.model, self.outcome, self.unsaved = None, None, 0
        self.has_checkpoint = start.checkpoint is not None  # of this run
        # now: the files of the code may change while it runs
        self.notes = _provenance(saved, versions())

    @property
    def iteration(self) -> int:
        """The next iteration."""
        return len(self.curves['iteration'])

    def build(self, make_model: Callable) -> None:
        """Make the network, as initialised or as in the checkpoint; on a GPU as one whole batch."""
        start = self.start
        whole_batch = {'jit_compile': True, 'trials_per_part': start.p['batch_size']}
        options = {} if device.is_cpu(start.gpu_id) else whole_batch
        options |= {'p': start.p, 'threads': start.threads or device.available_cores()}
        saved = start.checkpoint
        try:
            self.model = make_model(saved['weights'], **options) if saved else make_model(**options)
            if saved:
                self.model.optimizer.restore(saved['optimizer'])
        except (KeyError, ValueError, TypeError) as error:
            if not saved:
                raise
            self.outcome = RunError(f'{self.checkpoint} does not fit the settings in it: {error!r}')
        else:
            self._require_equations(saved or {})

    def _require_equations(self, saved: Mapping) -> None:
        from rnn.equations import require_same  # brings TensorFlow

        try:
            require_same(self.model, saved)
        except ValueError as error:
            self.outcome = RunError(f'{self.checkpoint} cannot be resumed: {error}')
            return
        try:
            self.model.require_trainable()
        except ValueError as error:
            self.outcome = RunError(str(error))

    def batch(self, iteration: int) -> dict:
        """The trials of an iteration, which the seed and its number decide."""
        seed = [self.p['seed'], iteration]
        return Stimulus(seed, self.p, self.start.threads).generate_trial()

    def take(self, batch: Future) -> bool:
        """Wait for a batch; return whether there is one. What goes wrong with it is the outcome."""
        self.outcome = batch.exception()
        return self.outcome is None

    def note(self, values: Mapping[str, float]) -> bool:
        """Note what an iteration gave; return whether `watch` asks to stop.

        A loss that is not finite ends the training of this network.
        """
        try:
            self._require_finite(values['loss'], 'loss', self.iteration)
        except TrainingError as error:
            self.outcome = error
            return False
        for name, value in {**values, 'iteration': self.iteration}.items():
            self.curves[name].append(value)
        return self.watch(self.curves)

    def is_due(self, signum: int) -> bool:
        """Whether a result or a checkpoint is to be saved."""
        return bool(signum) or self._is_trained() or self.iteration % self.p['save_every'] == 0

    def save(self, model, num_stacked: int, signum: int) -> None:
        """Save the result, or a checkpoint; what goes wrong is the outcome.

        A checkpoint that cannot be written does not end the training, unless it is the last one or
        the MOST_UNSAVED-th such checkpoint in a row.
        """
        self.model = model
        try:
            if self._is_accurate() or (self._is_trained() and not signum):
                save_result(self.start.filename, self._result(num_stacked), self.start.overwrite)
                self.outcome = self.start.filename
                return
            slots = {'optimizer': model.optimizer.state()}
            results.save(self.checkpoint, self._result(num_stacked) | slots)
        except TrainingError as error:
            self.outcome = error
        except OSError as error:
            self.unsaved += 1
            if signum or self._is_trained() or self.unsaved == MOST_UNSAVED:
                self.outcome = error
            else:
                warnings.warn(f'{error}; the training goes on without it', stacklevel=2)
        else:
            self.has_checkpoint, self.unsaved = True, 0
            self.outcome = self._without_old_result() or (Interrupted(signum) if signum else None)

    def _without_old_result(self) -> OSError | None:
        """With --overwrite, remove the old result, now that there is something new."""
        try:
            with named(self.start.filename, 'removed'):
                if self.start.overwrite:
                    self.start.filename.unlink(missing_ok=True)
        except OSError as error:
            return error
        return None

    def _is_trained(self) -> bool:
        return self._is_accurate() or self.iteration >= self.p['num_iterations']

    def _is_accurate(self) -> bool:
        """Whether stop_accuracy is reached."""
        return accurate_enough(self.curves['accuracy'], self.p['stop_accuracy'])

    def _result(self, num_stacked: int) -> dict:
        """What is saved; raises TrainingError where weights are not finite."""
        result = self.model.result(self.curves)
        for name, weight in result['weights'].items():
            self._require_finite(weight, f'weight {name}', self.iteration - 1)
        return result | self.notes | ({'stacked': num_stacked} if num_stacked > 1 else {})

    def _require_finite(self, values, what: str, iteration: int) -> None:
        if np.all(np.isfinite(values)):
            return
        kept = 'none is saved'
        if self.has_checkpoint:
            kept = f'the last good state is in {self.checkpoint}'
        raise TrainingError(
            f'the {what} is not finite at iteration {iteration} ({kept}): '
            'a smaller learning_rate or weaker initial weights may help'
        )


def save_result(filename: Path, result: dict, replaces: bool) -> None:
    """Save a result, and remove its checkpoint.

    A file that is there stays, unless the result `replaces` it: then the result gets another name,
    which a TrainingError says.
    """
    written = filename
    if replaces:
        results.save(filename, result)
    else:
        written = results.save_as_new(filename, result)
    results.checkpoint_name(filename).unlink(missing_ok=True)
    if written != filename:
        words = f'{filename} has appeared since this run began, and stays'
        raise TrainingError(f'{words}: the network is in {written}')


def _provenance(saved: Mapping, now: dict) -> dict:
    """`versions` of this run, and `earlier_versions` of those that a resumed network goes on from.

    {} stands for a run that did not note them.
    """
    earlier = list(saved.get('earlier_versions', ()))
    if saved and saved.get('versions') != now:
        earlier.append(saved.get('versions', {}))
    return {'versions': now} | ({'earlier_versions': earlier} if earlier else {})
