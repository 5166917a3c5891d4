"""The command `python analysis.py` as a user meets it, most of it within this process."""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat
from shell import environment, fatal_tensorflow, refusal_here
from test_analysis import QUICK, eagerly, network  # noqa: F401

import analysis
import figures
import results
from commands import analysis as analysis_command
from model import Model
from page import folder
from parameters import par, update_parameters, user_settings
from plots.network import simulate_trial
from tasks import TASKS

COMMAND = Path(analysis.__file__)
TIMEOUT = 240  # s


def words(settings: dict) -> list[str]:
    return [f'--set={name}={value}' for name, value in settings.items()]


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its status and what it wrote to stdout and stderr."""

    def run_command(*arguments, **changes) -> tuple[int, str, str]:
        given = map(str, arguments)
        status = analysis.main([*given, '--jobs=1', *words(QUICK | changes)])
        return status, *capsys.readouterr()

    return run_command


@pytest.fixture
def files(tmp_path) -> list[Path]:
    """Two networks in a folder."""
    paths = [tmp_path / 'nets' / name for name in ('a.pkl', 'b.pkl')]
    for seed, path in enumerate(paths):
        results.save(path, network(seed=seed))
    return paths


def test_networks_of_the_original_code_are_summarised(run, tmp_path):
    """They lack parameters that this project adds."""
    saved = network()
    for name in ('rules', 'test_time_rng', 'seed', 'stop_accuracy', 'save_every'):
        del saved['parameters'][name]
    results.save(tmp_path / 'a.pkl', saved)
    status, out, err = run(tmp_path)
    assert (status, err) == (0, '')
    found = results.load_results(tmp_path / 'a.pkl')
    assert out.splitlines()[-1].split() == row_of('a.pkl', found)


def test_a_rule_without_trials_is_refused(run, tmp_path):
    results.save(tmp_path / 'a.pkl', network(trial_type='dualDMS'))
    status, _, err = run(tmp_path, analysis_trials=2, decoding_reps=0)
    assert status == 1
    assert re.search(r'analysis_trials = 2 is too few: none of them has rule \d', err)


def assert_measures_of(path: Path, network_file: Path, seed: int = 0, **changes) -> dict:
    """The file holds what the analysis of the network gives."""
    found = results.load_results(path)
    expected = analysis.analyze_model_from_file(
        network_file, None, QUICK | changes, seed=seed, jobs=1
    )
    np.testing.assert_equal(found, expected)
    return found


def row_of(name: str, found: dict) -> list[str]:
    """What the table shows: the last 100 ms of the delay, and shuffles at the test's onset."""
    late = slice(5, 7)  # 50 ms per step; fixation and sample take 100 ms each, the delay 150
    numbers = [
        found['task_accuracy'],
        *(found[f'{n}_sample_decoding'][0, 0, :, late].mean() for n in ('neuronal', 'synaptic')),
        *(found[f'accuracy_{n}_shuffled'][0, 1].mean() for n in ('neural', 'syn')),
    ]
    return [name, *(f'{number:.3f}' for number in numbers)]


# Where results go


def test_files_of_a_folder_are_analysed_into_themselves(tmp_path, files, run):
    update_parameters({'n_hidden': 7})
    before = dict(par)
    copies = [tmp_path / path.name for path in files]
    for path, copy in zip(files, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    status, out, err = run(files[0].parent, '--seed=3')
    assert (status, err) == (0, '')
    header, *rows = out.splitlines()
    columns = 'accuracy', 'neuronal decoding', 'synaptic decoding'
    columns += 'neuronal shuffle', 'synaptic shuffle'
    assert header.split() == ['network', *' '.join(columns).split()]
    for path, copy, row in zip(files, copies, rows, strict=True):
        found = assert_measures_of(path, copy, seed=3)
        assert row.split() == row_of(path.name, found)
    assert sorted(files[0].parent.iterdir()) == files
    assert user_settings() == {'n_hidden': 7}
    assert all(par[name] is before[name] for name in before)


def test_networks_of_one_name_have_a_line_each(files, run):
    twin = files[0].parent.with_name('others') / files[0].name
    twin.parent.mkdir()
    twin.write_bytes(files[1].read_bytes())
    status, out, err = run(files[0], twin)
    assert (status, err) == (0, '')
    expected = [row_of('a.pkl', results.load_results(file)) for file in (files[0], twin)]
    assert [line.split() for line in out.splitlines()[1:]] == expected


def test_results_go_to_another_folder(tmp_path, files, run):
    before = [path.read_bytes() for path in files]
    out = tmp_path / 'new' / 'folder'
    assert run(*files, f'--out={out}')[0] == 0
    assert [path.read_bytes() for path in files] == before
    assert sorted(path.name for path in out.iterdir()) == ['a.pkl', 'b.pkl']
    for path in files:
        assert_measures_of(out / path.name, path)
    status, shown, err = run(*files, f'--out={out}')
    assert (status, err) == (0, '')
    assert shown.count('is analysed already') == 2


def test_a_folder_that_is_a_file(tmp_path, files, run):
    (tmp_path / 'occupied').write_text('')
    status, _, err = run(files[0], f'--out={tmp_path / "occupied"}')
    assert status == 1
    assert err == (
        f'error: {files[0]}: cannot write to the folder {tmp_path / "occupied"}: it is a file\n'
    )


def test_two_networks_of_one_name(tmp_path, run):
    """Neither takes the other's place unasked, nor is one shown for the other."""
    paths, out = [tmp_path / folder / 'net.pkl' for folder in 'ab'], tmp_path / 'out'
    for seed, path in enumerate(paths):
        results.save(path, network(seed=seed))
    for option in ('--overwrite', '--mat'):
        status, shown, err = run(*paths, f'--out={out}', option)
        assert (status, shown.count('net.pkl')) == (1, 1 + (option == '--mat'))
        assert err == f'error: {paths[1]} is left out: {out / "net.pkl"} is for {paths[0]}\n'
    status, _, err = run(paths[1], f'--out={out}')
    sentence = f'{out / "net.pkl"} holds another network; --overwrite (overwrite=True) replaces it'
    assert (status, err) == (1, f'error: {paths[1]}: {sentence}\n')
    assert_measures_of(out / 'net.pkl', paths[0])
    assert run(paths[1], f'--out={out}', '--overwrite')[0] == 0
    assert_measures_of(out / 'net.pkl', paths[1])


# What is skipped


@pytest.fixture(scope='module')
def analysed(tmp_path_factory) -> bytes:
    """A network that the command has analysed with `decode_test`."""
    path = tmp_path_factory.mktemp('analysed') / 'a.pkl'
    results.save(path, network(seed=0))
    settings = words(QUICK | {'decode_test': True})
    assert analysis.main([str(path), '--jobs=1', *settings]) == 0
    return path.read_bytes()


@pytest.mark.parametrize(
    ('arguments', 'changes', 'skipped'),
    [
        ([], {}, True),
        ([], {'decode_test': False}, True),
        (['--overwrite'], {}, False),
        (['--seed=1'], {}, False),
        ([], {'decode_match': True}, False),
        ([], {'decoding_reps': 1}, True),
        ([], {'decoding_reps': 3}, False),
        ([], {'svm_normalize': False}, False),
        (['--overwrite'], {'noise_rnn_sd': 0.4}, False),
        (['--overwrite'], {'delay_time': 200}, False),
    ],
)
def test_what_is_analysed_already(files, run, analysed, arguments, changes, skipped):
    files[0].write_bytes(analysed)
    before = results.load_results(files[0])
    status, out, err = run(files[0], *arguments, **{'decode_test': True} | changes)
    assert (status, err) == (0, '')
    assert out.splitlines()[-1].split()[0] == 'a.pkl'
    assert (f'{files[0]} is analysed already.' in out) == skipped
    after = results.load_results(files[0])
    assert (after['analysis'] == before['analysis']) == (
        skipped or (arguments, changes) == (['--overwrite'], {})
    )
    options = {'decode_test': True} | changes
    assert ('neuronal_test_decoding' in after) == (skipped or options['decode_test'])


@pytest.mark.parametrize('origin', ['here', 'unknown'])
def test_measures_are_not_lost_unasked(files, run, analysed, origin):
    """Neither those of other options nor those of another program."""
    found = pickle.loads(analysed)
    if origin == 'unknown':
        del found['analysis']
    results.save(files[0], found)
    before = files[0].read_bytes()
    lost = 'neuronal_test_decoding' if origin == 'here' else 'task_accuracy'
    status, out, err = run(files[0], decoding_reps=3)
    assert (status, out, files[0].read_bytes()) == (1, '', before)
    assert err.startswith(f'error: {files[0]}: it holds measures that would be lost (')
    assert lost in err
    assert ('ask for as much (decode_test=True), write' in err) == (origin == 'here')
    assert len(err.splitlines()) == 1
    out = files[0].parent / 'out'
    assert run(files[0], f'--out={out}', decoding_reps=1)[0] == 0
    assert files[0].read_bytes() == before
    assert run(files[0], '--overwrite', decoding_reps=1)[0] == 0
    assert ('neuronal_test_decoding' in results.load_results(files[0])) == (origin == 'unknown')


def test_measures_under_other_conditions_do_not_replace_those_of_the_network(files, run):
    """Which the report would show beside the settings of the training."""
    trained = results.load_results(files[0])['parameters']['test_time']
    assert run(files[0])[0] == 0
    before = files[0].read_bytes()
    status, out, err = run(files[0], test_time=trained + 10)
    assert (status, out, files[0].read_bytes()) == (1, '', before)
    words = (
        f'it holds measures with test_time = {trained}, not {trained + 10}: write to another file'
    )
    assert err.startswith(f'error: {files[0]}: {words}')
    assert run(files[0], '--overwrite', test_time=trained + 10)[0] == 0
    networks = {n.path: n for n in folder.read(files[0].parent).networks}
    assert networks[files[0]].settings['test_time when analysed'] == trained + 10
    assert run(files[0], test_time=trained)[0] == 1
    assert run(files[0], '--overwrite', test_time=trained)[0] == 0
    assert run(files[0], decoding_reps=9)[0] == 0  # the same conditions, unsaid


def test_conditions_of_the_training_need_no_new_analysis(files, run):
    trained = results.load_results(files[0])['parameters']['test_time']
    assert run(files[0])[0] == 0
    assert 'is analysed already' in run(files[0], test_time=trained)[1]


def test_settings_need_to_fit_the_networks_alone(tmp_path, run):
    """With the default test of 500 ms this mask is not allowed."""
    path = tmp_path / 'a.pkl'
    results.save(path, network(test_time=1000))
    assert run(path, mask_duration=600)[0] == 0
    made = results.load_results(path)['analysis']['options']
    assert made['mask_duration'] == 600
    assert 'mask_duration = 1000 is not allowed' in run(path, mask_duration=1000)[2]


def test_a_file_that_another_command_made_meanwhile_stays(files, tmp_path, run, monkeypatch):
    """It began when this one had looked for it already."""
    target = tmp_path / 'out' / files[0].name
    looked = analysis_command.what_is_there

    def and_then_is_made(*args):
        found = looked(*args)
        analysis.analyze_model_from_file(files[0], target, QUICK | {'decode_test': True}, jobs=1)
        return found

    monkeypatch.setattr(analysis_command, 'what_is_there', and_then_is_made)
    assert run(files[0], f'--out={target.parent}')[0] == 0
    assert 'neuronal_test_decoding' in results.load_results(target)


def test_synapses_that_the_original_code_ignored_are_corrected(tmp_path, run):
    path = tmp_path / 'a.pkl'
    saved = network()
    results.save(path, saved | {'parameters': saved['parameters'] | {'U_stf': 0.3}})
    assert 'its U is not what its settings give' in run(path)[2]
    assert run(path, U_stf=0.15)[0] == 0
    assert figures.main([str(tmp_path)]) == 0
    drawn = {file.stem for file in (tmp_path / 'figures').iterdir()}
    assert {'DMS-trial', 'DMS-weights'} <= drawn


def test_a_trial_is_drawn_as_in_training_whatever_U_is_analysed(tmp_path, run, eagerly):  # noqa: F811
    path, p = tmp_path / 'a.pkl', network()['parameters']
    results.save(path, Model(p=p).result())
    assert run(path, U_stf=0.3)[0] == 0
    trial = simulate_trial(results.load_results(path))
    np.testing.assert_array_equal(trial.p['U'], p['U'])


def test_a_measure_that_was_removed_is_missed(files, run):
    run(files[0])
    whole = results.load_results(files[0])
    results.save(files[0], {name: whole[name] for name in whole if name != 'task_accuracy'})
    assert 'already' not in run(files[0])[1]
    np.testing.assert_equal(results.load_results(files[0]), whole)


# What goes wrong


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return open, (self.trace, 'w')


def test_files_that_are_no_networks(tmp_path, files, run):
    """Each is reported in a sentence, and the others are analysed."""
    saved, trace = network(), tmp_path / 'trace'
    contents = {
        'text': (b'not a pickle', 'damaged'),
        'empty': (b'', 'damaged'),
        'cut': (pickle.dumps(saved)[:5000], 'damaged'),
        'hostile': (pickle.dumps(saved | {'loss': Hostile(trace)}), 'would run'),
        'list': (pickle.dumps([1, 2]), 'a list where a dictionary belongs'),
        'no_weights': (pickle.dumps(saved | {'weights': None}), "'weights' must be"),
        'no_h': (pickle.dumps(saved | {'weights': {}}), "'weights/h' must be"),
        'no_par': (pickle.dumps(saved | {'parameters': 3}), "'parameters' must be"),
        'half_par': (pickle.dumps(saved | {'parameters': {'dt': 10}}), "'parameters' must be"),
        'no_loss': (pickle.dumps({k: saved[k] for k in saved if k != 'loss'}), "'loss' must be"),
        'other_size': (
            pickle.dumps(saved | {'parameters': network(n_hidden=9)['parameters']}),
            'weight h has shape',
        ),
        'other_analysis': (pickle.dumps(network(num_motion_dirs=30)), 'too few to decode'),
    }
    folder, missing, empty = files[0].parent, tmp_path / 'missing.pkl', tmp_path / 'empty'
    empty.mkdir()
    for name, (content, _) in contents.items():
        (folder / f'{name}.pkl').write_bytes(content)
    status, out, err = run(missing, empty, folder)
    assert status == 1
    assert not trace.exists()
    assert [row.split()[0] for row in out.splitlines()[1:]] == ['a.pkl', 'b.pkl']
    sentences = [
        f'error: {missing} cannot be read: No such file',
        f'error: {empty} holds no network',
    ]
    sentences += [f'error: {folder / name}.pkl' for name in sorted(contents)]
    lines = err.splitlines()
    for line, sentence in zip(lines, sentences, strict=True):
        assert line.startswith(sentence)
    for line, name in zip(lines[2:], sorted(contents), strict=True):
        assert contents[name][1] in line
        assert (folder / f'{name}.pkl').read_bytes() == contents[name][0]


def test_too_few_trials(files, run):
    before = files[0].read_bytes()
    status, out, err = run(files[0], analysis_trials=15)
    assert (status, out) == (1, '')
    assert err.startswith(
        f'error: {files[0]}: analysis_trials = 15 is too few to decode the sample'
    )
    assert 'at least 4 trials' in err
    assert files[0].read_bytes() == before


@pytest.mark.parametrize(
    ('argument', 'sentence'),
    [
        (
            '--set=decoding_rep=3',
            'no parameter .*decoding_rep.*; the nearest name is decoding_reps',
        ),
        ('--set=decoding_reps=-1', 'decoding_reps = -1 is not allowed'),
        ('--set=n_input=3', 'n_input follows from other parameters'),
        ('--seed=-1', '--seed -1 is not allowed: it must be from 0 to'),
        (f'--seed={2**63}', 'is not allowed: it must be from 0 to'),
    ],
)
def test_wrong_requests(files, capsys, argument, sentence):
    before = files[0].read_bytes()
    assert analysis.main([str(files[0]), argument]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count('\n')) == ('', 1)
    assert re.match(f'error: .*{sentence}', err)
    assert files[0].read_bytes() == before


def test_ctrl_c_ends_quietly(files, run, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    before = files[0].read_bytes()
    monkeypatch.setattr(analysis, 'analyze_model_from_file', stop)
    assert run(*files) == (130, '', '')
    assert files[0].read_bytes() == before


@pytest.mark.parametrize('argument', ['--jobs=0', '--seed=one', '--set=reps', '--sed=1'])
def test_wrong_arguments(files, capsys, argument):
    with pytest.raises(SystemExit) as stop:
        analysis.main([str(files[0]), argument])
    assert stop.value.code == 2
    assert 'usage: analysis.py' in capsys.readouterr().err


def test_absent_measures_are_reported_once(tmp_path, run):
    for name in 'ab':
        settings = {'distractor_time': 50, 'n_output': 5, 'synapse_config': None}
        results.save(tmp_path / f'{name}.pkl', network('distractor', **settings))
    asked = ('decode_test', 'decode_rule', 'calculate_resp_matrix', 'suppress_analysis')
    status, out, err = run(tmp_path, **dict.fromkeys(asked, True))
    assert (status, err) == (0, '')
    *notes, _, first, second = out.splitlines()
    assert len(notes) == len(set(notes)) == 5
    for word in ('test to decode', 'rule to decode', 'response matrix', 'suppression', 'synaptic'):
        assert sum(word in note for note in notes) == 1
    assert first.split().count('nan') == second.split().count('nan') == 2


# MATLAB files


def test_matlab_file_holds_the_same_numbers(files, run):
    options = {'analyze_tuning': True, 'decode_stability': True}
    assert run(files[0], '--mat', **options)[0] == 0
    loaded = loadmat(files[0].with_suffix('.mat'), squeeze_me=True)
    found = results.load_results(files[0])
    assert loaded.keys() - {'__header__', '__version__', '__globals__'} == found.keys()
    for name in (*found['analysis']['measures'], *results.CURVES):
        np.testing.assert_array_equal(loaded[name], np.squeeze(found[name]), err_msg=name)
    for name, weight in found['weights'].items():
        np.testing.assert_array_equal(loaded['weights'][name].item(), np.squeeze(weight))
    assert 'synaptic_sample_share_above_chance_dms' in loaded
    parameters = loaded['parameters']
    assert parameters['stop_accuracy'].item().size == 0  # None
    np.testing.assert_array_equal(parameters['sample_time_rng'].item(), [2, 3])
    assert parameters['trial_type'].item() == 'DMS'
    assert sorted(path.name for path in files[0].parent.iterdir()) == ['a.mat', 'a.pkl', 'b.pkl']
    files[0].with_suffix('.mat').unlink()
    assert 'is analysed already' in run(files[0], '--mat', **options)[1]
    again = loadmat(files[0].with_suffix('.mat'), squeeze_me=True)
    np.testing.assert_array_equal(again['neuronal_pev'], loaded['neuronal_pev'])


@pytest.mark.parametrize('task', TASKS)
def test_every_task_has_a_matlab_file(tmp_path, task):
    update_parameters({'trial_type': task, 'n_hidden': 5, 'batch_size': 1})
    analysis_command.save_mat(tmp_path / 'par.mat', {'par': dict(par)})
    loaded = loadmat(tmp_path / 'par.mat', simplify_cells=True)['par']
    assert loaded.keys() == par.keys()
    rules = loaded['rules'] if len(par['rules']) > 1 else [loaded['rules']]
    for (kind, degrees), (loaded_kind, loaded_degrees) in zip(par['rules'], rules, strict=True):
        assert loaded_kind == kind
        assert np.size(loaded_degrees) == 0 if degrees is None else loaded_degrees == degrees
    tests = np.reshape(loaded['test_time_rng'], (len(par['test_time_rng']), -1))
    np.testing.assert_array_equal(tests, [list(test) for test in par['test_time_rng']])


@pytest.mark.parametrize(
    'value',
    [[1, 2.5], ['a', 'bc'], [True, False], [[1, 2], [3, 4]], 3, 'text', 1.5, {'x' * 40: [1, 2]}],
)
def test_plain_values_in_a_matlab_file(tmp_path, value):
    analysis_command.save_mat(tmp_path / 'v.mat', {'value': value})
    loaded = loadmat(tmp_path / 'v.mat', simplify_cells=True)['value']
    if isinstance(value, list) and isinstance(value[0], str):
        loaded = [text.strip() for text in loaded]
    np.testing.assert_equal(loaded, np.array(value) if isinstance(value, list) else value)


# Processes of their own


def start(folder, *arguments, **changes) -> subprocess.CompletedProcess:
    command = [sys.executable, str(COMMAND), *map(str, arguments)]
    options = {'capture_output': True, 'text': True, 'timeout': TIMEOUT}
    return subprocess.run(command, cwd=folder, env=environment(**changes), check=False, **options)


def test_a_real_run_is_quiet(tmp_path, files):
    """With graphs, and on two processes; numbers are those of this process but for rounding."""
    (files[0].parent / 'cut.pkl').write_bytes(files[0].read_bytes()[:3000])
    arguments = ['nets', '--jobs=2', '--out=out', '--mat', '--seed=3']
    done = start(tmp_path, *arguments, *words(QUICK))
    assert done.returncode == 1
    assert re.fullmatch(r'error: nets/cut.pkl is damaged.*\n', done.stderr)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ['network', 'a.pkl', 'b.pkl']
    names = [f'{name}.{kind}' for name in 'ab' for kind in ('mat', 'pkl')]
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == names
    for path in files:
        found = results.load_results(tmp_path / 'out' / path.name)
        expected = analysis.analyze_model_from_file(path, None, QUICK, seed=3, jobs=1)
        assert found['analysis'] == expected['analysis']
        for name in found['analysis']['measures']:
            np.testing.assert_allclose(found[name], expected[name], atol=0.05, err_msg=name)


def test_what_is_wrong_is_reported_before_tensorflow_is_imported(tmp_path):
    without = fatal_tensorflow(tmp_path)['PYTHONPATH']
    done = start(tmp_path, 'missing.pkl', '--seed=3', PYTHONPATH=without)
    assert (done.returncode, done.stdout) == (1, '')
    assert re.match('error: .*missing.pkl cannot be read', done.stderr)
    assert done.stderr.count('\n') == 1
    words = 'missing.pkl', '--set=reps=3'
    assert 'there is no parameter' in refusal_here(tmp_path, *words, program='analysis.py')


def test_arrays_are_refused(files, run, tmp_path):
    np.save(tmp_path / 'mask.npy', np.ones((12, 12), np.float32))
    status, out, err = run(files[0], w_rnn_mask=tmp_path / 'mask.npy')
    assert (status, out) == (2, '')
    assert err.startswith('error: w_rnn_mask applies to training only: ')
