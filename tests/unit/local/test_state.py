import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from binlocal.state import STATE_FILE, find_running, remove_state, write_state
from binlocal.workfolder import locked


class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_ministack/ready" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def holder(tmp_path):
    """Locks the folder, as its stack does."""
    with locked(tmp_path):
        yield


@pytest.fixture
def environment():
    with ThreadingHTTPServer(("127.0.0.1", 0), Ready) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()


def test_a_running_stack_is_found(tmp_path, environment):
    write_state(tmp_path, "s", environment, {"Bucket": "b"})

    assert find_running(tmp_path) == {
        "stack_name": "s",
        "endpoint": environment["AWS_ENDPOINT_URL"],
        "environment": environment,
        "outputs": {"Bucket": "b"},
        "pid": os.getpid(),
    }


def test_no_stack_is_found_once_the_state_is_removed(tmp_path, environment):
    write_state(tmp_path, "s", environment, {})
    remove_state(tmp_path)
    remove_state(tmp_path)

    assert find_running(tmp_path) is None


@pytest.mark.parametrize("pid", [1, os.getpid(), 2**22 + 1], ids=["another user", "alive", "ended"])
def test_a_stale_state_file_means_no_stack_whatever_process_has_its_pid(tmp_path, environment, pid):
    """Process ids are reused: the stack's may now belong to another program or user."""
    (tmp_path / "left").mkdir()
    write_state(tmp_path / "left", "s", environment, {})
    state = json.loads((tmp_path / "left" / STATE_FILE).read_text())
    (tmp_path / "left" / STATE_FILE).write_text(json.dumps({**state, "pid": pid}))

    assert find_running(tmp_path / "left") is None


def test_other_users_cannot_read_the_state_file(tmp_path, environment):
    write_state(tmp_path, "s", environment, {})

    assert (tmp_path / STATE_FILE).stat().st_mode & 0o077 == 0


def test_a_stack_that_does_not_respond_is_not_running(tmp_path):
    write_state(tmp_path, "s", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, {})

    assert find_running(tmp_path) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a folder away")
def test_a_stack_in_a_folder_of_another_user_is_not_ours(tmp_path, environment):
    """Its state could send our requests to any address."""
    write_state(tmp_path, "s", environment, {})
    os.chown(tmp_path, 65534, 65534)

    assert find_running(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b"[" * 100_000, b'{"pid": 1}'],
)
def test_a_damaged_state_file_means_no_stack(tmp_path, content):
    (tmp_path / STATE_FILE).write_bytes(content)

    assert find_running(tmp_path) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": None},
        {"endpoint": "http://evil.example"},
        {"endpoint": "http://[::1"},
        {"environment": []},
        {"environment": {}},
        {"environment": {"AWS_ENDPOINT_URL": 7}},
        {"environment": {"AWS_ENDPOINT_URL": "http://evil.example"}},
        {"environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:10"}},
        {"environment": {"AWS_ENDPOINT_URL_SAGEMAKER": "http://evil.example"}},
        {"environment": {"AWS_REGION": None}},
        {"outputs": {"BinsTable": 7}},
        {"pid": "all"},
    ],
)
def test_an_invalid_state_means_no_stack(tmp_path, environment, wrong):
    write_state(tmp_path, "s", environment, {})
    state = json.loads((tmp_path / STATE_FILE).read_text())
    members = (
        wrong
        if "environment" not in wrong or not wrong["environment"]
        else {"environment": {**environment, **wrong["environment"]}}
    )
    (tmp_path / STATE_FILE).write_text(json.dumps({**state, **members}))

    assert find_running(tmp_path) is None


def test_a_folder_in_place_of_the_state_file_means_no_stack(tmp_path):
    (tmp_path / STATE_FILE).mkdir()

    assert find_running(tmp_path) is None
