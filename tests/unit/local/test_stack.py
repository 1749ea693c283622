import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from binlocal.environment import client_environment
from binlocal.errors import PlanError, StackError
from binlocal.processes import start_server, stopping
from binlocal.stack import ROOT, Stack, check_access_key, clear, model_server, running_stack
from binlocal.workfolder import MARKER

from tests.unit.local.gated import running_ministack, running_sagemaker
from tests.unit.local.waiting import eventually


def test_the_model_server_is_the_projects_own(tmp_path):
    python, script, *options = model_server(tmp_path)

    assert python == sys.executable
    assert script == str(ROOT / "model_code" / "serve.py")
    assert options == ["--model", str(tmp_path)]


def test_a_stack_whose_server_has_exited_reports_its_log(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('out of memory')"]
    with stopping(start_server("MiniStack", command, {}, tmp_path / "log")) as server:
        eventually(lambda: not server.alive, "the end")

        with pytest.raises(StackError, match=r"MiniStack has exited[\s\S]*out of memory"):
            Stack("s", {}, {}, (), (server,)).check()


def test_a_stack_whose_servers_run_passes_the_check(tmp_path):
    with stopping(start_server("sleeper", ["sleep", "600"], {}, tmp_path / "log")) as server:
        Stack("s", {}, {}, (), (server,)).check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stack_is_served_until_a_signal(number):
    before = signal.getsignal(number)

    def send():
        eventually(lambda: signal.getsignal(number) is not before, "the handler")
        os.kill(os.getpid(), number)

    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send)
        Stack("s", {}, {}, (), ()).serve_forever()
        sent.result()

    assert signal.getsignal(number) is before


def test_files_of_an_earlier_stack_are_removed(tmp_path):
    (tmp_path / "tmp" / "code").mkdir(parents=True)
    (tmp_path / "sagemaker").mkdir()
    (tmp_path / "sagemaker" / "definitions.json").write_text("{}")
    for log in ("model-server.log", "sagemaker.log", "ministack.log"):
        (tmp_path / log).write_text("old")

    clear(tmp_path)

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["sagemaker", "tmp"]


def test_a_folder_that_is_not_a_stacks_is_left_alone(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "thesis.txt").write_text("years of work")

    with pytest.raises(StackError, match="contains files"), running_stack(workdir=tmp_path):
        pass

    assert [path.name for path in tmp_path.rglob("*")] == ["tmp", "thesis.txt"]


def test_a_used_port_is_reported_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=f"Port {port} is not free"), running_stack(workdir=tmp_path, port=port):
            pass

    assert [path.name for path in tmp_path.iterdir()] == [MARKER]


def test_another_stack_that_took_a_port_is_noticed_by_its_access_key(tmp_path):
    with running_ministack(tmp_path) as one, running_sagemaker(tmp_path) as other:
        ports = one["AWS_ENDPOINT_URL"], other["AWS_ENDPOINT_URL_SAGEMAKER"]
        only_the_first_is_ours = one | {"AWS_ENDPOINT_URL_SAGEMAKER": ports[1]}

        for environment in (client_environment(*ports), only_the_first_is_ours):
            with pytest.raises(StackError, match="Another stack took port"):
                check_access_key(environment)


def test_an_invalid_fault_plan_is_reported_before_anything_starts(tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text('{"requests": {"throttle": 7}}')

    with pytest.raises(PlanError, match=r"plan\.json.*throttle"), running_stack(workdir=tmp_path / "w", faults=plan):
        pass

    assert not (tmp_path / "w").exists()
