"""Ctrl-C and SIGTERM, which stop a run with a checkpoint."""

import signal
import threading


class Interrupted(BaseException):
    """A signal stopped the run, and its checkpoint is saved."""

    def __init__(self, signum: int):
        super().__init__(signum)
        self.signum = signum


class Signals:
    """Notes Ctrl-C and SIGTERM, which would end the process; a second one does."""

    def __init__(self):
        self.received = 0
        self.before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for signum in (signal.SIGINT, signal.SIGTERM):
                self.before[signum] = signal.signal(signum, self._note)
        return self

    def _note(self, signum, frame):
        self.received = signum
        self.__exit__()

    def __exit__(self, *error):
        for signum, handler in self.before.items():
            signal.signal(signum, handler)
