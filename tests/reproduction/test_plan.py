"""The networks that the findings are to rest on: what they are, and how they are trained."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from made import cells, network

import results
import run_all_models
from parameters import parameters_with
from reproduction import plan, state, whole
from reproduction.load import load_folder, of_tasks
from reproduction.tables import print_tables
from sets.grouping import stacks_of
from sets.job import settings_of
from sets.plan import plan as plan_of
from tasks import TASKS

SMALL = {'n_hidden': 10, 'dt': 50, 'batch_size': 32, 'num_iterations': 3, 'analysis_trials': 256}
SMALL |= {'tuning_batches': 1, 'decoding_reps': 2, 'simulation_reps': 2, 'suppress_analysis': False}


def test_every_task_of_the_paper_is_in_the_plan():
    assert {kind.task for kind in plan.PLAN} == {*TASKS}
    assert max(Counter(kind.name for kind in plan.PLAN).values()) == 1


def test_networks_are_trained_in_rounds():
    jobs = plan.jobs('none')
    assert Counter(job.task + str(job.swept) for job in jobs)['DMS{}'] == 10
    assert len(jobs) == len({job.name for job in jobs}) == sum(k.number for k in plan.PLAN)
    names = [job.name for job in jobs]
    assert names[:2] == ['DMS-run-0', 'DMRS45-run-0']
    assert names.index('dualDMS-run-1') < names.index('DMS-run-2')
    assert names.index('dualDMS-run-2') < names.index('distractor-run-0') < names.index('DMS-run-4')


def test_networks_of_many_kinds_are_begun_in_this_order():
    plans = [plan_of(job) for job in plan.jobs('none')[:25]]
    groups = stacks_of(plans, 'auto', 2, None)
    assert [p.job.name for group in groups for p in group] == [p.job.name for p in plans]


@pytest.mark.parametrize(
    'arguments',
    [
        ('--tasks', 'DMRS45'),
        ('--tasks', 'dualDMS', '--set', 'num_iterations=4000'),
        ('--tasks', 'DMS', '--sweep', 'delay_time=2500'),
        ('--tasks', 'DMS', '--sweep', 'synapse_config=None'),
    ],
)
def test_they_are_those_of_the_command_for_sets(arguments):
    args = run_all_models.parser().parse_args(['none', 'reproduction', '1', '1', *arguments])
    (expected,) = run_all_models.make_jobs(args)
    job = next(job for job in plan.jobs('none') if job.name == expected.name)
    assert job.filename == Path(plan.FOLDER, expected.filename.name)
    own = {n: v for n, v in settings_of(job).items() if n not in plan.ANALYSED}
    assert own == settings_of(expected) | {'save_dir': plan.FOLDER}


def test_kind_of_a_network():
    changes = {'DMS': {}, 'DMS-delay_time=500': {'delay_time': 500}}
    changes['DMS-synapse_config=None'] = {'synapse_config': None}
    changes['DMS-stop_accuracy=0.9'] = {'stop_accuracy': 0.9}
    for name, settings in changes.items():
        assert plan.kind_of(parameters_with({'n_hidden': 20} | settings)) == name
    for task, usual in (('ABBA', 24), ('dualDMS', 48)):
        settings = {'trial_type': task, 'num_motion_tuned': usual}
        assert plan.kind_of(parameters_with(settings)) == task
    settings = {'trial_type': 'ABBA', 'num_motion_tuned': 36}
    assert plan.kind_of(parameters_with(settings)) == 'ABBA-num_motion_tuned=36'


def test_varied_networks_are_apart_from_those_of_the_findings(tmp_path, capsys):
    made = {'a': network(), 'b': network(settings={'delay_time': 500}), 'c': network('DMC')}
    made['d'] = network(settings={'stop_accuracy': 0.9})
    for name, of_name in made.items():
        results.save(tmp_path / f'{name}.pkl', of_name)
    by_kind = load_folder(tmp_path)
    assert list(by_kind) == ['DMS', 'DMC', 'DMS-delay_time=500', 'DMS-stop_accuracy=0.9']
    assert list(of_tasks(by_kind)) == ['DMS', 'DMC']
    assert of_tasks(by_kind, plan.EARLY) == {'DMS': by_kind['DMS-stop_accuracy=0.9']}
    print_tables(by_kind)
    shown = capsys.readouterr().out
    assert shown.count('| DMS: decoding from synapses, end of delay | 1 |') == 2


def test_state_counts_networks_that_are_trained_to_the_end():
    ended = [network(iterations=n) for n in (2000, 1999, 2000)]
    rows = cells(state.state_table({'DMS': ended, 'dualDMS': [network('dualDMS', 0, 2000)]}))
    kind = next(kind for kind in plan.PLAN if kind.name == 'DMS')
    left = 8 * sum(kind.minutes) / 60 / 2
    assert rows['DMS'][:2] == ['10', '2']
    assert rows['DMS'][-1] == f'{left:.1f}'
    assert rows['dualDMS'][1] == '0'
    more = cells(state.state_table({'DMRS45': [network('DMRS45', 0, 2000)] * 6}))
    assert (more['DMRS45'][:2], more['DMRS45'][-1]) == (['5', '5'], '0.0')
    stopped = cells(state.state_table({'DMS-stop_accuracy=0.9': [network(iterations=100)]}))
    assert stopped['DMS-stop_accuracy=0.9'][1] == '1'
    assert rows['all'][:2] == [str(len(plan.jobs('none'))), '2']


def test_the_whole_reproduction_is_one_command(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(plan, 'PLAN', (plan.Kind('DMS', 2, (1, 1), settings=SMALL),))
    monkeypatch.chdir(tmp_path)
    assert whole.main(['--dry-run']) == 0
    assert capfd.readouterr().out.count('starts with seed') == 2
    assert whole.main(['--jobs', '1', '--threads', '1', '--stack', '1']) == 0
    out, err = capfd.readouterr()
    assert cells(out)['DMS'][:2] == ['2', '2']
    assert 'figure_4 is left out: there is no network of DMS+DMRS' in err
    folder = tmp_path / plan.FOLDER
    assert (folder / 'figures' / 'paper' / 'figure_2.png').exists()
    saved = results.load_results(folder / 'DMS-run-1.pkl')
    assert saved['analysis']['options']['decode_test']
    np.testing.assert_array_equal(saved['iteration'], range(3))
    assert whole.main(['--dry-run']) == 0
    out = capfd.readouterr().out
    assert out.count('is finished and analysed') == out.count('\n') == 2
    del saved['analysis']
    results.save(folder / 'DMS-run-1.pkl', saved)
    assert whole.main(['--dry-run']) == 0
    assert '1 to do, 1 at once' in capfd.readouterr().out
