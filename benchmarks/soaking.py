"""What a soak does to a stack, and what it counts."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import psutil
from bincli.audit.collect import Report, run_audit
from bincli.audit.rules import GracePeriods
from bincli.commands.retry import reopen
from bincli.deployment import Deployment
from binlocal.stack import Stack
from bintally.adapters.bins import DynamoBins
from bintally.adapters.jobs import DynamoJobs
from bintally.adapters.ledger import DynamoLedger
from bintally.domain.image import TERMINAL, Image, Status

# Kinds of processes below this one, by a part of their command line's first arguments.
VICTIMS = {"model": "serve.py", "sagemaker": "binlocal.sagemaker", "lambda": "worker"}
REPEATED_OF = 40  # photos; some of them are announced again
PATIENCE = GracePeriods(timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=180))


def processes(victim: str) -> Iterator[psutil.Process]:
    """The processes of a kind below this one."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any(VICTIMS[victim] in part for part in process.cmdline()[1:3]):
                yield process


def kill(victim: str, chooser: random.Random) -> int:
    """SIGKILL to one process of a kind, chosen at random; 0 where there is none."""
    found = list(processes(victim))
    with suppress(psutil.Error):
        if found:
            chooser.choice(found).kill()
            return 1
    return 0


def notification(image: Image) -> dict[str, object]:
    """The message that S3 sent of this photo, once more."""
    stored = {"key": image.key, "versionId": image.version_id, "sequencer": image.sequencer}
    what = {"bucket": {"name": image.bucket}, "object": stored}
    return {"Records": [{"eventName": "ObjectCreated:Put", "eventTime": image.captured_at, "s3": what}]}


@dataclass
class Soak:
    """One soak: uploads up to `most` photos, about `in_flight` at a time, each into its own bin.

    `put` is how many so far, `repeated` how many messages were sent again.
    """

    stack: Stack
    images: Sequence[bytes]
    random: random.Random
    rate: float
    most: int
    in_flight: int
    put: int = 0
    repeated: int = 0
    most_memory: int = 0

    @property
    def deployment(self) -> Deployment:
        return Deployment(self.stack.name, self.stack.outputs, self.stack.client)

    @cached_property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(self.stack.client("dynamodb"), self.stack.outputs["ImagesTable"])

    def feed(self) -> bool:
        """Upload photos unless many are in flight, and announce some of the first again.

        Whether there are more to upload.
        """
        settled = sum(number for status, number in self.ledger.statuses().items() if Status(status) in TERMINAL)
        if self.put - settled < self.in_flight:
            self._put_some(min(self.in_flight // 4, self.most - self.put))
            self._repeat_some()
        return self.put < self.most

    def _put_some(self, number: int) -> None:
        s3, bucket = self.stack.client("s3"), self.stack.outputs["IntakeBucket"]
        for _ in range(number):
            body = self.images[self.put % len(self.images)]
            s3.put_object(Bucket=bucket, Key=f"soak/{self.put:07}/photo.jpg", Body=body)
            self.put += 1

    def _repeat_some(self) -> None:
        sqs, queue = self.stack.client("sqs"), self.stack.outputs["IntakeQueue"]
        for entry, _ in zip(self.ledger.all(), range(REPEATED_OF), strict=False):
            if self.random.random() < self.rate:
                sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(notification(entry.image)))
                self.repeated += 1

    def watch_memory(self) -> None:
        for process in processes("model"):
            with suppress(psutil.Error):
                self.most_memory = max(self.most_memory, process.memory_info().rss)

    def heal(self, seconds: float) -> tuple[Report, int]:
        """The audit once everything is finished, and how many photos had FAILED before they were retried."""
        report = run_audit(self.deployment, PATIENCE, wait=seconds)
        failed = self.ledger.statuses().get(Status.FAILED, 0)
        if failed:
            reopen(self.deployment, [], every=True, now=datetime.now(UTC))
            report = run_audit(self.deployment, PATIENCE, wait=seconds)
        return report, failed

    def counted_twice(self) -> int:
        """How many bins were written more than once, except for photos that had FAILED before they were counted."""
        failed = {entry.image.image_id for entry in self.ledger.all() if entry.attempts_reset}
        bins = DynamoBins(self.stack.client("dynamodb"), self.stack.outputs["BinsTable"])
        return sum(count.revision > 1 + (count.image.image_id in failed) for count in bins.all())

    def figures(self, report: Report) -> dict[str, object]:
        jobs = DynamoJobs(self.stack.client("dynamodb"), self.stack.outputs["JobsTable"]).all()
        attempts = [entry.attempts for entry in self.ledger.all()]
        findings = report.audit.findings
        return {
            "images": self.put,
            "deliveries": self.put + self.repeated,
            "places": {str(place): number for place, number in report.audit.places.items()},
            "unaccounted": len(findings),
            "why": [f"{finding.key}: {finding.reason}" for finding in findings[:10]],
            "counted_twice": self.counted_twice(),
            "jobs": dict(sorted(Counter(f"{job.engine} {job.status}" for job in jobs).items())),
            "retries": sum(max(number - 1, 0) for number in attempts),
            "most_attempts": max(attempts, default=0),
            "dead_letters": sum(queue.dead_letters for queue in report.queues),
            "model_server_mib": round(self.most_memory / 2**20),
        }
