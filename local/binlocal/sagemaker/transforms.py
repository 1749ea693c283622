"""Batch Transform jobs. Each change of status is announced through EventBridge.

InProgress ──▶ Completed | Failed
    └──▶ Stopping ──▶ Stopped
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from binlocal.sagemaker import transform_run
from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.container import ModelServer
from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.faults import FaultInjector
from binlocal.sagemaker.listing import page, pick
from binlocal.sagemaker.quotas import quota_exceeded
from binlocal.sagemaker.registry import Registry, container_environment_of
from binlocal.sagemaker.storage import Storage
from binlocal.sagemaker.transform_run import TransformRun, container_environment
from binlocal.sagemaker.transform_validation import check_transform

Members = dict[str, Any]
KIND = "transform-job"
# Each job has its own model server, as it has its own instances on AWS. Further jobs wait.
MAX_RUNNING_JOBS = 2
SLOT_POLL_SECONDS = 0.2

logger = logging.getLogger(__name__)


class TransformJobs:
    """`make_model(environment)` creates a container. `announce(description)` announces a change of status."""

    def __init__(
        self,
        registry: Registry,
        *,
        storage: Storage,
        make_model: Callable[[Mapping[str, str]], ModelServer],
        announce: Callable[[Members], None],
        faults: FaultInjector,
        clock: Clock,
        region: str,
    ) -> None:
        self._registry = registry
        self._storage = storage
        self._make_model = make_model
        self._announce = announce
        self._faults = faults
        self._clock = clock
        self._region = region
        self._slots = threading.Semaphore(MAX_RUNNING_JOBS)
        self._runs: dict[str, TransformRun] = {}
        self._lock = threading.Lock()
        self._ended = False

    def create(self, members: Members) -> Members:
        """Starts a job. Raises ApiError as CreateTransformJob does."""
        check_transform(members)
        model = self._registry.find("model", members["ModelName"])
        inputs = self._inputs(members)
        if self._faults.occurs("transform.quota"):
            resources = members["TransformResources"]
            raise quota_exceeded(resources["InstanceType"], resources["InstanceCount"], "transform job")
        status = {"TransformJobStatus": "InProgress"}
        job = self._registry.add(KIND, members["TransformJobName"], {**members, **status})
        environment = container_environment(job, container_environment_of(model))
        run = TransformRun(
            job, inputs, self._make_model(environment), self._storage, self._faults, self._clock, threading.Event()
        )
        self._runs[job["TransformJobName"]] = run
        threading.Thread(target=self._run, args=(run,), daemon=True, name=job["TransformJobName"]).start()
        return {"TransformJobArn": job["TransformJobArn"]}

    def describe(self, members: Members) -> Members:
        job = self._registry.find(KIND, members["TransformJobName"])
        return {name: value for name, value in job.items() if name not in ("Tags", "LastModifiedTime")}

    def stop(self, members: Members) -> Members:
        """Stops a job, which then writes no further output. Raises ApiError if the job has ended."""
        name = members["TransformJobName"]
        with self._lock:
            status = self._registry.find(KIND, name)["TransformJobStatus"]
            if status not in ("InProgress", "Stopping"):
                message = f"The request was rejected because the transform job is in status {status}."
                raise ApiError("ValidationException", message)
            changed = self._set(name, TransformJobStatus="Stopping") if status == "InProgress" else None
        if changed:
            self._announce(changed)
        if run := self._runs.get(name):
            run.stopped.set()
            run.model.stop()
        return {}

    def list_page(self, members: Members) -> Members:
        jobs, token = page(self._registry.all(KIND), "TransformJob", members)
        names = ("TransformJobName", "TransformJobArn", "CreationTime", "TransformEndTime", "LastModifiedTime")
        summaries = [pick(job, *names, "TransformJobStatus", "FailureReason") for job in jobs]
        return {"TransformJobSummaries": summaries, **({"NextToken": token} if token else {})}

    def fail_interrupted(self) -> None:
        """After a restart, ends and announces the jobs that were running as failed."""
        for job in self._registry.all(KIND):
            if job["TransformJobStatus"] in ("InProgress", "Stopping"):
                self._end(job["TransformJobName"], transform_run.INTERNAL_ERROR)

    def close(self) -> None:
        """Stops all jobs without announcements, because the process ends."""
        self._ended = True
        for run in [*self._runs.values()]:
            run.stopped.set()
            run.model.stop()

    def _inputs(self, members: Members) -> list[str]:
        uri = members["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        inputs = [found for found in self._storage.list_prefix(uri) if not found.endswith("/")]
        if not inputs:
            raise ApiError(
                "ValidationException",
                f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
                f"exists in the selected region ({self._region}), that objects exist under that S3 prefix, and that "
                'the role of the model has "s3:ListBucket" permissions on the bucket.',
            )
        return inputs

    def _run(self, run: TransformRun) -> None:
        name = run.job["TransformJobName"]
        self._announce({**run.job})
        try:
            reason = self._failure_reason(run)
        except Exception:
            logger.exception("Transform job %s", name)
            reason = transform_run.INTERNAL_ERROR
        self._runs.pop(name, None)
        if not self._ended:
            self._end(name, reason)

    def _failure_reason(self, run: TransformRun) -> str | None:
        if self._faults.occurs("transform.capacity"):
            return transform_run.NO_CAPACITY
        while not self._slots.acquire(timeout=SLOT_POLL_SECONDS):
            if run.stopped.is_set():
                return None
        try:
            if run.stopped.is_set():
                return None
            self._set(run.job["TransformJobName"], TransformStartTime=self._clock.now())
            return run.run()
        finally:
            self._slots.release()

    def _end(self, name: str, reason: str | None) -> None:
        with self._lock:
            stopping = self._registry.find(KIND, name)["TransformJobStatus"] == "Stopping"
            status = "Stopped" if stopping else "Failed" if reason else "Completed"
            failure = {"FailureReason": reason} if status == "Failed" else {}
            job = self._set(name, TransformJobStatus=status, TransformEndTime=self._clock.now(), **failure)
        self._announce(job)

    def _set(self, name: str, **members: Any) -> Members:
        return self._registry.update(KIND, name, {**members, "LastModifiedTime": self._clock.now()})
