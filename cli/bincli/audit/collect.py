"""What `bintally audit` finds of a stack: versions, queues, ledger, jobs and bins, and the verdict on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bintally.adapters.bins import DynamoBins
from bintally.adapters.jobs import DynamoJobs
from bintally.adapters.ledger import DynamoLedger
from bintally.domain.image import TERMINAL
from bintally.domain.orders import iso

from bincli.audit.rules import DEAD_LETTER, Audit, Facts, Name, Patience, Version, audit
from bincli.dead_letters import objects_in
from bincli.deployment import Deployment
from bincli.queues import Queue, borrowed, look_at

QUEUES = {"intake": "IntakeQueue", "results": "ResultsQueue", "orders": "OrdersQueue"}
JOB_TIMEOUT = 25_200  # seconds, where the functions are told nothing else
LOOK_AGAIN_SECONDS = 5.0
NOTHING = Queue("", 0, 0, 0, None)


@dataclass(frozen=True)
class Depth:
    """A queue of the stack, how many messages wait in it, and how many dead letters it has."""

    name: str
    waiting: int
    in_flight: int
    dead_letters: int


@dataclass(frozen=True)
class Report:
    """What an audit found, and how full the queues are."""

    audit: Audit
    queues: list[Depth]

    @property
    def is_settled(self) -> bool:
        """Whether every photograph has come to its end, and none is lost."""
        ends = {*map(str, TERMINAL), DEAD_LETTER}
        return self.audit.is_clean and not any(
            number for place, number in self.audit.places.items() if place not in ends
        )


@dataclass(frozen=True)
class Clock:
    """The time, and how to let some of it pass (seconds)."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


def patience_of(deployment: Deployment, announcement: float, due: float) -> Patience:
    """Seconds for the first two; an answer may take as long as the stack's JobTimeout, and then be due for as long."""
    submit = deployment.client("lambda").get_function_configuration(FunctionName=deployment.output("SubmitFunction"))
    timeout = float(submit.get("Environment", {}).get("Variables", {}).get("JOB_TIMEOUT", JOB_TIMEOUT))
    return Patience(timedelta(seconds=announcement), timedelta(seconds=due), timedelta(seconds=timeout + due))


def run_audit(deployment: Deployment, patience: Patience, *, wait: float = 0, clock: Clock | None = None) -> Report:
    """Audit the stack, again and again for at most `wait` seconds until all its photographs have come to their end."""
    clock = clock or Clock()
    until = clock.now() + timedelta(seconds=wait)
    while True:
        report = audited(deployment, patience, clock.now())
        if report.is_settled or clock.now() >= until:
            return report
        clock.sleep(LOOK_AGAIN_SECONDS)


def audited(deployment: Deployment, patience: Patience, now: datetime) -> Report:
    """One audit.

    Things are read in the order in which a photograph goes through them, so that one that moves meanwhile is seen
    twice and never missed.
    """
    s3, sqs, dynamo = (deployment.client(service) for service in ("s3", "sqs", "dynamodb"))
    ledger = DynamoLedger(dynamo, deployment.output("ImagesTable"))
    jobs = DynamoJobs(dynamo, deployment.output("JobsTable"))
    bins = DynamoBins(dynamo, deployment.output("BinsTable"))
    bucket = deployment.output("IntakeBucket")
    versions = list(versions_in(s3, bucket))
    queues = {name: look_at(sqs, deployment.output(output)) for name, output in QUEUES.items()}
    graves = {name: look_at(sqs, queue.dead_letters) for name, queue in queues.items() if queue.dead_letters}
    dead, letters = dead_photographs(sqs, queues["intake"].dead_letters, bucket)
    unread = max(0, graves.get("intake", NOTHING).messages - letters)
    facts = Facts(
        versions=versions,
        queued=queues["intake"].messages + unread,
        dead=dead,
        entries=list(ledger.all()),
        jobs={job.job_id: job for job in jobs.all()},
        bins={count.bin_id: count for count in bins.all()},
    )
    facts = read_again(facts, audit(facts, patience, now), ledger, jobs, bins)
    depths = [depth(name, queue, graves.get(name, NOTHING)) for name, queue in queues.items()]
    depths.append(depth("reconcile", NOTHING, look_at(sqs, deployment.output("ReconcileDeadLetters"))))
    return Report(audit(facts, patience, now), depths)


def depth(name: str, queue: Queue, grave: Queue) -> Depth:
    """How full a queue is, and the one that its dead letters go to."""
    return Depth(name, queue.visible + queue.delayed, queue.in_flight, grave.messages)


def read_again(facts: Facts, first: Audit, ledger: DynamoLedger, jobs: DynamoJobs, bins: DynamoBins) -> Facts:
    """The facts, with what seemed wrong as it is now: answers are in the ledger before their job is closed."""
    doubtful = ledger.read({finding.image_id for finding in first.findings if finding.image_id})
    if not doubtful:
        return facts
    unknown = {entry.job_id for entry in doubtful.values() if entry.job_id} - facts.jobs.keys()
    return replace(
        facts,
        entries=[doubtful.get(entry.image.image_id, entry) for entry in facts.entries],
        jobs={**facts.jobs, **jobs.read(unknown)},
        bins={count.bin_id: count for count in bins.all()},
    )


def versions_in(s3: Any, bucket: str) -> Iterator[Version]:
    """Every version of every object, old ones included. A marker of a deletion is none."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", []):
            version_id = None if version["VersionId"] == "null" else version["VersionId"]
            yield Version(version["Key"], version_id, iso(version["LastModified"]))


def dead_photographs(sqs: Any, url: str | None, bucket: str) -> tuple[set[Name], int]:
    """The photographs that the dead letters of the intake queue are about, and how many letters there were."""
    if url is None:
        return set(), 0
    with borrowed(sqs, url) as letters:
        named = {name for letter in letters for place, name in objects_in(letter.body) if place == bucket}
    return named, len(letters)
