"""Sets of networks in this process: seeds, what there is to do, locks and reports.

TensorFlow's functions run eagerly here, which spares seconds per network.
"""

import errno
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from shell import (
    ROOT,
    SETTINGS,
    assert_logged_once,
    assert_same_network,
    ended,
    iterations,
    train_network,
)
from test_analysis import QUICK, TINY

import analysis
import results
from logs.log import WRITERS
from logs.writer import Writer
from parameters import user_settings
from run_all_models import make_jobs, parser
from sets.job import Job, Report, finished, job_parameters, seed_of
from sets.local import Board, LocalWorkers
from sets.plan import plan
from sets.train import train_networks
from stimulus import Stimulus
from system import locks
from system.locks import lock
from system.signals import Interrupted
from tasks import TASKS
from training.member import TrainingError

BRIEF = SETTINGS | {'seed': 5, 'num_iterations': 4}
pytestmark = pytest.mark.usefixtures('eager')


@pytest.fixture
def job(tmp_path) -> Job:
    """A small network that trains for 4 iterations."""
    return Job(str(tmp_path / 'set'), 'DMS', 3, BRIEF)


def on(curves) -> bool:
    """Let a network train to its end."""
    return False


def after(count: int):
    """Stop a network after so many iterations."""
    return lambda curves: len(curves['iteration']) == count


@pytest.fixture
def trained(job) -> Job:
    """The same network, trained."""
    assert train_network(job, on).status == 'trained'
    return job


# Which networks


def test_seeds_differ(job):
    seeds = {seed_of(s, task, i) for s in (0, 1) for task in TASKS for i in range(20)}
    assert len(seeds) == 2 * len(TASKS) * 20
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_settings_of_a_job(job):
    p = job_parameters(job)
    assert p['test_cost_multiplier'] == 2
    assert (p['trial_type'], p['seed'], p['n_hidden']) == ('DMS', 5, 12)
    assert (p['save_dir'], p['save_fn']) == (job.folder, 'DMS-run-3.pkl')
    p = job_parameters(job._replace(task='DMC', settings={'test_cost_multiplier': 1.5}))
    assert (p['test_cost_multiplier'], p['n_hidden']) == (1.5, 100)
    assert user_settings() == {}


def test_jobs_of_a_command(tmp_path):
    given = ['none', 'set', '2', '5', '--tasks', 'DMC', 'ABBA', 'DMC', '--seed=9', '--analyze']
    args = parser().parse_args([*given, f'--set=save_dir={tmp_path}', '--set=dt=20'])
    jobs = make_jobs(args)
    assert [job.name for job in jobs] == ['DMC-run-5', 'DMC-run-6', 'ABBA-run-5', 'ABBA-run-6']
    for job in jobs:
        assert job.filename == tmp_path / 'set' / f'{job.name}.pkl'
        seed = seed_of(9, job.task, job.index)
        assert job.settings == {'save_dir': str(tmp_path), 'dt': 20, 'seed': seed}
        assert (job.gpu_id, job.analyze, job.overwrite, job.log) == ('none', True, False, ())
    assert user_settings() == {}


# What there is to do


def shown(made) -> tuple:
    """A plan without the parameters."""
    return made.job, made.done, made.wanted, made.report, made.words


def test_plans(job):
    assert shown(plan(job)) == (job, 0, 4, None, 'starts with seed 5')
    assert user_settings() == {}
    assert train_network(job, after(2)).status == 'stopped'
    assert shown(plan(job)) == (job, 2, 4, None, 'goes on after iteration 1')
    train_network(job, on)
    done = plan(job)
    assert (done.done, done.wanted, done.words) == (4, 4, 'is finished')
    assert done.report == finished(job)._replace(reason='')
    assert not done.is_needed
    assert plan(job._replace(analyze=True)).is_needed
    again, in_place = job._replace(overwrite=True), ', in place of what is there'
    assert shown(plan(again)) == (again, 0, 4, None, f'starts with seed 5{in_place}')


@pytest.mark.parametrize('which', ['result', 'checkpoint'])
def test_damaged_files_are_left_alone(job, which):
    path = job.filename if which == 'result' else results.checkpoint_name(job.filename)
    path.parent.mkdir()
    path.write_bytes(b'cut short')
    report = train_network(job, on)
    assert report.status == 'failed'
    assert report.reason.startswith(f'{path} is damaged')
    assert shown(plan(job)) == (job, 0, 4, None, f'will fail: {report.reason}')
    assert path.read_bytes() == b'cut short'


def test_impossible_settings(job):
    with pytest.raises(ValueError, match="n_hidden = 'many' is not allowed"):
        plan(job._replace(settings={'n_hidden': 'many'}))
    assert user_settings() == {}


# The outcome of a network


def test_report_of_a_trained_network(job):
    seen = []
    report = train_network(job, lambda curves: seen.append(len(curves['iteration'])))
    assert seen == [1, 2, 3, 4]
    assert user_settings() == {}
    assert (report.status, report.reason) == ('trained', '')
    assert report.seconds > 0
    saved = results.load_results(job.filename)
    means = {name: np.mean(saved[name]) for name in results.VALUES}
    assert report.values == {'iterations': 4, **means}
    assert train_network(job, on) == Report('finished', values=report.values, measures={})


def test_values_are_those_of_the_last_twenty_iterations(trained):
    saved = results.load_results(trained.filename)
    for name in results.CURVES:
        saved[name] = [0.0] * 5 + [1.0] * 20
    results.save(trained.filename, saved)
    values = finished(trained).values
    assert values == {'iterations': 25} | dict.fromkeys(results.VALUES, 1.0)


def test_differences_of_a_finished_network(trained):
    other = {'n_hidden': 13, 'seed': 6, 'decoding_reps': 3, 'save_dir': 'elsewhere'}
    before = trained.filename.read_bytes()
    report = train_network(trained._replace(settings=BRIEF | other), on)
    assert (report.status, report.reason) == ('finished', 'n_hidden 12, not 13, seed 5, not 6')
    assert trained.filename.read_bytes() == before


def test_stopped_network_goes_on(job, tmp_path):
    stopped = train_network(job, after(2))
    assert (stopped.status, stopped.goes_on) == ('stopped', False)
    assert stopped.seconds > 0
    assert iterations(results.checkpoint_name(job.filename)) == [0, 1]
    trained = train_network(job, on)
    assert (trained.status, trained.goes_on) == ('trained', True)
    whole = job._replace(folder=str(tmp_path / 'whole'))
    train_network(whole, on)
    assert_same_network(job.filename, whole.filename)


def test_networks_of_a_stack_share_its_time(job, monkeypatch):
    moments = iter([0, 90])
    monkeypatch.setattr('sets.train.time', SimpleNamespace(perf_counter=lambda: next(moments)))
    reports = train_networks([job._replace(index=i) for i in range(3)], [on] * 3)
    assert [report.seconds for report in reports] == [30] * 3


def test_half_trained_network_with_other_settings(job):
    train_network(job, after(2))
    report = train_network(job._replace(settings=BRIEF | {'n_hidden': 13}), on)
    assert report.status == 'failed'
    assert report.reason.startswith('n_hidden = 13 contradicts ')
    assert iterations(results.checkpoint_name(job.filename)) == [0, 1]


def test_settings_that_the_command_no_longer_names(job):
    """A set goes on with all its settings, not with those of half-trained networks for some."""
    once = job._replace(settings=BRIEF | {'delay_time': 40})
    train_network(once, after(2))
    assert plan(once).words == 'goes on after iteration 1'
    report = train_network(job, on)
    assert report.status == 'failed'
    assert report.reason.startswith('delay_time = 20 contradicts ')
    assert plan(job).words == f'will fail: {report.reason}'
    assert train_network(once, on).status == 'trained'
    assert plan(job).words == 'is finished, with other settings: delay_time 40, not 20'


def test_an_array_that_the_command_no_longer_names(job):
    mask = np.ones((SETTINGS['n_hidden'],) * 2, np.float32)
    mask[0, 1] = 0
    masked = job._replace(settings=BRIEF | {'w_rnn_mask': mask})
    train_network(masked, after(2))
    assert plan(masked).words == 'goes on after iteration 1'
    report = train_network(job, on)
    assert report.status == 'failed'
    assert report.reason.startswith('w_rnn_mask contradicts ')


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'decoding_reps': 3}, 'measures that would be lost'),
        (
            {'decoding_reps': 1, 'simulation_reps': 9},
            'more precise measures (decoding_reps = 2, not',
        ),
    ],
)
def test_measures_that_a_set_does_not_ask_for_are_kept(trained, options, words):
    """They are not lost, and neither is the network: --overwrite would train it again."""
    path = trained.filename
    assert analysis.main([str(path), '--jobs=1', '--set=decode_test=True', *quick()]) == 0
    before = path.read_bytes()
    again = trained._replace(settings=BRIEF | QUICK | options, analyze=True)
    report = train_network(again, on)
    assert (report.status, path.read_bytes()) == ('failed', before)
    assert words in report.reason
    assert report.reason.endswith(f'python analysis.py {path}, with --overwrite to replace them')
    assert report.values['iterations'] == 4
    fewer = again._replace(settings=BRIEF | QUICK | {'decoding_reps': 1})
    assert train_network(fewer, on).status == 'finished'
    assert path.read_bytes() == before


def quick() -> list[str]:
    return [f'--set={name}={value}' for name, value in QUICK.items()]


def test_versions_before_it_went_on(job):
    """A network says with what each part of its training was done."""
    train_network(job, after(2))
    checkpoint = results.checkpoint_name(job.filename)
    saved = results.load_results(checkpoint)
    earlier = {'stp-rnn': '0.9'}
    results.save(checkpoint, saved | {'versions': earlier})
    assert train_network(job, on).status == 'trained'
    found = results.load_results(job.filename)
    assert found['versions'] == saved['versions']
    assert found['earlier_versions'] == [earlier]


def test_versions_are_noted_where_they_change(job):
    checkpoint = results.checkpoint_name(job.filename)
    for count in (1, 2):
        train_network(job, after(count))
    assert 'earlier_versions' not in results.load(checkpoint)
    earlier = [{'stp-rnn': '0.8'}, {'stp-rnn': '0.9'}]
    for versions, watch in zip(earlier, (after(3), on), strict=True):
        results.save(checkpoint, results.load(checkpoint) | {'versions': versions})
        train_network(job, watch)
    assert results.load(job.filename)['earlier_versions'] == earlier


def test_overwritten_network(trained):
    again = trained._replace(overwrite=True, settings=BRIEF | {'seed': 6})
    assert train_network(again, on).status == 'trained'
    assert results.load_results(trained.filename)['parameters']['seed'] == 6


@pytest.mark.parametrize(
    ('error', 'report'),
    [
        (TrainingError('reason'), Report('failed', 'reason')),
        (OSError('disk full'), Report('failed', 'disk full')),
        (RuntimeError('two\nlines'), Report('failed', 'RuntimeError: two lines')),
        (KeyboardInterrupt(), Report('stopped')),
        (Interrupted(signal.SIGTERM), Report('stopped')),
    ],
)
def test_what_ends_a_network_is_reported(job, error, report):
    def fail(curves):
        raise error

    assert train_network(job, fail)._replace(seconds=None) == report


def test_a_batch_without_memory_is_reported_with_its_sizes(job, monkeypatch):
    def fail(self, *arguments, **options):
        raise MemoryError

    monkeypatch.setattr(Stimulus, 'generate_trial', fail)
    report = train_network(job, on)
    assert report.status == 'failed'
    assert report.reason.startswith('there is not enough memory for ')
    assert report.reason.endswith('a smaller batch_size, n_hidden or --stack would need less')


class Memory(Writer):
    """A log that keeps all in this process."""

    place = 'here'
    written: list = []  # iterations, and summaries

    def write(self, curves, start):
        """Keep the iterations."""
        self.written.append(curves['iteration'][start:])

    def summarize(self, values):
        """Keep the summary."""
        self.written.append(values)


def test_analysis(trained, monkeypatch, capsys):
    """That of analysis.py, not twice with the same options; its summary is logged."""
    monkeypatch.setitem(WRITERS, 'memory', Memory)
    analyzing = trained._replace(settings=TINY | QUICK | {'num_iterations': 2}, overwrite=True)
    analyzing = analyzing._replace(analyze=True, log=('memory',))
    report = train_network(analyzing, on)
    assert report.status == 'trained'
    accuracy = results.load(trained.filename)['task_accuracy']
    assert 0 <= accuracy <= 1
    *curves, summary = Memory.written
    assert curves == [[0, 1], [0, 1]]  # when trained, and with the summary
    measures = ('accuracy', 'neuronal decoding', 'neuronal shuffle', 'synaptic shuffle')
    assert set(measures) <= summary.keys()
    assert summary['accuracy'] == accuracy
    assert report.measures == summary
    before = trained.filename.stat()
    again = train_network(analyzing._replace(overwrite=False), on)
    assert (again.status, again.measures) == ('finished', summary)
    given = [f'--set={name}={value}' for name, value in QUICK.items()]
    assert analysis.main([str(trained.filename), '--jobs=1', *given]) == 0
    assert f'{trained.filename} is analysed already.' in capsys.readouterr().out
    assert trained.filename.stat() == before
    assert len(Memory.written) == 3


def test_stopped_analysis(trained):
    """The network that was trained before is kept."""
    analyzing = trained._replace(settings=BRIEF | QUICK, analyze=True)
    before = trained.filename.read_bytes()
    assert train_network(analyzing, lambda curves: True).status == 'stopped'
    numbers = iter([False, True])  # before the analysis, and in it
    assert train_network(analyzing, lambda curves: next(numbers)).status == 'stopped'
    assert trained.filename.read_bytes() == before


# Locks


HOLD = """
import sys
from pathlib import Path
from system.locks import lock
with lock(Path(sys.argv[1])):
    print('held', flush=True)
    sys.stdin.read()
"""


def test_a_marker_that_may_be_left_behind_is_named(job, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, 'no locks')

    monkeypatch.setattr(locks.fcntl, 'flock', refuse)
    with pytest.warns(UserWarning, match='has no locks'), lock(job.filename):
        report = train_network(job, on)
    marker = job.filename.parent / '.locks' / 'DMS-run-3.marker'
    words = f'another command works on it; if none does, remove {marker}'
    assert report == Report('busy', words)


def test_lock_vanishes_with_its_process(job):
    path = job.filename
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}
    with ended([sys.executable, '-c', HOLD, str(path)], cwd=ROOT, **pipes) as other:
        assert other.stdout.readline() == 'held\n'
        with pytest.raises(locks.Busy), lock(path):
            pytest.fail('two processes hold the lock')
        assert train_network(job, on) == Report('busy', 'another command works on it')
        with lock(path.with_name('DMS-run-4.pkl')):
            pass
        other.kill()
        other.wait()
        with lock(path):
            pass
    assert not list(path.parent.glob('DMS*'))


# Curves for TensorBoard


def test_logged_curves(job):
    """Every iteration once, though runs stop between two checkpoints and begin again."""
    logged = job._replace(
        log=('tensorboard',), settings=BRIEF | {'save_every': 3, 'num_iterations': 8}
    )
    for count in (2, 5):
        assert train_network(logged, after(count)).status == 'stopped'
    assert train_network(logged, on).status == 'trained'
    assert_logged_once(job.filename)
    other = logged._replace(settings=BRIEF | {'seed': 7}, overwrite=True)
    assert train_network(other, on).status == 'trained'
    assert_logged_once(job.filename)


def test_a_log_that_cannot_be_written_is_left_out(job):
    """Training and the other logs go on, and one sentence says so."""
    folder = job.filename.with_name('logs')
    folder.mkdir(parents=True)
    (folder / job.name).write_text('a file, where a folder is needed')
    logged = job._replace(log=('tensorboard', 'csv'), settings=BRIEF | {'save_every': 1})
    with pytest.warns(UserWarning, match=f'the log in .*{job.name} is not written') as seen:
        assert train_network(logged, on).status == 'trained'
    assert len([w for w in seen if 'is not written' in str(w.message)]) == 1
    assert len((folder / f'{job.name}.csv').read_text().splitlines()) == 5


# Progress


def test_board_is_shared(tmp_path):
    ours = Board(tmp_path / 'board', 3)
    theirs = Board(tmp_path / 'board')
    theirs.done[1] = 8
    assert list(ours.done) == [0, 8, 0]
    assert not theirs.is_stopped()
    ours.stop()
    assert theirs.is_stopped()
    assert list(theirs.done) == [0, 8, 0]


def test_progress_counts_what_is_done_already(job):
    train_network(job, after(3))
    other = job._replace(index=4)
    workers = LocalWorkers([plan(job), plan(other)], 2)
    try:
        assert (workers.progress(), workers.total) == (3, 8)
        workers.stop()
        assert workers.run([other]) == [Report('stopped', 'not begun')]
    finally:
        workers.close()
    assert not workers.board.path.exists()
