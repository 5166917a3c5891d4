"""`--dask=local`: a cluster that the command starts here, and ends."""

import logging
import socket
from contextlib import ExitStack, suppress

from shell import (
    OWN_SETTINGS,
    assert_same_network,
    statuses,
    train_network,
    train_set,
    write_own_task,
)
from test_analysis import TINY

import results
from run_all_models import make_jobs, parser
from sets import cluster

FEW = {'analysis_trials': 32, 'decoding_reps': 0, 'simulation_reps': 0}  # measures take seconds
FEW |= {'analyze_tuning': False, 'calculate_resp_matrix': False}


def test_local_cluster(tmp_path):
    """It takes the place of what is there, and analyses there, too.

    The task is a user's own. Its file is sent, and the network is the one that is trained here.
    """
    file = write_own_task(tmp_path)
    settings = {name: value for name, value in TINY.items() if name != 'seed'}
    settings |= OWN_SETTINGS | {'num_iterations': 3, 'num_reports': 2} | FEW
    words = ['none', 'set', '1', '0', f'--tasks={file}', '--threads=1']
    given = [f'--set={name}={value}' for name, value in settings.items()]
    (job,) = make_jobs(parser().parse_args([*words, f'--set=save_dir={tmp_path}', *given]))
    assert train_network(job, lambda curves: False).status == 'trained'
    path = tmp_path / 'savedir' / 'set' / 'report-run-0.pkl'
    path.parent.mkdir(parents=True)
    path.write_text('old')
    arguments = (*words, '--dask=local', '--overwrite', '--analyze')
    status, out, err = train_set(tmp_path, *arguments, **settings)
    assert (status, err) == (0, '')
    assert statuses(out) == {'report-run-0': 'trained'}
    assert results.load_results(path)['iteration'] == [0, 1, 2]
    assert 0 <= results.load(path)['task_accuracy'] <= 1
    assert_same_network(path, job.filename)
    there, here = (results.load_results(p) for p in (path, job.filename))
    assert there['versions'] == here['versions']  # also the commit
    there, here = there['parameters'], here['parameters']
    assert there['num_reports'] == here['num_reports'] == 2
    assert there['task_digest'] == here['task_digest']


def test_a_local_cluster_works_without_a_word(capfd, recwarn):
    """Not even of a port that is taken, much that is sent, or a heartbeat that is not heard."""
    from distributed import WorkerPlugin

    class Beating(WorkerPlugin):
        def teardown(self, worker):
            print('it ends')
            logging.getLogger('distributed.worker').error('Failed to communicate with scheduler')

    with ExitStack() as taken:
        with suppress(OSError):  # another program has it
            taken.enter_context(socket.create_server(('127.0.0.1', 8787)))
        local = cluster.Cluster('local', total=1, local_workers=1)
    local.client.register_plugin(Beating())
    assert local.client.submit(len, bytes(20_000_000)).result() == 20_000_000
    local.close()
    assert (local.at_once, [*recwarn]) == (1, [])
    assert capfd.readouterr() == ('it ends\n', '')
