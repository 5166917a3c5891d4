"""Weights & Biases itself, offline: without an account, a network or a question to anybody."""

import json
import os
import struct
from contextlib import suppress
from importlib.util import find_spec

import numpy as np
import psutil
import pytest
from shell import SETTINGS, environment, paths_of, run_on_terminal, statuses

import results
from logs import wandb as writer
from logs.log import prepared
from sets.job import Job, seed_of
from sets.train import train_networks

pytestmark = pytest.mark.skipif(
    find_spec('wandb') is None, reason='Weights & Biases is not installed: pip install wandb'
)
BLOCK = 2**15  # bytes


@pytest.fixture
def no_account(tmp_path, monkeypatch) -> dict:
    """Nothing is configured; the changes of the environment that make it so."""
    for name in (writer.MODE, writer.FOLDER, 'WANDB_API_KEY', *writer.DEFAULTS):
        monkeypatch.setenv(name, 'removed, and in the end as before')
        monkeypatch.delenv(name)
    monkeypatch.setenv('NETRC', str(tmp_path / 'netrc'))
    monkeypatch.setenv('WANDB_BASE_URL', 'http://127.0.0.1:1')  # nothing is there
    monkeypatch.setenv('WANDB_CONFIG_DIR', str(tmp_path))
    writer._has_account.cache_clear()
    yield
    writer._has_account.cache_clear()


def records(path):
    """The records of a run: a log of LevelDB, each record in parts that fit into blocks."""
    content, place, record = path.read_bytes(), 7, b''
    while place + 7 <= len(content):
        if BLOCK - place % BLOCK < 7:
            place += BLOCK - place % BLOCK
            continue
        _, length, part = struct.unpack_from('<IHB', content, place)
        record += content[place + 7 : place + 7 + length]
        place += 7 + length
        if part in (1, 4):  # whole, or the last part
            yield record
            record = b''


def run_in(folder) -> tuple[dict, list[int], dict[str, list]]:
    """Project, name and settings of the run in a folder; its steps and curves."""
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = folder.glob('*.wandb')
    found = [Record.FromString(record) for record in records(path)]
    (run,) = (record.run for record in found if record.HasField('run'))
    rows = [record.history for record in found if record.HasField('history')]
    values = [
        {''.join(i.nested_key) or i.key: json.loads(i.value_json) for i in r.item} for r in rows
    ]
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    about = config | {'project': run.project, 'name': run.display_name}
    curves = {name: [row[name] for row in values] for name in results.VALUES}
    return about, [row.step.num for row in rows], curves


def marked(mark: str) -> list[psutil.Process]:
    """Processes of a command, also those that it has left behind."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get('MARK') == mark:
                found.append(process)
    return found


@pytest.mark.usefixtures('eager', 'no_account')
@pytest.mark.slow
def test_a_set_that_is_stopped_and_goes_on(tmp_path):
    """One run for each network of a stack, in one process, with each iteration once."""
    import wandb

    paths = paths_of(tmp_path, 'set', 3)
    seeds = [seed_of(0, 'DMS', i) for i in range(3)]
    settings = SETTINGS | {'num_iterations': 7, 'save_every': 2}
    jobs = [
        Job(str(paths[0].parent), 'DMS', i, settings | {'seed': seed}, log=('csv', 'wandb'))
        for i, seed in enumerate(seeds)
    ]
    with pytest.warns(UserWarning, match='Weights & Biases is offline: no account is configured'):
        reports = train_networks(jobs, [lambda curves: len(curves['iteration']) == 3] * 3)
    assert {report.status for report in reports} == {'stopped'}
    wandb.teardown()
    runs = paths[0].parent / 'logs' / 'wandb'
    first = {run_in(folder)[0]['name']: folder for folder in runs.glob('offline-run-*')}
    assert [*sorted(first)] == [path.stem for path in paths]
    assert all(run_in(folder)[1] == [0, 1, 2] for folder in first.values())

    os.environ.pop(writer.MODE)  # the command finds out by itself
    arguments = ('none', 'set', 3, 0, '--stack=3', '--threads=1', '--log=wandb', '--log=csv')
    status, out, shown = run_on_terminal(
        tmp_path,
        *arguments,
        program='run_all_models.py',
        env=environment(MARK=str(tmp_path)),
        **settings,
    )
    assert (status, statuses(out)) == (0, {path.stem: 'trained' for path in paths})
    assert shown.count(b'note: Weights & Biases is offline: no account') == 1
    assert b'wandb:' not in shown
    assert not marked(str(tmp_path))
    found = {about['name']: (about, *rest) for about, *rest in map(run_in, runs.glob('offline-*'))}
    assert len([*runs.glob('offline-*')]) == 3
    for path, seed in zip(paths, seeds, strict=True):
        about, steps, curves = found[path.stem]
        assert (about['project'], about['seed'], about['n_hidden']) == ('set', seed, 12)
        saved = results.load_results(path)
        assert steps == saved['iteration'] == [*range(7)]
        for name, values in curves.items():
            np.testing.assert_array_equal(values, saved[name])
        assert not first[path.stem].exists()  # all of it is in the new one


@pytest.mark.usefixtures('no_account')
def test_an_account_is_found_where_it_is_kept(tmp_path, recwarn):
    (tmp_path / 'netrc').write_text('machine 127.0.0.1 login user password 0123456789\n')
    assert prepared('wandb') == ('wandb',)
    assert not recwarn
    assert writer.MODE not in os.environ
