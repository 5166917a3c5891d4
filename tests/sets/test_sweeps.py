"""Sweeps: combinations, names and seeds of their networks, refusals, and a whole set."""

import os
import signal
from pathlib import Path

import psutil
import pytest
from shell import (
    SETTINGS,
    files_in,
    iterations,
    slow_disk,
    start_set,
    summary_of,
    train_set,
    wait_for,
    write_own_task,
)
from test_analysis import QUICK, TINY

import results
import run_all_models
from measures.summary import SUMMARY
from run_all_models import make_jobs, parser
from sets import summary as set_summary
from sets import sweep
from sets.grouping import MOST, stacks_of
from sets.job import LAST_VALUES, Job, Report, seed_of
from sets.local import LocalWorkers
from sets.plan import plan
from tasks import TASKS

VALUES = dict.fromkeys(LAST_VALUES, 0.25)


def jobs_of(*arguments: str) -> list[Job]:
    return make_jobs(parser().parse_args(['none', 'set', *arguments]))


def swept(*sweeps: str) -> list[str]:
    return [f'--sweep={one}' for one in sweeps]


# Networks that would be alike


def test_times_that_a_task_does_not_have_are_not_swept():
    delays = swept('ABBA_delay=200,100')
    names = [job.name for job in jobs_of('1', '0', '--tasks', 'DMS', 'ABBA', *delays)]
    assert names == ['DMS-run-0', 'ABBA-ABBA_delay=200-run-0', 'ABBA-ABBA_delay=100-run-0']
    with pytest.raises(ValueError, match='ABBA_delay has no effect in DMS, DMC: networks would'):
        jobs_of('1', '0', '--tasks', 'DMS', 'DMC', *delays)
    for task in TASKS:
        for time in ('dead_time', 'fix_time', 'sample_time', 'delay_time', 'test_time'):
            assert len(jobs_of('1', '0', f'--task={task}', *swept(f'{time}=500,600'))) == 2


# Names and seeds


def test_networks_of_a_sweep():
    """In the order of the command, named by settings in alphabetical order."""
    jobs = jobs_of('2', '3', *swept('spike_cost=0.01,2', 'delay_time=500,100'))
    assert [job.name for job in jobs] == [
        f'DMS-delay_time={delay}-spike_cost={cost}-run-{index}'
        for cost in ('0.01', '2')
        for delay in (500, 100)
        for index in (3, 4)
    ]
    first = jobs[0]
    assert first.filename == Path('savedir/set', f'{first.name}.pkl')
    assert first.swept == {'spike_cost': 0.01, 'delay_time': 500}
    assert first.settings == first.swept | {'seed': seed_of(0, 'DMS', 3, first.swept)}


def test_seeds_of_a_sweep():
    """Those of other values, and how a command writes and orders them, make no difference."""
    few = jobs_of('2', '0', *swept('delay_time=500,100', 'spike_cost=0.01'))
    many = jobs_of('3', '0', *swept('spike_cost=0.5,1e-2', 'delay_time=100,200,500'))
    seeds = {job.name: job.settings['seed'] for job in many}
    assert len({*seeds.values()}) == len(many) == 18
    assert {job.name: job.settings['seed'] for job in few}.items() <= seeds.items()
    assert seed_of(0, 'DMS', 1, {}) == seed_of(0, 'DMS', 1)
    assert seed_of(0, 'DMS', 1, {'spike_cost': 1}) == seed_of(0, 'DMS', 1, {'spike_cost': 1.0})


def test_values_are_read_like_those_of_set():
    jobs = jobs_of('1', '0', *swept('synapse_config=None,full', 'balance_EI=True,False'))
    values = [tuple(job.swept.values()) for job in jobs]
    assert values == [(None, True), (None, False), ('full', True), ('full', False)]
    assert jobs[1].name == 'DMS-balance_EI=False-synapse_config=None-run-0'
    assert jobs_of('1', '0', *swept('a=[1,(2,3)],4'))[0].swept == {'a': [1, (2, 3)]}
    assert jobs_of('1', '0', *swept('synaptic_config=fac'))[0].swept == {'synapse_config': 'fac'}


def test_a_setting_of_one_task_is_swept_in_it_alone(tmp_path):
    file = str(write_own_task(tmp_path))
    jobs = jobs_of('1', '0', '--tasks', 'DMS', file, *swept('num_reports=1,2', 'dt=10,20'))
    assert [job.name for job in jobs] == [
        'DMS-dt=10-run-0',
        'DMS-dt=20-run-0',
        *(f'report-dt={dt}-num_reports={number}-run-0' for number in (1, 2) for dt in (10, 20)),
    ]


# What is refused


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (swept('delay_tim=5'), "no parameter 'delay_tim'; the nearest name is delay_time"),
        (swept('n_input=5'), 'n_input follows from other parameters and cannot be set'),
        (swept('delay_time'), "'delay_time' is not of the form NAME=VALUE,VALUE,..."),
        (swept('=5'), "'=5' is not of the form NAME=VALUE,VALUE,..."),
        (swept('delay_time='), "'delay_time=' lacks a value"),
        (swept('delay_time=5,,6'), "'delay_time=5,,6' lacks a value"),
        (swept('delay_time=50,-6'), 'delay_time = -6 is not allowed: it must be an integer of '),
        (swept('delay_time=[5,6]'), 'delay_time = [5, 6] is not allowed: it must be an integer'),
        (swept('spike_cost=0.01,1e-2'), 'spike_cost = 0.01 is there twice in --sweep'),
        (swept('dt=10', 'dt=20'), 'dt is swept twice: one --sweep takes all of its values'),
        ([*swept('dt=10'), '--set=dt=20'], 'dt is given to both --set and --sweep'),
        (swept('trial_type=DMS,DMC'), 'trial_type is not for --sweep: --tasks decides it'),
        (swept('seed=1,2'), 'seed is not for --sweep: --seed decides it'),
        (swept('save_fn=a'), 'save_fn is not for --sweep: NAME decides it'),
        (swept('save_dir=a,b'), 'save_dir is not for --sweep: --set decides it'),
        (swept('decoding_reps=1,2'), 'decoding_reps is an option of the analysis, which is for'),
        (swept('w_rnn0=a.npy,b.npy'), 'w_rnn0 is an array in a file, which is for --set alone'),
        (swept('synapse_config=a/b'), "'a/b' is not allowed in --sweep: it must be what the nam"),
        (swept(f'synapse_config={"a" * 190}'), 'is too long for the name of a file (215 bytes of'),
        (
            ['--tasks', 'DMS', 'DMC', *swept('num_motion_dirs=8,7')],
            'two categories need an even number',
        ),
        (
            swept(*(f'{name}={",".join(map(str, range(1, 101)))}' for name in ('dt', 'n_hidden'))),
            'these are 20000 networks (combinations times tasks times N): more than 10000 are ',
        ),
    ],
    ids=lambda value: value[-1][:40] if isinstance(value, list) else '',
)
def test_wrong_sweeps(tmp_path, monkeypatch, capsys, arguments, sentence):
    """Before anything starts, also where only the last value or task is wrong."""
    monkeypatch.chdir(tmp_path)
    try:
        status = run_all_models.run(['none', 'set', '2', '0', *arguments])
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, '')
    assert sentence in err
    assert err.count('error: ') == err.partition('error: ')[2].count('\n') == 1
    assert not list(tmp_path.iterdir())


def test_many_networks_are_trained_if_that_is_meant():
    hundred = ','.join(map(str, range(1, 102)))
    both = swept(f'n_hidden={hundred}', f'batch_size={hundred}')
    assert len(jobs_of('1', '0', '--yes', *both)) == 101**2
    with pytest.raises(ValueError, match='these are 10201 networks'):
        jobs_of('1', '0', *both)


# Stacks and processes


def test_whole_stacks_where_networks_are_of_many_kinds():
    """Few kinds are divided among the processes; of many, each makes one stack, and one graph."""
    for number, sizes in ((3, [5, 5]), (8, [10])):
        delays = ','.join(str(100 * i) for i in range(1, number + 1))
        plans = [plan(job) for job in jobs_of('10', '0', *swept(f'delay_time={delays}'), *SMALL)]
        assert [len(group) for group in stacks_of(plans, 'auto', 2, None)] == number * sizes
    costs = ','.join(str(i) for i in range(20))
    plans = [plan(job) for job in jobs_of('10', '0', *swept(f'spike_cost={costs}'), *SMALL)]
    assert [len(group) for group in stacks_of(plans, 'auto', 2, None)] == [MOST] * 3 + [8]


SMALL = ('--set=n_hidden=20', '--set=batch_size=64')


def pid_of(workers: LocalWorkers) -> int:
    """The process that waits for networks, as the only one."""
    process = workers.idle.get()
    assert workers.idle.empty()
    workers.idle.put(process)
    (pid,) = process._processes
    return pid


def test_a_process_is_used_again_and_replaced_when_it_was_killed(tmp_path):
    """Damaged results take no training."""
    jobs = [Job(str(tmp_path), 'DMS', i, SETTINGS) for i in range(3)]
    for job in jobs:
        job.filename.write_bytes(b'cut short')
    workers = LocalWorkers([plan(job) for job in jobs], 1)
    try:
        reports = workers.run([jobs[0]])
        first = pid_of(workers)
        reports += workers.run([jobs[1]])
        assert pid_of(workers) == first
        os.kill(first, signal.SIGKILL)
        reports += workers.run([jobs[2]])  # the one that was killed had not begun it
        assert pid_of(workers) != first
        assert workers.progress() == workers.total  # they failed: nothing is left to do
    finally:
        workers.close()
    assert [report.status for report in reports] == 3 * ['failed']
    assert all('is damaged' in report.reason for report in reports)


# The summary


def test_the_summary_has_a_column_of_each_swept_setting(tmp_path):
    """Networks are in the order of the values; those of earlier commands keep their columns."""
    combinations = [
        {'delay_time': d, 'synapse_config': s} for d in (1000, 500) for s in (None, 'a')
    ]
    names = {f'DMS{sweep.label(c)}-run-{i}': c for c in combinations for i in (10, 2)}
    trained = Report('trained', '', 60, values=VALUES)
    set_summary.write(tmp_path, dict.fromkeys(names, trained), names)
    later = {'DMS-spike_cost=0.5-run-0': {'spike_cost': 0.5}, 'DMS-run-0': {}}
    set_summary.write(tmp_path, dict.fromkeys(later, trained), later)
    rows = summary_of(tmp_path / 'any')
    assert list(rows) == [
        'DMS-run-0',
        *(
            f'DMS-delay_time={delay}-synapse_config={synapses}-run-{index}'
            for delay in (500, 1000)
            for synapses in ('None', 'a')
            for index in (2, 10)
        ),
        'DMS-spike_cost=0.5-run-0',
    ]
    columns = ('delay_time', 'spike_cost', 'synapse_config')
    found = {name: tuple(row[column] for column in columns) for name, row in rows.items()}
    assert found['DMS-run-0'] == ('', '', '')
    assert found['DMS-delay_time=500-synapse_config=None-run-2'] == ('500', '', 'None')
    assert found['DMS-spike_cost=0.5-run-0'] == ('', '0.5', '')
    header, first, *_ = set_summary.table(dict.fromkeys(names, trained), names).splitlines()
    assert header.split()[:4] == ['network', 'delay_time', 'synapse_config', 'status']
    assert first.split()[1:4] == ['500', 'None', 'trained']


# A whole set


def process_of(command, name: str) -> psutil.Process:
    """The process that trains a network: it holds the lock."""
    return next(
        child
        for child in psutil.Process(command.pid).children(recursive=True)
        if any(Path(file.path).name == f'{name}.lock' for file in child.open_files())
    )


@pytest.mark.slow
def test_a_sweep_that_loses_a_process_goes_on_and_is_analysed(tmp_path):
    """The network that was waiting goes to a new process; the same command does the rest."""
    folder = tmp_path / 'savedir' / 'set'
    names = [f'DMS-synapse_config={value}-run-0' for value in ('dep', None, 'full')]
    tiny = {name: value for name, value in TINY.items() if name != 'seed'}
    settings = tiny | QUICK | {'num_iterations': 12, 'save_every': 1}
    command = ('none', 'set', 1, 0, '--sweep=synapse_config=dep,None,full', '--stack=1')
    command += ('--jobs=1', '--threads=1')
    with start_set(tmp_path, *command, env=slow_disk(tmp_path), **settings) as process:
        wait_for((folder / f'{names[1]}.checkpoint').exists, process)
        process_of(process, names[1]).kill()
        out, err = process.communicate()
    assert (process.returncode, err) == (1, '')
    rows = summary_of(folder / 'any')
    assert [(name, row['status']) for name, row in rows.items()] == [
        (names[1], 'failed'),
        (names[0], 'trained'),
        (names[2], 'trained'),
    ]
    assert rows[names[1]]['reason'] == 'its process was killed, or crashed'
    status, out, err = train_set(tmp_path, *command, '--analyze', **settings)
    assert (status, err) == (0, '')
    rows = summary_of(folder / 'any')
    assert {row['status'] for row in rows.values()} == {'trained', 'finished'}
    assert [row['synapse_config'] for row in rows.values()] == ['None', 'dep', 'full']
    assert [row['analysis/synaptic shuffle'] != '' for row in rows.values()] == [False, True, True]
    *_, heading, static, depressing, full = out.splitlines()
    assert heading.split() == ['network', *' '.join(SUMMARY).split()]
    assert [line.split()[0] for line in (static, depressing, full)] == list(rows)
    assert (static.split()[-1], 'nan' in full) == ('nan', False)
    kept = [name for name in files_in(folder) if not name.endswith('.tmp')]  # of the killed one
    assert kept == [*sorted(f'{name}.pkl' for name in names), 'summary.csv']
    for name in names:
        assert iterations(folder / f'{name}.pkl') == list(range(12))
        saved = results.load(folder / f'{name}.pkl')
        assert 0 <= saved['task_accuracy'] <= 1
        shown = float(rows[name]['analysis/accuracy'])  # six digits
        assert shown == pytest.approx(saved['task_accuracy'], rel=1e-5)
        assert str(saved['parameters']['synapse_config']) == rows[name]['synapse_config']
