import io
import json
import threading
from collections import deque
from types import SimpleNamespace

import pytest
from binlocal.poller import QueuePoller, take_over_queues
from binlocal.sqs_batches import EventSource

from tests.unit.local.waiting import eventually

ARN = "arn:aws:sqs:us-east-1:000000000000:images"


class FakeQueue:
    """SQS as the poller uses it. Received messages stay in flight until they are deleted."""

    def __init__(self, number):
        self.waiting = deque(
            {"MessageId": str(n), "ReceiptHandle": f"r{n}", "Body": str(n), "MD5OfBody": ""} for n in range(number)
        )
        self.in_flight = set()
        self.deletions = []

    def receive_message(self, *, MaxNumberOfMessages, **_):  # noqa: N803 (boto3's names)
        messages = [self.waiting.popleft() for _ in range(min(MaxNumberOfMessages, len(self.waiting)))]
        self.in_flight |= {message["ReceiptHandle"] for message in messages}
        if not messages:
            threading.Event().wait(0.01)
        return {"Messages": messages} if messages else {}

    def delete_message_batch(self, *, Entries, QueueUrl):  # noqa: N803
        assert len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        self.deletions.append(len(Entries))
        self.in_flight -= {entry["ReceiptHandle"] for entry in Entries}


class FakeLambda:
    def __init__(self, answer=lambda event: None, error=None):
        self.answer = answer
        self.error = error
        self.events = []
        self.busy = 0
        self.busiest = 0

    def invoke(self, *, FunctionName, Payload):  # noqa: N803
        event = json.loads(Payload)
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            body = json.dumps(self.answer(event)).encode()
        finally:
            self.busy -= 1
        self.events.append(event)
        error = {"FunctionError": self.error} if self.error else {}
        return {"StatusCode": 200, "Payload": io.BytesIO(body), **error}


def poller(queue, function, **changes):
    defaults = {"batch_size": 25, "window": 0, "reports_failures": True, "concurrency": 2}
    source = EventSource(queue_arn=ARN, queue_url="http://queue", function="f", **{**defaults, **changes})
    return QueuePoller(source, queue, function)


@pytest.fixture
def running():
    started = []

    def run(new):
        started.append(new)
        new.start()
        return new

    yield run
    for one in started:
        one.stop()
        one.join()


def test_handled_messages_are_deleted(running):
    queue, function = FakeQueue(60), FakeLambda()
    running(poller(queue, function, window=1))

    eventually(lambda: not queue.waiting and not queue.in_flight, "all deleted")
    assert sorted(int(r["body"]) for event in function.events for r in event["Records"]) == list(range(60))
    assert max(queue.deletions) == 10
    assert max(len(event["Records"]) for event in function.events) == 25


def test_messages_that_the_function_reports_as_failed_are_kept(running):
    queue = FakeQueue(10)
    function = FakeLambda(lambda event: {"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "8"}]})
    running(poller(queue, function))

    eventually(lambda: queue.in_flight == {"r3", "r8"}, "eight deleted")
    assert queue.deletions == [8]


def test_a_failing_function_keeps_all_messages_in_the_queue(running, caplog):
    queue = FakeQueue(10)
    running(poller(queue, FakeLambda(lambda event: {"errorMessage": "no table"}, error="Unhandled")))

    eventually(lambda: "no table" in caplog.text, "the warning")
    assert len(queue.in_flight) == 10
    assert queue.deletions == []


def test_a_poller_continues_after_a_service_error(running, monkeypatch):
    answers = iter([RuntimeError("throttled")])

    def answer(event):
        if (error := next(answers, None)) is not None:
            raise error

    queue = FakeQueue(2)
    running(poller(queue, FakeLambda(answer), batch_size=1))

    eventually(lambda: queue.deletions == [1], "the second message")
    assert queue.in_flight == {"r0"}


def test_at_most_as_many_functions_run_at_once_as_the_mapping_allows(running):
    gate = threading.Event()
    queue = FakeQueue(8)
    function = FakeLambda(lambda event: gate.wait(10) and None)
    running(poller(queue, function, batch_size=1, concurrency=3))

    eventually(lambda: function.busy == 3, "three running")
    assert len(queue.in_flight) == 3, "no message is received without a free function"
    gate.set()
    eventually(lambda: sum(queue.deletions) == 8, "all deleted")
    assert function.busiest == 3


def test_a_stopped_poller_receives_no_further_batch():
    queue = FakeQueue(0)
    one = poller(queue, FakeLambda())
    one.start()
    one.stop()
    one.join()

    queue.waiting.append({"MessageId": "0", "ReceiptHandle": "r0", "Body": "", "MD5OfBody": ""})

    assert not one._thread.is_alive()
    assert queue.in_flight == set()


def mapping(uuid, arn, **more):
    return {"UUID": uuid, "EventSourceArn": arn, "FunctionArn": "f", "BatchSize": 10, "State": "Enabled", **more}


def test_queues_are_taken_over_and_other_event_sources_stay_with_ministack():
    disabled = []
    pages = [
        {"EventSourceMappings": [mapping("1", ARN), mapping("2", "arn:aws:dynamodb:us-east-1:0:table/t/stream/x")]},
        {
            "EventSourceMappings": [
                mapping("3", ARN, State="Disabled"),
                mapping("4", ARN, FilterCriteria={"Filters": [{}]}),
            ]
        },
        {"EventSourceMappings": [mapping("5", ARN, FilterCriteria={"Filters": [{"Pattern": "{}"}]})]},
    ]
    functions = SimpleNamespace(
        get_paginator=lambda operation: SimpleNamespace(paginate=lambda: pages),
        update_event_source_mapping=lambda UUID, Enabled: disabled.append((UUID, Enabled)),  # noqa: N803
    )
    sqs = SimpleNamespace(get_queue_url=lambda QueueName: {"QueueUrl": f"http://{QueueName}"})  # noqa: N803

    sources = take_over_queues(functions, sqs)

    assert disabled == [("1", False)]
    assert [source.queue_url for source in sources] == ["http://images"]
