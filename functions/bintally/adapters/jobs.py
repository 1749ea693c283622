"""The jobs table: `job_id` → one request to the engine. Unanswered jobs are in its index `Open`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bintally.adapters.dynamo import Item, pages, put_new, read_each, update, write_each
from bintally.domain.jobs import ASYNC, Job, JobStatus


def _job_of(item: Item) -> Job:
    return Job(item["job_id"], item["manifest"], int(item["images"]), item["engine"], JobStatus(item["status"]))


class DynamoJobs:
    """The jobs in DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def open(self, job: Job, now: str) -> None:
        facts = {"job_id": job.job_id, "manifest": job.manifest, "images": job.images, "engine": job.engine}
        facts |= {"status": JobStatus.OPEN.value, "open_engine": job.engine, "opened_at": now, "attempts": 0}
        write_each(self._client, [put_new(self._table, facts, "job_id")])

    def read(self, job_ids: Collection[str]) -> dict[str, Job]:
        items = read_each(self._client, self._table, [{"job_id": job_id} for job_id in set(job_ids)])
        return {item["job_id"]: _job_of(item) for item in items}

    def waiting(self) -> list[Job]:
        unanswered = pages(
            self._client,
            "query",
            TableName=self._table,
            IndexName="Open",
            KeyConditionExpression="open_engine = :engine",
            ExpressionAttributeValues={":engine": {"S": ASYNC}},
        )
        return [job for job in map(_job_of, unanswered) if job.status is JobStatus.OPEN]

    def claim(self, job: Job, now: str, until: str) -> bool:
        condition = "#status = :open AND (attribute_not_exists(#claimed_until) OR #claimed_until < :now)"
        parameters = {"open": JobStatus.OPEN.value, "now": now}
        return self._write(job.job_id, {"claimed_until": until}, condition, parameters, increment="attempts")

    def sent(self, job: Job, receipt: Mapping[str, str], now: str) -> None:
        changes = {"status": JobStatus.SENT.value, "submitted_at": now, "claimed_until": None, **receipt}
        self._write(job.job_id, changes, "#status = :open", {"open": JobStatus.OPEN.value})

    def close(self, job_id: str, status: JobStatus, reason: str, now: str) -> None:
        changes = {"status": status.value, "reason": reason or None, "closed_at": now, "open_engine": None}
        unanswered = {"open": JobStatus.OPEN.value, "is_sent": JobStatus.SENT.value}
        self._write(job_id, changes, "#status IN (:open, :is_sent)", unanswered)

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
