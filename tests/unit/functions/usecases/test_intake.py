from __future__ import annotations

from contextlib import suppress

import pytest
from bintally.domain.image import Image, Status
from bintally.domain.jobs import JobResult, JobStatus
from bintally.domain.manifest import parse_manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import CrashError, Fakes
from tests.unit.functions.examples import HOSTILE_KEYS, make_image, make_images, prediction
from tests.unit.functions.usecases.runs import (
    Notifications,
    after_each_crash,
    answered,
    collected,
    first_job_of,
    ingested,
    ingested_job,
    later,
    requested_ids,
    submitted,
    with_each_interruption,
)

IMAGES = make_images(3)
JOB = first_job_of(IMAGES)


def settle_everything(fakes: Fakes) -> None:
    """Schedule, engine and notifications without further faults."""
    submitted(fakes, later(30))
    Notifications(IMAGES).deliver(fakes)


def test_images_are_registered_and_sent_as_one_job() -> None:
    fakes = Fakes()

    intake = ingested(fakes, IMAGES)

    assert (intake.registered, intake.repeated) == (3, 0)
    assert intake.submission.sent == (JOB.job_id,)
    assert {held.job_id for held in fakes.ledger.items.values()} == {JOB.job_id}
    assert {held.status for held in fakes.ledger.items.values()} == {Status.SUBMITTED}
    assert fakes.jobs.items[JOB.job_id].status is JobStatus.SENT
    assert fakes.jobs.items[JOB.job_id].job.output_location
    assert requested_ids(fakes, JOB) == sorted(image.image_id for image in IMAGES)


def test_a_large_delivery_is_split_into_micro_batches() -> None:
    fakes = Fakes()

    intake = ingested(fakes, make_images(25), micro_batch=10)

    assert [fakes.jobs.items[job_id].job.images for job_id in sorted(intake.submission.sent)] != []
    assert sorted(held.job.images for held in fakes.jobs.items.values()) == [5, 10, 10]
    assert len(fakes.ledger.items) == 25


def test_fifty_deliveries_have_the_effect_of_one() -> None:
    fakes = Fakes()
    ingested(fakes, IMAGES)
    once = fakes.state()

    for repetition in range(50):
        intake = ingested(fakes, IMAGES * 2, now=later(repetition))
        assert (intake.registered, intake.repeated) == (0, 3)

    assert fakes.state() == once
    assert fakes.async_engine.asked == [JOB.job_id]


def test_a_delivery_with_repetitions_registers_each_image_once() -> None:
    fakes = Fakes()

    assert ingested(fakes, [*IMAGES, *reversed(IMAGES)]).registered == 3


def test_a_repeated_image_does_not_block_new_ones() -> None:
    fakes = Fakes()
    ingested(fakes, IMAGES[:1])

    intake = ingested(fakes, IMAGES)

    assert (intake.registered, intake.repeated) == (2, 1)
    assert fakes.async_engine.asked == [first_job_of(IMAGES[:1]).job_id, first_job_of(IMAGES[1:]).job_id]


def test_an_empty_delivery_does_nothing() -> None:
    fakes = Fakes()

    intake = ingested(fakes, [])

    assert (intake.registered, intake.submission.sent) == (0, ())
    assert fakes.state() == Fakes().state()


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_hostile_key_is_accepted_unchanged(key: str) -> None:
    fakes = Fakes()

    job = ingested_job(fakes, [make_image(key)])

    (held,) = fakes.ledger.items.values()
    assert held.image.key == key
    assert requested_ids(fakes, job) == [held.image.image_id]


def test_a_folder_marker_is_rejected_without_the_model() -> None:
    fakes = Fakes()

    intake = ingested(fakes, [make_image("P-17-C/")])

    (held,) = fakes.ledger.items.values()
    assert (held.status, held.job_id) == (Status.REJECTED, None)
    assert held.reason == "A folder, not a photo."
    assert intake.registered == 1
    assert fakes.jobs.items == {}
    assert ingested(fakes, [make_image("P-17-C/")]).repeated == 1


def test_a_counted_image_is_not_sent_again() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    collected(fakes, answered(fakes, job, map(prediction, IMAGES)))
    counted = fakes.state()

    ingested(fakes, IMAGES, now=later(60))

    assert fakes.state() == counted
    assert fakes.async_engine.asked == [job.job_id]


# ---- Crashes


def test_a_second_delivery_completes_what_a_crash_interrupted() -> None:
    calm = Fakes()
    ingested(calm, IMAGES)
    all_fakes = after_each_crash(Fakes, lambda fakes: ingested(fakes, IMAGES))

    for fakes in all_fakes:
        submitted(fakes, later(30))
        assert fakes.state()["ledger"] == calm.state()["ledger"]
        assert {job_id: held.status for job_id, held in fakes.jobs.items.items()} == {JOB.job_id: JobStatus.SENT}


def test_the_next_delivery_sends_the_job_that_a_crash_left_open() -> None:
    fakes = Fakes()
    fakes.steps.crash_before(6)  # manifest, job and ledger are written, and nothing is sent
    with suppress(CrashError):
        ingested(fakes, IMAGES)

    assert ingested(fakes, IMAGES, now=later(6)).submission.sent == (JOB.job_id,)


def test_a_crash_between_two_images_loses_none() -> None:
    """A transaction has a hundred items, so a crash can come between two parts of one job."""
    all_fakes = after_each_crash(lambda: Fakes(batch_size=1), lambda fakes: ingested(fakes, IMAGES))

    for fakes in all_fakes:
        settle_everything(fakes)
        assert {held.status for held in fakes.ledger.items.values()} == {Status.COUNTED}
        assert len(fakes.ledger.items) == len(fakes.bins.items) == len(IMAGES)
        assert {held.status for held in fakes.jobs.items.values()} <= {JobStatus.DONE}


def test_a_result_before_registration_does_not_lose_images() -> None:
    """The function dies after opening the job. Schedule and engine are quicker than the second delivery."""
    for number in range(1, 10):
        fakes, notifications = Fakes(), Notifications(IMAGES)
        fakes.steps.crash_before(number)
        with suppress(CrashError):
            ingested(fakes, IMAGES)
        for minutes in (5, 10):
            submitted(fakes, later(minutes))
            notifications.deliver(fakes)
            ingested(fakes, IMAGES, now=later(minutes + 1))
        notifications.deliver(fakes)

        statuses = fakes.statuses()
        assert set(statuses.values()) == {Status.COUNTED}, f"crash before step {number}: {statuses}"


def test_a_job_does_not_complete_images_of_another() -> None:
    """Two deliveries at once have a photo in common: it is in both manifests, and in one job."""
    fakes = Fakes()
    fakes.steps.before(2, lambda: ingested(fakes, IMAGES[1:]))
    ingested(fakes, IMAGES[:2])
    ours, theirs = first_job_of(IMAGES[:2]), first_job_of(IMAGES[1:])

    collected(fakes, JobResult(ours.job_id, None, "The container ran out of memory."))
    shared = IMAGES[1].image_id
    assert fakes.ledger.items[shared].status is Status.SUBMITTED
    collected(fakes, answered(fakes, theirs, map(prediction, IMAGES[1:])))

    assert [fakes.ledger.items[image.image_id].status for image in IMAGES] == [
        Status.FAILED,
        Status.COUNTED,
        Status.COUNTED,
    ]


# ---- Two at once


def test_two_deliveries_at_once_are_one_job_sent_once() -> None:
    calm = Fakes()
    ingested(calm, IMAGES)

    all_fakes = with_each_interruption(
        Fakes, lambda fakes: ingested(fakes, IMAGES), lambda fakes: ingested(fakes, IMAGES, now=later(0.1))
    )

    for fakes in all_fakes:
        assert fakes.async_engine.asked == [JOB.job_id]
        assert fakes.state()["ledger"] == calm.state()["ledger"]


def test_overlapping_deliveries_lose_and_repeat_nothing() -> None:
    def other(fakes: Fakes) -> None:
        ingested(fakes, IMAGES[1:], now=later(0.1))

    for fakes in with_each_interruption(Fakes, lambda fakes: ingested(fakes, IMAGES[:2]), other):
        settle_everything(fakes)
        assert {held.status for held in fakes.ledger.items.values()} == {Status.COUNTED}
        assert len(fakes.ledger.items) == 3
        assert {count.revision for count in fakes.bins.items.values()} == {1}


def test_the_schedule_may_come_at_any_moment() -> None:
    for fakes in with_each_interruption(
        Fakes, lambda fakes: ingested(fakes, IMAGES), lambda fakes: submitted(fakes, later(0.1))
    ):
        assert fakes.async_engine.asked == [JOB.job_id]


@settings(max_examples=50)
@given(st.lists(st.lists(st.sampled_from(make_images(6)), max_size=6), max_size=6), st.integers(1, 4))
def test_each_image_is_registered_and_submitted_once_for_any_deliveries(
    deliveries: list[list[Image]], micro_batch: int
) -> None:
    fakes = Fakes()

    for delivery in deliveries:
        ingested(fakes, delivery, micro_batch=micro_batch)

    asked = [image_id for text in fakes.async_engine.manifests.values() for image_id in parse_manifest(text)]
    assert sorted(asked) == sorted({image.image_id for delivery in deliveries for image in delivery})
    assert sorted(fakes.ledger.items) == sorted(asked)
    assert sorted(fakes.async_engine.asked) == sorted(fakes.jobs.items)
