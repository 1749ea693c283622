"""A function's first events in a fresh interpreter, as JSON: run by `cold_start.py`, never by a person.

    python cold_event.py bintally.handlers.intake event.json
    python cold_event.py bare dynamodb s3

`bare` is a handler with nothing but boto3: it makes the named clients and one cheap request with each.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

BARE = "bare"
# A cheap request of each service. The runtime of SageMaker has none, so its client is only made.
REQUESTS = {
    "dynamodb": "list_tables",
    "s3": "list_buckets",
    "sqs": "list_queues",
    "events": "list_event_buses",
    "ssm": "describe_parameters",
    "lambda": "list_functions",
    "sagemaker": "list_models",
}
CONTEXT = SimpleNamespace(
    function_name="bintally",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:bintally",
    aws_request_id="52fdfc07-2182-454f-963f-5f0f9a621d72",
    get_remaining_time_in_millis=lambda: 120_000,
)


def bare_handler(services: list[str]) -> Any:
    import boto3

    clients: dict[str, Any] = {}

    def handler(_: Any, __: Any) -> None:
        for service in services:
            clients[service] = clients.get(service) or boto3.client(service)  # type: ignore[call-overload]
            if service in REQUESTS:
                getattr(clients[service], REQUESTS[service])()

    return handler


def services_used() -> list[str]:
    """The services that boto3 clients were made for."""
    from botocore.client import BaseClient

    clients = [each for each in gc.get_objects() if isinstance(each, BaseClient)]
    return sorted({each.meta.service_model.service_name for each in clients})


def main(name: str, *rest: str) -> None:
    event = None if name == BARE else json.loads(Path(rest[0]).read_text())
    read = time.perf_counter()
    handler = bare_handler(list(rest)) if name == BARE else import_module(name).handler
    times = [time.perf_counter() - read]
    for _ in range(2):
        started = time.perf_counter()
        answer = handler(event, CONTEXT)
        times.append(time.perf_counter() - started)
    facts = dict(zip(("import", "first", "second"), times, strict=True))
    print(json.dumps({**facts, "services": services_used(), "failures": (answer or {}).get("batchItemFailures", [])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
