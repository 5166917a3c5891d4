"""Which tasks are known, and files of tasks that cannot be used."""

import pytest

import tasks
from parameters import par, parameters_with, update_parameters
from stimulus import Stimulus
from tasks import TASKS, Task, TaskError, load_task

REPORT = """
from tasks import Task

class Report(Task):
    labels = ('sample',)
    responses = ('fixate', 'directions')
    suggested = {'n_output': 9, 'delay_time': 500}

    def trials(self, batch):
        sample = batch.draw_direction()
        batch.show(batch.p['sample_time_rng'], sample)
        batch.single_test(1 + sample)
        return {'sample': sample}
"""


@pytest.fixture
def report(tmp_path):
    """A file with a task."""
    file = tmp_path / 'report_task.py'
    file.write_text(REPORT)
    return file


def test_a_task_is_known_by_the_name_of_its_file(report):
    with pytest.raises(ValueError, match=r"trial_type = 'report_task' .* one of DMS, "):
        update_parameters({'trial_type': 'report_task'})
    assert load_task(report) == 'report_task'
    assert tasks.known() == [*TASKS, 'report_task']
    update_parameters({'trial_type': 'report_task', 'batch_size': 4})
    assert (par['n_output'], par['delay_time']) == (9, 500)
    assert len(par['task_digest']) == 64
    trial_info = Stimulus(1).generate_trial()
    assert trial_info.keys() >= {'sample', 'rule', 'catch', 'probe'}
    assert not trial_info['catch'].any()
    update_parameters({'trial_type': 'DMS'})
    assert (par['n_output'], par['task_digest']) == (3, None)


def test_saved_parameters_need_the_same_file(report):
    load_task(report)
    saved = parameters_with({'trial_type': 'report_task', 'batch_size': 4, 'seed': 1})
    update_parameters(saved)
    assert par['trial_type'] == 'report_task'
    report.write_text(REPORT + '# changed')
    load_task(report)
    with pytest.raises(TaskError, match=r"'report_task' is not that of .*, which has changed"):
        update_parameters(saved)
    saved['trial_type'] = 'nowhere'
    with pytest.raises(TaskError, match=r"'nowhere' is a file .* --task path/to/nowhere\.py"):
        update_parameters(saved)


def test_own_settings_belong_to_their_task_alone(tmp_path):
    file = tmp_path / 'with_setting.py'
    setting = "    settings = {'gap_time': (250, count(1))}\n"
    source = REPORT.replace('(Task):\n', f'(Task):\n{setting}')
    file.write_text('from settings.validators import count\n' + source)
    update_parameters({'trial_type': load_task(file), 'gap_time': 300})
    assert par['gap_time'] == 300
    with pytest.raises(ValueError, match='gap_time = -1 is not allowed: it must be an integer'):
        update_parameters({'gap_time': -1})
    with pytest.raises(ValueError, match='gap_time = 5 .* at least one step of dt'):
        update_parameters({'gap_time': 5})
    update_parameters({'trial_type': 'DMS'})
    assert 'gap_time' not in par
    with pytest.raises(ValueError, match="no parameter 'gap_time'"):
        update_parameters({'gap_time': 300})


def test_defaults_of_own_settings_are_checked(tmp_path):
    file = tmp_path / 'with_setting.py'
    setting = "    settings = {'gap_time': (0, count(1))}\n"
    source = REPORT.replace('(Task):\n', f'(Task):\n{setting}')
    file.write_text('from settings.validators import count\n' + source)
    name = load_task(file)
    with pytest.raises(TaskError, match='gap_time = 0 is not allowed: it must be an integer'):
        update_parameters({'trial_type': name})


@pytest.mark.parametrize('wrong', ['(250,)', '(250, 5)', '(250, count(1), 3)', '[250, count(1)]'])
def test_own_settings_that_are_none(tmp_path, wrong):
    file = tmp_path / 'wrong_setting.py'
    setting = f"    settings = {{'gap_time': {wrong}}}\n"
    source = REPORT.replace('(Task):\n', f'(Task):\n{setting}')
    file.write_text('from settings.validators import count\n' + source)
    with pytest.raises(TaskError, match='settings must be a dictionary like'):
        load_task(file)


def test_suggestions_that_are_wrong_are_reported(tmp_path):
    file = tmp_path / 'misspelt.py'
    file.write_text(REPORT.replace('n_output', 'n_outputs'))
    with pytest.raises(ValueError, match="no parameter 'n_outputs'; the nearest name is n_output"):
        update_parameters({'trial_type': load_task(file)})


@pytest.mark.parametrize(
    ('name', 'source', 'words'),
    [
        ('task.txt', REPORT, 'a name like my_task.py'),
        ('my-task.py', REPORT, 'a name like my_task.py'),
        ('DMS.py', REPORT, 'the name of a task of the paper'),
        ('absent.py', None, 'cannot be read: No such file'),
        ('broken.py', 'class (', 'fails: SyntaxError'),
        ('failing.py', 'import nothing_like_this', 'fails: ModuleNotFoundError'),
        ('none.py', 'from tasks import Task', 'defines none'),
        ('several.py', REPORT + REPORT.replace('Report', 'Other'), 'defines several'),
    ],
)
def test_files_that_define_no_task(tmp_path, name, source, words):
    if source is not None:
        (tmp_path / name).write_text(source)
    known = tasks.known()
    with pytest.raises(TaskError) as error:
        load_task(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)
    assert words in str(error.value)
    assert '\n' not in str(error.value)
    assert tasks.known() == known


@pytest.mark.parametrize(
    ('line', 'words'),
    [
        ("lables = ('sample', 'test')", 'a task has no lables, but labels (put _ before'),
        ("rule = (('rotation', 90),)", 'a task has no rule, but rules'),
        ('def epoch(self, steps): pass', 'a task has no epoch, but epochs'),
    ],
)
def test_misspelt_attributes_are_refused(tmp_path, line, words):
    file = tmp_path / 'misspelt.py'
    file.write_text(REPORT.replace('(Task):\n', f'(Task):\n    {line}\n'))
    with pytest.raises(TaskError) as error:
        load_task(file)
    assert words in str(error.value)
    file.write_text(REPORT.replace('(Task):\n', '(Task):\n    _rule = threshold = 3\n'))
    load_task(file)


def test_every_response_has_an_output(tmp_path):
    file = tmp_path / 'few_outputs.py'
    source = REPORT.replace("'directions')", "'a', 'b', 'c')")
    file.write_text(source.replace("'n_output': 9, ", ''))
    with pytest.raises(ValueError, match='n_output = 3 .* at least 4, one for each of the resp'):
        update_parameters({'trial_type': load_task(file)})
    file.write_text(REPORT.replace("'directions')", "'go')").replace('9', '2'))
    update_parameters({'trial_type': load_task(file)})
    assert par['n_output'] == 2


@pytest.mark.parametrize('steps', ['range(240, 300)', 'range(-5, 20)'])
def test_nothing_is_shown_outside_the_trial(tmp_path, steps):
    file = tmp_path / 'outside.py'
    file.write_text(REPORT.replace("batch.p['sample_time_rng'], sample", f'{steps}, sample'))
    update_parameters({'trial_type': load_task(file), 'batch_size': 4})
    with pytest.raises(TaskError, match=r'outside.py, line 11, fails: .* are not in a trial'):
        Stimulus(1).generate_trial()


def test_a_task_has_the_known_attributes_only():
    assert Task(num_samples=2).num_samples == 2
    with pytest.raises(TypeError, match="no attribute 'num_sample'"):
        Task(num_sample=2)


TWO_TESTS = REPORT.replace(
    '    def trials',
    """    def epochs(self, steps):
        usual = super().epochs(steps)
        more = range(usual.num_time_steps, usual.num_time_steps + steps['test_time'])
        return usual._replace(tests=[*usual.tests, more], num_time_steps=more.stop)

    def trials""",
)


def test_only_a_task_with_one_test_has_a_variable_delay(report):
    load_task(report)
    assert parameters_with({'trial_type': 'report_task', 'var_delay': True})['var_delay']
    several = report.with_name('two_tests.py')
    several.write_text(TWO_TESTS)
    load_task(several)
    assert len(parameters_with({'trial_type': 'two_tests'})['test_time_rng']) == 2
    with pytest.raises(
        ValueError, match=r'var_delay = True .* with two_tests: only a task with one'
    ):
        parameters_with({'trial_type': 'two_tests', 'var_delay': True})
