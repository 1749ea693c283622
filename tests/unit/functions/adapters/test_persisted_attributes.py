"""The attributes of stored items, a contract as the names in tests/template/persisted_names.json are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bintally.domain.attention import Acceptance, Attention, Group
from bintally.domain.checks import Basis, Check
from bintally.domain.decisions import Decision
from bintally.domain.image import Status
from bintally.domain.intervals import Interval
from bintally.domain.jobs import JobStatus
from bintally.domain.queue import Lease
from bintally.domain.risk import Odds
from bintally.domain.transitions import Requeue
from bintally.domain.verdicts import Finding, Verdict
from bintally.usecases.decide import decide, undo

from tests.unit.functions.adapters.contracts.ports import (
    ANSWER,
    BATCH,
    IMAGES,
    JOB,
    RECEIPT,
    adapters,
    completion,
    entries,
)
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import LATER, NOON, NOW, TWO_LITRES, counted, make_image, order_line, unreadable

IMAGE = """
    image_id bucket key version_id sequencer captured_at bin_id received_at status reason code attempts attempts_reset
    job_id submitted_at pending due_at completed_at count confidence probabilities empty over_range interval volume
    model recounts
"""
BIN = """
    bin_id status count at_least confidence probabilities empty over_range interval volume model reason code answered
    source counted_at revision human image_id bucket key version_id sequencer captured_at recounts
"""
LINE = """
    consignment_id bin_id expected due_at due_partition order_version replace_version imported_at verdict reason
    counted counted_at_least risk probability_fewer probability_more bin_revision overdue judged_at attention
    attention_rank audit audit_share item_volume_l sku accepted
"""
LEASE = "bin_id who until expires"
DECISION = """
    bin_id decision_id image_id who decided_at count cannot_tell blind seconds reason_code selection_probability lines
    bin_revision undone_by undone_at decided_on
"""
CHECK = "day check_id bin_id image_id who at count seconds known basis expires"
JOB_FIELDS = """
    job_id engine shards images folder status reason created_at prepare_count send_count transform_attempt due_at
    submitted_at output_location failure_location touched_at unfinished_engine closed_at
"""


def attributes(name: str) -> set[str]:
    """The attributes that the items of a table have, all together."""
    items = client("dynamodb").scan(TableName=table(name))["Items"]
    return {attribute for item in items for attribute in item}


def fill(ports: Any) -> None:
    """One of each: what is counted, retried and requeued, a bin over range, a line by its verdict, a sent job."""
    interval = Interval(2, 4, 0.9)
    prediction = replace(ANSWER, empty=0.01, over_range=0.02, interval=interval, volume=TWO_LITRES)
    ports.ledger.register(IMAGES, JOB.job_id, NOON)
    ports.ledger.complete([completion(IMAGES[0], Status.COUNTED, "", prediction)], JOB.job_id, NOON)
    ports.ledger.complete([completion(IMAGES[1], Status.FAILED, "No answer.")], JOB.job_id, NOON)
    ports.ledger.reopen([IMAGES[1].image_id], NOON)
    ports.ledger.release([Requeue(IMAGES[2].image_id, "No answer.", LATER, "internal")], JOB.job_id)
    again = make_image("d/1.jpg")
    ports.ledger.register([again], JOB.job_id, NOON)
    ports.ledger.complete([completion(again, Status.COUNTED, "", prediction)], JOB.job_id, NOON)
    ports.ledger.recount(entries(ports, [again]), NOON)
    ports.bins.record([replace(counted(again), recounts=1)], NOON)
    ports.bins.record([counted(empty=0.01, over_range=0.02, interval=interval, volume=TWO_LITRES)], NOON)
    ports.bins.record([counted(make_image("b/1.jpg"), None, empty=0.0, over_range=0.9, at_least=6)], NOON)
    ports.bins.record([unreadable(make_image("c/1.jpg"))], NOON)
    line = replace(order_line(3, due=LATER), replace_version="1", item_volume_l=0.35, sku="4711")
    lines = [replace(line, bin_id=name) for name in "abcd"]
    ports.orders.put(lines, NOON)
    ports.orders.judge([(lines[0], Finding(Verdict.MATCH, "As expected.", 3, odds=Odds(0.004, 0.002)), 4)], NOON)
    short = Finding(Verdict.SHORT, "More.", None, 6, overdue=True, attention=Attention(Group.LOOK, "2026-05-04#0000"))
    ports.orders.judge([(lines[1], replace(short, audit_share=0.03), 4)], NOON)
    waiting = replace(short, attention=Attention(Group.ACT, "2026-05-04#0000"))
    ports.orders.judge([(lines[3], waiting, 4)], NOON)
    ports.orders.accept(lines[3], Acceptance("ann", NOON, "damaged", 4))
    ports.leases.take([Lease("b", "ann", LATER)], NOON)
    ports.checks.put(Check("c", "b", "photo", "ann", NOON, 3, 2.5, 3, Basis.KNOWN))
    fill_decisions(ports)
    for job in (JOB, BATCH):
        ports.jobs.create(job, NOON)
        ports.jobs.open(job, NOON)
        ports.jobs.claim(job, NOON, LATER)
    ports.jobs.mark_sent(JOB, RECEIPT, NOON)
    ports.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="No capacity."), NOON)
    ports.jobs.close(JOB.job_id, JobStatus.FAILED, "Lost.", LATER)


def fill_decisions(ports: Any) -> None:
    """One about the photo that the bin shows, which is undone, and another one."""
    given = {"blind": True, "seconds": 2.5, "reason_code": "recount"}
    for number in ("1", "2"):
        decide(ports, Decision("b", number, "", "ann", "", 7, **given), now=NOW)  # type: ignore[arg-type]
    undo(ports, "b", "1", who="bob", now=NOW)


def test_stored_items_have_the_attributes_of_the_contract(aws: None) -> None:
    fill(adapters())

    assert attributes("ImagesTable") == set(IMAGE.split())
    assert attributes("BinsTable") == set(BIN.split())
    assert attributes("ConsignmentsTable") == set(LINE.split())
    assert attributes("DecisionsTable") == set(DECISION.split())
    assert attributes("LeasesTable") == set(LEASE.split())
    assert attributes("ChecksTable") == set(CHECK.split())
    assert attributes("JobsTable") == set(JOB_FIELDS.split())
