from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta

import pytest
from bintally.domain.bins import BinStatus
from bintally.domain.errors import InvalidEventError, UnknownJobError
from bintally.domain.image import Image, Status
from bintally.domain.jobs import JobResult, JobStatus
from bintally.domain.manifest import NOT_EXAMINED, Prediction
from bintally.domain.times import iso
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import World
from tests.unit.functions.examples import (
    HOSTILE_KEYS,
    MODEL,
    NOW,
    THREE_OR_FOUR,
    photograph,
    photographs,
    prediction,
    refusal,
)
from tests.unit.functions.usecases.runs import (
    POLICY,
    after_each_crash,
    answered,
    collected,
    counted_in,
    job_in,
    later,
    made_round,
    with_each_interruption,
)

IMAGES = photographs(3)
OLD = photograph(sequencer="0055AED6DCD902", at="2026-05-04T08:00:00.000Z")
NEW = photograph(sequencer="0055AED6DCD90281E5", at="2026-05-04T08:00:01.000Z")


def world_with_answers(together: int = 100) -> tuple[World, JobResult]:
    """Three photographs: one counted, one refused, one without an answer."""
    world = World(together)
    job = job_in(world, IMAGES)
    return world, answered(world, job, [prediction(IMAGES[0], 3), refusal(IMAGES[1])])


def status_of(world: World, image: Image) -> Status:
    return world.ledger.items[image.image_id].status


def reason_of(world: World, image: Image) -> str:
    return world.ledger.items[image.image_id].reason


def told_of(world: World, image: Image) -> tuple[Status, str, str]:
    held = world.ledger.items[image.image_id]
    return held.status, held.reason, held.code


def test_a_job_says_why_photographs_of_it_have_no_answer() -> None:
    world = World()
    job = job_in(world, IMAGES)
    gone = [refusal(image, "not_found", "The photograph is not in the bucket.") for image in IMAGES[:2]]

    collected(world, answered(world, job, gone))

    closed = world.jobs.items[job.job_id].job
    assert (closed.status, closed.reason) == (JobStatus.DONE, "Without a result: 2 not found, 1 internal.")


def test_answers_go_to_the_bins_the_ledger_and_the_world() -> None:
    world, result = world_with_answers()

    done = collected(world, result)

    assert done.status_counts == {Status.COUNTED: 1, Status.FAILED: 1, Status.REJECTED: 1}
    assert [status_of(world, image) for image in IMAGES] == [Status.COUNTED, Status.REJECTED, Status.FAILED]
    assert world.jobs.items[result.job_id].status is JobStatus.DONE
    bins = [world.bins.items[image.bin_id] for image in IMAGES]
    assert [count.status for count in bins] == [BinStatus.COUNTED, BinStatus.UNREADABLE, BinStatus.UNREADABLE]
    assert (bins[0].count, bins[0].confidence, bins[0].model) == (3, 0.9, MODEL)
    assert sorted(kind for kind, _ in world.events.published) == ["BinCounted", "ImageRejected", "ImageRejected"]


def test_how_sure_a_count_is_goes_everywhere_too() -> None:
    world, more = World(), {"empty": 0.02, "over_range": 0.01, "interval": {"low": 3, "high": 4, "coverage": 0.9}}
    (image,) = photographs(1)

    collected(world, answered(world, job_in(world, [image]), [prediction(image, **more)]))

    held = world.bins.items[image.bin_id]
    assert (held.empty, held.over_range, held.interval) == (0.02, 0.01, THREE_OR_FOUR)
    answer = world.ledger.items[image.image_id].result
    assert isinstance(answer, Prediction)
    assert (answer.empty, answer.over_range, answer.interval) == (0.02, 0.01, THREE_OR_FOUR)
    (bin_counted,) = world.events.of_kind("BinCounted")
    assert {name: bin_counted[name] for name in more} == more


def test_a_job_says_how_sure_its_counts_are_on_average() -> None:
    world, images = World(), photographs(3)
    lines = [prediction(images[0], confidence=0.9), prediction(images[1], confidence=0.5), refusal(images[2])]

    assert collected(world, answered(world, job_in(world, images), lines)).confidence == pytest.approx(0.7)


def test_a_job_without_counts_says_nothing_of_how_sure_they_are() -> None:
    world, images = World(), photographs(1)

    assert collected(world, answered(world, job_in(world, images), [refusal(images[0])])).confidence is None


def test_a_bin_over_range_is_counted_and_has_no_count() -> None:
    world, interval = World(), {"low": 5, "high": None, "coverage": 0.9}
    (image,) = photographs(1)
    line = prediction(image, None, at_least=6, empty=0.0, over_range=0.9, interval=interval)

    done = collected(world, answered(world, job_in(world, [image]), [line]))

    assert done.status_counts == {Status.COUNTED: 1}
    held = world.bins.items[image.bin_id]
    assert (held.status, held.count, held.at_least, held.over_range) == (BinStatus.COUNTED, None, 6, 0.9)
    (bin_counted,) = world.events.of_kind("BinCounted")
    assert "count" not in bin_counted
    assert (bin_counted["at_least"], bin_counted["interval"]) == (6, interval)


def test_an_event_tells_which_photograph_and_what_came_of_it() -> None:
    world, result = world_with_answers()

    collected(world, result)

    (bin_counted,) = world.events.of_kind("BinCounted")
    assert bin_counted == {
        "event_id": f"{IMAGES[0].image_id}-COUNTED",
        "image_id": IMAGES[0].image_id,
        "bin_id": "bin-0000",
        "bucket": "intake",
        "key": "bin-0000/photo.jpg",
        "version_id": IMAGES[0].version_id,
        "captured_at": IMAGES[0].captured_at,
        "status": "COUNTED",
        "model": MODEL,
        "count": 3,
        "confidence": 0.9,
    }
    assert {detail["reason"] for detail in world.events.of_kind("ImageRejected")} == {
        "The file is damaged.",
        "The model's output has no line for this photo.",
    }


def test_collecting_again_changes_nothing_and_tells_nobody() -> None:
    world, result = world_with_answers()
    collected(world, result)
    state, told = world.state(), list(world.events.published)

    again = collected(world, result)

    assert again.status_counts == {}
    assert world.state() == state
    assert world.events.published == told


@pytest.mark.parametrize("code", ["empty_file", "too_many_bytes", "unsupported_format", "corrupt_image", "new_code"])
def test_what_is_the_photographs_fault_is_rejected(code: str) -> None:
    world = World()
    job = job_in(world, IMAGES[:1])

    collected(world, answered(world, job, [refusal(IMAGES[0], code, "Why.")]))

    assert told_of(world, IMAGES[0]) == (Status.REJECTED, "Why.", code)
    held = world.bins.items["bin-0000"]
    assert (held.reason, held.code) == ("Why.", code)


@pytest.mark.parametrize("code", sorted(NOT_EXAMINED))
def test_what_could_not_be_reached_has_failed(code: str) -> None:
    world = World()
    job = job_in(world, IMAGES[:1])

    collected(world, answered(world, job, [refusal(IMAGES[0], code, "Why.")]))

    assert told_of(world, IMAGES[0]) == (Status.FAILED, "Why.", code)


def test_an_output_that_was_cut_off_fails_what_it_does_not_answer() -> None:
    world = World()
    job = job_in(world, IMAGES)
    result = answered(world, job, map(prediction, IMAGES))
    (manifest,) = job.manifests
    world.async_engine.outputs[manifest] = world.async_engine.outputs[manifest][:-40]

    collected(world, result)

    last = max(IMAGES, key=lambda image: image.image_id)
    assert {image for image in IMAGES if status_of(world, image) is Status.FAILED} == {last}


def test_answers_that_nobody_asked_for_are_ignored() -> None:
    world = World()
    job = job_in(world, IMAGES[:1])
    stranger = photograph("stranger/x.jpg")

    collected(world, answered(world, job, [prediction(stranger), prediction(IMAGES[0])]))

    assert stranger.image_id not in world.ledger.items
    assert set(world.bins.items) == {"bin-0000"}


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_hostile_key_goes_all_the_way(key: str) -> None:
    world = World()
    image = photograph(key)

    counted_in(world, [image])

    assert status_of(world, image) is Status.COUNTED
    assert world.bins.items[image.bin_id].image.key == key
    assert world.events.of_kind("BinCounted")[0]["key"] == key


# ---- Requests that failed


def test_a_request_that_failed_fails_its_photographs_with_the_reason() -> None:
    world = World()
    job = job_in(world, IMAGES)

    done = collected(world, JobResult(job.job_id, None, "ClientError: Received server error (500) from model."))

    assert done.status_counts == {Status.FAILED: 3}
    assert {held.reason for held in world.ledger.items.values()} == {
        "ClientError: Received server error (500) from model."
    }
    assert world.jobs.items[job.job_id].status is JobStatus.FAILED
    assert world.jobs.items[job.job_id].job.reason.startswith("ClientError")
    assert len(world.events.of_kind("ImageRejected")) == 3


@pytest.mark.parametrize("success_first", [True, False])
def test_of_a_success_and_a_failure_the_success_stands_whichever_comes_first(success_first: bool) -> None:
    world = World()
    job = job_in(world, IMAGES)
    success = answered(world, job, map(prediction, IMAGES))
    failure = JobResult(job.job_id, None, "Failed.")
    for result in (success, failure) if success_first else (failure, success):
        collected(world, result)

    assert set(world.statuses().values()) == {Status.COUNTED}
    assert {count.status for count in world.bins.items.values()} == {BinStatus.COUNTED}
    assert world.jobs.items[job.job_id].status is JobStatus.DONE
    state, told = world.state(), list(world.events.published)
    for result in (success, failure):
        assert collected(world, result).status_counts == {}
    assert world.state() == state
    assert world.events.published == told


# ---- What is not ours


def test_a_job_that_nobody_opened_is_an_error_and_changes_nothing() -> None:
    world, _ = world_with_answers()
    state = world.state()

    with pytest.raises(UnknownJobError, match="async-unknown"):
        collected(world, JobResult("async-unknown", "s3://jobs/async/output/x.out"))

    assert world.state() == state


def test_an_output_elsewhere_is_refused_and_changes_nothing() -> None:
    world, result = world_with_answers()
    state = world.state()

    with pytest.raises(InvalidEventError, match=r"s3://elsewhere/x.out"):
        collected(world, JobResult(result.job_id, "s3://elsewhere/x.out"))

    assert world.state() == state


# ---- Versions


def test_an_older_version_after_a_newer_is_superseded_and_the_bin_keeps_the_newer() -> None:
    world = World()
    counted_in(world, [NEW], count=3)

    counted_in(world, [OLD], count=5)

    assert (status_of(world, NEW), status_of(world, OLD)) == (Status.COUNTED, Status.SUPERSEDED)
    assert reason_of(world, OLD) == "A newer version of the photo was counted first."
    held = world.bins.items["P-17-C"]
    assert (held.image, held.count, held.revision) == (NEW, 3, 1)
    assert len(world.events.of_kind("BinCounted")) == 1


def test_a_newer_version_after_an_older_replaces_its_count() -> None:
    world = World()
    counted_in(world, [OLD], count=5)

    counted_in(world, [NEW], count=3)

    assert (status_of(world, OLD), status_of(world, NEW)) == (Status.COUNTED, Status.COUNTED)
    held = world.bins.items["P-17-C"]
    assert (held.image, held.count, held.revision) == (NEW, 3, 2)


@pytest.mark.parametrize("images", [[OLD, NEW], [NEW, OLD]])
def test_of_two_versions_in_one_job_the_newer_counts(images: list[Image]) -> None:
    world = World()

    counted_in(world, images)

    assert (status_of(world, NEW), status_of(world, OLD)) == (Status.COUNTED, Status.SUPERSEDED)
    assert (world.bins.items["P-17-C"].image, world.bins.items["P-17-C"].revision) == (NEW, 1)
    assert [detail["image_id"] for detail in world.events.of_kind("BinCounted")] == [NEW.image_id]


def test_of_two_photographs_of_a_bin_the_later_counts_and_both_were_counted() -> None:
    world = World()
    early = photograph("P-17-C/a.jpg", sequencer="09", at="2026-05-04T08:00:00.000Z")
    late = photograph("P-17-C/b.jpg", sequencer="01", at="2026-05-04T09:00:00.000Z")
    counted_in(world, [late], count=3)

    counted_in(world, [early], count=5)

    assert [status_of(world, image) for image in (early, late)] == [Status.COUNTED, Status.COUNTED]
    assert (world.bins.items["P-17-C"].image, world.bins.items["P-17-C"].count) == (late, 3)


def test_a_newer_photograph_that_is_unreadable_makes_the_bin_unreadable() -> None:
    world = World()
    counted_in(world, [OLD])
    job = job_in(world, [NEW])

    collected(world, answered(world, job, [refusal(NEW)]))

    held = world.bins.items["P-17-C"]
    assert (held.status, held.count, held.revision) == (BinStatus.UNREADABLE, None, 2)


SEQUENCERS = ["0055AED6DCD9", "0055AED6DCD902", "0055AED6DCD90281E5", "0055AED6DCDA"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_versions_in_any_order_end_with_the_newest(order: Sequence[int]) -> None:
    world = World()
    versions = [photograph(sequencer=each, at=f"2026-05-04T08:00:00.00{n}Z") for n, each in enumerate(SEQUENCERS)]

    for number in order:
        counted_in(world, [versions[number]], count=number + 1)

    assert world.bins.items["P-17-C"].image == versions[-1]
    assert world.bins.items["P-17-C"].count == 4
    for position, number in enumerate(order):
        came_late = any(earlier > number for earlier in order[:position])
        expected = Status.SUPERSEDED if came_late else Status.COUNTED
        assert status_of(world, versions[number]) is expected


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 9)), min_size=1, max_size=8, unique=True
    ).flatmap(lambda drops: st.tuples(st.permutations(drops), st.integers(1, 3)))
)
def test_bins_show_their_newest_photographs_however_jobs_are_cut_and_answered(
    drop: tuple[list[tuple[str, str, int]], int],
) -> None:
    drops, size = drop
    images = [
        photograph(f"{bin_id}/{name}.jpg", sequencer=f"0{time}", at=f"2026-05-04T08:00:0{time}.000Z")
        for bin_id, name, time in drops
    ]
    world = World()

    for start in range(0, len(images), size):
        counted_in(world, images[start : start + size])

    for bin_id in {image.bin_id for image in images}:
        newest = max((i for i in images if i.bin_id == bin_id), key=lambda i: (i.captured_at, i.key))
        assert world.bins.items[bin_id].image == newest
        assert status_of(world, newest) is Status.COUNTED
    assert set(world.statuses().values()) <= {Status.COUNTED, Status.SUPERSEDED}


# ---- Crashes, and two at once


@pytest.mark.parametrize("together", [100, 1])
def test_a_crash_anywhere_leaves_nothing_that_a_second_run_does_not_mend(together: int) -> None:
    calm, result = world_with_answers()
    collected(calm, result)

    for world in after_each_crash(lambda: world_with_answers(together)[0], lambda world: collected(world, result)):
        assert world.state() == calm.state()
        assert world.events.distinct() == calm.events.distinct()


def test_two_notifications_at_once_settle_each_photograph_once() -> None:
    calm, result = world_with_answers()
    collected(calm, result)

    def run(world: World) -> None:
        collected(world, result)

    for world in with_each_interruption(lambda: world_with_answers(together=1)[0], run, run):
        assert world.state() == calm.state()
        assert world.events.distinct() == calm.events.distinct()


def test_an_older_version_that_is_collected_meanwhile_does_not_win() -> None:
    results: list[JobResult] = []

    def both_answered() -> World:
        world = World(together=1)
        results[:] = [
            answered(world, job_in(world, [image]), [prediction(image, count)]) for image, count in ((OLD, 5), (NEW, 3))
        ]
        return world

    for first, second in itertools.permutations(range(2)):
        worlds = with_each_interruption(
            both_answered,
            lambda world, first=first: collected(world, results[first]),
            lambda world, second=second: collected(world, results[second]),
        )
        for world in worlds:
            assert world.bins.items["P-17-C"].image == NEW
            assert status_of(world, NEW) is Status.COUNTED
            assert status_of(world, OLD) in (Status.COUNTED, Status.SUPERSEDED)


# ---- Another attempt


def test_what_had_no_answer_is_tried_again_and_the_rest_stands() -> None:
    world, result = world_with_answers()

    done = collected(world, result, POLICY)

    assert done.status_counts == {Status.COUNTED: 1, Status.RECEIVED: 1, Status.REJECTED: 1}
    assert [status_of(world, image) for image in IMAGES] == [Status.COUNTED, Status.REJECTED, Status.RECEIVED]
    assert world.ledger.items[IMAGES[2].image_id].due_at == iso(NOW + POLICY.retry_delay)
    assert IMAGES[2].bin_id not in world.bins.items
    assert len(world.events.published) == 2


def test_after_the_last_attempt_it_has_failed_with_the_last_reason() -> None:
    world = World()
    job, now = job_in(world, IMAGES[:1]), NOW
    for attempt in range(1, 4):
        collected(world, JobResult(job.job_id, None, f"Failure {attempt}."), POLICY, now)
        now += timedelta(hours=1)
        sent = made_round(world, now).submission.sent
        job = world.jobs.items[sent[0]].job if sent else job

    (held,) = world.ledger.items.values()
    assert (held.status, held.reason, held.attempts) == (Status.FAILED, "Failure 3.", 3)
    assert len(world.async_engine.asked) == len(set(world.async_engine.asked)) == 3
    assert world.bins.items[IMAGES[0].bin_id].status is BinStatus.UNREADABLE


def test_an_answer_of_an_earlier_job_is_an_answer_too() -> None:
    world = World()
    job = job_in(world, IMAGES)
    late = answered(world, job, map(prediction, IMAGES))
    collected(world, JobResult(job.job_id, None, "The container died."), POLICY)
    made_round(world, later(60))
    assert set(world.statuses().values()) == {Status.SUBMITTED}

    collected(world, late, POLICY)

    assert set(world.statuses().values()) == {Status.COUNTED}
    (second,) = (held.job for held in world.jobs.items.values() if held.job.job_id != job.job_id)
    assert collected(world, JobResult(second.job_id, None, "Too late."), POLICY).status_counts == {}
    assert set(world.statuses().values()) == {Status.COUNTED}


def test_a_person_may_ask_for_another_try() -> None:
    world = World()
    job = job_in(world, IMAGES)
    collected(world, JobResult(job.job_id, None, "No."))
    assert world.ledger.reopen(list(world.ledger.items), iso(NOW)) == set(world.ledger.items)

    (sent,) = made_round(world, later(1)).submission.sent
    assert sent != job.job_id
    collected(world, answered(world, world.jobs.items[sent].job, map(prediction, IMAGES)), POLICY)

    assert set(world.statuses().values()) == {Status.COUNTED}
    assert {count.status for count in world.bins.items.values()} == {BinStatus.COUNTED}


def test_a_failure_of_an_earlier_job_that_is_announced_again_says_nothing_of_photographs_at_work() -> None:
    world = World()
    failure = JobResult(job_in(world, IMAGES).job_id, None, "The container died.")
    collected(world, failure, POLICY)
    made_round(world, later(60))
    assert set(world.statuses().values()) == {Status.SUBMITTED}

    assert collected(world, failure).status_counts == {}

    assert world.bins.items == {}
    assert world.events.published == []


def test_a_failure_of_a_try_that_was_never_made_changes_nothing() -> None:
    world = World()
    job = job_in(world, IMAGES)
    before = world.state()

    assert (
        collected(
            world, JobResult(job.job_id, None, "AlgorithmError", transform_attempt=job.transform_attempt + 1)
        ).status_counts
        == {}
    )

    assert world.state() == before
