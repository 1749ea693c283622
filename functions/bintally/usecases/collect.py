"""Answers back: into the bins, the ledger and the world, once each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bintally.domain.bins import BinCount, BinStatus, is_newer, newest_of_each_bin
from bintally.domain.errors import UnknownJobError
from bintally.domain.image import Image, LedgerEntry, Status, may_follow
from bintally.domain.jobs import Job, JobResult, JobStatus
from bintally.domain.manifest import UNREACHABLE, Prediction, PredictionError, Result
from bintally.domain.orders import iso
from bintally.domain.policy import Policy, instance_type, lacks_capacity, retry_at
from bintally.domain.transitions import Completion, Requeue
from bintally.usecases.ports import Bins, Engines, Events, Jobs, Ledger
from bintally.usecases.submit import defer

Entries = Mapping[str, LedgerEntry]


@dataclass(frozen=True)
class CollectSummary:
    """How many photographs of a job came into each status by this run; 0 of any when it had been collected before.

    RECEIVED are those that had no answer and will be tried again. `failed` is a job of which any part had none.
    """

    job_id: str
    status_counts: Mapping[Status, int]
    failed: bool = False


@dataclass(frozen=True)
class Collaborators:
    """What collecting needs of the world."""

    jobs: Jobs
    engines: Engines
    ledger: Ledger
    bins: Bins
    events: Events


def collect(result: JobResult, world: Collaborators, *, policy: Policy, now: datetime) -> CollectSummary:
    """Write a job's answers. Raises UnknownJobError for a job that nobody opened.

    An answer settles its photograph whichever job holds that now: deliveries that overlap can put one photograph into
    two manifests, and an answer may come after a failure. Only a photograph that this job holds is tried again, or
    FAILED after `max_attempts`, for want of an answer. May be run again at any point: bins and ledger refuse what they
    hold already. Bins are written before the ledger, so that a photograph whose entry says COUNTED is never missing
    from its bin.

    Photographs that no manifest names any more are found by the job that the ledger says holds them. While the job is
    younger than `sweep_after`, they may be on their way into ledger or index: then it stays as it is, for the sweep.
    """
    job = world.jobs.read([result.job_id]).get(result.job_id)
    if job is None:
        raise UnknownJobError(f"No job {result.job_id} was opened here.")
    if result.failure_reason and result.transform_attempt not in (None, job.transform_attempt):
        return CollectSummary(job.job_id, {})  # of an earlier try, for which another has been made since
    if lacks_capacity(result.failure_reason) and instance_type(policy.instance_types, job.transform_attempt + 1):
        defer(job, result.failure_reason, jobs=world.jobs, policy=policy, now=now)
        return CollectSummary(job.job_id, {})
    settled: Counter[Status] = Counter()
    seen: set[str] = set()
    codes: Counter[str] = Counter()
    missing = PredictionError(
        "internal", result.failure_reason or "The model's output has no line for this photograph."
    )
    for entries, answers in _asked(job, result.output_location, world):
        found = {image_id: answers.get(image_id, missing) for image_id in entries}
        settled += _settle(job, list(entries.values()), found, world, policy, now)
        seen |= entries.keys()
        codes.update(
            each.code for each in found.values() if isinstance(each, PredictionError) and each.code in UNREACHABLE
        )
    status = JobStatus.FAILED if result.failure_reason or not result.output_location else JobStatus.DONE
    if len(seen) >= job.images or job.created_at < iso(now - policy.sweep_after):
        world.jobs.close(job.job_id, status, result.failure_reason or _unanswered_words(codes), iso(now))
    return CollectSummary(job.job_id, dict(sorted(settled.items())), failed=status is JobStatus.FAILED)


def _asked(job: Job, output: str | None, world: Collaborators) -> Iterator[tuple[Entries, Mapping[str, Result]]]:
    """The ledger's entries of each manifest with their answers, and then those of photographs that none names."""
    seen: set[str] = set()
    spare: dict[str, Result] = {}
    for image_ids, answers in world.engines[job.engine].results(job, output):
        entries = world.ledger.read(set(image_ids))
        seen |= entries.keys()
        spare |= {image_id: answer for image_id, answer in answers.items() if image_id not in entries}
        yield entries, answers
    if len(seen) < job.images:
        held = world.ledger.read(set(world.ledger.of_job(job.job_id)) - seen)
        yield {image_id: entry for image_id, entry in held.items() if entry.is_held_by(job.job_id)}, spare


def _settle(
    job: Job,
    entries: Sequence[LedgerEntry],
    answers: Mapping[str, Result],
    world: Collaborators,
    policy: Policy,
    now: datetime,
) -> Counter[Status]:
    """Write the answers of one manifest."""
    unanswered = {image_id for image_id, answer in answers.items() if _is_unanswered(answer)}
    waiting = [e for e in entries if e.image.image_id in unanswered and e.is_held_by(job.job_id)]
    again = [entry for entry in waiting if entry.counted_attempts < policy.max_attempts]
    answered = [e for e in entries if e.image.image_id not in unanswered and may_follow(e.status, Status.COUNTED)]
    last = answered + [entry for entry in waiting if entry.counted_attempts >= policy.max_attempts]
    counts = {entry.image.image_id: _count(entry.image, answers[entry.image.image_id]) for entry in last}
    held = world.bins.record(list(newest_of_each_bin(counts.values()).values()), iso(now))
    outcomes = [_outcome(entry, answers[entry.image.image_id], held) for entry in last]
    world.events.publish(
        _event(counts[each.image_id], each.status) for each in outcomes if each.status is not Status.SUPERSEDED
    )
    moved = world.ledger.complete(outcomes, job.job_id, iso(now))
    returns = [
        _return(e.image.image_id, answers[e.image.image_id], iso(retry_at(policy, e.counted_attempts, now)))
        for e in again
    ]
    returned = world.ledger.release(returns, job.job_id)
    return Counter([each.status for each in outcomes if each.image_id in moved] + [Status.RECEIVED] * len(returned))


def _is_unanswered(answer: Result) -> bool:
    return isinstance(answer, PredictionError) and answer.code in UNREACHABLE


def _return(image_id: str, answer: Result, due_at: str) -> Requeue:
    code, reason = (answer.code, answer.message) if isinstance(answer, PredictionError) else ("", "")
    return Requeue(image_id, reason, due_at, code)


def _unanswered_words(codes: Counter[str]) -> str:
    """Why a job that was answered has photographs without an answer; "" where it has none."""
    if not codes:
        return ""
    parts = ", ".join(f"{number} {code.replace('_', ' ')}" for code, number in codes.most_common())
    return f"Without an answer: {parts}."


def _count(image: Image, answer: Result) -> BinCount:
    if isinstance(answer, PredictionError):
        answered = not _is_unanswered(answer)
        return BinCount(
            image, BinStatus.UNREADABLE, model=answer.model, reason=answer.message, answered=answered, code=answer.code
        )
    return BinCount(
        image,
        BinStatus.COUNTED,
        answer.count,
        answer.confidence,
        dict(answer.probabilities),
        answer.model,
        empty=answer.empty,
        over_range=answer.over_range,
        interval=answer.interval,
        at_least=answer.at_least,
    )


def _outcome(entry: LedgerEntry, answer: Result, held: Mapping[str, BinCount]) -> Completion:
    image = entry.image
    latest = held[image.bin_id].image
    prediction = answer if isinstance(answer, Prediction) else None
    if latest.key == image.key and is_newer(latest, image):
        return Completion(
            image.image_id, Status.SUPERSEDED, "A newer version of the photograph came first.", prediction
        )
    if isinstance(answer, PredictionError):
        status = Status.FAILED if _is_unanswered(answer) else Status.REJECTED
        return Completion(image.image_id, status, answer.message, answer)
    return Completion(image.image_id, Status.COUNTED, "", answer)


def _event(count: BinCount, status: Status) -> tuple[str, Mapping[str, object]]:
    image = count.image
    detail: dict[str, object] = {"event_id": f"{image.image_id}-{status}", "image_id": image.image_id}
    detail |= {"bin_id": image.bin_id, "bucket": image.bucket, "key": image.key, "version_id": image.version_id}
    detail |= {"captured_at": image.captured_at, "status": str(status), "model": count.model}
    if count.status is BinStatus.COUNTED:
        interval = count.interval.facts() if count.interval else None
        told: dict[str, object] = {"count": count.count, "at_least": count.at_least, "confidence": count.confidence}
        told |= {"empty": count.empty, "over_range": count.over_range, "interval": interval}
        return "BinCounted", detail | {name: value for name, value in told.items() if value is not None}
    return "ImageRejected", detail | {"reason": count.reason, "code": count.code}
