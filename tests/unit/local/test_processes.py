import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from binlocal.errors import StartError
from binlocal.processes import GUARD, free_port, is_free, start_server, stopping, wait_until_ready

from tests.unit.local.waiting import eventually

# A process that starts another, writes both ids and sleeps.
FAMILY = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
STUBBORN_FAMILY = FAMILY.replace("child =", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nchild =")
PARENT = """
import sys, time
from pathlib import Path
from binlocal.processes import start_server
start_server("family", [sys.executable, "-c", sys.argv[1]], {}, Path(sys.argv[2]))
time.sleep(600)
"""


def is_running(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


def family_ids(log):
    return eventually(lambda: [int(pid) for pid in log.read_text().split()] if log.exists() else None, "the family")


def test_a_server_ends_with_its_descendants(tmp_path, monkeypatch):
    with stopping(start_server("family", [sys.executable, "-c", FAMILY], {}, tmp_path / "log")) as server:
        pids = family_ids(tmp_path / "log")
        assert len(pids) == 2
        assert all(map(is_running, pids))

    assert not server.alive
    assert not any(map(is_running, pids))


def test_a_server_ends_with_its_descendants_when_the_parent_is_killed(tmp_path):
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, "-c", PARENT, STUBBORN_FAMILY, log]) as parent:
        pids = family_ids(log)
        parent.send_signal(signal.SIGKILL)

    eventually(lambda: not any(map(is_running, pids)), "nothing left behind")


def test_the_guard_ends_the_command_on_sigterm_and_says_how_it_ended(tmp_path):
    with subprocess.Popen([*GUARD, "sleep", "600"], stdin=subprocess.PIPE) as guard:
        eventually(lambda: children_of(guard.pid), "the command")
        guard.terminate()
        assert guard.wait(10) == 128 + signal.SIGTERM


def children_of(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_the_guard_passes_on_the_exit_code():
    with subprocess.Popen([*GUARD, sys.executable, "-c", "raise SystemExit(7)"], stdin=subprocess.PIPE) as guard:
        assert guard.wait(10) == 7


def test_a_server_that_ends_while_starting_is_reported_with_its_log(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no room on the shelf')"]
    with (
        stopping(start_server("The shelf", command, {}, tmp_path / "log")) as server,
        pytest.raises(StartError, match=r"The shelf ended while starting[\s\S]*no room on the shelf"),
    ):
        wait_until_ready(server, f"http://127.0.0.1:{free_port()}/", 10)


def test_a_server_that_never_answers_is_given_up(tmp_path):
    started = time.monotonic()
    with (
        stopping(start_server("The sleeper", ["sleep", "600"], dict(os.environ), tmp_path / "log")) as server,
        pytest.raises(StartError, match=r"did not answer within 0\.2 s"),
    ):
        wait_until_ready(server, f"http://127.0.0.1:{free_port()}/", 0.2)
    assert time.monotonic() - started < 10


def test_a_preferred_port_is_taken_each_time_it_is_free():
    preferred = free_port()

    assert [free_port(preferred), free_port(preferred)] == [preferred, preferred]
    with socket.create_server(("127.0.0.1", preferred)):
        assert not is_free(preferred)
        assert free_port(preferred) != preferred


def test_connections_that_are_still_dying_do_not_keep_a_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        caller = socket.create_connection(("127.0.0.1", port))
        answering, _ = server.accept()
        answering.close()
    caller.close()

    assert is_free(port)
