"""Photographs in: each into the ledger once, and to the model in micro-batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bintally.domain.image import Image, LedgerEntry
from bintally.domain.jobs import in_parts, job_of
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

    May be run again at any point with the same photographs. The order is what makes that safe: manifest, then job, then
    ledger, then request. A crash before the ledger leaves nothing that counts; a crash after it leaves an open job,
    which the next delivery or the scheduled submit sends.
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
        jobs.open(job, iso(now))
        ledger.register(part, job.job_id, iso(now))
        job_ids.add(job.job_id)
    submission = submit_jobs(jobs.read(job_ids).values(), jobs=jobs, engine=engine, now=now)
    return Intake(len(fresh), len(unique) - len(fresh), submission)


def _jobs_of(entries: Iterable[LedgerEntry]) -> set[str]:
    return {entry.job_id for entry in entries if entry.job_id}
