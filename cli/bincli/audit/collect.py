"""Reads a stack for the audit: object versions, queues, ledger, jobs and bins."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bintally.domain.image import TERMINAL
from bintally.domain.times import iso

from bincli.audit.rules import DEAD_LETTER, Audit, GracePeriods, Name, ObjectVersion, Snapshot, audit
from bincli.dead_letters import objects_in
from bincli.deployment import Deployment
from bincli.queues import Queue, peek_all, queue_at

QUEUES = {"intake": "IntakeQueue", "results": "ResultsQueue", "orders": "OrdersQueue"}
JOB_TIMEOUT = 25_200  # seconds, if the submit function has no JOB_TIMEOUT
POLL_SECONDS = 5.0
NO_QUEUE = Queue("", 0, 0, 0, None)


@dataclass(frozen=True)
class QueueDepth:
    """A queue of the stack, with the number of messages in it and in its dead-letter queue."""

    name: str
    waiting: int
    in_flight: int
    dead_letters: int


@dataclass(frozen=True)
class Report:
    """What an audit found, and how full the queues are."""

    audit: Audit
    queues: list[QueueDepth]

    @property
    def is_settled(self) -> bool:
        """Whether nothing is in progress, and nothing is lost."""
        ends = {*map(str, TERMINAL), DEAD_LETTER}
        in_progress = any(number for place, number in self.audit.places.items() if place not in ends)
        return self.audit.is_clean and not in_progress


@dataclass(frozen=True)
class Clock:
    """The time, and a way to let some of it pass."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


def grace_periods(deployment: Deployment, notification: float, submission: float) -> GracePeriods:
    """Grace periods in seconds. A result may take the stack's JobTimeout, plus the time that a submission may take."""
    name = deployment.output("SubmitFunction")
    configuration = deployment.functions.get_function_configuration(FunctionName=name)
    timeout = float(configuration.get("Environment", {}).get("Variables", {}).get("JOB_TIMEOUT", JOB_TIMEOUT))
    result = timedelta(seconds=timeout + submission)
    return GracePeriods(timedelta(seconds=notification), timedelta(seconds=submission), result)


def run_audit(deployment: Deployment, grace: GracePeriods, *, wait: float = 0, clock: Clock | None = None) -> Report:
    """Audit the stack. Repeats until nothing is in progress; the last audit starts after at most `wait` seconds.

    Waits between two audits for at least as long as one takes, because an audit reads every table.
    """
    clock = clock or Clock()
    until = clock.now() + timedelta(seconds=wait)
    while True:
        started = clock.now()
        report = audit_once(deployment, grace, started)
        finished = clock.now()
        if report.is_settled or finished >= until:
            return report
        pause = max(POLL_SECONDS, (finished - started).total_seconds())
        clock.sleep(min(pause, (until - finished).total_seconds()))


def audit_once(deployment: Deployment, grace: GracePeriods, now: datetime) -> Report:
    """One audit.

    Reads everything in the order in which images pass through it. One that moves meanwhile is seen twice, never missed.
    """
    sqs, ledger, jobs, bins = deployment.sqs, deployment.ledger, deployment.jobs, deployment.bins
    versions = list(versions_in(deployment))
    queues = {name: queue_at(sqs, deployment.output(output)) for name, output in QUEUES.items()}
    urls = {name: queue.dead_letters for name, queue in queues.items() if queue.dead_letters}
    dead_letter_queues = {name: queue_at(sqs, url) for name, url in urls.items()}
    dead, received = dead_images(deployment, queues["intake"].dead_letters)
    not_received = max(0, dead_letter_queues.get("intake", NO_QUEUE).messages - received)
    snapshot = Snapshot(
        versions=versions,
        queued=queues["intake"].messages + not_received,
        dead=dead,
        entries=list(ledger.all()),
        jobs={job.job_id: job for job in jobs.all()},
        bins={count.bin_id: count for count in bins.all()},
    )
    snapshot = refreshed(snapshot, audit(snapshot, grace, now), deployment)
    depths = [depth(name, queue, dead_letter_queues.get(name, NO_QUEUE)) for name, queue in queues.items()]
    depths.append(depth("reconcile", NO_QUEUE, queue_at(sqs, deployment.output("ReconcileDeadLetters"))))
    return Report(audit(snapshot, grace, now), depths)


def depth(name: str, queue: Queue, dead_letters: Queue) -> QueueDepth:
    return QueueDepth(name, queue.visible + queue.delayed, queue.in_flight, dead_letters.messages)


def refreshed(snapshot: Snapshot, first: Audit, deployment: Deployment) -> Snapshot:
    """The snapshot with every doubtful image read again.

    The ledger has results before their job is closed. The canary of `bintally smoke` may also have been removed
    meanwhile, from both the bucket and the ledger.
    """
    if first.is_clean:
        return snapshot
    asked = {finding.image_id for finding in first.findings if finding.image_id}
    doubtful = deployment.ledger.read(asked)
    unknown = {entry.job_id for entry in doubtful.values() if entry.job_id} - snapshot.jobs.keys()
    present = {version.name for version in versions_in(deployment)}
    entries = {entry.image.image_id: entry for entry in snapshot.entries} | doubtful
    return replace(
        snapshot,
        versions=[version for version in snapshot.versions if version.name in present],
        entries=[entry for image_id, entry in entries.items() if image_id not in asked or image_id in doubtful],
        jobs={**snapshot.jobs, **deployment.jobs.read(unknown)},
        bins={count.bin_id: count for count in deployment.bins.all()},
    )


def versions_in(deployment: Deployment) -> Iterator[ObjectVersion]:
    """Every version of every object in the intake bucket, except delete markers."""
    for page in deployment.s3.get_paginator("list_object_versions").paginate(Bucket=deployment.intake_bucket):
        for version in page.get("Versions", []):
            version_id = None if version["VersionId"] == "null" else version["VersionId"]
            yield ObjectVersion(version["Key"], version_id, iso(version["LastModified"]))


def dead_images(deployment: Deployment, url: str | None) -> tuple[set[Name], int]:
    """The images named by the intake queue's dead letters, and the number of dead letters that were received."""
    if url is None:
        return set(), 0
    with peek_all(deployment.sqs, url) as messages:
        named = {
            name
            for message in messages
            for bucket, name in objects_in(message.body)
            if bucket == deployment.intake_bucket
        }
    return named, len(messages)
