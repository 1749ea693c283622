import os
import signal
import subprocess
import sys

from binlocal.processes import start_server
from binlocal.supervisor import QUICK_EXITS, SupervisedServer

from tests.unit.local.waiting import eventually

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


def children_of(server):
    command = ["pgrep", "-P", str(server.process.pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def test_a_server_is_restarted_however_often_it_is_killed(tmp_path):
    command = [sys.executable, "-S", "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    starts = []

    def start():
        starts.append(1)
        return start_server("victim", command if len(starts) < QUICK_EXITS + 2 else SLEEP, {}, tmp_path / "log")

    server = SupervisedServer(start)

    eventually(lambda: len(starts) == QUICK_EXITS + 2, "more restarts than an exiting server gets", 60)
    assert server.alive
    server.stop()


def test_a_killed_server_is_restarted_until_it_is_stopped(tmp_path):
    server = SupervisedServer(lambda: start_server("sleeper", SLEEP, {}, tmp_path / "log"))
    first = server.process
    (child,) = eventually(lambda: children_of(server), "the child")

    os.kill(int(child), signal.SIGKILL)

    eventually(lambda: server.process is not first, "the second start")
    (again,) = eventually(lambda: children_of(server), "the second child")
    assert again != child
    assert (server.name, server.alive, server.log) == ("sleeper", True, tmp_path / "log")
    server.stop()
    server.stop()
    assert not server.alive
    assert server.process.poll() is not None


def test_a_server_that_keeps_exiting_is_not_restarted_forever(tmp_path):
    command = [sys.executable, "-S", "-c", "raise SystemExit('no such plan')"]

    server = SupervisedServer(lambda: start_server("broken", command, {}, tmp_path / "log"))

    eventually(lambda: not server.alive, "the last start", 60)
    assert (tmp_path / "log").read_text().count("no such plan") == QUICK_EXITS
    server.stop()
