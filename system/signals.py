"""Ctrl-C and the signals with which computers ask a run to stop: it stops with a checkpoint."""

import signal
import threading

# SIGTERM of a service or a container, SIGHUP of a terminal that closes, SIGUSR1 and SIGUSR2 of a
# queue such as SLURM before the time is over; Windows has only some of them
ASKS_TO_STOP = ('SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2')


class Interrupted(BaseException):
    """A signal stopped the work; what is to be kept is saved."""

    def __init__(self, signum: int):
        super().__init__(signum)
        self.signum = signum


class Signals:
    """Notes Ctrl-C and ASKS_TO_STOP, which would end the process; a second one does.

    One that is ignored already, as SIGHUP is under nohup, stays ignored.
    """

    def __init__(self, ctrl_c: bool = True):
        self.received = 0
        self.before = {}
        self.names = [*ASKS_TO_STOP, *['SIGINT'] * ctrl_c]

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for signum in (getattr(signal, n) for n in self.names if hasattr(signal, n)):
                if signal.getsignal(signum) not in (signal.SIG_IGN, None):
                    self.before[signum] = signal.signal(signum, self._note)
        return self

    def check(self) -> None:
        """Raise Interrupted if a signal was received."""
        if self.received:
            raise Interrupted(self.received)

    def _note(self, signum, frame):
        self.received = signum
        self.__exit__()

    def __exit__(self, *error):
        for signum, handler in self.before.items():
            signal.signal(signum, handler)
