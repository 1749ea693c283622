import os
import signal
import subprocess
import sys

from binlocal.keeper import QUICK_ENDS, KeptServer
from binlocal.processes import start_server

from tests.unit.local.waiting import eventually

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


def children_of(server):
    command = ["pgrep", "-P", str(server.process.pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def test_a_server_is_started_again_however_often_it_is_killed(tmp_path):
    command = [sys.executable, "-S", "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    starts = []

    def start():
        starts.append(1)
        return start_server("victim", command if len(starts) < QUICK_ENDS + 2 else SLEEP, {}, tmp_path / "log")

    kept = KeptServer(start)

    eventually(lambda: len(starts) == QUICK_ENDS + 2, "one more start than is given a server that ends", 60)
    assert kept.alive
    kept.stop()


def test_a_server_that_is_killed_is_started_again_until_it_is_stopped(tmp_path):
    kept = KeptServer(lambda: start_server("sleeper", SLEEP, {}, tmp_path / "log"))
    guard = kept.process
    (child,) = eventually(lambda: children_of(kept), "the child")

    os.kill(int(child), signal.SIGKILL)

    eventually(lambda: kept.process is not guard, "the second start")
    (again,) = eventually(lambda: children_of(kept), "the second child")
    assert again != child
    assert (kept.name, kept.alive, kept.log) == ("sleeper", True, tmp_path / "log")
    kept.stop()
    kept.stop()
    assert not kept.alive
    assert kept.process.poll() is not None


def test_a_server_that_never_runs_is_given_up(tmp_path):
    command = [sys.executable, "-S", "-c", "raise SystemExit('no such plan')"]

    kept = KeptServer(lambda: start_server("broken", command, {}, tmp_path / "log"))

    eventually(lambda: not kept.alive, "the end of patience", 60)
    assert (tmp_path / "log").read_text().count("no such plan") == QUICK_ENDS
    kept.stop()
