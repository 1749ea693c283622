"""Register new images in the ledger, and send them to the model in micro-batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bintally.domain.batches import batched
from bintally.domain.image import Image, Status
from bintally.domain.jobs import EngineName, Job, JobStatus, job_of
from bintally.domain.policy import Policy
from bintally.domain.times import iso
from bintally.usecases.ports import Dependencies
from bintally.usecases.submit import SubmitSummary, choose_engine, submit_jobs


@dataclass(frozen=True)
class IngestSummary:
    """How many images were new to the ledger and how many were not, and what happened to the jobs."""

    registered: int
    repeated: int
    submission: SubmitSummary


def ingest(dependencies: Dependencies, images: Iterable[Image], *, policy: Policy, now: datetime) -> IngestSummary:
    """Register images, and submit them to the endpoint or the model function, or leave them pending.

    They stay pending for the scheduled submit if they should go to a transform job, or if the engine already has as
    many unfinished jobs as it may.

    Safe to repeat at any point with the same images, because of the order of the writes: manifest, job as PREPARED,
    ledger, job as OPEN, request. So no image names a job that the jobs table lacks, and no job gets a result before its
    images are in the ledger.
    """
    ledger, jobs = dependencies.ledger, dependencies.jobs
    unique = {image.image_id: image for image in images}
    known = ledger.read(unique.keys())
    new = [image for image_id, image in unique.items() if image_id not in known]
    for image in new:
        if image.is_folder_marker:
            ledger.reject(image, "A folder, not a photo.", iso(now), "folder_marker")
    files = [image for image in new if not image.is_folder_marker]
    job_ids = {entry.job_id for entry in known.values() if entry.job_id and entry.status is Status.SUBMITTED}
    engine = _engine(dependencies, len(files), policy) if files else None
    if engine:
        batches = batched(files, policy.micro_batch)
        job_ids |= {_register(dependencies, batch, engine, iso(now)) for batch in batches}
    elif files:
        ledger.receive(files, iso(now))
    opened = [_opened(dependencies, job, iso(now)) for job in jobs.read(job_ids).values()]
    requests = [job for job in opened if job.engine is not EngineName.BATCH]  # the schedule sends transform jobs
    submission = submit_jobs(dependencies, requests, policy=policy, now=now)
    return IngestSummary(len(new), len(unique) - len(new), submission)


def _engine(dependencies: Dependencies, files: int, policy: Policy) -> EngineName | None:
    """The engine for this many new images; None if they stay pending for the scheduled submit."""
    engine, room = choose_engine(dependencies, files, policy)
    return engine if room and engine is not EngineName.BATCH else None


def _opened(dependencies: Dependencies, job: Job, now: str) -> Job:
    """The job, opened if a crash left it unopened. The ledger has images of it."""
    if job.status not in (JobStatus.PREPARED, JobStatus.ABANDONED):
        return job
    dependencies.jobs.open(job, now)
    return replace(job, status=JobStatus.OPEN)


def _register(dependencies: Dependencies, images: Sequence[Image], engine: EngineName, now: str) -> str:
    """Create a job for these images and register them with it; its id."""
    job = job_of(((image.image_id, 0) for image in images), engine)
    dependencies.engine(engine).prepare(job, [images])
    dependencies.jobs.create(job, now)
    dependencies.ledger.register(images, job.job_id, now)
    return job.job_id
