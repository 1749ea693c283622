import base64
import io
import json

import pytest
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.functions import Invocation, invoke, read_event, show_invocation
from rich.console import Console


class FakeLambda:
    def __init__(self, payload, **more):
        self.response = {"Payload": io.BytesIO(payload), **more}
        self.requests = []

    def invoke(self, **request):
        self.requests.append(request)
        return self.response


def invoked(function, payload=b"{}", **more):
    service = FakeLambda(payload, **more)
    deployment = Deployment("fake", {"IntakeFunction": "stack-intake-1X"}, lambda name: service)
    return invoke(deployment, function, b'{"Records": []}'), service.requests


def printed(invocation, *, as_json):
    out, err = io.StringIO(), io.StringIO()
    show_invocation(invocation, as_json=as_json, out=Console(file=out), err=Console(file=err))
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize("name", ["intake", "Intake", "IntakeFunction"])
def test_a_function_is_run_by_its_short_or_logical_name(name):
    log = base64.b64encode("START é".encode()).decode()

    invocation, requests = invoked(name, b'{"batchItemFailures": []}', LogResult=log)

    assert invocation == Invocation({"batchItemFailures": []}, False, "START é")
    assert requests == [{"FunctionName": "stack-intake-1X", "Payload": b'{"Records": []}', "LogType": "Tail"}]


def test_an_error_of_the_function_is_a_failure():
    invocation, _ = invoked("intake", b'{"errorMessage": "no"}', FunctionError="Unhandled")

    assert invocation.failed
    assert invocation.answer == {"errorMessage": "no"}


def test_an_empty_answer_is_none():
    assert invoked("intake", b"")[0].answer is None


def test_an_unknown_function_is_said_with_the_known_ones():
    with pytest.raises(CommandError, match="no function count; there are intake, submit"):
        invoked("count")


def test_answer_and_log_are_printed_apart():
    out, err = printed(Invocation({"batchItemFailures": []}, False, "[red] a log line"), as_json=False)

    assert json.loads(out) == {"batchItemFailures": []}
    assert err == "[red] a log line\n"


def test_json_is_one_object_with_everything():
    out, err = printed(Invocation(None, True, "log"), as_json=True)

    assert json.loads(out) == {"answer": None, "failed": True, "log": "log"}
    assert err == ""


def test_an_event_that_is_no_json_is_not_sent(tmp_path):
    (tmp_path / "event.json").write_text("{")

    with pytest.raises(CommandError, match=r"event\.json is not JSON"):
        read_event(tmp_path / "event.json")
