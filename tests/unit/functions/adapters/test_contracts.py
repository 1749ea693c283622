"""One suite for the fakes and for the adapters: what the use cases may rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from bintally.adapters.async_engine import AsyncEngine
from bintally.adapters.batch_engine import BatchEngine
from bintally.adapters.bins import DynamoBins
from bintally.adapters.consignments import DynamoOrders
from bintally.adapters.job_files import JobFiles
from bintally.adapters.jobs import DynamoJobs
from bintally.adapters.ledger import DynamoLedger
from bintally.adapters.order_files import ImportReports
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.errors import EngineUnavailableError, InvalidEventError, NoCapacityError
from bintally.domain.image import TERMINAL, Image, LedgerEntry, Status
from bintally.domain.intervals import Interval
from bintally.domain.jobs import UNFINISHED, EngineName, Job, JobResult, JobStatus, job_of
from bintally.domain.manifest import Prediction, PredictionError, Result
from bintally.domain.orders import OrderFile, Progress
from bintally.domain.transforms import name_of
from bintally.domain.transitions import Completion, Requeue
from bintally.domain.verdicts import NO_LONGER_ORDERED, NOT_COUNTED, Finding, OrderLine, Verdict, outdated

from tests.fakes import World
from tests.unit.functions.adapters.stubs import StubClient, client_error
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
    unseen,
)
from tests.unit.functions.usecases.runs import first_job_of

IMAGES = photographs(3)
JOB = first_job_of(IMAGES)
BATCH = job_of([(image.image_id, 0) for image in IMAGES], EngineName.BATCH, 2)
ANSWER = Prediction(3, 0.9, SURE_OF_3, MODEL)
RECEIPT = {"output_location": "s3://jobs/out", "failure_location": "s3://jobs/failure"}
MATCH = Finding(Verdict.MATCH, "As expected.", 3)


class SageMaker:
    """Takes jobs as the fakes of the engines do: `down`, it takes none; `full`, it has no capacity."""

    def __init__(self) -> None:
        self.down = self.full = False
        self.transforms: dict[str, dict[str, str]] = {}
        self.client = StubClient(
            "sagemaker",
            invoke_endpoint_async=self._invoke,
            create_transform_job=self._create,
            describe_transform_job=self._describe,
        )

    def _invoke(self, InferenceId: str, **_: Any) -> Any:  # noqa: N803
        self._available()
        folder = f"s3://{table('JobsBucket')}/async"
        output, failure = f"{folder}/output/{InferenceId}.out", f"{folder}/failure/{InferenceId}-error.out"
        return {"OutputLocation": output, "FailureLocation": failure}

    def _create(self, TransformJobName: str, **_: Any) -> Any:  # noqa: N803
        self._available()
        self.transforms[TransformJobName] = {"TransformJobStatus": "InProgress"}
        return {"TransformJobArn": "arn"}

    def _describe(self, TransformJobName: str) -> Any:  # noqa: N803
        return self.transforms[TransformJobName]

    def _available(self) -> None:
        if self.full:
            raise client_error("ResourceLimitExceeded")
        if self.down:
            raise client_error("ServiceUnavailable")


def adapters() -> Any:
    dynamodb, s3 = client("dynamodb"), client("s3")
    jobs, sagemaker = table("JobsBucket"), SageMaker()
    files = JobFiles(s3, jobs)
    batch = {"model": "bintally-counter", "instance_types": ("ml.c6i.xlarge",), "instances": 2}
    return SimpleNamespace(
        ledger=DynamoLedger(dynamodb, table("ImagesTable")),
        bins=DynamoBins(dynamodb, table("BinsTable")),
        jobs=DynamoJobs(dynamodb, table("JobsTable")),
        orders=DynamoOrders(dynamodb, table("ConsignmentsTable")),
        async_engine=AsyncEngine(files, sagemaker.client, endpoint="bintally-counter"),
        batch_engine=BatchEngine(files, sagemaker.client, **batch),
        reports=ImportReports(s3, bucket=jobs),
        sagemaker=sagemaker,
    )


@pytest.fixture(params=["fakes", "adapters"])
def world(request: pytest.FixtureRequest) -> Any:
    if request.param == "fakes":
        return World()
    request.getfixturevalue("aws")
    return adapters()


def outcome(image: Image, status: Status, reason: str = "", answer: Result | None = None) -> Completion:
    return Completion(image.image_id, status, reason, answer)


def entries(world: Any, images: list[Image] = IMAGES) -> list[LedgerEntry]:
    """What the ledger holds of photographs, in their order."""
    held = world.ledger.read([image.image_id for image in images])
    return [held[image.image_id] for image in images]


def job_in(world: Any, job: Job = JOB) -> Job:
    """What the jobs table holds of a job."""
    held: Job = world.jobs.read([job.job_id])[job.job_id]
    return held


# ---- Ledger


def test_the_ledger_knows_which_photographs_name_a_job(world: Any) -> None:
    world.ledger.register(IMAGES[:2], "job-1", NOON)
    world.ledger.register(IMAGES[2:], "job-2", NOON)

    assert sorted(world.ledger.of_job("job-1")) == sorted(image.image_id for image in IMAGES[:2])
    assert world.ledger.of_job("job-3") == []


def test_the_ledger_holds_what_was_registered(world: Any) -> None:
    world.ledger.register(IMAGES, "job-1", NOON)

    held = world.ledger.read([image.image_id for image in IMAGES] + ["unknown"])

    assert held == {image.image_id: LedgerEntry(image, Status.SUBMITTED, "job-1", 1) for image in IMAGES}
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
    world.ledger.reject(IMAGES[0], "A folder.", NOON, "folder_marker")

    assert world.ledger.read([IMAGES[0].image_id]) == {
        IMAGES[0].image_id: LedgerEntry(IMAGES[0], Status.REJECTED, None, reason="A folder.", code="folder_marker")
    }


def test_neither_registering_nor_refusing_changes_what_is_entered(world: Any) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.reject(IMAGES[1], "no", NOON)

    world.ledger.reject(IMAGES[0], "no", NOON)
    world.ledger.register(IMAGES[1:2], "job-2", NOON)

    held = world.ledger.read([image.image_id for image in IMAGES])
    assert {entry.image.key: (entry.status, entry.job_id) for entry in held.values()} == {
        IMAGES[0].key: (Status.SUBMITTED, "job-1"),
        IMAGES[1].key: (Status.REJECTED, None),
    }


def test_settling_moves_what_is_submitted_and_says_what_moved(world: Any) -> None:
    world.ledger.register(IMAGES[:2], "job-1", NOON)
    outcomes = [
        outcome(IMAGES[0], Status.COUNTED, "", ANSWER),
        outcome(IMAGES[1], Status.REJECTED, "too_small: Small.", PredictionError("too_small", "Small.", MODEL)),
        outcome(IMAGES[2], Status.COUNTED, "", ANSWER),
    ]

    assert world.ledger.complete(outcomes, "job-1", LATER) == {IMAGES[0].image_id, IMAGES[1].image_id}

    held = world.ledger.read([image.image_id for image in IMAGES])
    assert [held[image.image_id].status for image in IMAGES[:2]] == [Status.COUNTED, Status.REJECTED]
    assert [held[image.image_id].reason for image in IMAGES[:2]] == ["", "too_small: Small."]
    assert IMAGES[2].image_id not in held
    assert world.ledger.complete([], "job-1", LATER) == set()


@pytest.mark.parametrize("terminal", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED])
def test_what_is_settled_stays(world: Any, terminal: Status) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.complete([outcome(IMAGES[0], terminal, "first")], "job-1", NOON)

    for status in TERMINAL:
        assert world.ledger.complete([outcome(IMAGES[0], status, "second", ANSWER)], "job-1", LATER) == set()

    assert entries(world, IMAGES[:1]) == [LedgerEntry(IMAGES[0], terminal, "job-1", 1, reason="first")]


@pytest.mark.parametrize("status", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED])
@pytest.mark.parametrize("job_id", ["job-1", "job-2"])
def test_an_answer_that_comes_after_all_settles_what_had_failed(world: Any, status: Status, job_id: str) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.complete([outcome(IMAGES[0], Status.FAILED, "internal: x")], "job-1", NOON)

    assert world.ledger.complete([outcome(IMAGES[0], Status.FAILED, "again")], "job-1", LATER) == set()
    assert world.ledger.complete([outcome(IMAGES[0], status)], job_id, LATER) == {IMAGES[0].image_id}

    assert entries(world, IMAGES[:1]) == [LedgerEntry(IMAGES[0], status, "job-1", 1)]


@pytest.mark.parametrize("status", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED])
def test_an_answer_settles_a_photograph_whichever_job_holds_it_or_none(world: Any, status: Status) -> None:
    world.ledger.register(IMAGES[:1], "job-2", NOON)
    world.ledger.receive(IMAGES[1:2], NOON)

    moved = world.ledger.complete([outcome(image, status) for image in IMAGES[:2]], "job-1", LATER)

    assert moved == {image.image_id for image in IMAGES[:2]}
    assert [(entry.status, entry.due_at) for entry in entries(world, IMAGES[:2])] == [(status, "")] * 2
    assert world.ledger.pending(LATER, 10) == []


def test_only_the_job_that_holds_a_photograph_may_fail_it(world: Any) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.register(IMAGES[1:2], "job-2", NOON)
    world.ledger.receive(IMAGES[2:], NOON)

    moved = world.ledger.complete([outcome(image, Status.FAILED, "internal: x") for image in IMAGES], "job-1", LATER)

    assert moved == {IMAGES[0].image_id}
    assert [entry.status for entry in entries(world)] == [Status.FAILED, Status.SUBMITTED, Status.RECEIVED]


def test_what_was_received_waits_for_a_job(world: Any) -> None:
    world.ledger.receive(IMAGES, NOON)

    expected = [LedgerEntry(image, Status.RECEIVED, None, due_at=NOON) for image in IMAGES]
    assert entries(world) == expected
    assert by_key(world.ledger.pending(NOON, 100)) == expected


def by_key(entries: list[LedgerEntry]) -> list[LedgerEntry]:
    return sorted(entries, key=lambda entry: entry.image.key)


def test_neither_receiving_nor_registering_changes_what_is_entered(world: Any) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.receive(IMAGES[1:2], NOON)

    world.ledger.receive(IMAGES, LATER)
    world.ledger.register(IMAGES, "job-2", LATER)

    assert entries(world) == [
        LedgerEntry(IMAGES[0], Status.SUBMITTED, "job-1", 1),
        LedgerEntry(IMAGES[1], Status.RECEIVED, None, due_at=NOON),
        LedgerEntry(IMAGES[2], Status.RECEIVED, None, due_at=LATER),
    ]


@pytest.mark.parametrize("number", [0, 1, 250])
def test_everything_that_is_due_is_pending(world: Any, number: int) -> None:
    images = photographs(number)
    world.ledger.receive(images, NOON)

    assert [entry.image for entry in by_key(world.ledger.pending(NOON, 10_000))] == images
    assert world.ledger.pending(EARLIER, 10_000) == []


@pytest.mark.parametrize("most", [0, 1, 7, 8, 9, 50])
def test_no_more_are_pending_than_were_asked_for_and_some_if_there_are_any(world: Any, most: int) -> None:
    """Again and again asked and assigned, all are found."""
    images = photographs(60)
    world.ledger.receive(images, NOON)

    found = world.ledger.pending(NOON, most)

    assert len({entry.image.image_id for entry in found}) == len(found) <= most
    assert bool(found) == bool(most)


def test_what_is_pending_can_be_taken_bit_by_bit(world: Any) -> None:
    world.ledger.receive(photographs(30), NOON)
    taken = []

    while some := world.ledger.pending(NOON, 8):
        assert world.ledger.assign(some, "job-1", NOON) == {entry.image.image_id for entry in some}
        taken += some

    assert [entry.image for entry in by_key(taken)] == photographs(30)


def test_assigning_moves_a_photograph_into_a_job_once(world: Any) -> None:
    world.ledger.receive(IMAGES[:2], NOON)
    seen = entries(world, IMAGES[:2])

    assert world.ledger.assign(seen, "job-1", LATER) == {image.image_id for image in IMAGES[:2]}
    assert world.ledger.assign(seen, "job-2", LATER) == set()

    assert entries(world, IMAGES[:2]) == [LedgerEntry(image, Status.SUBMITTED, "job-1", 1) for image in IMAGES[:2]]
    assert world.ledger.pending(LATER, 10) == []
    assert world.ledger.assign([], "job-1", LATER) == set()


def test_what_was_tried_meanwhile_is_not_assigned_to_a_job_of_before(world: Any) -> None:
    """The job's id tells how often each of its photographs was tried."""
    world.ledger.receive(IMAGES[:1], NOON)
    (seen,) = entries(world, IMAGES[:1])
    world.ledger.assign([seen], "job-1", NOON)
    world.ledger.release([Requeue(IMAGES[0].image_id, "internal: x", NOON)], "job-1")

    assert world.ledger.assign([seen], "job-2", LATER) == set()

    assert world.ledger.assign(entries(world, IMAGES[:1]), "job-3", LATER) == {IMAGES[0].image_id}
    assert entries(world, IMAGES[:1]) == [LedgerEntry(IMAGES[0], Status.SUBMITTED, "job-3", 2, reason="internal: x")]


def test_what_the_ledger_does_not_hold_is_neither_assigned_nor_given_back_nor_settled(world: Any) -> None:
    unknown = LedgerEntry(IMAGES[0], Status.RECEIVED, None)

    assert world.ledger.assign([unknown], "job-1", NOON) == set()
    assert world.ledger.release([Requeue(IMAGES[0].image_id, "x", NOON)], "job-1") == set()
    assert world.ledger.complete([outcome(IMAGES[0], Status.FAILED, "x")], "job-1", NOON) == set()
    assert world.ledger.reopen([IMAGES[0].image_id], NOON) == set()

    assert list(world.ledger.all()) == []


def test_what_is_given_back_waits_until_it_is_due(world: Any) -> None:
    world.ledger.register(IMAGES[:1], "job-1", EARLIER)

    assert world.ledger.release([Requeue(IMAGES[0].image_id, "internal: x", NOON)], "job-1") == {IMAGES[0].image_id}

    expected = LedgerEntry(IMAGES[0], Status.RECEIVED, "job-1", 1, reason="internal: x", due_at=NOON)
    assert entries(world, IMAGES[:1]) == [expected]
    assert world.ledger.pending("2026-05-04T11:59:59.999Z", 10) == []
    assert world.ledger.pending(NOON, 10) == [expected]


def test_only_what_a_job_holds_is_given_back_by_it_and_only_once(world: Any) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.register(IMAGES[1:2], "job-2", NOON)
    world.ledger.receive(IMAGES[2:], NOON)
    returns = [Requeue(image.image_id, "internal: x", LATER) for image in IMAGES]

    assert world.ledger.release(returns, "job-1") == {IMAGES[0].image_id}
    assert world.ledger.release(returns, "job-1") == set()
    assert world.ledger.release([], "job-1") == set()

    assert [entry.due_at for entry in entries(world)] == [LATER, "", NOON]


@pytest.mark.parametrize("terminal", sorted(TERMINAL))
def test_what_is_settled_is_not_given_back(world: Any, terminal: Status) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.complete([outcome(IMAGES[0], terminal)], "job-1", NOON)

    assert world.ledger.release([Requeue(IMAGES[0].image_id, "internal: x", NOON)], "job-1") == set()


@pytest.mark.parametrize("number", [1, 101])
def test_a_failed_photograph_is_tried_again_where_a_person_asks_and_its_attempts_are_forgiven(
    world: Any, number: int
) -> None:
    images = photographs(number)
    ids = {image.image_id for image in images}
    world.ledger.register(images, "job-1", EARLIER)
    world.ledger.complete([outcome(image, Status.FAILED, "internal: x") for image in images], "job-1", EARLIER)

    assert world.ledger.reopen(ids, NOON) == ids
    assert world.ledger.reopen(ids, LATER) == set()

    expected = [LedgerEntry(image, Status.RECEIVED, "job-1", 1, 1, "internal: x", NOON) for image in images]
    assert entries(world, images) == expected
    assert by_key(world.ledger.pending(NOON, 10_000)) == expected
    assert {entry.counted_attempts for entry in expected} == {0}


@pytest.mark.parametrize("status", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED, Status.SUBMITTED])
def test_only_what_has_failed_is_tried_again(world: Any, status: Status) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.receive(IMAGES[1:2], NOON)
    if status in TERMINAL:
        world.ledger.complete([outcome(IMAGES[0], status)], "job-1", NOON)

    assert world.ledger.reopen([IMAGES[0].image_id, IMAGES[1].image_id, "unknown"], LATER) == set()

    assert [entry.status for entry in entries(world, IMAGES[:2])] == [status, Status.RECEIVED]
    assert world.ledger.reopen([], LATER) == set()


def test_a_hundred_and_one_photographs_go_every_way_together(world: Any) -> None:
    images = photographs(101)
    ids = {image.image_id for image in images}
    world.ledger.receive(images, NOON)

    assert world.ledger.assign(entries(world, images), "job-1", NOON) == ids
    assert world.ledger.release([Requeue(each, "internal: x", NOON) for each in ids], "job-1") == ids
    assert world.ledger.assign(entries(world, images), "job-2", NOON) == ids
    assert world.ledger.complete([outcome(image, Status.COUNTED, "", ANSWER) for image in images], "job-2", NOON) == ids


def test_all_entries_are_listed(world: Any) -> None:
    world.ledger.register(IMAGES[:1], "job-1", NOON)
    world.ledger.receive(IMAGES[1:2], NOON)
    world.ledger.reject(IMAGES[2], "A folder.", NOON, "folder_marker")

    assert by_key(list(world.ledger.all())) == entries(world)


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
        {"empty": 0.02, "over_range": 0.01, "interval": THREE_OR_FOUR},
        {"empty": 0.0, "over_range": 1.0},
        {"interval": Interval(0, None, 0.9)},
        {"count": 0, "empty": 0.9, "over_range": 0.0, "interval": Interval(0, 0, 0.9)},
        {"count": None, "at_least": 6, "empty": 0.0, "over_range": 0.9, "interval": Interval(6, None, 0.9)},
        {},
    ],
)
def test_a_bin_holds_how_sure_its_count_is(world: Any, sureness: dict[str, Any]) -> None:
    world.bins.record([counted(**sureness)], NOON)

    assert world.bins.read(["P-17-C"])["P-17-C"] == counted(**sureness)


def test_a_count_of_a_model_that_cannot_tell_forgets_what_another_told(world: Any) -> None:
    newer = photograph(sequencer="0055AED6DCD90281E6")
    world.bins.record([counted(empty=0.02, over_range=0.01, interval=THREE_OR_FOUR)], NOON)

    world.bins.record([counted(newer)], NOON)

    assert world.bins.read(["P-17-C"])["P-17-C"] == replace(counted(newer), revision=2)


def test_a_bin_over_range_forgets_the_count_before_and_is_forgotten_by_the_next(world: Any) -> None:
    versions = [photograph(sequencer=f"0055AED6DCD90281E{number}") for number in range(3)]
    over = counted(versions[1], count=None, at_least=6, empty=0.0, over_range=0.9)

    world.bins.record([counted(versions[0])], NOON)
    world.bins.record([over], NOON)
    assert world.bins.read(["P-17-C"])["P-17-C"] == replace(over, revision=2)
    world.bins.record([counted(versions[2])], NOON)

    assert world.bins.read(["P-17-C"])["P-17-C"] == replace(counted(versions[2]), revision=3)


def test_an_unreadable_bin_forgets_the_count_before(world: Any) -> None:
    newer = photograph(sequencer="0055AED6DCD90281E6")
    world.bins.record([counted(empty=0.02, over_range=0.01, interval=THREE_OR_FOUR)], NOON)

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


@pytest.mark.parametrize(
    ("held", "offered", "taken"),
    [
        (unseen(), counted(), True),
        (unseen(), unreadable(), True),
        (unseen(), unseen(), False),
        (unreadable(), counted(), False),
        (unreadable(), unseen(), False),
        (counted(count=3), counted(count=2), False),
        (counted(), unreadable(), False),
        (counted(), unseen(), False),
    ],
)
def test_of_the_same_photograph_a_bin_takes_only_the_answer_that_was_missing(
    world: Any, held: BinCount, offered: BinCount, taken: bool
) -> None:
    world.bins.record([held], NOON)

    world.bins.record([offered], LATER)

    assert world.bins.read(["P-17-C"])["P-17-C"] == (replace(offered, revision=2) if taken else held)


# ---- Jobs


def opened(world: Any, job: Job = JOB, at: str = NOON) -> None:
    """A job that the ledger names."""
    world.jobs.create(job, at)
    world.jobs.open(job, at)


def in_status(world: Any, status: JobStatus, job: Job = JOB) -> None:
    """Bring a new job into a status."""
    world.jobs.create(job, NOON)
    if status in (JobStatus.OPEN, JobStatus.SENT):
        world.jobs.open(job, NOON)
    if status is JobStatus.SENT:
        world.jobs.mark_sent(job, RECEIPT, NOON)
    if status is JobStatus.ABANDONED:
        world.jobs.abandon(job_in(world, job), NOON)
    if status in (JobStatus.DONE, JobStatus.FAILED):
        world.jobs.close(job.job_id, status, "Closed.", NOON)
    assert job_in(world, job).status is status


def found(world: Any, until: str = LATER, most: int = 100) -> dict[JobStatus, list[str]]:
    """The ids of the jobs that the index finds, by status."""
    ids = {status: [job.job_id for job in world.jobs.unfinished(status, until, most)] for status in JobStatus}
    return {status: jobs for status, jobs in ids.items() if jobs}


@pytest.mark.parametrize("job", [JOB, BATCH])
def test_a_job_that_is_opened_is_prepared(world: Any, job: Job) -> None:
    world.jobs.create(job, NOON)

    prepared = replace(job, status=JobStatus.PREPARED, prepare_count=1, created_at=NOON, touched_at=NOON)
    assert world.jobs.read([job.job_id, job.job_id, "unknown"]) == {job.job_id: prepared}
    assert world.jobs.unfinished(JobStatus.PREPARED, NOON, 10) == [prepared]
    assert list(world.jobs.all()) == [prepared]


@pytest.mark.parametrize("before", [JobStatus.PREPARED, JobStatus.ABANDONED])
def test_a_job_that_is_not_open_is_opened_again_as_if_it_were_new(world: Any, before: JobStatus) -> None:
    in_status(world, before)

    world.jobs.create(JOB, LATER)

    prepared = replace(JOB, status=JobStatus.PREPARED, prepare_count=2, created_at=LATER, touched_at=LATER)
    assert job_in(world) == prepared
    assert found(world) == {JobStatus.PREPARED: [JOB.job_id]}
    assert len(list(world.jobs.all())) == 1


def test_a_job_that_nobody_waits_for_is_abandoned(world: Any) -> None:
    world.jobs.create(JOB, NOON)

    world.jobs.abandon(job_in(world), LATER)

    held = job_in(world)
    assert (held.status, held.closed_at, held.reason) == (JobStatus.ABANDONED, LATER, "No photograph waits for it.")
    assert found(world) == {}


@pytest.mark.parametrize("again", [NOON, LATER])
def test_a_job_that_was_prepared_again_since_is_not_abandoned(world: Any, again: str) -> None:
    """Another function may be putting photographs into it, also one that started in the same millisecond."""
    world.jobs.create(JOB, NOON)
    seen = job_in(world)
    world.jobs.create(JOB, again)

    world.jobs.abandon(seen, LATER)

    assert job_in(world).status is JobStatus.PREPARED


def test_a_job_is_sent_only_when_the_ledger_names_it(world: Any) -> None:
    world.jobs.create(JOB, NOON)
    assert not world.jobs.claim(JOB, NOON, NOON)
    world.jobs.mark_sent(JOB, RECEIPT, NOON)
    assert job_in(world).status is JobStatus.PREPARED

    world.jobs.open(JOB, LATER)

    named = replace(JOB, status=JobStatus.OPEN, prepare_count=1, created_at=NOON, touched_at=LATER)
    assert job_in(world) == named
    assert world.jobs.claim(JOB, LATER, LATER)


@pytest.mark.parametrize("status", [JobStatus.OPEN, JobStatus.SENT, JobStatus.DONE, JobStatus.FAILED])
def test_a_job_that_went_on_is_neither_opened_nor_made_ready_again(world: Any, status: JobStatus) -> None:
    in_status(world, status)
    before = job_in(world)

    world.jobs.create(JOB, LATER)
    world.jobs.open(JOB, LATER)

    assert job_in(world) == before


def test_a_job_that_was_abandoned_too_soon_is_made_ready(world: Any) -> None:
    """The sweep looked before the ledger named it, and the function that opened it goes on."""
    in_status(world, JobStatus.ABANDONED)

    world.jobs.open(JOB, LATER)

    named = replace(JOB, status=JobStatus.OPEN, prepare_count=1, created_at=NOON, touched_at=LATER)
    assert job_in(world) == named
    assert found(world) == {JobStatus.OPEN: [JOB.job_id]}


def test_a_claim_is_one_callers_until_it_ends(world: Any) -> None:
    opened(world)

    assert world.jobs.claim(JOB, "2026-05-04T12:00:00.000Z", "2026-05-04T12:02:00.000Z")
    assert not world.jobs.claim(JOB, "2026-05-04T12:00:00.000Z", "2026-05-04T12:02:00.000Z")
    assert not world.jobs.claim(JOB, "2026-05-04T12:02:00.000Z", "2026-05-04T12:04:00.000Z")
    assert world.jobs.claim(JOB, "2026-05-04T12:02:00.001Z", "2026-05-04T12:04:00.000Z")
    assert job_in(world).send_count == 2


def test_a_job_that_was_sent_waits_no_more(world: Any) -> None:
    opened(world)
    world.jobs.claim(JOB, NOON, NOON)

    world.jobs.mark_sent(JOB, RECEIPT, LATER)

    times = {"created_at": NOON, "submitted_at": LATER, "touched_at": LATER}
    sent = replace(JOB, status=JobStatus.SENT, prepare_count=1, send_count=1, **times, **RECEIPT)
    assert job_in(world) == sent
    assert found(world) == {JobStatus.SENT: [JOB.job_id]}
    assert not world.jobs.claim(JOB, LATER, LATER)
    world.jobs.create(JOB, LATER)
    assert job_in(world) == sent


@pytest.mark.parametrize("first", [JobStatus.DONE, JobStatus.FAILED])
@pytest.mark.parametrize("before", sorted(UNFINISHED))
def test_the_first_answer_closes_a_job_for_good(world: Any, first: JobStatus, before: JobStatus) -> None:
    """An answer may come before the function that asked has noted that it asked, or that the ledger names the job."""
    in_status(world, before)
    seen = job_in(world)

    world.jobs.close(JOB.job_id, first, "First.", NOON)
    world.jobs.close(JOB.job_id, JobStatus.FAILED, "Late.", LATER)
    world.jobs.abandon(seen, LATER)
    world.jobs.open(JOB, LATER)
    world.jobs.mark_sent(JOB, RECEIPT, LATER)
    world.jobs.defer(replace(JOB, transform_attempt=1), LATER)
    world.jobs.touch(JOB.job_id, LATER)

    closed = job_in(world)
    assert (closed.status, closed.reason, closed.closed_at, closed.transform_attempt) == (first, "First.", NOON, 0)
    assert found(world) == {}
    assert not world.jobs.claim(JOB, LATER, LATER)


def test_an_answer_that_comes_after_a_failure_closes_the_job_as_done(world: Any) -> None:
    in_status(world, JobStatus.FAILED)

    world.jobs.close(JOB.job_id, JobStatus.DONE, "", LATER)

    closed = job_in(world)
    assert (closed.status, closed.reason, closed.closed_at) == (JobStatus.DONE, "", LATER)


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.PREPARED}))
def test_only_a_job_that_is_prepared_is_abandoned(world: Any, status: JobStatus) -> None:
    in_status(world, status)
    before = job_in(world)

    world.jobs.abandon(before, LATER)

    assert job_in(world) == before


def test_what_is_unknown_is_not_changed_into_a_job(world: Any) -> None:
    world.jobs.close(JOB.job_id, JobStatus.DONE, "", NOON)
    world.jobs.open(JOB, NOON)
    world.jobs.touch(JOB.job_id, NOON)
    world.jobs.mark_sent(JOB, RECEIPT, NOON)
    world.jobs.defer(replace(JOB, transform_attempt=1), NOON)
    world.jobs.abandon(replace(JOB, touched_at=NOON), NOON)
    assert not world.jobs.claim(JOB, NOON, NOON)

    assert world.jobs.read([JOB.job_id]) == {}
    assert list(world.jobs.all()) == []


@pytest.mark.parametrize("status", [JobStatus.OPEN, JobStatus.SENT])
def test_a_job_without_capacity_waits_again_and_may_be_claimed_at_once(world: Any, status: JobStatus) -> None:
    """When it is due is for the caller to look at."""
    opened(world, BATCH)
    world.jobs.claim(BATCH, NOON, LATER)
    if status is JobStatus.SENT:
        world.jobs.mark_sent(BATCH, {"output_location": "s3://jobs/out"}, NOON)

    world.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="CapacityError"), NOON)

    held = job_in(world, BATCH)
    assert (held.status, held.transform_attempt, held.due_at, held.reason) == (
        JobStatus.OPEN,
        1,
        LATER,
        "CapacityError",
    )
    assert found(world) == {JobStatus.OPEN: [BATCH.job_id]}
    assert world.jobs.claim(BATCH, NOON, LATER)


def test_a_job_without_capacity_is_found_when_it_is_due_and_stands_in_nobodys_way_before(world: Any) -> None:
    opened(world, BATCH)

    world.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="CapacityError"), NOON)

    assert found(world, "2026-05-04T15:59:59.999Z") == {}
    assert found(world, LATER) == {JobStatus.OPEN: [BATCH.job_id]}


def test_each_try_is_deferred_once(world: Any) -> None:
    """The same announcement may come many times, also after the next try was sent."""
    opened(world, BATCH)
    later = [
        replace(
            BATCH, transform_attempt=transform_attempt, due_at=f"{transform_attempt}", reason=f"{transform_attempt}"
        )
        for transform_attempt in (1, 2)
    ]
    world.jobs.defer(later[0], NOON)
    world.jobs.defer(replace(later[0], due_at="x"), LATER)
    assert job_in(world, BATCH).due_at == "1"

    world.jobs.mark_sent(later[0], {"output_location": "s3://jobs/out"}, NOON)
    world.jobs.defer(later[0], LATER)
    assert job_in(world, BATCH).status is JobStatus.SENT

    world.jobs.defer(later[1], LATER)
    assert (job_in(world, BATCH).status, job_in(world, BATCH).transform_attempt) == (JobStatus.OPEN, 2)


def test_a_try_that_was_refused_before_its_sender_noted_it_is_not_taken_for_the_next(world: Any) -> None:
    """Else the job would be SENT under the name of a transform job that nobody asked for."""
    opened(world, BATCH)
    world.jobs.claim(BATCH, NOON, LATER)
    world.jobs.defer(replace(BATCH, transform_attempt=1, due_at=LATER, reason="CapacityError"), NOON)

    world.jobs.mark_sent(BATCH, {"output_location": "s3://jobs/out"}, NOON)

    assert job_in(world, BATCH).status is JobStatus.OPEN


def test_those_unanswered_are_found_by_status_and_since_when_longest_first(world: Any) -> None:
    jobs = [job_of([(str(number), 0)], EngineName.BATCH if number % 2 else EngineName.ASYNC) for number in range(6)]
    for number, job in enumerate(jobs):
        opened(world, job, str(number))
    world.jobs.mark_sent(jobs[0], RECEIPT, "0")
    world.jobs.close(jobs[2].job_id, JobStatus.DONE, "", "2")
    world.jobs.touch(jobs[1].job_id, "9")

    def ids(*numbers: int) -> list[str]:
        return [jobs[number].job_id for number in numbers]

    assert found(world, "9") == {JobStatus.SENT: ids(0), JobStatus.OPEN: ids(3, 4, 5, 1)}
    assert found(world, "4") == {JobStatus.SENT: ids(0), JobStatus.OPEN: ids(3, 4)}
    assert found(world, "9", 2) == {JobStatus.SENT: ids(0), JobStatus.OPEN: ids(3, 4)}
    assert {job.job_id for job in world.jobs.all()} == set(ids(*range(6)))


@pytest.mark.parametrize("step", ["open", "ready", "sent", "defer", "touch"])
def test_whatever_is_done_about_a_job_it_is_looked_into_later(world: Any, step: str) -> None:
    in_status(world, {"open": JobStatus.ABANDONED, "ready": JobStatus.PREPARED}.get(step, JobStatus.OPEN))
    doing = {
        "open": lambda: world.jobs.create(JOB, LATER),
        "ready": lambda: world.jobs.open(JOB, LATER),
        "sent": lambda: world.jobs.mark_sent(JOB, RECEIPT, LATER),
        "defer": lambda: world.jobs.defer(replace(JOB, transform_attempt=1), LATER),
        "touch": lambda: world.jobs.touch(JOB.job_id, LATER),
    }

    doing[step]()

    assert found(world, "2026-05-04T15:59:59.999Z") == {}
    assert list(found(world, LATER).values()) == [[JOB.job_id]]


def test_touching_changes_nothing_else(world: Any) -> None:
    in_status(world, JobStatus.SENT)
    before = job_in(world)

    world.jobs.touch(JOB.job_id, LATER)

    assert job_in(world) == replace(before, touched_at=LATER)


# ---- The engines

ENGINES = pytest.mark.parametrize("job", [JOB, BATCH], ids=["async", "batch"])


def engine_of(world: Any, job: Job) -> Any:
    return world.async_engine if job.engine is EngineName.ASYNC else world.batch_engine


def shards_of(job: Job) -> list[list[Image]]:
    return [IMAGES] if job.engine is EngineName.ASYNC else [IMAGES[:2], IMAGES[2:]]


def asked_in(job: Job) -> list[list[str]]:
    return [sorted(image.image_id for image in images) for images in shards_of(job)]


def sent(world: Any, job: Job) -> Job:
    """A job that its engine took."""
    engine_of(world, job).prepare(job, shards_of(job))
    return replace(job, status=JobStatus.SENT, **engine_of(world, job).submit(job))


def answer(world: Any, job: Job, shards: list[int], failure: str = "") -> None:
    """The engine answers these shards, and fails if there is a `failure`."""
    records = [prediction(image) for number in shards for image in shards_of(job)[number]]
    if isinstance(world, World):
        _answer_by_fake(engine_of(world, job), job, records, failure)
    elif job.engine is EngineName.ASYNC:
        put(job.failure_location, failure) if failure else put(job.output_location, lines(records))
    else:
        for number in shards:
            put(f"{job.output_location}{number:05}.jsonl.out", lines(map(prediction, shards_of(job)[number])))
        ended = {"TransformJobStatus": "Failed", "FailureReason": failure} if failure else {}
        world.sagemaker.transforms[name_of(job)] = ended or {"TransformJobStatus": "Completed"}


def _answer_by_fake(engine: Any, job: Job, records: list[dict[str, object]], failure: str) -> None:
    if records:
        engine.answer(job, records)
    if failure:
        engine.failures[job.job_id] = failure


def lines(records: Any) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


def put(location: str, body: str) -> None:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())


def test_hostile_keys_do_no_harm_to_a_manifest(world: Any) -> None:
    images = [photograph(key) for key in HOSTILE_KEYS]
    job = first_job_of(images)

    world.async_engine.prepare(job, [images])

    assert list(world.async_engine.results(job, None)) == [(sorted(image.image_id for image in images), {})]


@ENGINES
def test_a_manifest_is_read_back(world: Any, job: Job) -> None:
    engine_of(world, job).prepare(job, shards_of(job))

    assert list(engine_of(world, job).results(job, None)) == [(ids, {}) for ids in asked_in(job)]


@ENGINES
def test_a_job_that_was_never_prepared_asks_about_nothing(world: Any, job: Job) -> None:
    assert list(engine_of(world, job).results(job, None)) == [([], {})] * job.shards


@pytest.mark.parametrize(
    ("job", "told"),
    [(JOB, {"output_location", "failure_location"}), (BATCH, {"output_location"})],
    ids=["async", "batch"],
)
def test_a_job_that_is_taken_has_a_receipt(world: Any, job: Job, told: set[str]) -> None:
    engine_of(world, job).prepare(job, shards_of(job))

    receipt = engine_of(world, job).submit(job)

    assert set(receipt) == told
    assert all(location.startswith("s3://") for location in receipt.values())


@ENGINES
def test_a_job_that_is_not_taken_has_none(world: Any, job: Job) -> None:
    engine_of(world, job).prepare(job, shards_of(job))
    (engine_of(world, job) if isinstance(world, World) else world.sagemaker).down = True

    with pytest.raises(EngineUnavailableError) as raised:
        engine_of(world, job).submit(job)

    assert not isinstance(raised.value, NoCapacityError)


def test_a_lack_of_capacity_has_its_own_name(world: Any) -> None:
    world.batch_engine.prepare(BATCH, shards_of(BATCH))
    (world.batch_engine if isinstance(world, World) else world.sagemaker).full = True

    with pytest.raises(NoCapacityError, match=r"^CapacityError"):
        world.batch_engine.submit(BATCH)


def test_of_the_endpoint_nobody_can_ask_how_far_it_is(world: Any) -> None:
    assert not world.async_engine.supports_polling
    assert world.batch_engine.supports_polling


@ENGINES
def test_a_job_at_work_tells_nothing(world: Any, job: Job) -> None:
    assert engine_of(world, job).poll(sent(world, job)) is None


@ENGINES
def test_a_job_that_has_answered_tells_where(world: Any, job: Job) -> None:
    asked = sent(world, job)
    answer(world, asked, list(range(job.shards)))

    attempt = None if job.engine is EngineName.ASYNC else 0
    assert engine_of(world, job).poll(asked) == JobResult(job.job_id, asked.output_location, "", attempt)
    assert list(engine_of(world, job).results(asked, asked.output_location)) == [
        (ids, dict.fromkeys(ids, ANSWER)) for ids in asked_in(job)
    ]


def test_a_request_that_failed_tells_why_and_has_no_output(world: Any) -> None:
    asked = sent(world, JOB)
    answer(world, asked, [], "The model server died.")

    assert world.async_engine.poll(asked) == JobResult(JOB.job_id, None, "The model server died.")


def test_a_transform_job_that_failed_tells_why_and_keeps_what_was_counted(world: Any) -> None:
    asked = sent(world, BATCH)
    answer(world, asked, [0], "ClientError: See job logs.")

    assert world.batch_engine.poll(asked) == JobResult(
        BATCH.job_id, asked.output_location, "ClientError: See job logs.", 0
    )
    assert [len(answers) for _, answers in world.batch_engine.results(asked, asked.output_location)] == [2, 0]


@ENGINES
@pytest.mark.parametrize(
    "location",
    [
        "s3://elsewhere/async/output/x.out",
        "https://jobs/x.out",
        "x.out",
        "s3://",
        "s3:///x",
        "file:///etc/passwd",
        "jobs bucket/orders/reports/x",
    ],
)
def test_an_output_outside_the_jobs_bucket_is_refused(world: Any, job: Job, location: str) -> None:
    bucket = "s3://jobs" if isinstance(world, World) else f"s3://{table('JobsBucket')}"

    with pytest.raises(InvalidEventError):
        list(engine_of(world, job).results(job, location.replace("jobs bucket", bucket)))


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


def test_a_line_over_range_is_counted_at_least_and_gives_way_to_a_count(world: Any) -> None:
    over = Finding(Verdict.OVER, "More.", None, 6)
    world.orders.put([order_line(3)], NOON)

    world.orders.judge([(order_line(3), over, 4)], NOON)
    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.counted, line.counted_at_least) == (None, 6)
    world.orders.judge([(order_line(3), MATCH, 5)], NOON)
    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.counted, line.counted_at_least) == (3, None)
    world.orders.judge([(order_line(3), over, 6)], NOON)
    world.orders.put([replace(order_line(5), order_version="2")], NOON)

    (line,) = stored(world, ("C-1", "P-17-C"))
    assert (line.counted, line.counted_at_least) == (None, None)


def test_of_several_verdicts_only_those_refused_are_left_out(world: Any) -> None:
    lines = [order_line(3, bin_id=bin_id) for bin_id in "abc"]
    world.orders.put(lines, NOON)
    world.orders.put([replace(lines[1], expected=4, order_version="2")], NOON)

    written = world.orders.judge([(line, MATCH, 1) for line in lines], NOON)

    assert written == {("C-1", "a"), ("C-1", "c")}


# ---- The clock


def waiting(world: Any, now: str, most: int = 100) -> list[str]:
    return sorted(bin_id for _, bin_id in world.orders.due(now, most))


def test_a_line_waits_for_its_due_time_until_it_is_settled_or_overdue(world: Any) -> None:
    lines = [order_line(bin_id=name, due=NOON) for name in "abcd"]
    world.orders.put([*lines, order_line(bin_id="never"), order_line(bin_id="later", due=LATER)], NOON)
    assert waiting(world, EARLIER) == []
    assert waiting(world, NOON) == ["a", "b", "c", "d"]
    unsure = Finding(Verdict.UNCERTAIN, "Unsure.", 3)
    missing = Finding(Verdict.MISSING, "Due.", overdue=True)

    world.orders.judge([(lines[0], MATCH, 1), (lines[1], unsure, 1), (lines[2], missing, 0)], NOON)
    world.orders.judge([(lines[3], replace(unsure, overdue=True), 1)], NOON)

    assert waiting(world, NOON) == ["b"]
    assert waiting(world, LATER) == ["b", "later"]
    assert {line.bin_id: line.overdue for line in world.orders.of_consignment("C-1")}["d"] is True


def test_an_amended_line_waits_again_and_one_imported_again_stays_as_it_is(world: Any) -> None:
    line = order_line(due=NOON)
    world.orders.put([line], NOON)
    world.orders.judge([(line, Finding(Verdict.MISSING, "Due.", overdue=True), 0)], NOON)

    world.orders.put([replace(line, order_version="2")], NOON)
    assert waiting(world, LATER) == []
    world.orders.put([replace(line, order_version="3", due_at=LATER)], NOON)

    assert waiting(world, LATER) == ["P-17-C"]
    assert world.orders.read([line.key])[line.key].overdue is False


def test_a_look_at_the_clock_is_bounded(world: Any) -> None:
    world.orders.put([order_line(bin_id=f"bin-{number}", due=NOON) for number in range(200)], NOON)

    assert 8 <= len(waiting(world, NOON, 16)) <= 16


# ---- Lines that a newer file no longer has


def withdrawn(world: Any, line: OrderLine, version: str = "2") -> int:
    return int(world.orders.withdraw([(line, version)], LATER))


def only_line(world: Any) -> OrderLine:
    (line,) = stored(world, ("C-1", "P-17-C"))
    return line


def test_the_lines_of_many_consignments_are_read(world: Any) -> None:
    lines = [order_line(1, bin_id="a"), order_line(2, bin_id="b"), order_line(3, bin_id="a", consignment="C-2")]
    world.orders.put(lines, NOON)

    assert world.orders.of_consignments(["C-1", "C-2", "C-9"]) == {"C-1": lines[:2], "C-2": lines[2:]}
    assert world.orders.of_consignments([]) == {}


def test_a_line_is_withdrawn_once(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)

    assert withdrawn(world, order_line(3)) == 1
    line = only_line(world)
    assert (line.verdict, line.order_version, line.replace_version) == (Verdict.WITHDRAWN, "1", "2")
    assert line.reason == NO_LONGER_ORDERED
    assert outdated([line]) == []
    assert withdrawn(world, line, "3") == 0
    assert only_line(world).replace_version == "3"
    assert world.orders.withdraw([], NOON) == 0


def test_a_line_that_a_newer_import_wrote_meanwhile_is_not_withdrawn(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    world.orders.put([replace(order_line(3), order_version="3")], NOON)

    assert withdrawn(world, order_line(3)) == 0
    assert only_line(world).verdict is Verdict.PENDING


def test_a_withdrawn_line_does_not_wait_for_its_due_time_any_more(world: Any) -> None:
    world.orders.put([order_line(3, due=NOON)], NOON)
    withdrawn(world, order_line(3, due=NOON))
    assert waiting(world, LATER) == []

    world.orders.put([replace(order_line(3, due=NOON), order_version="2")], NOON)

    assert waiting(world, LATER) == ["P-17-C"]


def test_a_withdrawn_line_is_not_judged(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    withdrawn(world, order_line(3))

    assert world.orders.judge([(order_line(3), MATCH, 4)], NOON) == set()
    assert only_line(world).verdict is Verdict.WITHDRAWN


def test_a_withdrawn_line_that_is_ordered_again_is_pending(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    world.orders.judge([(order_line(3), MATCH, 4)], NOON)
    withdrawn(world, order_line(3))

    world.orders.put([replace(order_line(3), order_version="2", replace_version="2")], NOON)

    line = only_line(world)
    assert (line.verdict, line.reason, line.counted) == (Verdict.PENDING, NOT_COUNTED, None)
    assert (line.order_version, line.replace_version) == ("2", "2")


@pytest.mark.parametrize(("held", "marked"), [("", "2"), ("1", "2"), ("3", "3")])
def test_that_a_consignment_was_replaced_is_noted_on_a_newer_line_too(world: Any, held: str, marked: str) -> None:
    """The line of a file that adds stands; what an older file brings later is withdrawn all the same."""
    world.orders.put([replace(order_line(3), order_version="4", replace_version=held)], NOON)

    world.orders.put([replace(order_line(5), order_version="2", replace_version="2")], NOON)

    line = only_line(world)
    assert (line.expected, line.order_version, line.replace_version) == (3, "4", marked)


def test_a_file_that_adds_keeps_the_note(world: Any) -> None:
    world.orders.put([replace(order_line(3), replace_version="1")], NOON)

    world.orders.put([replace(order_line(4), order_version="2")], NOON)

    assert (only_line(world).expected, only_line(world).replace_version) == (4, "1")


def test_a_newer_line_does_not_lower_the_note_that_withdrew_it(world: Any) -> None:
    world.orders.put([order_line(3)], NOON)
    withdrawn(world, order_line(3), "4")

    world.orders.put([replace(order_line(3), order_version="2", replace_version="2")], NOON)

    assert (only_line(world).verdict, only_line(world).replace_version) == (Verdict.PENDING, "4")
    assert outdated([only_line(world)]) == [(only_line(world), "4")]


# ---- Reports


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_report_lies_in_the_jobs_bucket_under_orders(world: Any, key: str) -> None:
    location = world.reports.write(order_file(key), OrderFile((order_line(3),)), False, Progress("f", 1))

    bucket, _, path = location.removeprefix("s3://").partition("/")
    assert "jobs" in bucket
    assert path.startswith("orders/reports/")


def test_an_answer_that_is_announced_again_does_not_close_the_job_anew(world: Any) -> None:
    in_status(world, JobStatus.DONE)
    before = job_in(world)

    world.jobs.close(JOB.job_id, JobStatus.DONE, "Again.", LATER)

    assert job_in(world) == before


@pytest.mark.parametrize("answer", [JobStatus.DONE, JobStatus.FAILED])
def test_a_job_that_was_abandoned_is_not_closed(world: Any, answer: JobStatus) -> None:
    """Nobody asked for it; it is made ready again where somebody does."""
    in_status(world, JobStatus.ABANDONED)
    before = job_in(world)

    world.jobs.close(JOB.job_id, answer, "Late.", LATER)

    assert job_in(world) == before


@pytest.mark.parametrize("status", sorted(set(JobStatus) - UNFINISHED))
def test_what_waits_for_no_answer_is_not_touched(world: Any, status: JobStatus) -> None:
    in_status(world, status)
    before = job_in(world)

    world.jobs.touch(JOB.job_id, LATER)

    assert job_in(world) == before


def test_no_try_is_left_out(world: Any) -> None:
    opened(world, BATCH)
    before = job_in(world, BATCH)

    world.jobs.defer(replace(BATCH, transform_attempt=2, due_at=LATER, reason="CapacityError"), LATER)

    assert job_in(world, BATCH) == before


@pytest.mark.parametrize("status", [Status.COUNTED, Status.REJECTED, Status.SUPERSEDED])
def test_what_was_answered_meanwhile_is_not_assigned(world: Any, status: Status) -> None:
    """The answer of an earlier job: no attempt tells of it."""
    world.ledger.receive(IMAGES[:1], NOON)
    seen = entries(world, IMAGES[:1])
    world.ledger.complete([outcome(IMAGES[0], status)], "job-1", NOON)

    assert world.ledger.assign(seen, "job-2", LATER) == set()

    assert [entry.status for entry in entries(world, IMAGES[:1])] == [status]
