import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from binlocal.errors import StartError
from binlocal.processes import IN_PROCESS_GROUP, free_port, is_free, start_server, stopping, wait_until_ready

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


def test_sigterm_ends_the_command_and_is_reported_in_the_exit_code(tmp_path):
    with subprocess.Popen([*IN_PROCESS_GROUP, "sleep", "600"], stdin=subprocess.PIPE) as process:
        eventually(lambda: children_of(process.pid), "the command")
        process.terminate()
        assert process.wait(10) == 128 + signal.SIGTERM


def children_of(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_the_commands_exit_code_is_passed_on():
    with subprocess.Popen(
        [*IN_PROCESS_GROUP, sys.executable, "-c", "raise SystemExit(7)"], stdin=subprocess.PIPE
    ) as process:
        assert process.wait(10) == 7


def test_a_server_that_exits_while_starting_is_reported_with_its_log(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no room on the shelf')"]
    with (
        stopping(start_server("The shelf", command, {}, tmp_path / "log")) as server,
        pytest.raises(StartError, match=r"The shelf exited while starting[\s\S]*no room on the shelf"),
    ):
        wait_until_ready(server, f"http://127.0.0.1:{free_port()}/", 10)


def test_a_server_that_never_responds_is_an_error_after_the_timeout(tmp_path):
    started = time.monotonic()
    with (
        stopping(start_server("The sleeper", ["sleep", "600"], dict(os.environ), tmp_path / "log")) as server,
        pytest.raises(StartError, match=r"did not respond within 0\.2 s"),
    ):
        wait_until_ready(server, f"http://127.0.0.1:{free_port()}/", 0.2)
    assert time.monotonic() - started < 10


def test_the_preferred_port_is_used_whenever_it_is_free():
    preferred = free_port()

    assert [free_port(preferred), free_port(preferred)] == [preferred, preferred]
    with socket.create_server(("127.0.0.1", preferred)):
        assert not is_free(preferred)
        assert free_port(preferred) != preferred


def test_closed_connections_do_not_block_a_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        caller = socket.create_connection(("127.0.0.1", port))
        answering, _ = server.accept()
        answering.close()
    caller.close()

    assert is_free(port)
