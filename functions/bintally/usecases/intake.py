"""Photographs in: each into the ledger once, and to the model in micro-batches."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime

from bintally.domain.image import Image, LedgerEntry
from bintally.domain.jobs import Job, in_parts, job_named, job_of
from bintally.domain.orders import iso
from bintally.usecases.ports import Engine, Jobs, Ledger
from bintally.usecases.submit import Submission, submit_jobs


@dataclass(frozen=True)
class Intake:
    """What came of a delivery: photographs new to the ledger, repeated ones, and what became of the jobs."""

    registered: int
    repeated: int
    submission: Submission


def take_in(
    images: Iterable[Image], *, ledger: Ledger, jobs: Jobs, engine: Engine, now: datetime, micro_batch: int
) -> Intake:
    """Register photographs and submit them, at most `micro_batch` to a job.

    May be run again at any point with the same photographs. The order is what makes that safe: manifest, then ledger,
    then job, then request. A crash before the ledger leaves nothing that counts. After it the entries name the job, and
    the next delivery opens it from its manifest. Once it is open, the scheduled submit sends it too. So no job is ever
    answered before its photographs are in the ledger.
    """
    unique = {image.image_id: image for image in images}
    known = ledger.read(unique.keys())
    fresh = [image for image_id, image in unique.items() if image_id not in known]
    for image in fresh:
        if image.is_folder_marker:
            ledger.refuse(image, "folder_marker: A folder, not a photograph.", iso(now))
    photographs = [image for image in fresh if not image.is_folder_marker]
    job_ids = _jobs_of(known.values())
    for part in in_parts(photographs, micro_batch):
        job = job_of(image.image_id for image in part)
        engine.prepare(job, part)
        ledger.register(part, job.job_id, iso(now))
        jobs.open(job, iso(now))
        job_ids.add(job.job_id)
    opened = _opened(job_ids, jobs=jobs, engine=engine, now=now)
    submission = submit_jobs(opened, jobs=jobs, engine=engine, now=now)
    return Intake(len(fresh), len(unique) - len(fresh), submission)


def _jobs_of(entries: Iterable[LedgerEntry]) -> set[str]:
    return {entry.job_id for entry in entries if entry.job_id}


def _opened(job_ids: Set[str], *, jobs: Jobs, engine: Engine, now: datetime) -> list[Job]:
    """The jobs with these ids. One that a crash left unopened is opened from its manifest."""
    held = jobs.read(job_ids)
    for job_id in job_ids - held.keys():
        job = job_named(job_id, 0)
        jobs.open(replace(job, images=len(engine.manifest(job))), iso(now))
    return list(jobs.read(job_ids).values() if len(held) < len(job_ids) else held.values())
