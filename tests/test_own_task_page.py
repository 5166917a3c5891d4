"""The tasks of docs/own_task.md in the commands, and files that are missing or changed."""

import re
from pathlib import Path

import numpy as np
import pytest
from drawing import coarse_synapses  # noqa: F401
from shell import ROOT, command_line, train_network
from test_model_command import train_here

import analysis
import figures
import results
from measures import task_tuning
from measures.groups import GROUPS
from measures.measure import INDEPENDENT, PROBE
from measures.plan import kinds_of_trials
from measures.run import Run, end_of_delay
from parameters import analysis_parameters, parameters_with, reset_parameters
from plots import style
from rnn.state import State
from run_all_models import make_jobs, parser
from sets.job import Report
from stimulus import Stimulus
from tasks import find, load_task, registry

TEXT = (ROOT / 'docs' / 'own_task.md').read_text('utf-8')
FILES = dict(re.findall(r'`(\w+\.py)`:\n\n```python\n(.*?)```', TEXT, re.S))
TINY = {
    'n_hidden': 12,
    'num_motion_dirs': 4,
    'num_motion_tuned': 6,
    'dt': 50,
    'fix_time': 100,
    'sample_time': 100,
    'delay_time': 200,
    'test_time': 150,
    'mask_duration': 50,
    'batch_size': 20,
    'num_iterations': 2,
}
OPTIONS = {'analysis_trials': 200, 'tuning_batches': 2, 'decoding_reps': 2, 'simulation_reps': 2}
OPTIONS |= dict.fromkeys(('suppress_analysis', 'decode_test', 'decode_rule'), True)
MEASURED = {
    'delayed_report': {'manipulation'},
    'comparison': {'neuronal_test_decoding', 'resp_suppression', 'synaptic_similarity_suppression'},
    'cued_match': {'neuronal_rule_decoding', 'resp_suppression', 'manipulation'},
}
FIGURES = {'decoding', 'learning', 'shuffles', 'trial', 'tuning', 'weights'}


@pytest.fixture
def files(tmp_path) -> list[Path]:
    """The files of the three tasks."""
    for name, source in FILES.items():
        (tmp_path / name).write_text(source)
    return [tmp_path / name for name in FILES]


def test_tasks_of_the_document_are_short():
    assert len(FILES) == 3
    assert all(len(source.splitlines()) < 45 for source in FILES.values())


@pytest.mark.usefixtures('eager', 'coarse_synapses')
def test_they_are_trained_analysed_and_drawn(tmp_path, files, monkeypatch):
    """A set and model.py, which train alike, each train some of the tasks.

    What begins in this process begins without tasks, as a process does.
    """
    folder, given = tmp_path / 'savedir' / 'set', [f'--task={file}' for file in files]
    place = TINY | {'save_dir': str(folder.parent)}
    assert here(only_job, 'none', 'set', 1, 0, given[0], '--threads=1', **place).status == 'trained'
    for file, gap in ((files[1], {}), (files[2], {'gap_time': 100})):
        place = {'save_dir': str(folder), 'save_fn': f'{file.stem}-run-0.pkl'}
        assert here(train_here, f'--task={file}', **TINY, **place, **gap) == 0
    saved = results.load_results(folder / 'cued_match-run-0.pkl')['parameters']
    assert saved['gap_time'] == 100
    assert here(analysis.main, folder, *given, '--jobs=1', **OPTIONS) == 0
    for task, measures in MEASURED.items():
        network = results.load_results(folder / f'{task}-run-0.pkl')
        assert network['parameters']['trial_type'] == task
        assert measures <= network.keys()
        num_samples = find(load_task(files[list(MEASURED).index(task)])).num_samples
        assert network['neuronal_sample_decoding'].shape[1] == num_samples
    assert 'manipulation' not in results.load_results(folder / 'comparison-run-0.pkl')
    monkeypatch.setitem(style.STYLE, 'savefig.dpi', 50)
    assert here(figures.main, folder, *given) == 0
    drawn = {path.stem for path in (folder / 'figures').iterdir()}
    assert {f'{task}-{name}' for task in MEASURED for name in FIGURES} <= drawn
    assert {'cued_match-attention', 'manipulation'} <= drawn


def test_each_sample_has_its_own_time(files):
    """Both samples of the cued match are turned by 30 degrees between their onset and the test."""
    p = parameters_with(TINY | {'trial_type': load_task(files[2]), 'batch_size': 300, 'dt': 10})
    trial_info = Stimulus(1, p).generate_trial(test_mode=True)
    size = p['num_time_steps'], p['batch_size'], p['n_hidden']
    turned, delay = np.zeros(size), end_of_delay(p)
    angles = np.pi / 2 * (trial_info['sample'][..., None] - np.arange(p['n_hidden']))
    efficacy = np.ones(size)
    for field, period in enumerate((p['sample_time_rng'], p['other_time_rng']['sample 2'])):
        turned[period.start : period.stop] = 2 + np.cos(angles[:, field])
        efficacy[delay, trial_info['rule'] == field] += 0.1 * np.cos(
            angles[trial_info['rule'] == field, field] - np.pi / 6
        )
    states = State(turned, np.ones(size), efficacy)
    about = INDEPENDENT, 0, 1, 1, 1, lambda work: None
    run = Run(None, p, trial_info, None, states, *about)
    found = task_tuning.rotation(run)['synaptic_rotation']
    own = found[[0, 1], [0, 1], GROUPS.index('exc_fac')]  # under the rule that names the sample
    np.testing.assert_allclose(np.abs(own), 30, atol=1)
    assert find(p['trial_type']).shuffle_onsets(p)[0] == p['other_time_rng']['sample 2'].stop


def test_dms_trials_are_shown_as_the_task_suggests(tmp_path):
    suggested = {'kappa': 1, 'dt': 20, 'num_motion_dirs': 6, 'n_hidden': 20, 'tau_slow': 3000}
    words = f'\n    suggested = {suggested}'
    source = FILES['delayed_report.py'].replace("\n    suggested = {'n_output': 9}", words)
    (tmp_path / 'report.py').write_text(source)
    settings = {'trial_type': load_task(tmp_path / 'report.py'), 'n_output': 7}
    p = analysis_parameters(parameters_with(settings))
    probe = kinds_of_trials(p)[PROBE]
    assert {name: probe[name] for name in suggested} == suggested
    assert (probe['noise_in'], probe['num_motion_tuned']) == (p['noise_in'], p['num_motion_tuned'])


def only_job(arguments: list[str]) -> Report:
    """Train the network for which a set would start a process."""
    (job,) = make_jobs(parser().parse_args(arguments))
    return train_network(job, lambda curves: False)


def here(command, *arguments, **settings):
    """Run a command in this process, which knows no task of the files; return its exit status."""
    registry._own.clear()
    reset_parameters()
    return command(command_line('', arguments, settings)[2:])


@pytest.mark.usefixtures('eager')
def test_a_network_needs_the_file_that_it_was_trained_with(tmp_path, files, capsys):
    """Each command says so in one sentence, and what was saved stays."""
    file, path = files[0], tmp_path / 'savedir' / 'model_results.pkl'
    place = {'save_dir': str(path.parent)}
    assert here(train_here, f'--task={file}', **TINY, **place) == 0
    before = path.read_bytes()
    its = "its task 'delayed_report' is"
    absent = f'{its} a file that must be given: --task path/to/delayed_report.py'
    changed = f'{its} not that of {file}, which has changed'
    for given, sentence in (([], absent), ([f'--task={file}'], changed)):
        for command, settings, expected in ((analysis.main, OPTIONS, 1), (figures.main, {}, 2)):
            capsys.readouterr()
            assert here(command, path.parent, *given, **settings) == expected  # none is drawn
            err = capsys.readouterr().err
            assert err.startswith('error: ')
            assert sentence in err
            assert path.name in err
        file.write_text(FILES[file.name] + '# changed\n')
    assert here(train_here, f'--task={file}', '--resume', **place) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1
    assert changed in err
    assert path.read_bytes() == before
