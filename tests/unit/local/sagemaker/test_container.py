import gzip
import json
import os
import signal
import sys

import pytest
from binlocal.sagemaker.container import Container
from binlocal.sagemaker.errors import ContainerError, ContainerNotReadyError, ContainerTimeoutError

from tests.unit.local.sagemaker import standin
from tests.unit.local.waiting import eventually


@pytest.fixture
def container(tmp_path):
    running = Container(standin.COMMAND, {"COUNTER_MODE": "careful"}, tmp_path / "log")
    running.start()
    yield running
    running.stop()


def test_the_model_servers_response_is_returned_unchanged(container):
    body = bytes(range(256)) * 100

    answer = container.invoke(body, {"Content-Type": "application/x-image"}, 10)

    assert (answer.status, answer.content_type) == (200, "application/jsonlines")
    assert answer.body == bytes(reversed(body))


def test_an_encoded_response_is_not_decoded(container):
    assert container.invoke(b"squeeze", {}, 10).body == gzip.compress(b"squeeze", mtime=0)


def test_the_model_server_sees_the_headers_of_the_request(container):
    answer = container.invoke(b"headers", {"Content-Type": "application/jsonlines", "Accept": "text/x-counts"}, 10)

    headers = json.loads(answer.body)
    assert headers["Content-Type"] == "application/jsonlines"
    assert headers["Accept"] == "text/x-counts"


def test_the_models_environment_is_set(container):
    assert container.invoke(b"environment COUNTER_MODE", {}, 10).body == b"careful"


def test_an_error_status_is_a_response(container):
    answer = container.invoke(b"status 503", {}, 10)

    assert (answer.status, answer.body) == (503, b"the model is unwell")


def test_a_response_that_takes_too_long_is_a_timeout(container):
    container.invoke(b"", {}, 10)

    with pytest.raises(ContainerTimeoutError):
        container.invoke(b"sleep 5", {}, 0.2)


def test_a_model_server_that_dies_breaks_its_request_and_is_restarted(container):
    eventually(lambda: container.ready, "the first start")
    first = container.pid
    with pytest.raises(ContainerError):
        container.invoke(b"die", {}, 10)

    eventually(lambda: container.pid != first, "the second start")
    assert container.invoke(b"ab", {}, 10).body == b"ba"


def test_a_killed_model_server_is_restarted(container):
    eventually(lambda: container.status == "InService", "the first start")
    first = container.pid
    os.kill(first, signal.SIGKILL)

    eventually(lambda: container.pid != first and container.ready, "the second start")
    assert container.status == "InService"
    assert container.invoke(b"ab", {}, 10).body == b"ba"


def test_a_model_server_that_never_starts_has_failed(tmp_path):
    broken = Container([sys.executable, "-S", "-c", "raise SystemExit('no weights')"], {}, tmp_path / "log")
    broken.start()

    eventually(lambda: broken.status == "Failed", "the status")
    broken.stop()
    assert "no weights" in (tmp_path / "log").read_text()


def test_a_stopped_model_server_has_no_process(tmp_path):
    running = Container(standin.COMMAND, {}, tmp_path / "log")
    assert running.status == "Creating"
    running.start()
    eventually(lambda: running.ready, "the start")
    pid = running.pid

    running.stop()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_model_server_killed_by_a_fault_is_restarted(container):
    assert container.wait_until_started() == "InService"
    first = container.pid

    container.kill()

    eventually(lambda: container.pid != first and container.ready, "the second start")


def test_a_model_server_stopped_before_its_start_never_serves(tmp_path):
    early = Container(standin.COMMAND, {}, tmp_path / "log")

    early.stop()
    early.start()

    assert early.wait_until_started() == "Failed"
    with pytest.raises(ContainerNotReadyError):
        early.invoke(b"", {}, 600)


def test_a_model_server_killed_before_it_could_serve_is_restarted(tmp_path):
    sleeping = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    slow = Container(sleeping, {}, tmp_path / "log")
    slow.start()
    eventually(lambda: slow.pid, "the first start")
    first = slow.pid

    slow.kill()

    eventually(lambda: slow.pid != first, "the second start")
    assert slow.status == "Creating"
    slow.stop()
