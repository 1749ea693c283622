"""The jobs table: `job_id` → one request to an engine. Unfinished jobs are in its index `Unfinished`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

from bintally.adapters.dynamo import Item, pages, read_each, update, write_each
from bintally.domain.jobs import EngineName, InFlight, Job, JobStatus

# From which statuses a job may be closed as each of these.
CLOSED_FROM = {
    JobStatus.DONE: (JobStatus.PREPARED, JobStatus.OPEN, JobStatus.SENT, JobStatus.FAILED),
    JobStatus.FAILED: (JobStatus.PREPARED, JobStatus.OPEN, JobStatus.SENT),
}
TEXTS = (
    "due_at",
    "created_at",
    "submitted_at",
    "closed_at",
    "touched_at",
    "output_location",
    "failure_location",
    "reason",
)
NUMBERS = ("images", "shards", "prepare_count", "send_count", "transform_attempt")


def job_from_item(item: Item) -> Job:
    """The job that an item describes."""
    numbers: Item = {name: int(item.get(name, 0)) for name in NUMBERS}
    texts: Item = {name: item[name] for name in TEXTS if name in item}
    return Job(item["job_id"], engine=EngineName(item["engine"]), status=JobStatus(item["status"]), **numbers, **texts)


def _unfinished_as(status: JobStatus, job: Job, now: str) -> dict[str, object]:
    """The changes that put a job into this status and into the index."""
    changed = {"status": status.value, "unfinished_engine": job.engine.value, "touched_at": now}
    return {**changed, "closed_at": None, "reason": None}


class DynamoJobs:
    """The jobs in DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def create(self, job: Job, now: str) -> None:
        facts: dict[str, object] = {"folder": job.folder, "images": job.images, "shards": job.shards}
        facts |= {"engine": job.engine.value, "send_count": 0, "transform_attempt": 0, "created_at": now}
        condition = "attribute_not_exists(#job_id) OR #status IN (:prepared, :abandoned)"
        parameters = {"prepared": JobStatus.PREPARED.value, "abandoned": JobStatus.ABANDONED.value}
        changes = facts | _unfinished_as(JobStatus.PREPARED, job, now)
        self._write(job.job_id, changes, condition, parameters, increment="prepare_count")

    def open(self, job: Job, now: str) -> None:
        changes = _unfinished_as(JobStatus.OPEN, job, now)
        self._move(job.job_id, changes, (JobStatus.PREPARED, JobStatus.ABANDONED))

    def read(self, job_ids: Collection[str]) -> dict[str, Job]:
        items = read_each(self._client, self._table, [{"job_id": job_id} for job_id in set(job_ids)])
        return {item["job_id"]: job_from_item(item) for item in items}

    def all(self) -> Iterator[Job]:
        """Every job, by a scan."""
        return (job_from_item(item) for item in pages(self._client, "scan", TableName=self._table))

    def unfinished(self, status: JobStatus, until: str, limit: int) -> list[Job]:
        found = [item for engine in EngineName for item in islice(self._query(engine, status, until), limit)]
        return [job_from_item(item) for item in sorted(found, key=lambda item: str(item["touched_at"]))[:limit]]

    def in_flight(self, engine: EngineName) -> InFlight:
        jobs = sent = images = 0
        for item in pages(
            self._client,
            "query",
            TableName=self._table,
            IndexName="Unfinished",
            KeyConditionExpression="unfinished_engine = :engine",
            ProjectionExpression="#status, images",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":engine": {"S": engine.value}},
        ):
            jobs, images = jobs + 1, images + int(item["images"])
            sent += item["status"] == JobStatus.SENT
        return InFlight(jobs, sent, images)

    def touch(self, job_id: str, now: str) -> None:
        self._write(job_id, {"touched_at": now}, "attribute_exists(#touched_at)", {})

    def claim(self, job: Job, now: str, until: str) -> bool:
        condition = "#status = :open AND (attribute_not_exists(#claimed_until) OR #claimed_until < :now)"
        parameters = {"open": JobStatus.OPEN.value, "now": now}
        return self._write(job.job_id, {"claimed_until": until}, condition, parameters, increment="send_count")

    def mark_sent(self, job: Job, receipt: Mapping[str, str], now: str) -> None:
        changes = {"status": JobStatus.SENT.value, "submitted_at": now, "touched_at": now, "claimed_until": None}
        parameters = {"open": JobStatus.OPEN.value, "transform_attempt": job.transform_attempt}
        self._write(
            job.job_id,
            {**changes, **receipt},
            "#status = :open AND #transform_attempt = :transform_attempt",
            parameters,
        )

    def defer(self, job: Job, now: str) -> None:
        changes = {
            "status": JobStatus.OPEN.value,
            "transform_attempt": job.transform_attempt,
            "due_at": job.due_at,
            "reason": job.reason,
        }
        condition = "#status IN (:open, :is_sent) AND #transform_attempt = :before"
        parameters = {
            "open": JobStatus.OPEN.value,
            "is_sent": JobStatus.SENT.value,
            "before": job.transform_attempt - 1,
        }
        later = {"claimed_until": None, "touched_at": job.due_at or now}  # so that the index finds it when it is due
        self._write(job.job_id, {**changes, **later}, condition, parameters)

    def close(self, job_id: str, status: JobStatus, reason: str, now: str) -> None:
        changes = {"status": status.value, "reason": reason or None, "closed_at": now}
        self._move(job_id, {**changes, "unfinished_engine": None, "touched_at": None}, CLOSED_FROM[status])

    def abandon(self, job: Job, now: str) -> None:
        changes = {"status": JobStatus.ABANDONED.value, "reason": "No image waits for it.", "closed_at": now}
        # Compare a count, not a time: two runs that start in the same millisecond write the same time.
        condition = "#status = :prepared AND #prepare_count = :seen"
        parameters = {"prepared": JobStatus.PREPARED.value, "seen": job.prepare_count}
        self._write(job.job_id, {**changes, "unfinished_engine": None, "touched_at": None}, condition, parameters)

    def _query(self, engine: EngineName, status: JobStatus, until: str) -> Iterator[Item]:
        return pages(
            self._client,
            "query",
            TableName=self._table,
            IndexName="Unfinished",
            KeyConditionExpression="unfinished_engine = :engine AND touched_at <= :until",
            FilterExpression="#status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":engine": {"S": engine.value}, ":until": {"S": until}, ":status": {"S": status.value},
            },
        )  # fmt: skip

    def _move(self, job_id: str, changes: Mapping[str, object], held: Collection[JobStatus]) -> None:
        """Write changes to a job that is in one of the statuses `held`."""
        parameters = {f"held{number}": status.value for number, status in enumerate(held)}
        condition = f"#status IN ({', '.join(f':{name}' for name in parameters)})"
        self._write(job_id, changes, condition, parameters)

    def _write(
        self,
        job_id: str,
        changes: Mapping[str, object],
        condition: str,
        parameters: Mapping[str, object],
        increment: str = "",
    ) -> bool:
        write = update(self._table, {"job_id": job_id}, changes, condition, parameters, increment)
        return write_each(self._client, [write]) == [None]
