import io
import json

import pytest
from binlocal.ticker import Schedule, Ticker, payload, take_over_schedules

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


def test_the_schedules_of_functions_are_taken_over():
    queue = schedule("queue", "arn:aws:sqs:us-east-1:000000000000:q")
    off = schedule("off", FUNCTION, "DISABLED")
    scheduler = FakeScheduler(schedule("submit", FUNCTION), queue, off)

    assert take_over_schedules(scheduler) == [Schedule(f"{ARN}submit", FUNCTION, None)]

    assert scheduler.schedules["submit"]["State"] == "DISABLED"
    assert scheduler.schedules["submit"]["ScheduleExpression"] == "rate(1 minute)"
    assert scheduler.schedules["queue"] == queue


def test_a_function_hears_what_the_scheduler_would_send():
    event = json.loads(payload(Schedule(f"{ARN}submit", FUNCTION, None)))

    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.scheduler", "Scheduled Event", "{}")
    assert (event["account"], event["region"], event["resources"]) == ("000000000000", "us-east-1", [f"{ARN}submit"])
    assert payload(Schedule(ARN, FUNCTION, '{"own": 1}')) == '{"own": 1}'


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"FunctionError": "Unhandled", "Payload": io.BytesIO(b"out of memory")}, "failed: out of memory"),
        (ConnectionError("gone"), "could not be called: gone"),
    ],
)
def test_a_function_that_fails_is_called_again(caplog, answer, said):
    functions = FakeFunctions(answer)
    ticker = Ticker([Schedule(ARN, FUNCTION, "{}")], functions, 0.01)

    ticker.start()

    eventually(lambda: len(functions.called) > 2, "further calls")
    ticker.stop()
    assert functions.called[0] == (FUNCTION, "{}")
    assert said in caplog.text


def test_a_stopped_ticker_calls_nobody():
    functions = FakeFunctions()
    ticker = Ticker([Schedule(ARN, FUNCTION, "{}")], functions, 3600)
    ticker.start()
    ticker.stop()
    assert functions.called == []
