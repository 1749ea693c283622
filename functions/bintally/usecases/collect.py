"""Write the results of a job to the bins and the ledger, and publish them as events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from bintally.domain.bins import BinCount, BinStatus, is_newer, newest_of_each_bin
from bintally.domain.errors import UnknownJobError
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.jobs import Job, JobResult, JobStatus
from bintally.domain.manifest import NOT_EXAMINED, Prediction, PredictionError, Result
from bintally.domain.policy import Policy, instance_type, lacks_capacity, retry_at
from bintally.domain.times import iso
from bintally.domain.transitions import Completion, Requeue
from bintally.usecases.ports import Dependencies
from bintally.usecases.submit import defer

Entries = Mapping[str, LedgerEntry]
Results = Mapping[str, Result]


@dataclass(frozen=True)
class CollectSummary:
    """How many images moved to each status; none if the job was collected before.

    RECEIVED images got no result and will be retried. `failed`: at least a part of the job has no output.
    `confidence` is the mean confidence of the predictions, None if there are none. `volume_faults` says of each count
    whose volume was ignored, why.
    """

    job_id: str
    status_counts: Mapping[Status, int]
    failed: bool = False
    confidence: float | None = None
    volume_faults: Sequence[str] = ()


def collect(dependencies: Dependencies, result: JobResult, *, policy: Policy, now: datetime) -> CollectSummary:
    """Write the results of a job. Raises UnknownJobError for a job that is not in the jobs table.

    A result completes its image whichever job holds it now, because overlapping deliveries can put an image into two
    manifests, and a result can come after a failure. Without a result, only an image that this job holds is retried or,
    after `max_attempts`, FAILED. Safe to repeat at any point: bins and ledger ignore what they have already. Bins are
    written before the ledger, so an image that is COUNTED is never missing from its bin.

    Images that no manifest names any more are found through the ledger. They may still be on their way into it while
    the job is younger than `sweep_after`: then the job stays open for the sweep.
    """
    jobs = dependencies.jobs
    job = jobs.read([result.job_id]).get(result.job_id)
    if job is None:
        raise UnknownJobError(f"The job {result.job_id} is not in the jobs table.")
    failure = result.failure_reason
    if failure and result.transform_attempt not in (None, job.transform_attempt):
        return CollectSummary(job.job_id, {})  # of an earlier attempt: a later one was made since
    if lacks_capacity(failure) and instance_type(policy.instance_types, job.transform_attempt + 1):
        defer(dependencies, job, failure, policy=policy, now=now)
        return CollectSummary(job.job_id, {})
    status_counts: Counter[Status] = Counter()
    seen: set[str] = set()
    codes: Counter[str] = Counter()
    predictions: list[Prediction] = []
    missing = PredictionError("internal", failure or "The model's output has no line for this photo.")
    for entries, results in _results(dependencies, job, result.output_location):
        found = {image_id: results.get(image_id, missing) for image_id in entries}
        status_counts += _write(dependencies, job, list(entries.values()), found, policy, now)
        seen |= entries.keys()
        codes.update(each.code for each in found.values() if isinstance(each, PredictionError) and _is_missing(each))
        predictions += [each for each in found.values() if isinstance(each, Prediction)]
    status = JobStatus.FAILED if failure or not result.output_location else JobStatus.DONE
    if len(seen) >= job.images or job.created_at < iso(now - policy.sweep_after):
        jobs.close(job.job_id, status, failure or _describe_missing(codes), iso(now))
    return CollectSummary(
        job.job_id,
        dict(sorted(status_counts.items())),
        failed=status is JobStatus.FAILED,
        confidence=fmean(each.confidence for each in predictions) if predictions else None,
        volume_faults=[each.volume_fault for each in predictions if each.volume_fault],
    )


def _results(dependencies: Dependencies, job: Job, output_location: str | None) -> Iterator[tuple[Entries, Results]]:
    """The ledger entries and results of each manifest, and then those of images that no manifest names."""
    ledger = dependencies.ledger
    seen: set[str] = set()
    unmatched: dict[str, Result] = {}
    for image_ids, results in dependencies.engine(job.engine).results(job, output_location):
        entries = ledger.read(set(image_ids))
        seen |= entries.keys()
        unmatched |= {image_id: result for image_id, result in results.items() if image_id not in entries}
        yield entries, results
    if len(seen) < job.images:
        held = ledger.read(set(ledger.of_job(job.job_id)) - seen)
        yield {image_id: entry for image_id, entry in held.items() if entry.is_held_by(job.job_id)}, unmatched


def _write(
    dependencies: Dependencies,
    job: Job,
    entries: Sequence[LedgerEntry],
    results: Results,
    policy: Policy,
    now: datetime,
) -> Counter[Status]:
    """Write the results of one manifest."""
    missing = {image_id for image_id, result in results.items() if _is_missing(result)}
    waiting = [e for e in entries if e.image.image_id in missing and e.is_held_by(job.job_id)]
    retried = [entry for entry in waiting if entry.counted_attempts < policy.max_attempts]
    exhausted = [entry for entry in waiting if entry.counted_attempts >= policy.max_attempts]
    answered = [e for e in entries if e.image.image_id not in missing and e.takes_result_of(job.job_id)]
    final = answered + [entry for entry in exhausted if not entry.recounts]
    counts = {
        entry.image.image_id: count_of(entry.image, results[entry.image.image_id], entry.recounts) for entry in final
    }
    held = dependencies.bins.record(list(newest_of_each_bin(counts.values()).values()), iso(now))
    completions = [_completion(entry, results[entry.image.image_id], held) for entry in final]
    dependencies.events.publish(
        _event(counts[each.image_id], each.status) for each in completions if each.status is not Status.SUPERSEDED
    )
    completions += [_old_count(entry, results[entry.image.image_id]) for entry in exhausted if entry.recounts]
    completed = dependencies.ledger.complete(completions, job.job_id, iso(now))
    requeues = [_requeue(entry, results[entry.image.image_id], policy, now) for entry in retried]
    released = dependencies.ledger.release(requeues, job.job_id)
    return Counter([e.status for e in completions if e.image_id in completed] + [Status.RECEIVED] * len(released))


def _is_missing(result: Result) -> bool:
    """Whether the model never examined the image, so that a retry may help."""
    return isinstance(result, PredictionError) and result.code in NOT_EXAMINED


def _requeue(entry: LedgerEntry, result: Result, policy: Policy, now: datetime) -> Requeue:
    code, reason = (result.code, result.message) if isinstance(result, PredictionError) else ("", "")
    return Requeue(entry.image.image_id, reason, iso(retry_at(policy, entry.counted_attempts, now)), code)


def _describe_missing(codes: Counter[str]) -> str:
    """Why images have no result although the job has an output; "" if all have one."""
    if not codes:
        return ""
    parts = ", ".join(f"{number} {code.replace('_', ' ')}" for code, number in codes.most_common())
    return f"Without a result: {parts}."


def count_of(image: Image, result: Result, recounts: int = 0) -> BinCount:
    """What a bin shows after this result for its image, which was counted `recounts` times before."""
    if isinstance(result, PredictionError):
        return BinCount(
            image,
            BinStatus.UNREADABLE,
            model=result.model,
            reason=result.message,
            answered=not _is_missing(result),
            code=result.code,
            recounts=recounts,
        )
    return BinCount(
        image,
        BinStatus.COUNTED,
        result.count,
        result.confidence,
        dict(result.probabilities),
        result.model,
        empty=result.empty,
        over_range=result.over_range,
        interval=result.interval,
        at_least=result.at_least,
        recounts=recounts,
        volume=result.volume,
    )


def _completion(entry: LedgerEntry, result: Result, held: Mapping[str, BinCount]) -> Completion:
    image = entry.image
    latest = held[image.bin_id].image
    if not entry.recounts and latest.key == image.key and is_newer(latest, image):
        prediction = result if isinstance(result, Prediction) else None
        return Completion(
            image.image_id, Status.SUPERSEDED, "A newer version of the photo was counted first.", prediction
        )
    if isinstance(result, PredictionError):
        status = Status.FAILED if _is_missing(result) else Status.REJECTED
        return Completion(image.image_id, status, result.message, result)
    return Completion(image.image_id, Status.COUNTED, "", result)


def _old_count(entry: LedgerEntry, result: Result) -> Completion:
    """The image keeps the count that it has."""
    reason = result.message if isinstance(result, PredictionError) else ""
    return Completion(entry.image.image_id, Status.COUNTED, f"The recount had no result: {reason}", None)


def _event(count: BinCount, status: Status) -> tuple[str, Mapping[str, object]]:
    image = count.image
    event_id = f"{image.image_id}-{status}" + (f"-{count.recounts}" if count.recounts else "")
    detail: dict[str, object] = {"event_id": event_id, "image_id": image.image_id}
    detail |= {"bin_id": image.bin_id, "bucket": image.bucket, "key": image.key, "version_id": image.version_id}
    detail |= {"captured_at": image.captured_at, "status": str(status), "model": count.model}
    if count.status is not BinStatus.COUNTED:
        return "ImageRejected", detail | {"reason": count.reason, "code": count.code}
    interval = count.interval.facts() if count.interval else None
    known: dict[str, object] = {"count": count.count, "at_least": count.at_least, "confidence": count.confidence}
    known |= {"empty": count.empty, "over_range": count.over_range, "interval": interval}
    known |= {"volume": count.volume.estimate() if count.volume else None}
    return "BinCounted", detail | {name: value for name, value in known.items() if value is not None}
