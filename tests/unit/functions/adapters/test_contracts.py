"""One suite for the fakes and for the adapters: what the use cases may rely on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from bintally.adapters.async_engine import AsyncEngine
from bintally.adapters.bins import DynamoBins
from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.jobs import DynamoJobs
from bintally.adapters.ledger import DynamoLedger
from bintally.adapters.order_files import ImportReports
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.errors import InvalidEventError
from bintally.domain.image import LedgerEntry, Status
from bintally.domain.intervals import Interval
from bintally.domain.jobs import JobStatus, job_of
from bintally.domain.manifest import Prediction, Refusal
from bintally.domain.orders import RefusedRow
from bintally.domain.verdicts import NOT_COUNTED, Finding, OrderLine, Verdict

from tests.fakes import World
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import (
    EARLIER,
    HOSTILE_KEYS,
    LATER,
    MODEL,
    NOON,
    SURE_OF_3,
    THREE_OR_FOUR,
    counted,
    order_file,
    order_line,
    photograph,
    photographs,
    prediction,
    unreadable,
)

IMAGES = photographs(3)
JOB = job_of(image.image_id for image in IMAGES)
ANSWER = Prediction(3, 0.9, SURE_OF_3, MODEL)
RECEIPT = {"output": "s3://jobs/out", "failure": "s3://jobs/failure"}
MATCH = Finding(Verdict.MATCH, "As expected.", 3)


def adapters() -> Any:
    dynamodb, s3 = client("dynamodb"), client("s3")
    jobs = table("JobsBucket")
    return SimpleNamespace(
        ledger=DynamoLedger(dynamodb, table("ImagesTable")),
        bins=DynamoBins(dynamodb, table("BinsTable")),
        jobs=DynamoJobs(dynamodb, table("JobsTable")),
        orders=DynamoOrders(dynamodb, table("ConsignmentsTable")),
        engine=AsyncEngine(s3, client("sagemaker-runtime"), bucket=jobs, endpoint="bintally-counter"),
        reports=ImportReports(s3, bucket=jobs),
    )


@pytest.fixture(params=["fakes", "adapters"])
def world(request: pytest.FixtureRequest) -> Any:
    if request.param == "fakes":
        return World()
    request.getfixturevalue("aws")
    return adapters()


# ---- Ledger


def test_the_ledger_holds_what_was_registered(world: Any) -> None:
    world.ledger.register(IMAGES, "job-1", NOON)

    held = world.ledger.read([image.image_id for image in IMAGES] + ["unknown"])

    assert held == {image.image_id: LedgerEntry(image, Status.SUBMITTED, "job-1") for image in IMAGES}
    assert world.ledger.read([]) == {}


def test_what_is_registered_stays_with_its_first_job(world: Any) -> None:
    world.ledger.register(IMAGES[:2], "job-1", NOON)

    world.ledger.register(IMAGES, "job-2", LATER)

    held = world.ledger.read([image.image_id for image in IMAGES])
    assert [held[image.image_id].job_id for image in IMAGES] == ["job-1", "job-1", "job-2"]


@pytest.mark.parametrize("number", [0, 1, 101])
def test_as_many_photographs_as_there_are_are_registered(world: Any, number: int) -> None:
    images = photographs(number)

    world.ledger.register(images, "job-1", NOON)

    assert len(world.ledger.read([image.image_id for image in images])) == number


def test_a_refused_photograph_has_no_job(world: Any) -> None:
    world.ledger.refuse(IMAGES[0], "folder_marker: A folder.", NOON)

    assert world.ledger.read([IMAGES[0].image_id]) == {
        IMAGES[0].image_id: LedgerEntry(IMAGES[0], Status.REJECTED, None)
    }


def test_neither_registering_nor_refusing_changes_what_is_entered(world: Any) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.refuse(IMAGES[1], "no", NOON)

    world.ledger.refuse(IMAGES[0], "no", NOON)
    world.ledger.register(IMAGES[1:2], "job-2", NOON)

    held = world.ledger.read([image.image_id for image in IMAGES])
    assert {entry.image.key: (entry.status, entry.job_id) for entry in held.values()} == {
        IMAGES[0].key: (Status.SUBMITTED, "job-1"),
        IMAGES[1].key: (Status.REJECTED, None),
    }


def test_settling_moves_what_is_submitted_and_says_what_moved(world: Any) -> None:
    world.ledger.register(IMAGES[:2], "job-1", NOON)
    outcomes = [
        (IMAGES[0].image_id, Status.COUNTED, "", ANSWER),
        (IMAGES[1].image_id, Status.REJECTED, "too_small: Small.", Refusal("too_small", "Small.", MODEL)),
        (IMAGES[2].image_id, Status.COUNTED, "", ANSWER),
    ]

    assert world.ledger.settle(outcomes, LATER) == {IMAGES[0].image_id, IMAGES[1].image_id}

    held = world.ledger.read([image.image_id for image in IMAGES])
    assert [held[image.image_id].status for image in IMAGES[:2]] == [Status.COUNTED, Status.REJECTED]
    assert IMAGES[2].image_id not in held


@pytest.mark.parametrize("terminal", [Status.COUNTED, Status.REJECTED, Status.FAILED, Status.SUPERSEDED])
def test_what_is_settled_stays(world: Any, terminal: Status) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.settle([(IMAGES[0].image_id, terminal, "first", None)], NOON)

    for status in (Status.COUNTED, Status.FAILED):
        assert world.ledger.settle([(IMAGES[0].image_id, status, "second", ANSWER)], LATER) == set()

    assert world.ledger.read([IMAGES[0].image_id])[IMAGES[0].image_id].status is terminal


@pytest.mark.parametrize("key", [key for key in HOSTILE_KEYS if key != "."])
def test_a_hostile_key_comes_back_as_it_is(world: Any, key: str) -> None:
    image = photograph(key)

    world.ledger.register([image], "job-1", NOON)
    world.bins.record([counted(image)], NOON)

    assert world.ledger.read([image.image_id])[image.image_id].image == image
    assert world.bins.read([image.bin_id])[image.bin_id].image == image


# ---- Bins


def test_a_bin_holds_its_count(world: Any) -> None:
    image = photograph()

    world.bins.record([counted(image)], NOON)

    assert world.bins.read(["P-17-C", "unknown"]) == {
        "P-17-C": BinCount(image, BinStatus.COUNTED, 3, 0.9, SURE_OF_3, MODEL, revision=1)
    }
    assert world.bins.read([]) == {}


@pytest.mark.parametrize(
    "sureness",
    [
        {"empty": 0.02, "fuller": 0.01, "interval": THREE_OR_FOUR},
        {"empty": 0.0, "fuller": 1.0},
        {"interval": Interval(0, 6, 0.9)},
        {},
    ],
)
def test_a_bin_holds_how_sure_its_count_is(world: Any, sureness: dict[str, Any]) -> None:
    world.bins.record([counted(**sureness)], NOON)

    assert world.bins.read(["P-17-C"])["P-17-C"] == counted(**sureness)


def test_a_count_of_a_model_that_cannot_tell_forgets_what_another_told(world: Any) -> None:
    newer = photograph(sequencer="0055AED6DCD90281E6")
    world.bins.record([counted(empty=0.02, fuller=0.01, interval=THREE_OR_FOUR)], NOON)

    world.bins.record([counted(newer)], NOON)

    assert world.bins.read(["P-17-C"])["P-17-C"] == replace(counted(newer), revision=2)


def test_an_unreadable_bin_forgets_the_count_before(world: Any) -> None:
    newer = photograph(sequencer="0055AED6DCD90281E6")
    world.bins.record([counted(empty=0.02, fuller=0.01, interval=THREE_OR_FOUR)], NOON)

    world.bins.record([unreadable(newer)], NOON)

    assert world.bins.read(["P-17-C"])["P-17-C"] == replace(unreadable(newer), revision=2)


def test_recording_says_what_the_bin_holds_now(world: Any) -> None:
    newer, older = photograph(sequencer="0055AED6DCD90281E6"), photograph()

    assert world.bins.record([counted(newer), counted(photograph("x/y.jpg"))], NOON)["P-17-C"].image == newer
    assert world.bins.record([counted(older)], NOON)["P-17-C"].image == newer
    assert world.bins.record([], NOON) == {}


@pytest.mark.parametrize(
    ("held", "offered", "replaces"),
    [
        (photograph(sequencer="01"), photograph(sequencer="01"), False),
        (photograph(sequencer="01"), photograph(sequencer="0101"), True),
        (photograph(sequencer="0101"), photograph(sequencer="01"), False),
        (photograph(sequencer="0055AED6DCD902"), photograph(sequencer="0055AED6DCD90281E5"), True),
        (photograph(sequencer="0055AED6DCD903"), photograph(sequencer="0055AED6DCD90281E5"), False),
        (photograph(sequencer="01", at=LATER), photograph(sequencer="02", at=EARLIER), True),
        (photograph("b/x.jpg", sequencer="09", at=EARLIER), photograph("b/y.jpg", sequencer="01", at=LATER), True),
        (photograph("b/y.jpg", sequencer="01", at=LATER), photograph("b/x.jpg", sequencer="09", at=EARLIER), False),
        (photograph("b/x.jpg", at=NOON), photograph("b/y.jpg", at=NOON), True),
        (photograph("b/y.jpg", at=NOON), photograph("b/x.jpg", at=NOON), False),
    ],
)
def test_a_bin_takes_only_what_is_newer(world: Any, held: Any, offered: Any, replaces: bool) -> None:
    world.bins.record([counted(held)], NOON)

    world.bins.record([counted(offered)], NOON)

    now = world.bins.read([held.bin_id])[held.bin_id]
    assert (now.image, now.revision) == ((offered, 2) if replaces else (held, 1))


# ---- Jobs


def test_a_job_is_opened_once(world: Any) -> None:
    world.jobs.open(JOB, NOON)
    world.jobs.open(replace(JOB, images=99), LATER)

    assert world.jobs.read([JOB.job_id, JOB.job_id, "unknown"]) == {JOB.job_id: JOB}
    assert world.jobs.waiting() == [JOB]


def test_a_claim_is_one_callers_until_it_ends(world: Any) -> None:
    world.jobs.open(JOB, NOON)

    assert world.jobs.claim(JOB, "2026-05-04T12:00:00.000Z", "2026-05-04T12:02:00.000Z")
    assert not world.jobs.claim(JOB, "2026-05-04T12:00:00.000Z", "2026-05-04T12:02:00.000Z")
    assert not world.jobs.claim(JOB, "2026-05-04T12:02:00.000Z", "2026-05-04T12:04:00.000Z")
    assert world.jobs.claim(JOB, "2026-05-04T12:02:00.001Z", "2026-05-04T12:04:00.000Z")


def test_a_job_that_was_sent_waits_no_more(world: Any) -> None:
    world.jobs.open(JOB, NOON)
    world.jobs.claim(JOB, NOON, NOON)

    world.jobs.sent(JOB, RECEIPT, NOON)

    assert world.jobs.read([JOB.job_id])[JOB.job_id].status is JobStatus.SENT
    assert world.jobs.waiting() == []
    assert not world.jobs.claim(JOB, LATER, LATER)
    world.jobs.open(JOB, LATER)
    assert world.jobs.read([JOB.job_id])[JOB.job_id].status is JobStatus.SENT


@pytest.mark.parametrize("first", [JobStatus.DONE, JobStatus.FAILED])
@pytest.mark.parametrize("sent", [True, False])
def test_the_first_answer_closes_a_job_for_good(world: Any, first: JobStatus, sent: bool) -> None:
    """An answer may come before the function that asked has noted that it asked."""
    world.jobs.open(JOB, NOON)
    if sent:
        world.jobs.sent(JOB, RECEIPT, NOON)

    world.jobs.close(JOB.job_id, first, "", NOON)
    world.jobs.close(JOB.job_id, JobStatus.FAILED, "Late.", LATER)
    world.jobs.sent(JOB, RECEIPT, LATER)

    assert world.jobs.read([JOB.job_id])[JOB.job_id].status is first
    assert world.jobs.waiting() == []
    assert not world.jobs.claim(JOB, LATER, LATER)


def test_closing_an_unknown_job_opens_none(world: Any) -> None:
    world.jobs.close("async-unknown", JobStatus.DONE, "", NOON)

    assert world.jobs.read(["async-unknown"]) == {}


# ---- The engine


def test_a_manifest_is_read_back(world: Any) -> None:
    images = [photograph(key) for key in HOSTILE_KEYS]
    job = job_of(image.image_id for image in images)

    world.engine.prepare(job, images)

    assert world.engine.manifest(job) == sorted(image.image_id for image in images)


def test_a_job_that_is_taken_has_a_receipt(world: Any) -> None:
    world.engine.prepare(JOB, IMAGES)

    receipt = world.engine.submit(JOB)

    assert set(receipt) == {"output", "failure"}
    assert all(location.startswith("s3://") for location in receipt.values())


@pytest.mark.parametrize(
    "location",
    ["s3://elsewhere/async/output/x.out", "https://jobs/x.out", "x.out", "", "s3://", "s3:///x", "file:///etc/passwd"],
)
def test_an_output_outside_the_jobs_bucket_is_refused(world: Any, location: str) -> None:
    with pytest.raises(InvalidEventError):
        world.engine.output(location)


def test_an_output_is_read_back(world: Any) -> None:
    world.engine.prepare(JOB, IMAGES)
    if isinstance(world, World):
        location = world.engine.answer(JOB, map(prediction, IMAGES))
    else:
        location = f"s3://{table('JobsBucket')}/async/output/a b+c%20é.out"
        body = World().engine
        text = body.outputs[body.answer(JOB, map(prediction, IMAGES))]
        client("s3").put_object(Bucket=table("JobsBucket"), Key="async/output/a b+c%20é.out", Body=text.encode())

    assert world.engine.output(location) == {image.image_id: ANSWER for image in IMAGES}


# ---- Orders


def stored(world: Any, *keys: tuple[str, str]) -> list[OrderLine]:
    held = world.orders.read(keys)
    return [held[key] for key in keys]


def test_lines_are_found_by_key_by_consignment_and_by_bin(world: Any) -> None:
    lines = [
        order_line(1, bin_id="a"),
        order_line(2, bin_id="b", due=LATER),
        order_line(3, bin_id="a", consignment="C-2"),
    ]
    world.orders.put(lines, NOON)

    assert stored(world, ("C-1", "a"), ("C-1", "b"), ("C-2", "a")) == lines
    assert world.orders.of_consignment("C-1") == lines[:2]
    assert world.orders.of_consignment("C-9") == []
    assert world.orders.of_bins(["a"]) == {("C-1", "a"), ("C-2", "a")}
    assert world.orders.of_bins(["a", "b", "unknown"]) == {("C-1", "a"), ("C-2", "a"), ("C-1", "b")}
    assert world.orders.of_bins([]) == set()
    assert world.orders.read([]) == {}
    assert world.orders.read([("C-9", "a")]) == {}


@pytest.mark.parametrize("number", [0, 1, 101])
def test_as_many_lines_as_there_are_are_put(world: Any, number: int) -> None:
    lines = [order_line(1, bin_id=f"bin-{index:04}") for index in range(number)]

    world.orders.put(lines, NOON)

    assert world.orders.of_consignment("C-1") == lines


def test_a_newer_version_replaces_a_line_and_its_verdict(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    world.orders.judge([(order_line(3), MATCH, 4)], NOON)

    world.orders.put([replace(order_line(5, due=LATER), order_version="2")], NOON)

    assert stored(world, ("C-1", "P-17-C")) == [
        OrderLine("C-1", "P-17-C", 5, LATER, "2", Verdict.PENDING, NOT_COUNTED, None, 0)
    ]


def test_a_newer_version_that_says_the_same_keeps_the_verdict(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    world.orders.judge([(order_line(3), MATCH, 4)], NOON)

    world.orders.put([replace(order_line(3), order_version="2")], NOON)

    assert stored(world, ("C-1", "P-17-C")) == [
        OrderLine("C-1", "P-17-C", 3, None, "2", Verdict.MATCH, "As expected.", 3, 4)
    ]


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_older_or_equal_version_changes_nothing(world: Any, version: str) -> None:
    world.orders.put([replace(order_line(3), order_version="2")], NOON)

    world.orders.put([replace(order_line(5), order_version=version)], NOON)

    assert [line.expected for line in stored(world, ("C-1", "P-17-C"))] == [3]


def test_a_date_that_is_taken_away_is_gone(world: Any) -> None:
    world.orders.put([order_line(3, due=LATER)], NOON)

    world.orders.put([replace(order_line(3), order_version="2")], NOON)

    assert [line.due_at for line in stored(world, ("C-1", "P-17-C"))] == [None]


def test_a_verdict_is_written_with_what_it_rests_on(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)

    assert world.orders.judge([(order_line(3), MATCH, 4)], NOON) == {("C-1", "P-17-C")}

    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.verdict, line.reason, line.counted, line.bin_revision) == (Verdict.MATCH, "As expected.", 3, 4)
    assert world.orders.judge([], NOON) == set()


@pytest.mark.parametrize("before", [order_line(3), order_line(3, due=EARLIER)])
@pytest.mark.parametrize("after", [order_line(5), order_line(3, due=LATER), order_line(5, due=EARLIER)])
def test_a_verdict_on_terms_that_are_gone_is_refused(world: Any, before: OrderLine, after: OrderLine) -> None:
    world.orders.put([before], NOON)
    world.orders.put([replace(after, order_version="2")], NOON)

    assert world.orders.judge([(before, MATCH, 4)], NOON) == set()
    assert [line.verdict for line in stored(world, ("C-1", "P-17-C"))] == [Verdict.PENDING]


@pytest.mark.parametrize("due", [None, LATER])
def test_a_verdict_stands_also_where_the_same_terms_were_imported_meanwhile(world: Any, due: str | None) -> None:
    line = order_line(3, due=due)
    world.orders.put([line], NOON)
    world.orders.put([replace(line, order_version="2")], NOON)

    assert world.orders.judge([(line, MATCH, 4)], NOON) == {("C-1", "P-17-C")}


def test_a_verdict_on_an_older_count_is_refused(world: Any) -> None:
    short = Finding(Verdict.SHORT, "Fewer.", 2)
    world.orders.put([order_line(3)], NOON)
    world.orders.judge([(order_line(3), MATCH, 4)], NOON)

    assert world.orders.judge([(order_line(3), short, 3)], NOON) == set()
    assert world.orders.judge([(order_line(3), short, 4)], NOON) == {("C-1", "P-17-C")}
    assert [line.verdict for line in stored(world, ("C-1", "P-17-C"))] == [Verdict.SHORT]


def test_a_verdict_on_a_line_that_is_not_there_writes_none(world: Any) -> None:
    assert world.orders.judge([(order_line(3), MATCH, 1)], NOON) == set()
    assert world.orders.of_consignment("C-1") == []


def test_a_verdict_without_a_count_forgets_the_one_before(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    world.orders.judge([(order_line(3), MATCH, 4)], NOON)

    world.orders.judge([(order_line(3), Finding(Verdict.UNREADABLE, "Damaged."), 5)], NOON)

    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.verdict, line.counted, line.bin_revision) == (Verdict.UNREADABLE, None, 5)


def test_of_several_verdicts_only_those_refused_are_left_out(world: Any) -> None:
    lines = [order_line(3, bin_id=bin_id) for bin_id in "abc"]
    world.orders.put(lines, NOON)
    world.orders.put([replace(lines[1], expected=4, order_version="2")], NOON)

    written = world.orders.judge([(line, MATCH, 1) for line in lines], NOON)

    assert written == {("C-1", "a"), ("C-1", "c")}


# ---- Reports


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_report_lies_in_the_jobs_bucket_under_orders(world: Any, key: str) -> None:
    location = world.reports.write(order_file(key), 2, [RefusedRow(3, "No.")])

    bucket, _, path = location.removeprefix("s3://").partition("/")
    assert "jobs" in bucket
    assert path.startswith("orders/reports/")
