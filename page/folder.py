"""What is in a folder of networks: those that can be read, and the outcome of all others."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

import results
from measures.earlier import conditions
from measures.summary import summary
from plots.drawn_networks import load, own_settings
from sets.summary import FILE
from sets.summary import read as summary_rows
from system.files import naming, natural
from system.locks import is_held
from training.stopping import last_mean

DONE = ('trained', 'finished')  # statuses in summary.csv of networks that have a result


class Network(NamedTuple):
    """What the tables and curves need of one network; its weights and measures stay in the file.

    settings: those in which it differs from what its task sets by itself. p: all its parameters,
    arrays as their shape and a digest. group: networks of one group can share a figure. measures:
    means of what was analysed, by name. minutes: of its training, None if unknown.
    """

    path: Path
    task: str
    is_finished: bool
    settings: dict
    p: dict
    group: tuple
    curves: dict[str, np.ndarray]
    measures: dict[str, float]
    versions: dict[str, str]
    minutes: float | None = None

    @property
    def name(self) -> str:
        """The name of the file without its ending."""
        return self.path.stem

    def last(self, curve: str) -> float:
        """The mean of a curve over the last 20 iterations."""
        return last_mean(self.curves[curve].tolist())


class Absent(NamedTuple):
    """A network that failed, is not finished or cannot be read."""

    name: str
    status: str
    reason: str


class Folder(NamedTuple):
    """All that a folder holds; `problems` are sentences about files that cannot be used."""

    path: Path
    networks: list[Network]
    absent: list[Absent]
    problems: list[str]


def read(path: Path, progress: Callable = iter) -> Folder:
    """Read a folder; `progress` wraps the list of its files.

    Raises ResultsError if there is no such folder, or if nothing in it is a network.
    """
    files = results.networks_in(path, ('.pkl', '.checkpoint'))
    networks, absent, problems = [], [], []
    for file in progress(files):
        try:
            networks.append(_network(file))
        except (ValueError, OSError) as error:
            problems.append(str(error))
            absent.append(Absent(file.stem, 'unreadable', _short(error, file)))
    if not networks:
        raise results.ResultsError(f'{path} holds no network that can be read: {problems[0]}')
    absent += [_unfinished(network) for network in networks if not network.is_finished]
    rows = {}
    try:
        rows = summary_rows(path / FILE)
    except (OSError, ValueError) as error:
        problems.append(str(error))
        absent.append(Absent(FILE, 'unreadable', _short(error, path / FILE)))
    networks = [network._replace(minutes=_minutes(rows.get(network.name))) for network in networks]
    known = {network.name for network in networks if network.is_finished}
    absent = _merged([*absent, *_reported(rows, known)])
    return Folder(path, sorted(networks, key=lambda n: (n.task, natural(n.name))), absent, problems)


def _network(file: Path) -> Network:
    """Raises ValueError, which names the file, if it holds no network."""
    drawn = load(file)
    saved, own = drawn.saved, own_settings(drawn.saved['parameters'])
    made = conditions(results.analysis_of(saved).get('options', {}))
    analysed = {f'{name} when analysed': value for name, value in made.items()}
    versions = saved.get('versions')
    return Network(
        path=file,
        task=saved['parameters']['trial_type'],
        is_finished=file.suffix == '.pkl',
        settings={name: _plain(v) for name, v in (own | analysed).items()},
        p={name: _plain(value) for name, value in saved['parameters'].items()},
        group=drawn.group,
        curves={name: np.array(saved[name], float) for name in results.CURVES},
        measures=_measures(saved, file),
        versions=dict(versions) if isinstance(versions, Mapping) else {},
    )


def _plain(value):
    """A setting as it is compared and shown: of an array, its shape and a digest."""
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value)).hexdigest()
        return f'array {value.shape} {digest[:6]}'
    return value


def _measures(saved: Mapping, file: Path) -> dict[str, float]:
    """Its summary, and manipulation; without what is not known."""
    try:
        found = summary(saved)
        manipulation = float(np.mean(saved.get('manipulation', np.nan)))
    except (TypeError, ValueError) as error:
        raise ValueError(naming(file, error)) from error
    return found | {'manipulation': manipulation} if found and np.isfinite(manipulation) else found


def _unfinished(network: Network) -> Absent:
    done, wanted = len(network.curves['iteration']), network.p['num_iterations']
    words = f'{done} of {wanted} iterations are done'
    if is_held(network.path):
        return Absent(network.name, 'in training', words)
    return Absent(
        network.name, 'unfinished', f'{words}; to continue, run the command that trained it again'
    )


def _minutes(row: Mapping | None) -> float | None:
    try:
        return float((row or {}).get('minutes') or 'none')
    except ValueError:
        return None


def _reported(rows: Mapping[str, Mapping], known: set[str]) -> Iterator[Absent]:
    """What summary.csv says of networks that failed or stopped, and of those that are away."""
    for name, row in rows.items():
        status, reason = row['status'] or '', row.get('reason') or ''
        if status not in DONE and not (name in known and status != 'failed'):
            yield Absent(name, status or 'unknown', reason)
        elif status in DONE and name not in known:
            yield Absent(name, 'missing', f'{FILE} calls it {status}, but its file is not here')


def _merged(absent: list[Absent]) -> list[Absent]:
    """One entry for each network, with all reasons."""
    found: dict[str, Absent] = {}
    for name, status, reason in sorted(absent, key=lambda a: natural(a.name)):
        before = found.get(name)
        if before is None:
            found[name] = Absent(name, status, reason)
            continue
        statuses = dict.fromkeys([before.status, status])
        if 'failed' in statuses:  # is the last word
            statuses = ['failed']
        reasons = dict.fromkeys(filter(None, [before.reason, reason]))
        found[name] = Absent(name, ', '.join(statuses), '; '.join(reasons))
    return list(found.values())


def _short(error: object, file: Path) -> str:
    """The reason without the folder, which the page names once."""
    return str(error).replace(str(file), file.name)
