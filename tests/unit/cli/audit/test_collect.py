from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bincli.audit.collect import Clock, QueueDepth, audit_once, grace_periods, run_audit
from bincli.audit.rules import Audit, GracePeriods
from bincli.deployment import Deployment
from bintally.domain.image import Image, Status
from bintally.domain.jobs import JobStatus

from tests.unit.cli.moto_stack import NOW, MotoStack, announcement

SOON = datetime.fromisoformat(NOW) + timedelta(minutes=1)
LATER = datetime.now(UTC) + timedelta(days=1)  # moto keeps the real time of an upload
GRACE = GracePeriods(timedelta(minutes=5), timedelta(hours=1), timedelta(days=10_000))


def places(stack: MotoStack) -> dict[str, int]:
    return dict(audit_once(stack.deployment, GRACE, LATER).audit.places)


def test_an_empty_stack_is_clean(stack: MotoStack) -> None:
    report = audit_once(stack.deployment, GRACE, LATER)

    assert report.audit == Audit(0, {}, [], 0)
    assert report.is_settled
    assert report.queues == [QueueDepth(name, 0, 0, 0) for name in ("intake", "results", "orders", "reconcile")]


def test_every_photo_is_found_wherever_it_is(stack: MotoStack) -> None:
    stack.finished("a/1.jpg", "b/1.jpg")
    stack.finished("c/1.jpg", status=Status.FAILED)
    stack.submitted("d/1.jpg")
    stack.send(stack.dead_letters("Intake"), [announcement(stack.upload("e/1.jpg"))])
    stack.send(stack.output("IntakeQueue"), [announcement(stack.upload("f/1.jpg"))])
    stack.ledger.receive([stack.upload("g/1.jpg")], LATER.isoformat())

    report = audit_once(stack.deployment, GRACE, LATER)

    expected = {"COUNTED": 2, "FAILED": 1, "SUBMITTED": 1, "RECEIVED": 1, "DEAD LETTER": 1, "QUEUED": 1}
    assert report.audit.places == expected
    assert report.audit.is_clean
    assert not report.is_settled
    assert report.queues[0] == QueueDepth("intake", 1, 0, 1)


def test_dead_letters_are_there_again_after_an_audit(stack: MotoStack) -> None:
    body = announcement(stack.upload("a/1.jpg"))
    stack.send(stack.dead_letters("Intake"), [body])

    audit_once(stack.deployment, GRACE, LATER)

    assert stack.bodies(stack.dead_letters("Intake")) == [body]


def test_a_photo_that_was_never_announced_is_found(stack: MotoStack) -> None:
    image = stack.upload("a/1.jpg")

    (finding,) = audit_once(stack.deployment, GRACE, LATER).audit.findings

    assert (finding.key, finding.version_id) == ("a/1.jpg", image.version_id)


def test_versions_and_deletions_of_a_key_are_distinguished(stack: MotoStack) -> None:
    for body in (b"1", b"2"):
        stack.upload("a/1.jpg", body)
    stack.client("s3").delete_object(Bucket=stack.output("IntakeBucket"), Key="a/1.jpg")

    assert audit_once(stack.deployment, GRACE, LATER).audit.images == 2


def test_a_photo_that_a_closed_job_holds_is_found(stack: MotoStack) -> None:
    job, _ = stack.submitted("a/1.jpg", status=JobStatus.DONE)

    (finding,) = audit_once(stack.deployment, GRACE, LATER).audit.findings

    assert finding.reason == f"Its job {job.job_id} is DONE, but the ledger has no result."


def test_a_count_that_its_bin_does_not_show_is_found(stack: MotoStack) -> None:
    stack.finished("a/1.jpg", in_bins=False)

    (finding,) = audit_once(stack.deployment, GRACE, LATER).audit.findings

    assert finding.reason == "It is counted, but the bin a shows nothing."


def test_a_job_that_is_answered_during_the_audit_is_no_finding(stack: MotoStack) -> None:
    """The ledger is walked, then the job is collected, then the jobs are walked."""
    job, (image,) = stack.submitted("a/1.jpg")
    dynamo = stack.client("dynamodb")

    class Collecting:
        """DynamoDB, where a job is collected between two scans."""

        def __getattr__(self, name: str) -> object:
            return getattr(dynamo, name)

        def get_paginator(self, operation: str) -> object:
            paginator, scans = dynamo.get_paginator(operation), self

            class Paginator:
                def paginate(self, **request: str) -> object:
                    if request["TableName"] == stack.output("JobsTable"):
                        stack.finish_job(job, [image])
                    return paginator.paginate(**request)

            assert scans
            return Paginator()

    clients: dict[str, object] = {"dynamodb": Collecting()}
    seen = replace(stack.deployment, client=lambda name: clients.get(name) or stack.deployment.client(name))

    assert audit_once(seen, GRACE, LATER).audit.places == {"COUNTED": 1}


def test_a_result_may_take_as_long_as_the_job_timeout(stack: MotoStack) -> None:
    grace = grace_periods(stack.deployment, 300, 3600)

    assert grace == GracePeriods(timedelta(seconds=300), timedelta(seconds=3600), timedelta(seconds=7200 + 3600))


def clock_of(*then: Callable[[], object]) -> tuple[Clock, list[float]]:
    """A clock that does something with each sleep, and how long the sleeps were."""
    slept: list[float] = []
    events = iter(then)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        next(events, lambda: None)()

    return Clock(lambda: SOON + timedelta(seconds=sum(slept)), sleep), slept


def test_an_audit_waits_until_everything_is_finished(stack: MotoStack) -> None:
    job, images = stack.submitted("a/1.jpg")
    clock, slept = clock_of(lambda: None, lambda: stack.finish_job(job, images))

    report = run_audit(stack.deployment, GRACE, wait=600, clock=clock)

    assert report.is_settled
    assert len(slept) == 2


def test_an_audit_does_not_wait_for_ever(stack: MotoStack) -> None:
    stack.submitted("a/1.jpg")
    clock, slept = clock_of()

    assert not run_audit(stack.deployment, GRACE, wait=12, clock=clock).is_settled
    assert sum(slept) == 12


def test_an_audit_waits_as_long_as_it_took_before_it_reads_every_table_again(stack: MotoStack) -> None:
    stack.submitted("a/1.jpg")
    slept: list[float] = []
    looks = count()
    clock = Clock(lambda: SOON + timedelta(seconds=10 * next(looks) + sum(slept)), slept.append)

    run_audit(stack.deployment, GRACE, wait=100, clock=clock)

    assert slept == [10, 10, 10]


def vanishing(stack: MotoStack, image: Image, *, object_too: bool) -> Deployment:
    """The deployment of an audit that reads the bins just after an image was removed from them and the ledger."""
    real = stack.client("dynamodb")

    class Dynamo:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def get_paginator(self, operation: str) -> Any:
            return Paginator(real.get_paginator(operation))

    class Paginator:
        def __init__(self, pages: Any) -> None:
            self._pages = pages

        def paginate(self, **request: Any) -> Any:
            if request["TableName"] == stack.output("BinsTable"):
                remove()
            return self._pages.paginate(**request)

    def remove() -> None:
        if object_too:
            stack.client("s3").delete_object(Bucket=image.bucket, Key=image.key, VersionId=image.version_id)
        real.delete_item(TableName=stack.output("ImagesTable"), Key={"image_id": {"S": image.image_id}})
        real.delete_item(TableName=stack.output("BinsTable"), Key={"bin_id": {"S": image.bin_id}})

    clients = {"dynamodb": Dynamo()}
    return Deployment("x", stack.deployment.outputs, lambda name: clients.get(name) or stack.client(name))


def test_an_image_that_is_removed_during_the_audit_is_no_loss(stack: MotoStack) -> None:
    (image,) = stack.finished("bintally-canary-1/1.jpg")

    assert audit_once(vanishing(stack, image, object_too=True), GRACE, LATER).audit.is_clean


def test_an_image_that_only_the_ledger_lost_during_the_audit_is_found(stack: MotoStack) -> None:
    (image,) = stack.finished("a/1.jpg")

    (finding,) = audit_once(vanishing(stack, image, object_too=False), GRACE, LATER).audit.findings

    assert finding.state == "NOT IN THE LEDGER"
