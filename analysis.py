"""Measures of how trained networks hold information: decoding, tuning, shuffles, suppression.

    python analysis.py FILE_OR_FOLDER ... [--set NAME=VALUE]... [--task FILE.py]... [--jobs N]
                       [--seed N] [--out FOLDER] [--mat] [--overwrite]

Reloads saved networks, also those of the original code, runs them with noise, and adds the measures
to the file (or writes them to --out). The measures are declared in measures/; here they are taken
over batches of trials.
"""

import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

import results
import tasks
from commands import analysis as analysing
from commands.arguments import fail
from commands.running import command
from measures import sampling
from measures.accuracy import get_perf
from measures.decoding import calculate_svms
from measures.earlier import MeasuresLost, what_is_there
from measures.measure import INDEPENDENT, PROBE, TRAINING, Measure, all_measures
from measures.plan import (
    absent_measures,
    amount_of_work,
    kinds_of_trials,
    num_batches,
    planned,
    wanted,
)
from measures.run import TRIALS, Progress, Run, stream_number
from measures.shuffling import simulate_network
from measures.silencing import calculate_response_matrix
from measures.task_decoding import check_trials, decoded_labels
from measures.tuning import calculate_tuning
from parameters import analysis_parameters, par
from rnn import device
from rnn.state import State
from stimulus import Stimulus
from system.locks import lock
from system.signals import Interrupted
from training.guard import enough_memory

__all__ = [
    'MeasuresLost',
    'analyze_model_from_file',
    'calculate_response_matrix',
    'calculate_svms',
    'calculate_tuning',
    'get_perf',
    'run_model',
    'run_multiple',
    'simulate_network',
]

ACTIVITIES_PER_PART = 38_400  # activities of a step in a part of a run: rows times units


def run_model(
    x, h_init, syn_x_init, syn_u_init, weights: dict, suppress_activity=None, key=None, p=None
) -> tuple[np.ndarray, ...]:
    """Run a network with the parameters `p` (default: `par`) and these weights, with noise.

    x is (time, trial, input), initial states are (1, unit) or (trial, unit), suppress_activity
    (time, unit) multiplies the activity. Two integers as `key` make the noise the same each time.
    Returns y (time, trial, output) and h, syn_x, syn_u (time, trial, unit).
    """
    from model import Model  # brings TensorFlow, which takes seconds

    key = np.random.default_rng().integers(2**62, size=2) if key is None else key
    p = par if p is None else p
    model = Model(weights, trials_per_part=rows_at_once(p), p=p)
    return model.run_model(x, h_init, syn_x_init, syn_u_init, key, suppress_activity)


def rows_at_once(p: Mapping) -> int:
    """Number of rows (trials times conditions) in one part of a run, large enough to be efficient.

    A part has the same number of activities per step for any network: 384 rows of 100 units.
    """
    return max(1, ACTIVITIES_PER_PART // p['n_hidden'])


def run_multiple(
    files=None, update_params: Mapping | None = None, **options
) -> dict[Path, dict | Exception]:
    """Analyse files one after the other, each into itself; see `analyze_model_from_file`.

    `files`: a path or several, each of a result file or of a folder of them (*.pkl); by default
    par['save_dir']. Returns for each file its results, or the error for which it could not be
    analysed. Raises results.ResultsError for a folder without networks, before it begins.
    """
    found = {}
    for filename in _files(par['save_dir'] if files is None else files):
        try:
            with lock(filename):
                found[filename] = analyze_model_from_file(
                    filename, filename, update_params, **options
                )
        except (ValueError, OSError, MemoryError) as error:
            found[filename] = error
    return found


def _files(files) -> list[Path]:
    """The files, and the networks (*.pkl) of the folders, that are one path or several."""
    several = [files] if isinstance(files, (str, os.PathLike)) else files
    paths = [Path(path).expanduser() for path in several]
    return [file for path in paths for file in results.files_of(path)]


def analyze_model_from_file(
    filename,
    savefile=None,
    update_params: Mapping | None = None,
    *,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress = lambda n: None,
    overwrite: bool = False,
) -> dict:
    """Analyse a saved network; return its results with the measures added.

    They are written only to `savefile`, if it is given. If that holds measures already, with the
    same options or more, only what it lacks is measured. `update_params` are parameters that differ
    from the network's, above all the options of the analysis. The same seed gives the same numbers
    on any number of processes (`jobs`). `progress` is called with the amount of work done, in the
    units of `amount_of_work`. Raises results.ResultsError for a file that is no network's result,
    ValueError for options that are not allowed, too few trials, a network of other equations, or a
    `savefile` that holds another network, MeasuresLost if it would lose measures; `overwrite`
    measures all again, and allows the last two.
    """
    saved = results.load_results(filename)
    there = None if savefile is None or overwrite else what_is_there(savefile, saved, filename)
    plan = planned(saved, update_params, seed, there)
    if not plan.measures:
        return plan.network
    if savefile is not None:
        results.check_writable(savefile)  # before the work
    from model import Model  # brings TensorFlow, which takes seconds
    from rnn.equations import require_same

    p, cores = plan.p, jobs or device.available_cores()
    with enough_memory(p, 'fewer analysis_trials or jobs'):
        trained = analysis_parameters(saved['parameters'], corrections=plan.options)
        require_same(Model(saved['weights'], p=trained), saved)
        model = Model(saved['weights'], trials_per_part=rows_at_once(p), threads=jobs, p=p)
        found = Analysis(model, seed, cores, progress).measured(plan.measures)
    analyzed = plan.analyzed(found)
    if savefile is not None:
        results.save(savefile, analyzed)
    return analyzed


class Analysis:
    """The measures of one network, with the options in its parameters.

    Everything is measured in a first batch of trials; accuracies, and what compares tunings, also
    in others, see measures/sampling.py.
    """

    def __init__(self, model, seed: int, jobs: int, progress: Progress):
        self.model, self.p, self.jobs, self.progress = model, model.par, jobs, progress
        self.seed, self.kinds = seed, kinds_of_trials(model.par)

    def measured(self, measures: Collection[Measure] | None = None) -> dict:
        """The results of these measures, by default of all that the options ask for."""
        for kind, p in self.kinds.items():
            # too few trials are reported before the work, not in its middle
            if kind != TRAINING and p['decoding_reps']:
                trials = self._stimulus(kind, 0).without_noise(test_mode=True)
                check_trials(trials, p, decoded_labels(p) if kind == INDEPENDENT else ['sample'])
        found = {}
        for kind in self.kinds:
            of_kind = self._measured_in(kind, wanted(kind, self.p, measures))
            found |= as_probe(of_kind) if kind == PROBE else of_kind
        return found | (as_probe(found) if tasks.of(self.p).probe == 'own' else {})

    def _measured_in(self, kind: str, measures: Collection[Measure]) -> dict:
        """Results in one kind of trials: all measures in batch 0, averaged ones in all batches."""
        found, batches = {}, {m: [] for m in measures if m.averaged}
        for batch in range(num_batches(measures, self.p)):
            run = self.run(kind, batch)
            for m in measures if batch == 0 else batches:
                values = m(run)
                if batch == 0:
                    found |= {name: value for name, value in values.items() if name in m.results}
                if m.averaged:
                    batches[m].append({n: v for n, v in values.items() if n in m.averaged})
            self.progress(1)
        for m, values in batches.items():
            found |= sampling.over_batches(values, m.axes, m.degrees)
        return found

    def run(self, kind: str, batch: int) -> Run:
        """The network in a batch of one kind of trials."""
        trial_info = self._stimulus(kind, batch).generate_trial(test_mode=kind != TRAINING)
        require_all_rules(trial_info, self.kinds[kind])
        y, *states = self.model.run_model(trial_info['neural_input'], key=self._seed(kind, batch))
        return Run(
            model=self.model,
            p=self.kinds[kind],
            trial_info=trial_info,
            y=y,
            states=State(*states),
            kind=kind,
            batch=batch,
            num_batches=self.p['tuning_batches'],
            analysis_seed=self.seed,
            jobs=self.jobs,
            progress=self.progress,
        )

    def _stimulus(self, kind: str, batch: int) -> Stimulus:
        return Stimulus(self._seed(kind, batch), self.kinds[kind], self.jobs)

    def _seed(self, kind: str, batch: int) -> list[int]:
        """Seed of the trials and the noise in a batch: (analysis seed, stream number)."""
        return [self.seed, stream_number(batch, TRIALS[kind])]


def require_all_rules(trial_info: Mapping, p: Mapping) -> None:
    """Raise ValueError if a kind of trials that is measured on its own has no trial."""
    task = tasks.of(p)
    if absent := {*range(task.num_rule_indices(p))} - {*task.rule_index(trial_info)}:
        words = f'none of them has rule {min(absent)}'
        raise ValueError(f'analysis_trials = {p["analysis_trials"]} is too few: {words}')


def as_probe(found: Mapping) -> dict:
    """Those of the results that belong to the DMS probe, under the names that they have there.

    What is measured in the probe only keeps its name.
    """
    renamed = {}
    for m in all_measures():
        ending = '' if m.trials == (PROBE,) else sampling.OF_PROBE
        for name in m.axes if PROBE in m.trials else ():
            for suffix in ('', sampling.SUFFIX):
                if name + suffix in found:
                    renamed[f'{name}{ending}{suffix}'] = found[name + suffix]
    return renamed


@command
def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status.

    2 for a wrong request, 1 if a file could not be analysed (others are), 128 + signal if stopped.
    """
    try:
        args, settings = analysing.request(arguments)
    except (ValueError, OSError) as error:
        return fail(error, 2)
    try:
        return analysing.analyze_all(args, settings, analyze)
    except Interrupted as stop:
        words = 'stopped: what is analysed is kept; to continue, run the same command again'
        return fail(words, 128 + stop.signum)
    except KeyboardInterrupt:
        return 130


def analyze(request: analysing.Request) -> dict:
    """The analysed network of a file, from the target where it is finished already."""
    saved, earlier, settings = request.saved, request.earlier, request.settings
    plan = planned(saved, settings, request.seed, earlier)
    request.notes.update(absent_measures(plan.p))
    if not plan.measures:
        print(f'{request.target} is analysed already.')
        return earlier
    results.check_writable(request.target)
    work = amount_of_work(plan.p, plan.measures)
    with lock(request.target), request.progress(work) as progress:
        device.select(None, request.jobs)
        return analyze_model_from_file(
            request.filename,
            request.target,
            settings,
            seed=request.seed,
            jobs=request.jobs,
            progress=progress,
            overwrite=request.overwrite,
        )


if __name__ == '__main__':
    sys.exit(main())
