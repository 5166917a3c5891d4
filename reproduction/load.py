"""Loads the networks that are compared with the paper."""

import argparse
from collections.abc import Mapping
from pathlib import Path

import results
from commands.arguments import a_path, command_parser
from plots.drawn_networks import differing_settings
from reproduction import plan
from reproduction.measured import Networks
from tasks import TASKS

ByKind = Mapping[str, Networks]  # by the names of reproduction/plan.py


def folder_parser(program: str, description: str, *examples: str) -> argparse.ArgumentParser:
    """A parser (commands/arguments.py) of a command that loads a folder."""
    p = command_parser(program, description, *examples)
    p.add_argument('folder', type=a_path, metavar='FOLDER', help='of analysed networks')
    return p


def load_folder(folder: Path) -> dict[str, list]:
    """The networks of a folder by kind, in the order of the tables.

    Raises ResultsError for a damaged file, a network that is not analysed, and if there is none.
    """
    by_kind: dict[str, list] = {kind: [] for kind in plan.names()}
    for path in results.networks_in(folder):
        network = results.load_results(path)
        if not results.analysis_of(network):
            raise results.ResultsError(f'{path} is not analysed: python analysis.py {folder}')
        if network['parameters']['trial_type'] in TASKS:
            by_kind.setdefault(plan.kind_of(network['parameters']), []).append(network)
    found = {kind: networks for kind, networks in by_kind.items() if networks}
    if not found:
        raise results.ResultsError(f'{folder} holds no networks of the tasks of the paper')
    return found


def require_alike(by_kind: ByKind) -> None:
    """Raise ResultsError if networks of a kind differ in more than their seeds, or share a seed.

    The tables pool the networks of a kind, as independent samples of the same training.
    """
    for kind, networks in by_kind.items():
        parameters = [network['parameters'] for network in networks]
        words = f'networks of {kind} must differ in their seeds and in nothing else, but'
        if differing := differing_settings(parameters):
            raise results.ResultsError(f'{words} these settings differ: {", ".join(differing)}')
        seeds = [p['seed'] for p in parameters if p.get('seed') is not None]
        if len(set(seeds)) < len(seeds):
            raise results.ResultsError(f'{words} two of them have the same seed')


def of_tasks(by_kind: ByKind, swept: Mapping = plan.NO_CHANGE) -> dict[str, Networks]:
    """The networks with these swept settings, by task; without any, those of the findings."""
    names = {task: plan.named(task, swept) for task in TASKS}
    return {task: by_kind[name] for task, name in names.items() if name in by_kind}
