"""The events that SageMaker sends to EventBridge, and the queues to which the stack's rules forward them.

Format: SageMaker developer guide, "Events that SageMaker AI sends to EventBridge". A job's times occur both in ISO 8601
and in milliseconds since the epoch.
"""

import json
import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

Members = dict[str, Any]
DETAIL_TYPE = "SageMaker Transform Job State Change"
TIMES = ("CreationTime", "TransformStartTime", "TransformEndTime")
OMITTED = ("LastModifiedTime", "ModelClientConfig", "DataProcessing", "DataCaptureConfig", "ExperimentConfig")

logger = logging.getLogger(__name__)


def transform_state_change(job: Members, *, region: str, account: str, now: float, epoch_times: bool) -> Members:
    """The event for a transform job with this description. `now` is in seconds since the epoch."""
    detail = {name: value for name, value in job.items() if name not in OMITTED}
    for name in TIMES:
        if name in detail:
            detail[name] = round(detail[name] * 1000) if epoch_times else iso(detail[name])
    tags = {tag["Key"]: tag["Value"] for tag in job.get("Tags", [])}
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": DETAIL_TYPE,
        "source": "aws.sagemaker",
        "account": account,
        "time": iso(now),
        "region": region,
        "resources": [job["TransformJobArn"]],
        "detail": {"Environment": {}, **detail, "Tags": tags},
    }


def iso(seconds: float) -> str:
    """`2018-10-06T12:26:13Z`"""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Rules:
    """The rules of the default event bus. PutEvents rejects sources `aws.*`, so events are delivered here instead."""

    def __init__(self, events: Any, sqs: Any) -> None:
        self._events = events
        self._sqs = sqs

    def deliver(self, event: Members) -> None:
        """Sends the event to each queue that a matching rule targets. Logs a warning for other kinds of targets."""
        body = json.dumps(event)
        for rule in self._matching(body):
            for target in self._events.list_targets_by_rule(Rule=rule)["Targets"]:
                service, *_, name = target["Arn"].split(":")[2:]
                if service == "sqs" and not target.keys() & {"Input", "InputPath", "InputTransformer"}:
                    url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
                    self._sqs.send_message(QueueUrl=url, MessageBody=body)
                else:
                    logger.warning("Rule %s: the local SageMaker does not support the target %s", rule, target["Arn"])

    def _matching(self, body: str) -> Iterator[str]:
        for page in self._events.get_paginator("list_rules").paginate():
            for rule in page["Rules"]:
                if rule["State"] == "ENABLED" and rule.get("EventPattern"):
                    response = self._events.test_event_pattern(EventPattern=rule["EventPattern"], Event=body)
                    if response["Result"]:
                        yield rule["Name"]
