"""A server that is restarted when it ends, unless it keeps failing at startup."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from binlocal.processes import Server

# A server that exits by itself this often in a row, each time this soon after its start, is not restarted.
QUICK_EXITS = 5
QUICK_EXIT_SECONDS = 10.0
KILLED = 128 + signal.SIGKILL


class SupervisedServer:
    """`start` starts the server, each time on the same port."""

    def __init__(self, start: Callable[[], Server]) -> None:
        self._start = start
        self._server = start()
        self._lock = threading.Lock()
        self._stopped = False
        self._failed = False
        threading.Thread(target=self._supervise, daemon=True, name="supervisor").start()

    @property
    def name(self) -> str:
        return self._server.name

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """A different process after each restart."""
        return self._server.process

    @property
    def log(self) -> Path:
        return self._server.log

    @property
    def alive(self) -> bool:
        """Also true while the server restarts."""
        return not self._failed and not self._stopped

    def stop(self) -> None:
        """Ends the process and all its descendants for good. Can be called again."""
        with self._lock:
            self._stopped = True
        self._server.stop()

    def _supervise(self) -> None:
        quick_exits = 0
        while quick_exits < QUICK_EXITS:
            started = time.monotonic()
            code = self._server.process.wait()
            quick = time.monotonic() - started < QUICK_EXIT_SECONDS and code != KILLED
            quick_exits = quick_exits + 1 if quick else 0
            with self._lock:
                if self._stopped:
                    return
                if quick_exits < QUICK_EXITS:
                    self._server.stop()
                    self._server = self._start()
        self._failed = True
