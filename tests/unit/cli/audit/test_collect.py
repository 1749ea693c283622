from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bincli.audit.collect import Clock, Depth, Report, audited, patience_of, run_audit
from bincli.audit.rules import Audit, Finding, Patience
from bincli.commands.audit import show_audit
from bintally.domain.image import Status
from bintally.domain.jobs import JobStatus
from rich.console import Console

from tests.unit.cli.operated import NOW, Operated, announcement

SOON = datetime.fromisoformat(NOW) + timedelta(minutes=1)
LATER = datetime.now(UTC) + timedelta(days=1)  # moto keeps the true time of a put
PATIENCE = Patience(timedelta(minutes=5), timedelta(hours=1), timedelta(days=10_000))


def places(stack: Operated) -> dict[str, int]:
    return dict(audited(stack.deployment, PATIENCE, LATER).audit.places)


def test_an_empty_stack_is_clean(stack: Operated) -> None:
    report = audited(stack.deployment, PATIENCE, LATER)

    assert report.audit == Audit(0, {}, [], 0)
    assert report.is_settled
    assert report.queues == [Depth(name, 0, 0, 0) for name in ("intake", "results", "orders", "reconcile")]


def test_every_photograph_is_found_wherever_it_is(stack: Operated) -> None:
    stack.settled("a/1.jpg", "b/1.jpg")
    stack.settled("c/1.jpg", status=Status.FAILED)
    stack.submitted("d/1.jpg")
    stack.send(stack.dead_letters("Intake"), [announcement(stack.put("e/1.jpg"))])
    stack.send(stack.output("IntakeQueue"), [announcement(stack.put("f/1.jpg"))])
    stack.ledger.receive([stack.put("g/1.jpg")], LATER.isoformat())

    report = audited(stack.deployment, PATIENCE, LATER)

    expected = {"COUNTED": 2, "FAILED": 1, "SUBMITTED": 1, "RECEIVED": 1, "DEAD LETTER": 1, "QUEUED": 1}
    assert report.audit.places == expected
    assert report.audit.is_clean
    assert not report.is_settled
    assert report.queues[0] == Depth("intake", 1, 0, 1)


def test_dead_letters_are_there_again_after_an_audit(stack: Operated) -> None:
    body = announcement(stack.put("a/1.jpg"))
    stack.send(stack.dead_letters("Intake"), [body])

    audited(stack.deployment, PATIENCE, LATER)

    assert stack.bodies(stack.dead_letters("Intake")) == [body]


def test_a_photograph_that_was_never_announced_is_found(stack: Operated) -> None:
    image = stack.put("a/1.jpg")

    (finding,) = audited(stack.deployment, PATIENCE, LATER).audit.findings

    assert (finding.key, finding.version_id) == ("a/1.jpg", image.version_id)


def test_versions_and_deletions_of_a_key_are_told_apart(stack: Operated) -> None:
    for body in (b"1", b"2"):
        stack.put("a/1.jpg", body)
    stack.client("s3").delete_object(Bucket=stack.output("IntakeBucket"), Key="a/1.jpg")

    assert audited(stack.deployment, PATIENCE, LATER).audit.photographs == 2


def test_a_photograph_that_a_closed_job_holds_is_found(stack: Operated) -> None:
    job, _ = stack.submitted("a/1.jpg", status=JobStatus.DONE)

    (finding,) = audited(stack.deployment, PATIENCE, LATER).audit.findings

    assert finding.why == f"Its job {job.job_id} is DONE, and the ledger has no answer."


def test_a_count_that_its_bin_does_not_show_is_found(stack: Operated) -> None:
    stack.settled("a/1.jpg", in_bins=False)

    (finding,) = audited(stack.deployment, PATIENCE, LATER).audit.findings

    assert finding.why == "It is counted, and the bin a shows nothing."


def test_a_job_that_is_answered_during_the_audit_is_no_finding(stack: Operated) -> None:
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
                        stack.settle_job(job, [image])
                    return paginator.paginate(**request)

            assert scans
            return Paginator()

    clients: dict[str, object] = {"dynamodb": Collecting()}
    seen = replace(stack.deployment, client=lambda name: clients.get(name) or stack.deployment.client(name))

    assert audited(seen, PATIENCE, LATER).audit.places == {"COUNTED": 1}


def test_an_answer_may_take_as_long_as_the_stack_waits_for_one(stack: Operated) -> None:
    patience = patience_of(stack.deployment, 300, 3600)

    assert patience == Patience(timedelta(seconds=300), timedelta(seconds=3600), timedelta(seconds=7200 + 3600))


def clock_of(*then: Callable[[], object]) -> tuple[Clock, list[float]]:
    """A clock that does something with each sleep, and how long the sleeps were."""
    slept: list[float] = []
    events = iter(then)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        next(events, lambda: None)()

    return Clock(lambda: SOON + timedelta(seconds=sum(slept)), sleep), slept


def test_an_audit_waits_until_everything_is_settled(stack: Operated) -> None:
    job, images = stack.submitted("a/1.jpg")
    clock, slept = clock_of(lambda: None, lambda: stack.settle_job(job, images))

    report = run_audit(stack.deployment, PATIENCE, wait=600, clock=clock)

    assert report.is_settled
    assert len(slept) == 2


def test_an_audit_does_not_wait_for_ever(stack: Operated) -> None:
    stack.submitted("a/1.jpg")
    clock, slept = clock_of()

    assert not run_audit(stack.deployment, PATIENCE, wait=12, clock=clock).is_settled
    assert sum(slept) == 15


# ---- What is shown

FINDINGS = [Finding(f"[red]{number}.jpg", "v1", "", "SUBMITTED", "Its job is gone.") for number in range(50)]
LOST = Report(Audit(60, {"COUNTED": 7, "QUEUED": 3}, FINDINGS, 2), [Depth("intake", 3, 1, 4)])


def shown(report: Report, *, as_json: bool) -> str:
    out = io.StringIO()
    show_audit(report, as_json=as_json, out=Console(file=out, width=120))
    return out.getvalue()


def test_an_audit_is_an_account() -> None:
    lines = [" ".join(line.split()) for line in shown(LOST, as_json=False).splitlines()]

    assert lines[:2] == ["Photos Place Which is", "7 COUNTED settled, with a count"]
    assert "50 UNACCOUNTED see below" in lines
    assert "60 all 2 of them are no longer in the bucket" in lines
    assert "intake 3 1 4" in lines
    assert "[red]0.jpg SUBMITTED Its job is gone." in lines
    assert "and 10 more; --json has all of them" in lines
    assert lines[-1] == "50 of 60 photos are not accounted for."


def test_a_clean_audit_says_so() -> None:
    clean = Report(Audit(7, {"COUNTED": 7}, [], 0), [])

    assert shown(clean, as_json=False).splitlines()[-1] == "Each of 7 photos is accounted for."


def test_an_audit_as_json_has_everything() -> None:
    record = json.loads(shown(LOST, as_json=True))

    assert (record["clean"], record["photographs"], record["places"]) == (False, 60, {"COUNTED": 7, "QUEUED": 3})
    assert len(record["unaccounted"]) == 50
    assert record["queues"] == [{"name": "intake", "waiting": 3, "in_flight": 1, "dead_letters": 4}]
