"""The tasks of docs/own_task.md in all four commands, and files that are missing or changed."""

import re
from pathlib import Path

import pytest
from shell import ROOT, environment, run, train_set

import results
from tasks import find, load_task

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
    assert all(len(source.splitlines()) < 40 for source in FILES.values())


def test_all_commands_take_them(tmp_path, files):
    """Of run_all_models.py and model.py, which train alike, each trains some of the tasks."""
    status, out, err = run(tmp_path, f'--task={files[2]}', **TINY, gap_time=100)
    assert (status, err) == (0, '')
    assert out.startswith('Task cued_match')
    saved = results.load_results(tmp_path / 'savedir' / 'model_results.pkl')['parameters']
    assert (saved['trial_type'], saved['gap_time']) == ('cued_match', 100)
    status, out, err = train_set(tmp_path, 'none', 'set', 1, 0, '--task', *files, **TINY)
    assert (status, err) == (0, '')
    folder, given = tmp_path / 'savedir' / 'set', [f'--task={file}' for file in files]
    assert {path.stem for path in folder.glob('*.pkl')} == {f'{n}-run-0' for n in MEASURED}
    status, out, err = run(tmp_path, folder, *given, program='analysis.py', **OPTIONS)
    assert (status, err) == (0, '')
    for task, measures in MEASURED.items():
        network = results.load_results(folder / f'{task}-run-0.pkl')
        assert network['parameters']['trial_type'] == task
        assert measures <= network.keys()
        num_samples = find(load_task(files[list(MEASURED).index(task)])).num_samples
        assert network['neuronal_sample_decoding'].shape[1] == num_samples
    assert 'manipulation' not in results.load_results(folder / 'comparison-run-0.pkl')
    status, out, err = run(tmp_path, folder, *given, program='figures.py')
    assert (status, err) == (0, '')
    drawn = {path.stem for path in (folder / 'figures').iterdir()}
    assert {f'{task}-{name}' for task in MEASURED for name in FIGURES} <= drawn
    assert {'cued_match-attention', 'manipulation'} <= drawn


def test_a_network_needs_the_file_that_it_was_trained_with(tmp_path, files):
    """Each command says so in one sentence, and what was saved stays."""
    file, path = files[0], tmp_path / 'savedir' / 'model_results.pkl'
    assert run(tmp_path, f'--task={file}', **TINY)[0] == 0
    before = path.read_bytes()
    its = "its task 'delayed_report' is"
    absent = f'{its} a file that must be given: --task path/to/delayed_report.py'
    changed = f'{its} not that of {file}, which has changed'
    quick = {'env': environment(), **OPTIONS}
    for given, sentence in (([], absent), ([f'--task={file}'], changed)):
        for program, settings in (('analysis.py', quick), ('figures.py', {})):
            status, _, err = run(tmp_path, path.parent, *given, program=program, **settings)
            assert status == (1 if program == 'analysis.py' else 2), program  # none is drawn
            assert err.startswith('error: ')
            assert sentence in err
            assert path.name in err
        file.write_text(FILES[file.name] + '# changed\n')
    status, _, err = run(tmp_path, f'--task={file}', '--resume')
    assert (status, err.count('\n')) == (2, 1)
    assert changed in err
    assert path.read_bytes() == before
