"""Learning curves as runs of Weights & Biases, online or offline.

The project is the folder of the result, such as NAME of a set, and each network is one run. Its id
follows from the project, the network's name and its settings, so that a network whose training is
resumed continues its own run.
"""

import hashlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from logs.writer import LoggedNetwork, Writer
from parameters import settings_for
from results import VALUES
from system.outputs import one_line

MODE, FOLDER = 'WANDB_MODE', 'WANDB_DIR'  # the user's, who may say where runs go
DEFAULTS = {
    'WANDB_SILENT': 'true',  # a progress bar is shown
    'WANDB_INIT_TIMEOUT': '30',  # s
    'WANDB_FINISH_TIMEOUT': '60',  # s for what is left to send; without it, wandb may hang
}
LONGEST = 128  # characters in the name of a project


class WandbWriter(Writer):
    """Writes a run. In one that goes on, iterations that the server has are left out."""

    title = 'Weights & Biases'
    package = 'wandb'
    num_open = 0  # runs of this process

    @classmethod
    def prepare(cls) -> None:
        """Go offline, with a warning, where no account is configured; never prompt the user."""
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        if MODE not in os.environ and not _has_account():
            _go_offline('no account is configured (wandb login)')

    @property
    def place(self) -> Path:
        """The folder of all runs."""
        return Path(os.environ.get(FOLDER) or self.network.folder, 'wandb')

    def open(self) -> None:
        """Begin the run or go on with it; offline, in place of what was written of it before."""
        import wandb

        try:
            self.run = self._begin()
        except wandb.errors.CommError as error:
            _go_offline(error)
            if not WandbWriter.num_open:  # else the id of the run stays in use here
                with suppress(SystemExit):  # with the status of wandb's own process
                    wandb.teardown()
            self.run = self._begin()
        WandbWriter.num_open += 1
        self.num_there = self.run.starting_step
        if self.run.offline:
            self._remove_earlier()

    def _begin(self):
        """The run, as it begins here or goes on."""
        import wandb

        self.place.mkdir(parents=True, exist_ok=True)  # else another place would be taken
        mode, project = os.environ.get(MODE), project_of(self.network)
        return wandb.init(
            project=project,
            id=run_id(self.network),
            name=self.network.name,
            config=config_of(self.network),
            dir=self.place.parent,
            mode=mode,
            resume='allow' if self.network.goes_on and mode != 'offline' else None,
            reinit='create_new',  # one process may train several networks at once
            settings=wandb.Settings(console='off'),
        )

    def _remove_earlier(self) -> None:
        """Remove what was written offline of the same run, and is in this one again."""
        here = Path(self.run.settings.sync_dir).resolve()
        for folder in here.parent.glob(f'offline-run-*-{self.run.id}'):
            if folder != here:
                shutil.rmtree(folder)

    def write(self, curves: Mapping[str, list], start: int) -> None:
        """Write the iterations from `start` on that the server does not have."""
        for step in curves['iteration'][max(start, self.num_there) :]:
            self.run.log({name: curves[name][step] for name in VALUES}, step=step)

    def summarize(self, values: Mapping[str, float]) -> None:
        """Add the measures to the summary of the run."""
        self.run.summary.update({f'analysis/{name}': value for name, value in values.items()})

    def close(self) -> None:
        """End the run, sending what is left."""
        WandbWriter.num_open -= 1
        self.run.finish()


def project_of(network: LoggedNetwork) -> str:
    """The name of the folder of the result, with '-' for what is not allowed in a project's."""
    name = network.filename.absolute().parent.name
    return re.sub(r'[/\\#?%:]', '-', name)[:LONGEST] or 'stp'


def config_of(network: LoggedNetwork) -> dict:
    """All settings of a network that are numbers, text, switches or None."""
    p = network.p
    plain = {name: p[name] for name in settings_for(p['trial_type']) if name in p}
    return {n: v for n, v in plain.items() if v is None or isinstance(v, (bool, int, float, str))}


def run_id(network: LoggedNetwork) -> str:
    """What tells the run from all others: networks of one id are the same network."""
    settings = {n: v for n, v in config_of(network).items() if n in network.identity}
    text = json.dumps([project_of(network), network.name, settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _has_account() -> bool:
    """Whether wandb can log without asking: it finds credentials, or is not in online mode."""
    import requests  # comes with wandb
    import wandb

    settings = wandb.setup().settings
    wandb.teardown()
    netrc = requests.utils.get_netrc_auth(settings.base_url)
    has_key = settings.api_key or settings.identity_token_file or netrc
    return bool(has_key) or settings.mode != 'online'


def _go_offline(reason: object) -> None:
    """Be offline in this process and in those that it starts."""
    os.environ[MODE] = 'offline'
    reason = one_line(reason)
    warnings.warn(
        f'Weights & Biases is offline: {reason}; `wandb sync` sends runs later', stacklevel=2
    )
