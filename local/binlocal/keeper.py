"""A server that is started again when it ends or is killed, unless it would never run."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from binlocal.processes import Server

# So many ends of its own accord, each within so many seconds of the start, and it is given up: it would never run.
QUICK_ENDS = 5
QUICK_SECONDS = 10.0
KILLED = 128 + signal.SIGKILL


class KeptServer:
    """`start` starts the server, each time on the same port."""

    def __init__(self, start: Callable[[], Server]) -> None:
        self._start = start
        self._server = start()
        self._lock = threading.Lock()
        self._stopped = False
        self._given_up = False
        threading.Thread(target=self._keep, daemon=True, name="keeper").start()

    @property
    def name(self) -> str:
        return self._server.name

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Another one after each start."""
        return self._server.process

    @property
    def log(self) -> Path:
        return self._server.log

    @property
    def alive(self) -> bool:
        """True also while it is started again."""
        return not self._given_up and not self._stopped

    def stop(self) -> None:
        """Ends the process with all its descendants, for good. May be called again."""
        with self._lock:
            self._stopped = True
        self._server.stop()

    def _keep(self) -> None:
        quick_ends = 0
        while quick_ends < QUICK_ENDS:
            started = time.monotonic()
            code = self._server.process.wait()
            quick = time.monotonic() - started < QUICK_SECONDS and code != KILLED
            quick_ends = quick_ends + 1 if quick else 0
            with self._lock:
                if self._stopped:
                    return
                if quick_ends < QUICK_ENDS:
                    self._server.stop()
                    self._server = self._start()
        self._given_up = True
