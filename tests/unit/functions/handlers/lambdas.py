"""Running the functions as Lambda does, with the events of the folder `events`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bintally.adapters.clients import client

EVENTS = Path(__file__).resolve().parents[4] / "events"
FUNCTIONS = ("intake", "submit", "collect", "orders", "reconcile")
SERVICES = ("dynamodb", "s3", "sagemaker", "sagemaker-runtime", "lambda", "events", "sqs", "ssm")
CONTEXT = SimpleNamespace(
    function_name="bintally",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:bintally",
    aws_request_id="52fdfc07-2182-454f-963f-5f0f9a621d72",
    get_remaining_time_in_millis=lambda: 120_000,
)


def event(name: str) -> dict[str, Any]:
    """An event of the folder `events`."""
    document: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return document


def run(function: str, event: dict[str, Any], seconds_left: float = 120) -> Any:
    """The response of a function; as on Lambda it must be JSON."""
    context = SimpleNamespace(**{**vars(CONTEXT), "get_remaining_time_in_millis": lambda: 1000 * seconds_left})
    return json.loads(json.dumps(import_module(f"bintally.handlers.{function}").handler(event, context)))


def failed(answer: dict[str, Any]) -> list[str]:
    """The ids of the messages that go back to the queue."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def messages(*bodies: Any) -> dict[str, Any]:
    """An SQS event with these bodies; `m0`, `m1`… are the ids of its messages."""
    (template,) = event("intake/s3-test-event.json")["Records"]
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [template | {"messageId": f"m{number}", "body": text} for number, text in enumerate(texts)]}


def bodies(name: str) -> list[dict[str, Any]]:
    """What the messages of an SQS event in `events` say."""
    return [json.loads(record["body"]) for record in event(name)["Records"]]


def notification(key: str = "P-17-C/a.jpg", sequencer: str = "01", **changes: Any) -> dict[str, Any]:
    """A notification of S3 about one object of the intake bucket; `key` is encoded, as in the message."""
    body = deepcopy(bodies("intake/s3-put.json")[0])
    body["Records"][0]["s3"]["object"] |= {"key": key, "sequencer": sequencer, "versionId": f"v-{sequencer}"} | changes
    return body


@contextmanager
def requests_made() -> Iterator[list[tuple[str, str, dict[str, Any]]]]:
    """(service, operation, parameters) of the requests to AWS meanwhile."""
    made: list[tuple[str, str, dict[str, Any]]] = []

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        made.append((model.service_model.service_name, model.name, copied(params)))

    clients = [client(service) for service in SERVICES]
    for each in clients:
        each.meta.events.register("before-parameter-build", record)
    try:
        yield made
    finally:
        for each in clients:
            each.meta.events.unregister("before-parameter-build", record)


def copied(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, bytes) else deepcopy(value) for name, value in params.items()}


def published(made: list[tuple[str, str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """(detail type, detail) of the events among requests."""
    entries = [entry for _, operation, params in made if operation == "PutEvents" for entry in params["Entries"]]
    return [(entry["DetailType"], json.loads(entry["Detail"])) for entry in entries]


@contextmanager
def refused_by_sagemaker(
    code: str = "ThrottlingException", message: str = "Slow down.", service: str = "sagemaker-runtime"
) -> Iterator[None]:
    """Every request to the endpoint is throttled, or every one to `service` is refused with another error."""

    def refuse(**_: Any) -> tuple[Any, dict[str, Any]]:
        error = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}
        return SimpleNamespace(status_code=400), error

    events = client(service).meta.events
    events.register("before-call", refuse)
    try:
        yield
    finally:
        events.unregister("before-call", refuse)
