import json

import pytest
from bincli.commands.invoke import read_event, show, without_metrics
from bincli.errors import CommandError
from bincli.functions import Invocation

from tests.unit.cli.printing import Printed


def printed(invocation, *, as_json=False):
    output = Printed(as_json=as_json)
    show(invocation, output)
    return output


def test_answer_and_log_are_printed_apart():
    output = printed(Invocation({"batchItemFailures": []}, False, "[red] a log line"))

    assert json.loads(output.stdout) == {"batchItemFailures": []}
    assert output.stderr == "[red] a log line\n"


def test_a_log_with_only_metrics_prints_nothing():
    assert printed(Invocation({}, False, '{"_aws": {}}\n')).stderr == ""


def test_json_is_one_object_with_everything():
    output = printed(Invocation(None, True, "log"), as_json=True)

    assert output.records == [{"answer": None, "failed": True, "log": "log"}]
    assert output.stderr == ""


def test_metrics_are_hidden_from_people():
    log = 'START\n{"message": "ingested"}\n{"_aws": {"Timestamp": 1}, "ImagesRegistered": [1]}\n{not json\nEND'

    assert without_metrics(log).split("\n") == ["START", '{"message": "ingested"}', "{not json", "END"]


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_an_event_that_is_no_json_is_not_sent(tmp_path, text):
    (tmp_path / "event.json").write_text(text)

    with pytest.raises(CommandError, match=r"event\.json is not JSON"):
        read_event(tmp_path / "event.json")
