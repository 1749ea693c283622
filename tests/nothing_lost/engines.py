"""SageMaker of the simulation: engines that finish after a while, and notify with faults at the given rates."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from bintally.domain.errors import EngineUnavailableError
from bintally.domain.jobs import EngineName, Job, JobResult
from bintally.domain.manifest import parse_manifest
from bintally.domain.times import iso
from bintally.domain.transforms import name_of, result_of

from tests.fakes import FakeEngine
from tests.nothing_lost.faults import NO_FAULTS, FaultRates
from tests.nothing_lost.uploads import Upload

SUCCESSES, ERRORS = "arn:aws:sns:us-east-1:000000000000:success", "arn:aws:sns:us-east-1:000000000000:error"
MODEL = "bintally-counter"
NO_CAPACITY = "CapacityError: Unable to provision requested ML compute capacity."
SERVER_ERROR = "ClientError: Received server error (500) from model."
LATE = timedelta(minutes=20)


@dataclass
class SimulatedEngine(FakeEngine):
    """A request takes `slowness`. `states` are those of the transform jobs, by name.

    `killers` are photos that break the model server: there is no output for a manifest with one.
    """

    chance: Random = field(default_factory=Random)
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    announce: Callable[[str, timedelta], object] = lambda body, delay: None
    clock: Callable[[], datetime] = datetime.now
    rates: FaultRates = NO_FAULTS
    slowness: timedelta = timedelta(minutes=1)
    waiting: list[tuple[datetime, Job]] = field(default_factory=list)
    states: dict[str, tuple[str, str]] = field(default_factory=dict)
    killers: set[str] = field(default_factory=set)
    announced: int = 0

    def submit(self, job: Job) -> Mapping[str, str]:
        if self._happens(self.rates.throttled):
            self.step()
            raise EngineUnavailableError("ThrottlingException: Slow down.")
        if self.name is EngineName.BATCH and name_of(job) in self.states:
            self.step()  # the name is in use: the job runs already
            return {"output_location": self.location(job)}
        receipt = super().submit(job)
        if self.name is EngineName.BATCH:
            self.states[name_of(job)] = ("InProgress", "")
        self.waiting.append((self.clock() + self.slowness * self.chance.uniform(0.2, 1.8), job))
        if self._happens(self.rates.timeouts):
            raise EngineUnavailableError("Read timeout on endpoint URL")
        return receipt

    def poll(self, job: Job) -> JobResult | None:
        if self.name is not EngineName.BATCH:
            return super().poll(job)
        self.step()
        unknown = ("Failed", f"SageMaker does not know {name_of(job)}.")
        state, reason = self.states.get(name_of(job), unknown)
        result = result_of(name_of(job), state, self.location(job), reason)
        return replace(result, ended_at=self.ended_at.get(job.job_id, "")) if result else None

    def answer_due(self) -> int:
        """Finish the requests that are due; how many."""
        due = [(at, job) for at, job in self.waiting if at <= self.clock()]
        self.waiting = [(at, job) for at, job in self.waiting if at > self.clock()]
        for _, job in due:
            self.ended_at[job.job_id] = iso(self.clock())
            self._finish(job)
        return len(due)

    def _finish(self, job: Job) -> None:
        if self.name is EngineName.BATCH and self._happens(self.rates.full):
            self._end(job, "Failed", NO_CAPACITY)
        elif self._happens(self.rates.expired):
            if self.name is EngineName.BATCH:
                self._end(job, "Stopped", "")
        elif self._happens(self.rates.failed):
            shards = job.manifests if self.name is EngineName.BATCH else []
            for key in self.chance.sample(shards, len(shards) // 2):
                self._count(key)
            self._end(job, "Failed", SERVER_ERROR)
        else:
            counted = [self._count(key) for key in job.manifests]
            self._end(job, *(("Completed", "") if all(counted) else ("Failed", SERVER_ERROR)))

    def _count(self, key: str) -> bool:
        """The container's output for one manifest, cut in the middle by rate; whether there is one."""
        asked = parse_manifest(self.manifests.get(key, ""))
        if not asked or not self.killers.isdisjoint(asked):
            return False
        text = "".join(f"{json.dumps(self.uploads[image_id].record)}\n" for image_id in asked)
        self.outputs[key] = text[: self.chance.randrange(len(text))] if self._happens(self.rates.cut) else text
        return True

    def _end(self, job: Job, state: str, reason: str) -> None:
        if self.name is EngineName.BATCH:
            self.states[name_of(job)] = (state, reason)
            self._tell(transform_event(job, state, self.location(job), reason))
        else:
            if state == "Failed":
                self.failures[job.job_id] = reason
            lambda_failed = reason and self.name is EngineName.LAMBDA
            self._tell(invocation_record(job, reason) if lambda_failed else note(job, self.location(job), reason))

    def _tell(self, body: str) -> None:
        for _ in range(1 + self._happens(self.rates.doubled)):
            if not self._happens(self.rates.lost):
                self.announced += 1
                self.announce(body, LATE if self._happens(self.rates.late) else timedelta())

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self.chance.random() < rate


def note(job: Job, output: str, failure: str = "") -> str:
    """SNS's message on an async request."""
    message: dict[str, object] = {"eventVersion": "1.0", "eventName": "InferenceResult", "inferenceId": job.job_id}
    message["invocationStatus"] = "Failed" if failure else "Completed"
    if failure:
        message["failureReason"] = failure
    else:
        message["responseParameters"] = {"outputLocation": output}
    return json.dumps({"TopicArn": ERRORS if failure else SUCCESSES, "Message": json.dumps(message)})


def invocation_record(job: Job, reason: str) -> str:
    """SNS's message on an event that Lambda gave up."""
    record = {
        "version": "1.0",
        "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 1},
        "requestPayload": {"job_id": job.job_id},
        "responsePayload": {"errorMessage": reason},
    }
    return json.dumps({"TopicArn": ERRORS, "Message": json.dumps(record)})


def transform_event(job: Job, state: str, output: str, reason: str = "", model: str = MODEL) -> str:
    """EventBridge's message on a transform job."""
    detail: dict[str, object] = {"TransformJobName": name_of(job), "TransformJobStatus": state, "ModelName": model}
    detail["TransformOutput"] = {"S3OutputPath": output}
    if reason:
        detail["FailureReason"] = reason
    return json.dumps(
        {"source": "aws.sagemaker", "detail-type": "SageMaker Transform Job State Change", "detail": detail}
    )
