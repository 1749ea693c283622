"""The stack's schedules, run by us: MiniStack runs them too, but looks only every ten seconds, and a rate of a minute
is long where everything else takes seconds.
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
    """A schedule of EventBridge Scheduler whose target is a function. `payload` is its Input, None without one."""

    arn: str
    function: str
    payload: str | None


def take_over_schedules(scheduler: Any) -> list[Schedule]:
    """Disables MiniStack's schedules of functions and returns them."""
    taken = []
    for page in scheduler.get_paginator("list_schedules").paginate(State="ENABLED"):
        for summary in page["Schedules"]:
            found = scheduler.get_schedule(Name=summary["Name"], GroupName=summary["GroupName"])
            target = found["Target"]
            if target["Arn"].split(":")[2] == "lambda":
                kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
                scheduler.update_schedule(**{name: found[name] for name in kept}, State="DISABLED")
                taken.append(Schedule(found["Arn"], target["Arn"], target.get("Input")))
    return taken


class Ticker:
    """Invokes the functions every `seconds`, one after another, in a thread of its own."""

    def __init__(self, schedules: Sequence[Schedule], lambda_client: Any, seconds: float) -> None:
        self._schedules = schedules
        self._lambda = lambda_client
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._tick_forever, daemon=True, name="ticker")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(STOP_SECONDS)

    def tick(self) -> None:
        """Invokes each function once. One that fails is heard of in the log, and called again next time."""
        for schedule in self._schedules:
            try:
                answer = self._lambda.invoke(FunctionName=schedule.function, Payload=payload(schedule))
                if "FunctionError" in answer:
                    logger.warning("%s failed: %s", schedule.function, answer["Payload"].read().decode())
            except Exception as error:
                if not self._stopped.is_set():
                    logger.warning("%s could not be called: %s", schedule.function, error)

    def _tick_forever(self) -> None:
        while not self._stopped.wait(self._seconds):
            self.tick()


def payload(schedule: Schedule) -> str:
    """What EventBridge Scheduler sends: the schedule's Input, or an event that only says that it is time."""
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
