"""T14: messages without content, and of unknown kinds and versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bintally.handlers import wiring

from tests.unit.functions.handlers.lambdas import bodies, failed, messages, notification, run

ACKNOWLEDGED, DEAD, PROCESSED = "acknowledged", "dead", "processed"
Case = tuple[str, Any, str]


def changed(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A notification of S3 with its one record changed."""
    return {"Records": [body["Records"][0] | changes]}


def of_intake() -> list[Case]:
    (test_event,) = bodies("intake/s3-test-event.json")
    (bridge,) = bodies("intake/s3-eventbridge.json")
    put = [notification(f"bin-{number}/a.jpg") for number in range(20)]
    stored = put[0]["Records"][0]["s3"]
    return [
        ("test event", test_event, ACKNOWLEDGED),
        ("test event with more fields", test_event | {"New": {"a": 1}}, ACKNOWLEDGED),
        ("version 2.1", put[1], PROCESSED),
        ("version 2.2", changed(put[2], eventVersion="2.2"), PROCESSED),
        ("version 2.3", changed(put[3], eventVersion="2.3", newField=[1]), PROCESSED),
        ("version 3.0", changed(put[4], eventVersion="3.0"), PROCESSED),
        ("new fields", changed(put[5], glacierEventData={}, awsGeneratedTags=None), PROCESSED),
        ("a new kind of creation", changed(put[6], eventName="ObjectCreated:Teleport"), PROCESSED),
        ("with its prefix", changed(put[7], eventName="s3:ObjectCreated:Put"), PROCESSED),
        ("a deletion", changed(put[8], eventName="ObjectRemoved:Delete"), ACKNOWLEDGED),
        ("a restoration", changed(put[9], eventName="ObjectRestore:Completed"), ACKNOWLEDGED),
        ("a new kind of event", changed(put[10], eventName="ObjectDreamt:Of"), ACKNOWLEDGED),
        ("no records", {"Records": []}, ACKNOWLEDGED),
        (
            "no sequencer",
            changed(put[11], s3={**stored, "object": {"key": "bin-11/a.jpg", "versionId": "v"}}),
            PROCESSED,
        ),
        ("no key", changed(put[12], s3={**stored, "object": {}}), DEAD),
        ("no bucket", changed(put[13], s3={"object": stored["object"]}), DEAD),
        ("no time", {"Records": [{"eventName": "ObjectCreated:Put", "s3": stored}]}, DEAD),
        ("EventBridge", bridge, PROCESSED),
        ("EventBridge with more fields", bridge | {"replay-name": "x", "version": "1"}, PROCESSED),
        ("an unknown detail type", bridge | {"detail-type": "Object Dreamt Of"}, ACKNOWLEDGED),
        ("an event of nothing", {"detail-type": "Object Created"}, DEAD),
        ("a list", [], DEAD),
        ("a number", 7, DEAD),
        ("null", None, DEAD),
        ("no JSON", "{", DEAD),
        ("nothing", "", DEAD),
        ("lists in lists", "[" * 100_000, DEAD),
    ]


def of_collect() -> list[Case]:
    (success,) = bodies("collect/async-success.json")
    (test,) = bodies("collect/test-notification.json")
    (ended,) = bodies("collect/transform-completed.json")
    said = json.loads(success["Message"])

    def note_with(**changes: Any) -> dict[str, Any]:
        return success | {"Message": json.dumps(said | changes)}

    def state(**changes: Any) -> dict[str, Any]:
        return ended | {"detail": ended["detail"] | changes}

    return [
        ("test notification", test, ACKNOWLEDGED),
        ("test notification with more fields", test | {"MessageAttributes": {}}, ACKNOWLEDGED),
        ("at work", state(TransformJobStatus="InProgress"), ACKNOWLEDGED),
        ("stopping", state(TransformJobStatus="Stopping"), ACKNOWLEDGED),
        ("an unknown state", state(TransformJobStatus="Dreaming"), DEAD),
        ("an unknown job", state(TransformJobStatus="Completed"), DEAD),
        ("not the name of a job of ours", state(TransformJobName="theirs"), DEAD),
        ("another detail type", ended | {"detail-type": "SageMaker Training Job State Change"}, DEAD),
        ("a request that nobody made", note_with(inferenceId="async-" + "0" * 40), DEAD),
        ("version 3.0 of it", note_with(eventVersion="3.0", new={}, inferenceId="async-" + "0" * 40), DEAD),
        ("a success without an output", note_with(responseParameters={}), DEAD),
        ("no status", note_with(invocationStatus=None, responseParameters=None), DEAD),
        ("no note", success | {"Message": "Hello"}, DEAD),
        ("no envelope", said, DEAD),
        ("no JSON", "{", DEAD),
    ]


def test_there_are_enough_cases() -> None:
    assert len(of_intake()) + len(of_collect()) >= 30


@pytest.mark.parametrize(("function", "cases"), [("intake", of_intake()), ("collect", of_collect())])
def test_each_message_is_processed_acknowledged_or_dead_by_rule(
    function: str, cases: list[Case], on_aws: dict[str, str]
) -> None:
    answer = run(function, messages(*(body if isinstance(body, str) else json.dumps(body) for _, body, _ in cases)))

    names = [cases[int(each.removeprefix("m"))][0] for each in failed(answer)]
    assert names == [name for name, _, rule in cases if rule == DEAD]
    processed = {name for name, _, rule in cases if rule == PROCESSED}
    same = 1 if "EventBridge" in processed else 0  # one of the two forms repeats the event
    assert len(list(wiring.dependencies().ledger.all())) == len(processed) - same
