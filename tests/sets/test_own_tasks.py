"""Sets of a user's own task, in this process and another; test_cluster.py has a cluster."""

import pytest
from shell import (
    OWN_SETTINGS,
    SETTINGS,
    iterations,
    refused_set_here,
    set_here,
    statuses,
    summary_of,
    train_network,
    train_set,
    write_own_task,
)
from test_job import BRIEF, after, on

import results
from run_all_models import make_jobs, parser
from sets.job import Job, Report, finished, seed_of
from sets.plan import plan
from tasks import TASKS, digest, load_task, registry

pytestmark = pytest.mark.usefixtures('eager')


@pytest.fixture
def file(tmp_path):
    """A user's own task, written to a file."""
    return write_own_task(tmp_path)


@pytest.fixture
def own(file, tmp_path, monkeypatch) -> Job:
    """A small network of that task."""
    monkeypatch.setattr(registry, '_own', {})  # nothing that is loaded here stays
    name = load_task(file)
    settings = BRIEF | OWN_SETTINGS
    folder, about = str(tmp_path / 'set'), {'task_file': str(file), 'task_digest': digest(name)}
    return Job(folder, name, 0, settings, **about)


def test_own_task(own, monkeypatch):
    """A process that knows nothing of it loads the file."""
    monkeypatch.setattr(registry, '_own', {})
    assert train_network(own, on).status == 'trained'
    saved = results.load_results(own.filename)['parameters']
    assert own.filename.name == 'report-run-0.pkl'
    assert (saved['trial_type'], saved['task_digest']) == ('report', own.task_digest)
    assert (saved['n_output'], saved['num_reports']) == (5, 1)
    assert plan(own).report == train_network(own, on)
    other = own._replace(settings=own.settings | {'num_reports': 2})
    assert finished(other).reason == 'num_reports 1, not 2'


def test_own_task_that_changed_before_the_next_run(own, file):
    """Finished networks are kept and the change is mentioned; half-trained ones do not go on."""
    half = own._replace(index=1)
    assert train_network(own, on).status == 'trained'
    assert train_network(half, after(2)).status == 'stopped'
    before = own.filename.read_bytes()
    file.write_text(file.read_text() + '# changed\n')
    load_task(file)
    now = [job._replace(task_digest=digest(job.task)) for job in (own, half)]
    kept, failed = (train_network(job, on) for job in now)
    assert (kept.status, kept.reason) == ('finished', 'another report.py')
    assert own.filename.read_bytes() == before
    assert failed.status == 'failed'
    assert failed.reason.endswith(f"its task 'report' is not that of {file}, which has changed")
    assert iterations(results.checkpoint_name(half.filename)) == [0, 1]
    assert plan(now[1]).words.startswith("will fail: its task 'report' is not that of ")


def test_own_task_that_changes_while_a_set_is_trained(own, file):
    file.write_text(file.read_text() + '# changed\n')
    report = train_network(own, on)
    assert report == Report('failed', 'report.py has changed since the set was started')
    assert not own.filename.exists()


def test_tasks_of_a_command(own, file, tmp_path, monkeypatch):
    """Settings of one task alone are given to its networks alone; all stands for those built in."""
    given = ['none', 'set', '1', '0', '--task', 'all', str(file), 'report', '--set=num_reports=2']
    jobs = make_jobs(parser().parse_args(given))
    assert [job.task for job in jobs] == [*TASKS, 'report']
    assert [job.task_file for job in jobs] == [*len(TASKS) * [None], str(file)]
    assert [job.settings.get('num_reports') for job in jobs] == [*len(TASKS) * [None], 2]
    with pytest.raises(ValueError, match="there is no parameter 'num_reports'"):
        plan(jobs[0]._replace(settings={'num_reports': 2}))
    monkeypatch.setenv('HOME', str(file.parent))
    (job,) = make_jobs(parser().parse_args(['none', 'set', '1', '0', '--tasks', '~/report.py']))
    assert job.task_file == str(file)
    (tmp_path / 'other').mkdir()
    again = str(write_own_task(tmp_path / 'other'))
    with pytest.raises(ValueError, match=f'{file} and {again} have the same name'):
        make_jobs(parser().parse_args([*given, '--tasks', again]))


# The command


def test_own_task_beside_one_of_the_paper(tmp_path):
    """Trained with a setting that it alone has; when its file has changed, nothing is lost.

    The network of the paper's task is trained here before.
    """
    (tmp_path / 'mine').mkdir()
    file = write_own_task(tmp_path / 'mine')
    settings = SETTINGS | OWN_SETTINGS | {'num_iterations': 3, 'num_reports': 2}
    command = ('none', 'set', '1', '0', '--tasks', 'DMS', str(file), '--threads=1')
    given = [f'--set={name}={value}' for name, value in settings.items()]
    folder = tmp_path / 'savedir' / 'set'
    dms, _ = make_jobs(parser().parse_args([*command, *given]))
    assert train_network(dms._replace(folder=str(folder)), on).status == 'trained'
    status, out, err = train_set(tmp_path, *command, **settings)
    assert (status, err) == (0, '')
    assert statuses(out) == {'DMS-run-0': 'finished', 'report-run-0': 'trained'}
    path = folder / 'report-run-0.pkl'
    assert summary_of(path)['DMS-run-0']['reason'] == ''
    saved = results.load_results(path)['parameters']
    seed = seed_of(0, 'report', 0)
    assert (saved['trial_type'], saved['num_reports'], saved['seed']) == ('report', 2, seed)
    assert 'num_reports' not in results.load_results(folder / 'DMS-run-0.pkl')['parameters']
    before = path.read_bytes()
    file.write_text(file.read_text() + '# changed\n')
    status, out, err = set_here(tmp_path, *command, **settings)
    assert (status, err) == (0, '')
    assert 'another report.py' in summary_of(path)['report-run-0']['reason']
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ('source', 'name', 'sentence'),
    [
        (None, 'mine.py', 'mine.py cannot be read: No such file'),
        ('import nothing_of_this_name', 'mine.py', 'mine.py, line 1, fails: ModuleNotFoundError: '),
        ('1 +', 'mine.py', 'mine.py, line 1, fails: SyntaxError: '),
        ('', 'mine.py', 'mine.py must define one subclass of tasks.Task, but defines none'),
        ('', 'DMS.py', 'DMS.py has the name of a task of the paper'),
    ],
)
def test_own_tasks_that_cannot_be_used(tmp_path, source, name, sentence):
    if source is not None:
        (tmp_path / name).write_text(source)
    command = ('none', 'set', 1, 0, '--tasks', 'DMS', name)
    assert sentence in refused_set_here(tmp_path, *command, **SETTINGS)
    assert not (tmp_path / 'savedir').exists()
