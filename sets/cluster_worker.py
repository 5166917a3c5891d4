"""What a worker of a Dask cluster does with the networks that cluster.py sends it at once.

Workers get `train_on_worker` without the rest of the project, so this file needs nothing but the
standard library and Dask. The networks are trained in a process of their own, which finds all
modules in a temporary folder.
"""

import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

POLL = 0.5  # s
JOBS, REPORTS, OUTPUT, RESULT = 'jobs.pickle', 'reports.pickle', 'output.txt', 'result'


def train_on_worker(packed: bytes, sources: dict, files: dict):
    """Run on a worker: train networks, of which `packed` holds the jobs, in a process of their own.

    `sources` are the modules of the project, {relative path: bytes}, `files` the results or
    checkpoints of the networks, where there are some, {name: bytes}. Returns the pickled reports,
    or in words why the process ended without them, and the result files {name: bytes}.
    The process is killed when nobody wants its results any more, and ends by itself when this
    worker does.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / RESULT).mkdir()
        _write(folder / RESULT, files)
        _write(folder, {**sources, JOBS: packed})
        with open(folder / OUTPUT, 'wb') as output:
            status = _run_process(folder, output)
        results = {path.name: path.read_bytes() for path in (folder / RESULT).glob('*.pkl')}
        if (folder / REPORTS).exists():
            return (folder / REPORTS).read_bytes(), results
        last = (folder / OUTPUT).read_text(errors='replace').strip().rpartition('\n')[2]
        return last or f'its process was killed, or crashed (exit status {status})', results


def _write(folder: Path, files: dict) -> None:
    for file, content in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _run_process(folder: Path, output) -> int:
    from distributed import get_worker

    program = (
        "import sys; sys.path.insert(0, ''); "
        'from sets import cluster_worker; cluster_worker.run_sent_jobs()'
    )
    command = [sys.executable, '-c', program, str(get_worker().state.nthreads)]
    # standard input carries nothing: the process ends when it is closed, with this worker's end
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=output, stderr=output
    ) as process:
        while process.poll() is None:
            time.sleep(POLL)
            if not _is_wanted():
                process.kill()
    return process.returncode


def _is_wanted() -> bool:
    """Whether the task of this thread is still to be done; its command may have been stopped."""
    from distributed import get_worker

    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    return task is not None and task.state == 'executing'


def run_sent_jobs() -> None:
    """The process that a worker starts, in the folder with the modules and the jobs.

    Its argument is how many such processes that worker has at once, which share the cores.
    """
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    from rnn.device import available_cores
    from sets.train import train_networks

    jobs = pickle.loads(Path(JOBS).read_bytes())
    threads = jobs[0].threads or max(1, available_cores() // int(sys.argv[1]))
    jobs = [job._replace(threads=threads) for job in jobs]
    reports = train_networks(jobs, [lambda curves: False] * len(jobs))
    Path(REPORTS).write_bytes(pickle.dumps(reports))


def _end_with_stdin() -> None:
    os.read(sys.stdin.fileno(), 1)  # not through sys.stdin, whose lock the end of Python needs
    os._exit(1)
