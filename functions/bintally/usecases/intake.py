"""Photographs in: each into the ledger once, and to the model in micro-batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bintally.domain.image import Image, Status
from bintally.domain.jobs import EngineName, Job, JobStatus, in_parts, job_of
from bintally.domain.orders import iso
from bintally.domain.policy import Policy, waits_for_schedule
from bintally.usecases.ports import Engine, Engines, Jobs, Ledger
from bintally.usecases.submit import SubmitSummary, submit_jobs


@dataclass(frozen=True)
class IngestSummary:
    """What came of a delivery: photographs new to the ledger, repeated ones, and what became of the jobs."""

    registered: int
    repeated: int
    submission: SubmitSummary


def ingest(
    images: Iterable[Image], *, ledger: Ledger, jobs: Jobs, engines: Engines, policy: Policy, now: datetime
) -> IngestSummary:
    """Register photographs, and submit them or leave them to the scheduled submit, as the policy says.

    May be run again at any point with the same photographs. The order is what makes that safe: manifest, then the job
    as PREPARED, then the ledger, then the job OPEN, then the request. So no photograph ever names a job that the jobs
    table does not hold, and no job is answered before its photographs are in the ledger.
    """
    unique = {image.image_id: image for image in images}
    known = ledger.read(unique.keys())
    fresh = [image for image_id, image in unique.items() if image_id not in known]
    for image in fresh:
        if image.is_folder_marker:
            ledger.refuse(image, "A folder, not a photograph.", iso(now), "folder_marker")
    photographs = [image for image in fresh if not image.is_folder_marker]
    job_ids = {entry.job_id for entry in known.values() if entry.job_id and entry.status is Status.SUBMITTED}
    if waits_for_schedule(policy, len(photographs)):
        ledger.receive(photographs, iso(now))
    else:
        parts = in_parts(photographs, policy.micro_batch)
        engine = engines[EngineName.ASYNC]
        job_ids |= {_registered(part, ledger=ledger, jobs=jobs, engine=engine, now=iso(now)) for part in parts}
    opened = [_ready(job, jobs, iso(now)) for job in jobs.read(job_ids).values()]
    requests = [job for job in opened if job.engine is EngineName.ASYNC]  # transform jobs are for the schedule to send
    submission = submit_jobs(requests, jobs=jobs, engines=engines, policy=policy, now=now)
    return IngestSummary(len(fresh), len(unique) - len(fresh), submission)


def _ready(job: Job, jobs: Jobs, now: str) -> Job:
    """The job, which photographs of the ledger name, OPEN where a crash left it unopened."""
    if job.status not in (JobStatus.PREPARED, JobStatus.ABANDONED):
        return job
    jobs.open(job, now)
    return replace(job, status=JobStatus.OPEN)


def _registered(images: Sequence[Image], *, ledger: Ledger, jobs: Jobs, engine: Engine, now: str) -> str:
    """The id of the job that now asks about these photographs."""
    job = job_of((image.image_id, 0) for image in images)
    engine.prepare(job, [images])
    jobs.create(job, now)
    ledger.register(images, job.job_id, now)
    return job.job_id
