"""Bad inputs of every command: each is one sentence, and nothing is written.

The commands run within this process. What is wrong with files is in test_results_hostile.py,
test_analysis_command.py and system/test_files.py; docs/robustness.md lists all of them.
"""

import re
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from shell import OWN_TASK, ROOT

import analysis
import figures
import run_all_models
import simulate_STP
from commands import running
from commands import train as training
from parameters import par, update_parameters
from reproduction import __main__ as reproduction
from rnn import device
from sets import compact
from stimulus import Stimulus
from tasks import TaskError, load_task

DOCUMENT = ROOT / 'docs' / 'robustness.md'
COMMANDS = {
    'model.py': training.request,
    'run_all_models.py': run_all_models.run,
    'analysis.py': analysis.main,
    'figures.py': figures.main,
    'simulate_STP.py': simulate_STP.run,
    'reproduction': reproduction.main,
    'sets.compact': compact.run,
}
SET = 'run_all_models.py none set 1 0'
LIMIT = r'an integer of at least 1, below 2\*\*31'
BAD = [
    # numbers beyond their limits
    ('model.py --set=num_iterations=1000000000000000000', LIMIT),
    ('model.py --set=n_hidden=1' + 5000 * '0', 'n_hidden = '),
    ('model.py --set=n_hidden=-5', LIMIT),
    ('model.py --set=n_hidden=1e3', LIMIT),
    ('model.py --set=n_hidden=True', 'n_hidden = True is not allowed'),
    ('model.py --set=n_hidden=1000000000', 'n_hidden = 1000000000 is not allowed: .* memory'),
    ('model.py --set=batch_size=2000000000', 'batch_size = 2000000000 is not allowed: .* memory'),
    ('model.py --set=delay_time=2000000000', 'a trial of .* time steps .* memory'),
    ('model.py --set=learning_rate=1e999', 'learning_rate = inf .* a finite number > 0'),
    ('model.py --set=learning_rate=0', 'learning_rate = 0 is not allowed'),
    ('model.py --set=learning_rate=nan', 'a finite number > 0'),
    ('model.py --set=kappa=-1', 'a finite number >= 0'),
    ('model.py --set=catch_trial_pct=1', 'a finite number >= 0 and < 1'),
    ('model.py --set=stop_accuracy=95', 'None or a finite number > 0 and <= 1'),
    ('model.py --seed=-1', 'seed = -1 is not allowed'),
    ('model.py --set=dt=3.5', 'dt = 3.5 is not allowed'),
    # settings that do not go together
    ('model.py --set=exc_inh_prop=0', 'exc_inh_prop = 0 is not allowed: none of the 100 units'),
    ('model.py --set=connection_prob=1e-9', 'no connection that can learn leads from the inputs'),
    ('model.py --set=tau_fast=5', 'tau_fast = 5 is not allowed: it must be at least dt'),
    ('model.py --set=mask_duration=500', 'mask_duration = 500 is not allowed with DMS'),
    ('model.py --set=num_motion_dirs=7 --task=DMC', 'two categories need an even number'),
    ('model.py --set=num_motion_tuned=25 --task=location_DMS', 'multiple of the 3 receptive'),
    ('model.py --set=var_delay=True --set=delay_time=100', 'variable_delay_max = 300 is not'),
    # names
    ('model.py --set=save_fn=a/b.pkl', 'the name of a file, without a folder'),
    ('model.py --set=save_fn=..', 'the name of a file, without a folder'),
    ('model.py --set=save_dir=', "save_dir = '' is not allowed: it must be the path of a folder"),
    ('model.py --set=save_dir=5', 'save_dir = 5 is not allowed: it must be the path of a folder'),
    ('model.py --set=savedir=a --set=save_dir=b', 'savedir is another name of save_dir'),
    ('model.py --set=num_rules=2', 'num_rules = 2: the task DMS fixes it'),
    ('model.py --task=missing.py', 'missing.py cannot be read: No such file'),
    ('model.py --task=DMS.py', 'has the name of a task of the paper'),
    ('model.py -1', "'-1' is neither the number of a GPU nor none"),
    ('model.py DMRS90', "'DMRS90' is neither the number of a GPU nor none"),
    ('model.py --task DMS --task DMC', 'trial_type is given twice'),
    ('model.py --seed 1 --seed 2', 'seed is given twice'),
    (
        'run_all_models.py none set 1 0 --stack none',
        "'none' is not a whole number .*, and not auto",
    ),
    ('model.py --settings n_hiden', "no parameter 'n_hiden'; the nearest name is n_hidden"),
    ('model.py --settings dt n_input', 'n_input follows from other parameters'),
    ('model.py --settings --set=dt=0', 'dt = 0 is not allowed'),
    ('analysis.py --settings decode_tests', 'the nearest name is decode_test'),
    ('analysis.py missing.pkl --settings', 'missing.pkl cannot be read'),
    ('analysis.py . --settings', 'holds no networks'),
    ('analysis.py --jobs=1', 'the following arguments are required: FILE_OR_FOLDER'),
    ('model.py --set=w_rnn_mask=missing.npy', 'missing.npy cannot be read as an array'),
    # sets
    ('run_all_models.py none ../set 1 0', 'the name of a file, without a folder'),
    ('run_all_models.py none set 0 0', 'is not a whole number from 1'),
    (f'{SET} --set=exc_inh_prop=0', 'exc_inh_prop = 0 is not allowed'),
    (f'{SET} --set=n_hidden=1000000000', 'n_hidden = 1000000000 is not allowed: .* memory'),
    (f'{SET} --set=save_fn=a', 'save_fn is not for --set here: NAME decides it'),
    (f'{SET} --tasks nonsense', "trial_type = 'nonsense' is not allowed"),
    # analysis, figures, one synapse, copies
    ('analysis.py missing.pkl --set=decoding_reps=-1', 'decoding_reps = -1 is not allowed'),
    ('analysis.py missing.pkl --set=tuning_batches=0', 'tuning_batches = 0 is not allowed'),
    ('analysis.py missing.pkl --seed=-3', '--seed -3 is not allowed'),
    ('analysis.py missing.pkl --task=missing.py', 'missing.py cannot be read'),
    ('analysis.py missing.pkl', 'missing.pkl cannot be read: No such file'),
    ('figures.py missing', 'missing is not a folder'),
    ('figures.py .', 'holds no networks'),
    ('figures.py . --format=gif', "invalid choice: 'gif'"),
    ('simulate_STP.py std --rate=0', 'rate = 0.0 is not allowed'),
    ('simulate_STP.py std --out=picture.gif', 'it must end in .png or .pdf or .svg'),
    ('reproduction missing', 'missing is not a folder'),
    ('sets.compact missing.pkl --out=out', 'missing.pkl cannot be read'),
]


# requests that could be right, of which nothing can be done
FAILED_WORK = ('analysis.py missing.pkl', 'analysis.py . --settings')


@pytest.mark.parametrize(('line', 'sentence'), BAD, ids=[line[:60] for line, _ in BAD])
def test_a_bad_input_is_one_sentence(tmp_path, monkeypatch, capsys, line, sentence):
    monkeypatch.chdir(tmp_path)
    program, *arguments = line.split()
    try:
        status = COMMANDS[program](arguments)
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    _, _, last = err.partition('error: ')
    assert (out, last.count('\n')) == ('', 1)
    assert status == (1 if line in FAILED_WORK else 2)
    assert re.search(sentence, last), last
    assert len(last) < 400
    assert 'Traceback' not in err
    assert list(tmp_path.iterdir()) == []


# Names that are understood


def test_a_folder_may_be_a_path_and_at_home(monkeypatch):
    monkeypatch.setenv('HOME', '/home/somebody')
    for given, understood in ((Path('a/b'), 'a/b'), ('~/a', '/home/somebody/a'), ('a~', 'a~')):
        update_parameters({'save_dir': given})
        assert par['save_dir'] == understood


def test_a_result_ends_in_pkl():
    for given in ('DMS_run_v1.0', 'DMS_run_v1.0.pkl'):
        update_parameters({'save_fn': given})
        assert par['save_fn'] == 'DMS_run_v1.0.pkl'


def test_names_of_the_original_and_its_fork_are_understood_with_a_warning():
    for name, right, value in (
        ('synaptic_config', 'synapse_config', 'fac'),
        ('savedir', 'save_dir', './here/'),
    ):
        with pytest.warns(UserWarning, match=f'{name} is understood as {right}') as seen:
            update_parameters({name: value})
        assert (len(seen), par[right]) == (1, value)
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            update_parameters({right: value})


# The machine


@pytest.mark.parametrize('visible', [None, '', '1', '2,0'])
def test_a_gpu_that_is_hidden_or_has_another_number_is_explained(monkeypatch, visible):
    if visible is None:
        monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    else:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)
    with pytest.raises(device.DeviceError) as error:
        device._find('1', [SimpleNamespace(name='GPU:0')])
    words = f'CUDA_VISIBLE_DEVICES = {visible!r} hides all GPUs but those that it lists'
    assert (words in str(error.value)) == (visible is not None)


def test_a_log_of_tensorflow_needs_no_place(monkeypatch):
    monkeypatch.setattr(device.tempfile, 'TemporaryFile', no_place)
    with device.quiet():
        pass
    with pytest.raises(ImportError), device.quiet():
        raise ImportError


def no_place():
    raise FileNotFoundError(2, 'No usable temporary directory found')


def test_a_misspelt_backend_of_matplotlib_is_a_sentence(monkeypatch, capsys):
    class Broken:
        def find_spec(self, name, *rest):
            if name == 'matplotlib':
                raise ValueError("Key backend: 'nonsense' is not\na valid value")

    monkeypatch.delitem(sys.modules, 'matplotlib')
    monkeypatch.setattr(sys, 'meta_path', [Broken(), *sys.meta_path])
    with pytest.raises(SystemExit) as end:
        running.require_matplotlib()
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith(
        'error: MPLBACKEND is not allowed by matplotlib, leave it out: Key backend'
    )
    assert err.count('\n') == 1


# Tasks of the user

HEAD = OWN_TASK.partition('    def trials')[0]
EPOCHS = '    def epochs(self, steps):\n'
BROKEN = [
    (f"{HEAD}{EPOCHS}        return steps['gap_time']\n", "KeyError: 'gap_time'"),
    (f'{HEAD}{EPOCHS}        return None\n', 'AttributeError: .*NoneType'),
    (f'{HEAD}{EPOCHS}        a, b = 1, 2, 3\n', 'ValueError: too many values to unpack'),
    (f'{HEAD}    def cues(self):\n        return []\n', 'TypeError: '),
    (f"{HEAD}    def check(self, s):\n        s['none']\n", "KeyError: 'none'"),
    (f'{HEAD}    def owned(self):\n        return 1 / 0\n', 'ZeroDivisionError'),
    (HEAD.replace("{'num_reports': (1, count(1))}", '3'), 'settings must be a dictionary'),
    (HEAD.replace('(1, count(1))', '1'), 'settings must be a dictionary like'),
    (HEAD.replace('(1, count(1))', '(1, 2)'), 'settings must be a dictionary like'),
    (HEAD.replace("{'n_output': 9}", "['n_output']"), 'suggested must be a dictionary'),
    (f"{HEAD}    rules = (('turned', 90),)\n", 'rules must be a sequence of'),
    (f"{HEAD}    rules = (('rotation', None),)\n", 'rules must be a sequence of'),
    (f"{HEAD}    rules = 'rotation'\n", 'rules must be a sequence of'),
    (f"{HEAD}    labels = ('sample', 'context')\n", r"labels must be \('sample',\) with"),
    (f"{HEAD}    labels = ('test', 'sample')\n", r"labels must be \('sample',\) with"),
    (HEAD.replace("'n_output': 9", "'n_outputs': 9"), "there is no parameter 'n_outputs'"),
    (HEAD.replace("'n_output': 9", "'n_output': 'many'"), "n_output = 'many' is not allowed"),
    (f'{HEAD}    nonsense =', 'SyntaxError'),
]


@pytest.mark.parametrize(('source', 'error'), BROKEN, ids=[error for _, error in BROKEN])
def test_a_task_that_fails_is_named_with_its_error(tmp_path, source, error):
    file = tmp_path / 'report.py'
    file.write_text(source)
    before = dict(par)
    with pytest.raises(TaskError, match=rf'report.py(, line \d+,)? fails: .*{error}'):
        update_parameters({'trial_type': load_task(file)})
    assert par == before


def choose_task(folder, trials: str, attributes: str = '') -> None:
    """Set a task with these trials, four to a batch."""
    file = folder / 'report.py'
    file.write_text(f'{HEAD}{attributes}    def trials(self, batch):\n        {trials}\n')
    update_parameters({'trial_type': load_task(file), 'batch_size': 4})


@pytest.mark.parametrize(
    ('trials', 'error'),
    [
        ("return {'sample': batch.nothing}", 'AttributeError'),
        ("batch.p['none']", "KeyError: 'none'"),
        ('batch.motion[0] = np.ones(7)', 'ValueError: could not broadcast'),
    ],
)
def test_trials_that_fail_are_named_with_their_error(tmp_path, trials, error):
    choose_task(tmp_path, trials)
    with pytest.raises(TaskError, match=f'report.py, line 14, fails: {error}'):
        Stimulus(1).generate_trial()


@pytest.mark.parametrize(
    ('trials', 'error'),
    [
        ('pass', 'trials returns NoneType, not a dictionary of labels'),
        ('return {}', "trials must also return the label 'sample'"),
        ("return {'sample': np.ones(3)}", r"the label 'sample' has shape \(3,\), but there are 4"),
        ("return {'sample': 7 + np.ones(4)}", "label 'sample' must be a direction, from 0 to 7"),
        ("return {'sample': np.full(4, -1)}", "label 'sample' must be a direction, from 0 to 7"),
    ],
)
def test_labels_are_those_that_the_task_promises(tmp_path, trials, error):
    choose_task(tmp_path, trials)
    with pytest.raises(TaskError, match=f'report.py fails: ValueError: .*{error}'):
        Stimulus(1).generate_trial()


def test_a_task_with_several_rules_returns_the_rule(tmp_path):
    rules = "    rules = (('rotation', 0), ('rotation', 90))\n"
    choose_task(tmp_path, "return {'sample': np.ones(4)}", rules)
    with pytest.raises(TaskError, match="trials must also return the label 'rule'"):
        Stimulus(1).generate_trial()


@pytest.mark.parametrize(
    ('cases', 'test'),
    [
        (BAD, test_a_bad_input_is_one_sentence),
        (BROKEN, test_a_task_that_fails_is_named_with_its_error),
    ],
)
def test_the_document_counts_them(cases, test):
    (row,) = (r for r in DOCUMENT.read_text('utf-8').splitlines() if test.__name__ in r)
    assert f'| {len(cases)} |' in row
