"""Child processes that end with their parent, free ports, and waiting for a server to respond."""

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

from binlocal import process_group
from binlocal.errors import StartError

IN_PROCESS_GROUP = [sys.executable, "-I", "-S", process_group.__file__]


@dataclass(frozen=True)
class Server:
    """A child process that ends with this one, and its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Ends the process and all its descendants. Can be called again."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(process_group.GRACE_SECONDS + 5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_server(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Server:
    """Starts `command` in its own session, so that only we react to Ctrl-C. Output is appended to the log."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*IN_PROCESS_GROUP, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    return Server(name, process, log)


class AnyServer(Protocol):
    """A Server or a SupervisedServer."""

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
    """Returns once `url` responds with 200. Raises StartError if the server ends or the time is up."""
    deadline = time.monotonic() + seconds
    while not answers(url):
        if not server.alive:
            raise StartError(f"{server.name} exited while starting. Its log, {server.log}, ends:\n{tail(server.log)}")
        if time.monotonic() > deadline:
            raise StartError(
                f"{server.name} did not respond within {seconds:g} s. Its log, {server.log}, ends:\n{tail(server.log)}"
            )
        time.sleep(0.03)


def answers(url: str) -> bool:
    # Unlike urllib, urllib3 uses no proxy from the environment.
    try:
        return urllib3.request("GET", url, timeout=2, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(empty)"


def free_port(preferred: int = 0) -> int:
    """A free port: `preferred` if it is free."""
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
        # As servers do: connections of an earlier run in TIME_WAIT do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
