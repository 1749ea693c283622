import threading
from dataclasses import replace

import pytest
from binlocal.sagemaker.async_inference import AsyncInference, AsyncSettings
from binlocal.sagemaker.container import ContainerResponse
from binlocal.sagemaker.endpoint import Endpoint
from binlocal.sagemaker.errors import ContainerError, ContainerTimeoutError
from binlocal.sagemaker.faults import FaultInjector, parse_plan
from binlocal.sagemaker.messages import AsyncRequest
from binlocal.sagemaker.notifier import Notifier

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


def async_inference(model, storage, settings=SETTINGS, clock=None, **plan):
    clock, faults = clock or DrivenClock(1001.0), FaultInjector(parse_plan(plan))
    return AsyncInference(model, storage, settings, "us-east-1", clock, faults, Notifier(faults, clock))


def stored(uri="s3://jobs/in.jsonl"):
    return FakeStorage(**{uri: b'{"image_id": "1"}\n'})


def test_a_request_goes_to_the_container_and_its_response_to_s3_and_sns():
    model, storage = FakeModel(ContainerResponse(200, "application/jsonlines", b'{"count": 3}\r\n\xff')), stored()

    async_inference(model, storage).serve(REQUEST)

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
        (
            ContainerResponse(500, "text/plain", b"out of memory"),
            "Received server error (500) from model",
            b"out of memory",
        ),
        (
            ContainerResponse(400, "text/plain", b"not a manifest"),
            "Received client error (400) from model",
            b"not a manifest",
        ),
        (ContainerResponse(204, "text/plain", b""), "(204) from model", None),
        (ContainerError("broke off"), "Received server error (0) from model", None),
        (ContainerTimeoutError("late"), "Invocation timed out after 30 seconds", None),
    ],
)
def test_a_request_on_which_the_container_fails_ends_with_a_failure(answer, reason, written):
    storage = stored()

    async_inference(FakeModel(answer), storage, clock=FakeClock()).serve(REQUEST)

    [(topic, message)] = storage.published
    assert (topic, message["invocationStatus"]) == ("arn:bad", "Failed")
    assert message["failureReason"].startswith("ClientError: ")
    assert reason in message["failureReason"]
    assert storage.objects["s3://jobs/failed/x-error.out"] == (written or message["failureReason"].encode())
    assert "s3://jobs/out/x.out" not in storage.objects


def test_a_request_whose_input_is_missing_fails_and_names_it():
    model, storage = FakeModel(), FakeStorage()

    async_inference(model, storage).serve(REQUEST)

    assert model.requests == []
    assert "s3://jobs/in.jsonl" in storage.published[0][1]["failureReason"]


def test_an_expired_request_is_not_sent_to_the_container():
    model, storage = FakeModel(), stored()

    async_inference(model, storage, clock=DrivenClock(1060.0)).serve(REQUEST)
    async_inference(model, storage, clock=DrivenClock(1060.1)).serve(REQUEST)

    assert len(model.requests) == 1
    assert [message["invocationStatus"] for _, message in storage.published] == ["Completed", "Failed"]
    assert "expired" in storage.published[1][1]["failureReason"]


def test_a_plan_can_let_a_request_expire_silently():
    storage = stored()

    async_inference(FakeModel(), storage, clock=DrivenClock(1100.0), expiry={"silent": 1}).serve(REQUEST)

    assert storage.published == []
    assert set(storage.objects) == {"s3://jobs/in.jsonl"}


def test_a_broken_request_is_retried_twice_and_then_fails():
    answers = iter([ContainerError("broke off"), ContainerResponse(200, "application/jsonlines", b"3")])
    model, clock, storage = FakeModel(lambda body: next(answers)), FakeClock(), stored()
    async_inference(model, storage, clock=clock).serve(REQUEST)
    assert clock.waits == [1.0]
    assert storage.published[0][1]["invocationStatus"] == "Completed"

    model = FakeModel(ContainerError("broke off"))
    async_inference(model, storage, clock=FakeClock()).serve(REQUEST)
    assert len(model.requests) == 3
    assert storage.published[1][1]["invocationStatus"] == "Failed"


def test_a_request_that_timed_out_is_not_retried():
    model = FakeModel(ContainerTimeoutError("late"))
    async_inference(model, stored()).serve(REQUEST)
    assert len(model.requests) == 1


def test_without_topics_and_failure_path_only_the_output_is_written():
    storage = stored()
    quiet = AsyncSettings("s3://jobs/out")

    async_inference(FakeModel(), storage, quiet).serve(replace(REQUEST, failure_location=None))
    async_inference(FakeModel(ContainerError("x")), storage, quiet, FakeClock()).serve(
        replace(REQUEST, failure_location=None)
    )

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

    running(Endpoint("counter", model, async_inference(model, storage)))

    assert model.started
    assert [(topic, message["eventName"]) for topic, message in storage.published] == [
        ("arn:good", "TestNotification"),
        ("arn:bad", "TestNotification"),
    ]


def test_an_endpoint_restored_after_a_restart_announces_nothing(running):
    model, storage = FakeModel(), FakeStorage()
    endpoint = Endpoint("counter", model, async_inference(model, storage))

    endpoint.start(announce=False)
    endpoint.stop()

    assert model.started
    assert storage.published == []


def test_at_most_as_many_requests_run_at_once_as_configured(running):
    model, storage = FakeModel(), stored()
    endpoint = running(Endpoint("counter", model, async_inference(model, storage)))
    model.gate.clear()
    for number in range(6):
        endpoint.submit(replace(REQUEST, inference_id=str(number)))

    eventually(lambda: model.busy == 2, "two running")
    model.gate.set()

    eventually(lambda: len(storage.published) == 2 + 6, "all answered")
    assert model.busiest == 2
    assert {message["inferenceId"] for _, message in storage.published[2:]} == set("012345")


def test_a_request_expires_while_the_container_is_busy(running):
    clock = DrivenClock(1001.0)
    model, storage = FakeModel(), stored()
    single = replace(SETTINGS, concurrency=1)
    endpoint = running(Endpoint("counter", model, async_inference(model, storage, single, clock)))
    model.gate.clear()
    endpoint.submit(replace(REQUEST, inference_id="first"))
    eventually(lambda: model.busy == 1, "the first running")
    endpoint.submit(replace(REQUEST, inference_id="second"))
    clock.advance(100)

    message = eventually(lambda: [message for _, message in storage.published[2:]], "the failure")[0]

    assert (message["inferenceId"], message["invocationStatus"]) == ("second", "Failed")
    assert "expired" in message["failureReason"]
    model.gate.set()


class FailingStorage(FakeStorage):
    """A bucket that fails on the first object."""

    failed = False

    def write(self, uri, body, content_type):
        if not self.failed:
            self.failed = True
            raise OSError("the bucket is gone")
        super().write(uri, body, content_type)


def test_a_worker_survives_a_failing_bucket(running, caplog):
    model, storage = FakeModel(), FailingStorage(**{"s3://jobs/in.jsonl": b""})
    endpoint = running(Endpoint("counter", model, async_inference(model, storage, replace(SETTINGS, concurrency=1))))

    endpoint.submit(replace(REQUEST, inference_id="first"))
    endpoint.submit(replace(REQUEST, inference_id="second"))

    eventually(lambda: len(storage.published) == 3, "the second answer")
    assert storage.published[2][1]["inferenceId"] == "second"
    assert "Request first could not be answered" in caplog.text


def test_a_stopped_endpoint_leaves_no_threads(running):
    model = FakeModel()
    endpoint = running(Endpoint("counter-to-stop", model, async_inference(model, FakeStorage())))
    assert [thread for thread in threading.enumerate() if thread.name == "counter-to-stop"]

    endpoint.stop()

    assert model.stopped
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "counter-to-stop"], "the threads' end")
