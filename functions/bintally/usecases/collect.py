"""Answers back: into the bins, the ledger and the world, once each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bintally.domain.bins import BinCount, BinStatus, is_newer, newest_of_each_bin
from bintally.domain.errors import UnknownJobError
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.jobs import JobStatus
from bintally.domain.manifest import UNREACHABLE, Answer, Prediction, Refusal
from bintally.domain.orders import iso
from bintally.usecases.ports import Bins, Engine, Events, Jobs, Ledger


@dataclass(frozen=True)
class JobResult:
    """What the engine says of a job: where its output lies, or why there is none."""

    job_id: str
    output: str | None
    failure: str = ""


@dataclass(frozen=True)
class Collected:
    """How many photographs of a job ended in each status by this run; 0 of any when it had been collected before."""

    job_id: str
    settled: Mapping[Status, int]


def collect(
    result: JobResult, *, jobs: Jobs, engine: Engine, ledger: Ledger, bins: Bins, events: Events, now: datetime
) -> Collected:
    """Write a job's answers. Raises UnknownJobError for a job that nobody opened.

    Only photographs whose ledger entry names this job are settled by it: deliveries that overlap can put one photograph
    into two manifests. May be run again at any point: bins and ledger refuse what they hold already. Bins are written
    before the ledger, so that a photograph whose entry says COUNTED is never missing from its bin.
    """
    job = jobs.read([result.job_id]).get(result.job_id)
    if job is None:
        raise UnknownJobError(f"No job {result.job_id} was opened here.")
    answers = engine.output(result.output) if result.output else {}
    missing = Refusal("internal", result.failure or "The model's output has no line for this photograph.")
    entries = ledger.read(engine.manifest(job))
    open_entries = [e for e in entries.values() if e.status is Status.SUBMITTED and e.job_id == job.job_id]
    counts = {
        entry.image.image_id: _count(entry.image, answers.get(entry.image.image_id, missing)) for entry in open_entries
    }
    held = bins.record(list(newest_of_each_bin(counts.values()).values()), iso(now))
    outcomes = [_outcome(entry, answers.get(entry.image.image_id, missing), held) for entry in open_entries]
    events.publish(
        _event(counts[image_id], status) for image_id, status, _, _ in outcomes if status is not Status.SUPERSEDED
    )
    moved = ledger.settle(outcomes, iso(now))
    jobs.close(job.job_id, JobStatus.DONE if result.output else JobStatus.FAILED, result.failure, iso(now))
    settled = [status for image_id, status, _, _ in outcomes if image_id in moved]
    return Collected(job.job_id, {status: settled.count(status) for status in sorted(set(settled))})


def _count(image: Image, answer: Answer) -> BinCount:
    if isinstance(answer, Refusal):
        return BinCount(image, BinStatus.UNREADABLE, model=answer.model, reason=answer.reason)
    return BinCount(
        image,
        BinStatus.COUNTED,
        answer.count,
        answer.confidence,
        dict(answer.probabilities),
        answer.model,
        empty=answer.empty,
        fuller=answer.fuller,
        interval=answer.interval,
    )


Outcome = tuple[str, Status, str, Answer | None]


def _outcome(entry: LedgerEntry, answer: Answer, held: Mapping[str, BinCount]) -> Outcome:
    image = entry.image
    latest = held[image.bin_id].image
    prediction = answer if isinstance(answer, Prediction) else None
    if latest.key == image.key and is_newer(latest, image):
        return image.image_id, Status.SUPERSEDED, "A newer version of the photograph came first.", prediction
    if isinstance(answer, Refusal):
        status = Status.FAILED if answer.code in UNREACHABLE else Status.REJECTED
        return image.image_id, status, answer.reason, answer
    return image.image_id, Status.COUNTED, "", answer


def _event(count: BinCount, status: Status) -> tuple[str, Mapping[str, object]]:
    image = count.image
    detail: dict[str, object] = {"event_id": f"{image.image_id}-{status}", "image_id": image.image_id}
    detail |= {"bin_id": image.bin_id, "bucket": image.bucket, "key": image.key, "version_id": image.version_id}
    detail |= {"captured_at": image.captured_at, "status": str(status), "model": count.model}
    if count.status is BinStatus.COUNTED:
        interval = count.interval.facts() if count.interval else None
        told = {"empty": count.empty, "fuller": count.fuller, "interval": interval}
        detail |= {"count": count.count, "confidence": count.confidence}
        return "BinCounted", detail | {name: value for name, value in told.items() if value is not None}
    return "ImageRejected", detail | {"reason": count.reason}
