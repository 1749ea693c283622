"""Child processes that never outlive us, free ports, and waiting for a server to answer."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import urllib3

from binlocal import guard
from binlocal.errors import StartError

GUARD = [sys.executable, "-I", "-S", guard.__file__]


@dataclass(frozen=True)
class Server:
    """A guarded child process and where it writes its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Ends the process with all its descendants. May be called again."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(guard.GRACE_SECONDS + 5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_server(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Server:
    """Starts `command` under a guard, in a session of its own, so that Ctrl-C reaches it only through us.

    What the log holds already stays.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*GUARD, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    return Server(name, process, log)


class AnyServer(Protocol):
    """A Server, or what stands for one."""

    @property
    def name(self) -> str: ...
    @property
    def process(self) -> subprocess.Popen[bytes]: ...
    @property
    def log(self) -> Path: ...
    @property
    def alive(self) -> bool: ...
    def stop(self) -> None: ...


Stoppable = TypeVar("Stoppable", bound=AnyServer)


@contextmanager
def stopping(server: Stoppable) -> Iterator[Stoppable]:
    try:
        yield server
    finally:
        server.stop()


def wait_until_ready(server: AnyServer, url: str, seconds: float) -> None:
    """Returns once `url` answers 200. Raises StartError when the server ends or the time is up."""
    deadline = time.monotonic() + seconds
    while not answers(url):
        if not server.alive:
            raise StartError(f"{server.name} ended while starting. Its log, {server.log}, ends:\n{tail(server.log)}")
        if time.monotonic() > deadline:
            raise StartError(
                f"{server.name} did not answer within {seconds:g} s. Its log, {server.log}, ends:\n{tail(server.log)}"
            )
        time.sleep(0.03)


def answers(url: str) -> bool:
    # urllib3 and not urllib: it takes no proxy from the environment.
    try:
        return urllib3.request("GET", url, timeout=2, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(empty)"


def free_port(preferred: int = 0) -> int:
    """A port on which nobody listens: `preferred` where it is one."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as caller:
        if caller.connect_ex((host, port)) == 0:
            return False
    with socket.socket() as probe:
        # As servers do: connections of the last run that are still dying do not keep the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
