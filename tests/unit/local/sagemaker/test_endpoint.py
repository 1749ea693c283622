import threading
from dataclasses import replace

import pytest
from binlocal.sagemaker.container import Answer
from binlocal.sagemaker.courier import Courier
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.errors import ContainerError, ContainerTimeoutError
from binlocal.sagemaker.faults import Faults, parse_plan
from binlocal.sagemaker.messages import AsyncRequest
from binlocal.sagemaker.serving import AsyncSettings, Serving

from tests.unit.local.sagemaker.driven_clock import DrivenClock
from tests.unit.local.sagemaker.fakes import FakeClock, FakeModel, FakeStorage
from tests.unit.local.waiting import eventually

SETTINGS = AsyncSettings("s3://jobs/out", "s3://jobs/failed", "arn:good", "arn:bad", concurrency=2)
REQUEST = AsyncRequest(
    endpoint="counter",
    inference_id="job-1",
    input_location="s3://jobs/in.jsonl",
    output_location="s3://jobs/out/x.out",
    failure_location="s3://jobs/failed/x-error.out",
    received=1000.0,
    content_type="application/jsonlines",
    accept="application/jsonlines",
    custom_attributes="trace=1",
    ttl=60,
    timeout=30,
)


def serving(model, storage, settings=SETTINGS, clock=None, **plan):
    clock, faults = clock or DrivenClock(1001.0), Faults(parse_plan(plan))
    return Serving(model, storage, settings, "us-east-1", clock, faults, Courier(faults, clock))


def stored(uri="s3://jobs/in.jsonl"):
    return FakeStorage(**{uri: b'{"image_id": "1"}\n'})


def test_a_request_goes_to_the_container_and_its_answer_to_s3_and_sns():
    model, storage = FakeModel(Answer(200, "application/jsonlines", b'{"count": 3}\r\n\xff')), stored()

    serving(model, storage).serve(REQUEST)

    assert model.requests == [
        (
            b'{"image_id": "1"}\n',
            {
                "Content-Type": "application/jsonlines",
                "Accept": "application/jsonlines",
                "X-Amzn-SageMaker-Custom-Attributes": "trace=1",
                "X-Amzn-SageMaker-Inference-Id": "job-1",
            },
            30,
        )
    ]
    assert storage.objects["s3://jobs/out/x.out"] == b'{"count": 3}\r\n\xff'
    [(topic, message)] = storage.published
    assert (topic, message["invocationStatus"]) == ("arn:good", "Completed")
    assert message["responseParameters"]["outputLocation"] == "s3://jobs/out/x.out"


@pytest.mark.parametrize(
    ("answer", "reason", "written"),
    [
        (Answer(500, "text/plain", b"out of memory"), "Received server error (500) from model", b"out of memory"),
        (Answer(400, "text/plain", b"not a manifest"), "Received client error (400) from model", b"not a manifest"),
        (Answer(204, "text/plain", b""), "(204) from model", None),
        (ContainerError("broke off"), "Received server error (0) from model", None),
        (ContainerTimeoutError("late"), "Invocation timed out after 30 seconds", None),
    ],
)
def test_a_request_that_the_container_fails_ends_in_a_failure(answer, reason, written):
    storage = stored()

    serving(FakeModel(answer), storage, clock=FakeClock()).serve(REQUEST)

    [(topic, message)] = storage.published
    assert (topic, message["invocationStatus"]) == ("arn:bad", "Failed")
    assert message["failureReason"].startswith("ClientError: ")
    assert reason in message["failureReason"]
    assert storage.objects["s3://jobs/failed/x-error.out"] == (written or message["failureReason"].encode())
    assert "s3://jobs/out/x.out" not in storage.objects


def test_a_request_whose_input_is_gone_fails_and_names_it():
    model, storage = FakeModel(), FakeStorage()

    serving(model, storage).serve(REQUEST)

    assert model.requests == []
    assert "s3://jobs/in.jsonl" in storage.published[0][1]["failureReason"]


def test_a_request_that_waited_longer_than_its_time_to_live_is_not_tried():
    model, storage = FakeModel(), stored()

    serving(model, storage, clock=DrivenClock(1060.0)).serve(REQUEST)
    serving(model, storage, clock=DrivenClock(1060.1)).serve(REQUEST)

    assert len(model.requests) == 1
    assert [message["invocationStatus"] for _, message in storage.published] == ["Completed", "Failed"]
    assert "expired" in storage.published[1][1]["failureReason"]


def test_a_plan_may_let_a_request_expire_without_a_word():
    storage = stored()

    serving(FakeModel(), storage, clock=DrivenClock(1100.0), expiry={"silent": 1}).serve(REQUEST)

    assert storage.published == []
    assert set(storage.objects) == {"s3://jobs/in.jsonl"}


def test_a_request_that_the_container_broke_off_is_asked_again_and_then_given_up():
    answers = iter([ContainerError("broke off"), Answer(200, "application/jsonlines", b"3")])
    model, clock, storage = FakeModel(lambda body: next(answers)), FakeClock(), stored()
    serving(model, storage, clock=clock).serve(REQUEST)
    assert clock.waits == [1.0]
    assert storage.published[0][1]["invocationStatus"] == "Completed"

    model = FakeModel(ContainerError("broke off"))
    serving(model, storage, clock=FakeClock()).serve(REQUEST)
    assert len(model.requests) == 3
    assert storage.published[1][1]["invocationStatus"] == "Failed"


def test_a_request_that_timed_out_is_not_asked_again():
    model = FakeModel(ContainerTimeoutError("late"))
    serving(model, stored()).serve(REQUEST)
    assert len(model.requests) == 1


def test_without_topics_and_failure_path_only_the_output_is_written():
    storage = stored()
    quiet = AsyncSettings("s3://jobs/out")

    serving(FakeModel(), storage, quiet).serve(replace(REQUEST, failure_location=None))
    serving(FakeModel(ContainerError("x")), storage, quiet, FakeClock()).serve(replace(REQUEST, failure_location=None))

    assert storage.published == []
    assert set(storage.objects) == {"s3://jobs/in.jsonl", "s3://jobs/out/x.out"}


@pytest.fixture
def running():
    started = []

    def run(endpoint):
        started.append(endpoint)
        endpoint.start()
        return endpoint

    yield run
    for endpoint in started:
        endpoint.stop()


def test_a_new_endpoint_sends_the_test_notification_to_both_topics(running):
    model, storage = FakeModel(), FakeStorage()

    running(Endpoint("counter", model, serving(model, storage)))

    assert model.started
    assert [(topic, message["eventName"]) for topic, message in storage.published] == [
        ("arn:good", "TestNotification"),
        ("arn:bad", "TestNotification"),
    ]


def test_an_endpoint_that_comes_back_announces_nothing(running):
    model, storage = FakeModel(), FakeStorage()
    endpoint = Endpoint("counter", model, serving(model, storage))

    endpoint.start(announced=False)
    endpoint.stop()

    assert model.started
    assert storage.published == []


def test_no_more_requests_run_at_once_than_the_configuration_allows(running):
    model, storage = FakeModel(), stored()
    endpoint = running(Endpoint("counter", model, serving(model, storage)))
    model.gate.clear()
    for number in range(6):
        endpoint.submit(replace(REQUEST, inference_id=str(number)))

    eventually(lambda: model.busy == 2, "two at work")
    model.gate.set()

    eventually(lambda: len(storage.published) == 2 + 6, "all answered")
    assert model.busiest == 2
    assert {message["inferenceId"] for _, message in storage.published[2:]} == set("012345")


def test_a_request_expires_while_the_container_is_busy(running):
    clock = DrivenClock(1001.0)
    model, storage = FakeModel(), stored()
    single = replace(SETTINGS, concurrency=1)
    endpoint = running(Endpoint("counter", model, serving(model, storage, single, clock)))
    model.gate.clear()
    endpoint.submit(replace(REQUEST, inference_id="first"))
    eventually(lambda: model.busy == 1, "the first at work")
    endpoint.submit(replace(REQUEST, inference_id="second"))
    clock.advance(100)

    message = eventually(lambda: [message for _, message in storage.published[2:]], "the failure")[0]

    assert (message["inferenceId"], message["invocationStatus"]) == ("second", "Failed")
    assert "expired" in message["failureReason"]
    model.gate.set()


class RefusingStorage(FakeStorage):
    """A bucket that does not take the first object."""

    refused = False

    def write(self, uri, body, content_type):
        if not self.refused:
            self.refused = True
            raise OSError("the bucket is gone")
        super().write(uri, body, content_type)


def test_a_worker_outlives_a_bucket_that_refuses(running, caplog):
    model, storage = FakeModel(), RefusingStorage(**{"s3://jobs/in.jsonl": b""})
    endpoint = running(Endpoint("counter", model, serving(model, storage, replace(SETTINGS, concurrency=1))))

    endpoint.submit(replace(REQUEST, inference_id="first"))
    endpoint.submit(replace(REQUEST, inference_id="second"))

    eventually(lambda: len(storage.published) == 3, "the second answer")
    assert storage.published[2][1]["inferenceId"] == "second"
    assert "Request first could not be answered" in caplog.text


def test_a_stopped_endpoint_leaves_no_thread(running):
    model = FakeModel()
    endpoint = running(Endpoint("counter-to-stop", model, serving(model, FakeStorage())))
    assert [thread for thread in threading.enumerate() if thread.name == "counter-to-stop"]

    endpoint.stop()

    assert model.stopped
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "counter-to-stop"], "the threads' end")
