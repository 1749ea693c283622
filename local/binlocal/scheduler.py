"""Runs the stack's schedules in place of MiniStack, which checks them only every ten seconds.

On a laptop everything else takes seconds, so a schedule of one minute would be the slowest part.
"""

import json
import logging
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

STOP_SECONDS = 3.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """An EventBridge Scheduler schedule that targets a function. `payload` is the target's Input, None without one."""

    arn: str
    function: str
    payload: str | None


def take_over_schedules(scheduler: Any) -> list[Schedule]:
    """Disables the schedules in MiniStack that target a function, and returns them."""
    schedules = []
    for page in scheduler.get_paginator("list_schedules").paginate(State="ENABLED"):
        for summary in page["Schedules"]:
            found = scheduler.get_schedule(Name=summary["Name"], GroupName=summary["GroupName"])
            target = found["Target"]
            if target["Arn"].split(":")[2] == "lambda":
                kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
                scheduler.update_schedule(**{name: found[name] for name in kept}, State="DISABLED")
                schedules.append(Schedule(found["Arn"], target["Arn"], target.get("Input")))
    return schedules


class Scheduler:
    """Invokes the functions every `seconds`, one after another, in its own thread."""

    def __init__(self, schedules: Sequence[Schedule], lambda_client: Any, seconds: float) -> None:
        self._schedules = schedules
        self._lambda = lambda_client
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run_forever, daemon=True, name="scheduler")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(STOP_SECONDS)

    def run_once(self) -> None:
        """Invokes each function once. Failures are logged; the function is invoked again at the next run."""
        for schedule in self._schedules:
            try:
                response = self._lambda.invoke(FunctionName=schedule.function, Payload=payload(schedule))
                if "FunctionError" in response:
                    logger.warning("%s failed: %s", schedule.function, response["Payload"].read().decode())
            except Exception as error:
                if not self._stopped.is_set():
                    logger.warning("%s could not be invoked: %s", schedule.function, error)

    def _run_forever(self) -> None:
        while not self._stopped.wait(self._seconds):
            self.run_once()


def payload(schedule: Schedule) -> str:
    """What EventBridge Scheduler sends: the schedule's Input, or a default event without details."""
    if schedule.payload is not None:
        return schedule.payload
    _, _, _, region, account, _ = schedule.arn.split(":", 5)
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": account,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [schedule.arn],
            "detail": "{}",
        }
    )
