"""Batch Transform jobs: accepted, at work, ended. Each change of state is announced through EventBridge.

InProgress ──▶ Completed | Failed
    └──▶ Stopping ──▶ Stopped
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from binlocal.sagemaker import transform_run
from binlocal.sagemaker.clock import Clock
from binlocal.sagemaker.errors import RefusedError
from binlocal.sagemaker.faults import Faults
from binlocal.sagemaker.listing import page, pick
from binlocal.sagemaker.models import environment_of
from binlocal.sagemaker.registry import Registry
from binlocal.sagemaker.serving import Model
from binlocal.sagemaker.transform_rules import check_transform
from binlocal.sagemaker.transform_run import TransformRun, container_environment

Members = dict[str, Any]
KIND = "transform-job"
# Each job has a model server of its own, as on AWS each has its instances. More jobs wait, as for instances.
JOBS_AT_ONCE = 2
SLOT_LOOK_SECONDS = 0.2

logger = logging.getLogger(__name__)


class Storage(transform_run.Storage, Protocol):
    """S3. `list_below` gives the URIs of the objects with this prefix, in order."""

    def list_below(self, uri: str) -> list[str]: ...


class TransformJobs:
    """`make_model(environment)` builds a container; `announce(description)` tells of a change of state."""

    def __init__(
        self,
        registry: Registry,
        *,
        storage: Storage,
        make_model: Callable[[Mapping[str, str]], Model],
        announce: Callable[[Members], None],
        faults: Faults,
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
        self._slots = threading.Semaphore(JOBS_AT_ONCE)
        self._runs: dict[str, TransformRun] = {}
        self._lock = threading.Lock()
        self._ended = False

    def create(self, members: Members) -> Members:
        """Raises RefusedError as CreateTransformJob does."""
        check_transform(members)
        model = self._registry.find("model", members["ModelName"])
        inputs = self._inputs(members)
        status = {"TransformJobStatus": "InProgress"}
        job = self._registry.add(KIND, members["TransformJobName"], {**members, **status})
        environment = container_environment(job, environment_of(model))
        run = TransformRun(
            job, inputs, self._make_model(environment), self._storage, self._faults, self._clock, threading.Event()
        )
        self._runs[job["TransformJobName"]] = run
        threading.Thread(target=self._work, args=(run,), daemon=True, name=job["TransformJobName"]).start()
        return {"TransformJobArn": job["TransformJobArn"]}

    def describe(self, members: Members) -> Members:
        job = self._registry.find(KIND, members["TransformJobName"])
        return {name: value for name, value in job.items() if name not in ("Tags", "LastModifiedTime")}

    def stop(self, members: Members) -> Members:
        """Raises RefusedError for a job that has ended. What a stopped job has not written yet is never written."""
        name = members["TransformJobName"]
        with self._lock:
            status = self._registry.find(KIND, name)["TransformJobStatus"]
            if status not in ("InProgress", "Stopping"):
                message = f"The request was rejected because the transform job is in status {status}."
                raise RefusedError("ValidationException", message)
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

    def resume(self) -> None:
        """After a restart: the jobs that were at work then have failed, and it is said so."""
        for job in self._registry.all(KIND):
            if job["TransformJobStatus"] in ("InProgress", "Stopping"):
                self._end(job["TransformJobName"], transform_run.INTERNAL_ERROR)

    def close(self) -> None:
        """Ends the work without a word of it: the process ends."""
        self._ended = True
        for run in [*self._runs.values()]:
            run.stopped.set()
            run.model.stop()

    def _inputs(self, members: Members) -> list[str]:
        uri = members["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        inputs = [found for found in self._storage.list_below(uri) if not found.endswith("/")]
        if not inputs:
            raise RefusedError(
                "ValidationException",
                f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
                f"exists in the selected region ({self._region}), that objects exist under that S3 prefix, and that "
                'the role of the model has "s3:ListBucket" permissions on the bucket.',
            )
        return inputs

    def _work(self, run: TransformRun) -> None:
        name = run.job["TransformJobName"]
        self._announce({**run.job})
        try:
            reason = self._reason(run)
        except Exception:
            logger.exception("Transform job %s", name)
            reason = transform_run.INTERNAL_ERROR
        self._runs.pop(name, None)
        if not self._ended:
            self._end(name, reason)

    def _reason(self, run: TransformRun) -> str | None:
        if self._faults.strikes("transform.capacity"):
            return transform_run.NO_CAPACITY
        while not self._slots.acquire(timeout=SLOT_LOOK_SECONDS):
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
            told = {"FailureReason": reason} if status == "Failed" else {}
            job = self._set(name, TransformJobStatus=status, TransformEndTime=self._clock.now(), **told)
        self._announce(job)

    def _set(self, name: str, **members: Any) -> Members:
        return self._registry.update(KIND, name, {**members, "LastModifiedTime": self._clock.now()})
