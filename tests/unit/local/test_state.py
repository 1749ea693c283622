import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from binlocal.state import STATE_FILE, find_running, remove_state, write_state


class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_ministack/ready" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


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


def test_a_stack_whose_process_has_ended_is_not_running(tmp_path, environment):
    write_state(tmp_path, "s", environment, {})
    state = json.loads((tmp_path / STATE_FILE).read_text())
    (tmp_path / STATE_FILE).write_text(json.dumps({**state, "pid": 2**22 + 1}))

    assert find_running(tmp_path) is None


def test_a_stack_that_does_not_answer_is_not_running(tmp_path):
    write_state(tmp_path, "s", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, {})

    assert find_running(tmp_path) is None


def test_a_damaged_state_file_means_no_stack(tmp_path):
    (tmp_path / STATE_FILE).write_text("{")

    assert find_running(tmp_path) is None
