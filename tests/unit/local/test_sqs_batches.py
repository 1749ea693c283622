import json

import pytest
from binlocal.sqs_batches import EVENT_BYTES, EventSource, Gatherer, records_to_delete, to_record

ARN = "arn:aws:sqs:eu-west-1:000000000000:images"


def source(**changes):
    defaults = {
        "queue_arn": ARN,
        "queue_url": "http://queue",
        "function": "intake",
        "batch_size": 25,
        "window": 5,
        "reports_failures": True,
        "concurrency": 2,
    }
    return EventSource(**{**defaults, **changes})


def message(number, body="{}"):
    return {"MessageId": str(number), "ReceiptHandle": f"r{number}", "Body": body, "MD5OfBody": "0" * 32}


class FakeQueue:
    """A queue and a clock. An empty receive takes its whole wait, any other takes no time."""

    def __init__(self, arrivals):
        self.arrivals = sorted(arrivals, key=lambda arrival: arrival[0])
        self.now = 0.0
        self.waits = []

    def receive(self, most, wait):
        assert 1 <= most <= 10
        assert 0 <= wait <= 20
        self.waits.append(wait)
        until = self.now + wait
        if self.arrivals and self.now < self.arrivals[0][0] <= until:
            self.now = self.arrivals[0][0]
        here = [message for time, message in self.arrivals if time <= self.now][:most]
        self.arrivals = self.arrivals[len(here) :]
        self.now = self.now if here else until
        return here

    def gatherer(self, **changes):
        return Gatherer(source(**changes), self.receive, clock=lambda: self.now)


def ids(records):
    return [record["messageId"] for record in records]


def test_a_full_batch_does_not_wait_for_its_window():
    queue = FakeQueue([(0.0, message(n)) for n in range(60)])
    gatherer = queue.gatherer()

    assert ids(gatherer.gather()) == [str(n) for n in range(25)]
    assert ids(gatherer.gather()) == [str(n) for n in range(25, 50)]
    assert queue.now == 0


def test_a_batch_closes_when_its_window_has_passed_since_the_first_message():
    queue = FakeQueue([(0.5, message(0)), (3.0, message(1)), (5.4, message(2)), (6.5, message(3))])
    gatherer = queue.gatherer()

    assert ids(gatherer.gather()) == ["0", "1", "2"]
    assert 5.5 <= queue.now < 6.5


def test_without_a_window_available_messages_are_sent_immediately():
    queue = FakeQueue([(0.0, message(n)) for n in range(3)])

    assert ids(queue.gatherer(window=0, batch_size=10).gather()) == ["0", "1", "2"]
    assert queue.now == 0


def test_a_batch_size_of_one_gives_single_messages():
    queue = FakeQueue([(0.0, message(n)) for n in range(3)])

    assert ids(queue.gatherer(window=0, batch_size=1).gather()) == ["0"]


def test_an_empty_queue_gives_an_empty_batch_after_a_second():
    queue = FakeQueue([])

    assert queue.gatherer().gather() == []
    assert queue.waits == [1]


def test_an_event_is_never_larger_than_lambda_allows():
    body = "é" * 100_000  # six bytes each, once escaped in the event's JSON
    queue = FakeQueue([(0.0, message(n, body)) for n in range(25)])
    gatherer = queue.gatherer()

    batches = [gatherer.gather(), gatherer.gather(), gatherer.gather()]

    assert [len(batch) for batch in batches] == [9, 9, 7]
    assert ids(batches[0] + batches[1] + batches[2]) == [str(n) for n in range(25)]
    assert all(len(json.dumps({"Records": batch})) <= EVENT_BYTES + 100 for batch in batches)


def test_a_message_becomes_a_record_of_lambdas_event():
    received = {
        **message(1, "hello"),
        "Attributes": {"ApproximateReceiveCount": "1"},
        "MessageAttributes": {"kind": {"StringValue": "photo", "DataType": "String"}},
    }

    assert to_record(received, ARN) == {
        "messageId": "1",
        "receiptHandle": "r1",
        "body": "hello",
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {"kind": {"stringValue": "photo", "dataType": "String"}},
        "md5OfBody": "0" * 32,
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "eu-west-1",
    }


RECORDS = [to_record(message(n), ARN) for n in range(4)]


@pytest.mark.parametrize(
    ("answer", "deleted"),
    [
        (None, ["0", "1", "2", "3"]),
        ({}, ["0", "1", "2", "3"]),
        ({"batchItemFailures": []}, ["0", "1", "2", "3"]),
        ({"batchItemFailures": None}, ["0", "1", "2", "3"]),
        ({"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]}, ["0", "2"]),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, []),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, []),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, []),
        ({"batchItemFailures": [{"wrong": "1"}]}, []),
        ({"batchItemFailures": "1"}, []),
        ({"statusCode": 200}, []),
        ("a text", []),
    ],
)
def test_records_to_delete_when_the_function_reports_failures(answer, deleted):
    assert ids(records_to_delete(RECORDS, answer, reports_failures=True)) == deleted


def test_a_function_that_does_not_report_failures_handles_all():
    answer = {"batchItemFailures": [{"itemIdentifier": "1"}]}

    assert records_to_delete(RECORDS, answer, reports_failures=False) == RECORDS


def test_an_event_source_is_read_from_its_mapping():
    mapping = {
        "EventSourceArn": ARN,
        "FunctionArn": "arn:intake",
        "BatchSize": 500,
        "MaximumBatchingWindowInSeconds": 5,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 7},
    }

    assert EventSource.of(mapping, "http://queue") == source(function="arn:intake", batch_size=500, concurrency=7)
    bare = EventSource.of({"EventSourceArn": ARN, "FunctionArn": "f", "BatchSize": 10}, "http://queue")
    assert (bare.window, bare.reports_failures, bare.concurrency) == (0, False, 5)
