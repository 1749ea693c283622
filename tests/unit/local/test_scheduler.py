import io
import json

import pytest
from binlocal.scheduler import Schedule, Scheduler, payload, take_over_schedules

from tests.unit.local.waiting import eventually

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:submit"
ARN = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/"


class FakeScheduler:
    def __init__(self, *schedules):
        self.schedules = {schedule["Name"]: schedule for schedule in schedules}

    def get_paginator(self, operation):
        assert operation == "list_schedules"
        return self

    def paginate(self, State):  # noqa: N803
        return [{"Schedules": [one]} for one in [*self.schedules.values()] if one["State"] == State]

    def get_schedule(self, Name, GroupName):  # noqa: N803
        return self.schedules[Name]

    def update_schedule(self, **members):
        self.schedules[members["Name"]] = members


class FakeFunctions:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.called = []

    def invoke(self, FunctionName, Payload):  # noqa: N803
        self.called.append((FunctionName, Payload))
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer


def schedule(name, target, state="ENABLED"):
    members = {"Name": name, "GroupName": "default", "State": state, "Arn": ARN + name}
    return {
        **members,
        "ScheduleExpression": "rate(1 minute)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": target, "RoleArn": "arn:aws:iam::000000000000:role/r"},
    }


def test_schedules_that_target_functions_are_taken_over():
    queue = schedule("queue", "arn:aws:sqs:us-east-1:000000000000:q")
    off = schedule("off", FUNCTION, "DISABLED")
    scheduler = FakeScheduler(schedule("submit", FUNCTION), queue, off)

    assert take_over_schedules(scheduler) == [Schedule(f"{ARN}submit", FUNCTION, None)]

    assert scheduler.schedules["submit"]["State"] == "DISABLED"
    assert scheduler.schedules["submit"]["ScheduleExpression"] == "rate(1 minute)"
    assert scheduler.schedules["queue"] == queue


def test_a_function_gets_the_event_that_eventbridge_scheduler_sends():
    event = json.loads(payload(Schedule(f"{ARN}submit", FUNCTION, None)))

    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.scheduler", "Scheduled Event", "{}")
    assert (event["account"], event["region"], event["resources"]) == ("000000000000", "us-east-1", [f"{ARN}submit"])
    assert payload(Schedule(ARN, FUNCTION, '{"own": 1}')) == '{"own": 1}'


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"FunctionError": "Unhandled", "Payload": io.BytesIO(b"out of memory")}, "failed: out of memory"),
        (ConnectionError("gone"), "could not be invoked: gone"),
    ],
)
def test_a_failing_function_is_invoked_again(caplog, answer, expected):
    functions = FakeFunctions(answer)
    scheduler = Scheduler([Schedule(ARN, FUNCTION, "{}")], functions, 0.01)

    scheduler.start()

    eventually(lambda: len(functions.called) > 2, "further calls")
    scheduler.stop()
    assert functions.called[0] == (FUNCTION, "{}")
    assert expected in caplog.text


def test_a_stopped_scheduler_invokes_nothing():
    functions = FakeFunctions()
    scheduler = Scheduler([Schedule(ARN, FUNCTION, "{}")], functions, 3600)
    scheduler.start()
    scheduler.stop()
    assert functions.called == []
