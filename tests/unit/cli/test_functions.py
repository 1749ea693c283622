import base64
import io

import pytest
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bincli.functions import Invocation, invoke


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


def test_an_empty_response_is_none():
    assert invoked("intake", b"")[0].answer is None


def test_an_unknown_function_is_reported_with_the_known_ones():
    with pytest.raises(CommandError, match="Function count not found"):
        invoked("count")
