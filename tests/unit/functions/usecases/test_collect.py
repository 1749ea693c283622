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

from tests.fakes import Fakes
from tests.unit.functions.examples import (
    HOSTILE_KEYS,
    MODEL,
    NOW,
    THREE_OR_FOUR,
    make_image,
    make_images,
    prediction,
    refusal,
)
from tests.unit.functions.usecases.runs import (
    POLICY,
    after_each_crash,
    answered,
    collected,
    count_images,
    ingested_job,
    later,
    scheduled,
    with_each_interruption,
)

IMAGES = make_images(3)
OLD = make_image(sequencer="0055AED6DCD902", at="2026-05-04T08:00:00.000Z")
NEW = make_image(sequencer="0055AED6DCD90281E5", at="2026-05-04T08:00:01.000Z")


def with_results(batch_size: int = 100) -> tuple[Fakes, JobResult]:
    """Three photos: one counted, one refused, one without an answer."""
    fakes = Fakes(batch_size)
    job = ingested_job(fakes, IMAGES)
    return fakes, answered(fakes, job, [prediction(IMAGES[0], 3), refusal(IMAGES[1])])


def status_of(fakes: Fakes, image: Image) -> Status:
    return fakes.ledger.items[image.image_id].status


def reason_of(fakes: Fakes, image: Image) -> str:
    return fakes.ledger.items[image.image_id].reason


def told_of(fakes: Fakes, image: Image) -> tuple[Status, str, str]:
    held = fakes.ledger.items[image.image_id]
    return held.status, held.reason, held.code


def test_a_job_says_why_images_of_it_have_no_answer() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    gone = [refusal(image, "not_found", "The photo is not in the bucket.") for image in IMAGES[:2]]

    collected(fakes, answered(fakes, job, gone))

    closed = fakes.jobs.items[job.job_id].job
    assert (closed.status, closed.reason) == (JobStatus.DONE, "Without a result: 2 not found, 1 internal.")


def test_results_go_to_bins_ledger_and_events() -> None:
    fakes, result = with_results()

    done = collected(fakes, result)

    assert done.status_counts == {Status.COUNTED: 1, Status.FAILED: 1, Status.REJECTED: 1}
    assert [status_of(fakes, image) for image in IMAGES] == [Status.COUNTED, Status.REJECTED, Status.FAILED]
    assert fakes.jobs.items[result.job_id].status is JobStatus.DONE
    bins = [fakes.bins.items[image.bin_id] for image in IMAGES]
    assert [count.status for count in bins] == [BinStatus.COUNTED, BinStatus.UNREADABLE, BinStatus.UNREADABLE]
    assert (bins[0].count, bins[0].confidence, bins[0].model) == (3, 0.9, MODEL)
    assert sorted(kind for kind, _ in fakes.events.published) == ["BinCounted", "ImageRejected", "ImageRejected"]


def test_how_sure_a_count_is_goes_everywhere_too() -> None:
    fakes, more = (
        Fakes(),
        {"empty": 0.02, "over_range": 0.01, "interval": {"low": 3, "high": 4, "coverage": 0.9}},
    )
    (image,) = make_images(1)

    collected(fakes, answered(fakes, ingested_job(fakes, [image]), [prediction(image, **more)]))

    held = fakes.bins.items[image.bin_id]
    assert (held.empty, held.over_range, held.interval) == (0.02, 0.01, THREE_OR_FOUR)
    answer = fakes.ledger.items[image.image_id].result
    assert isinstance(answer, Prediction)
    assert (answer.empty, answer.over_range, answer.interval) == (0.02, 0.01, THREE_OR_FOUR)
    (bin_counted,) = fakes.events.of_kind("BinCounted")
    assert {name: bin_counted[name] for name in more} == more


def test_a_job_says_how_sure_its_counts_are_on_average() -> None:
    fakes, images = Fakes(), make_images(3)
    lines = [prediction(images[0], confidence=0.9), prediction(images[1], confidence=0.5), refusal(images[2])]

    assert collected(fakes, answered(fakes, ingested_job(fakes, images), lines)).confidence == pytest.approx(0.7)


def test_a_job_without_counts_says_nothing_of_how_sure_they_are() -> None:
    fakes, images = Fakes(), make_images(1)

    assert collected(fakes, answered(fakes, ingested_job(fakes, images), [refusal(images[0])])).confidence is None


def test_a_bin_over_range_is_counted_and_has_no_count() -> None:
    fakes, interval = Fakes(), {"low": 5, "high": None, "coverage": 0.9}
    (image,) = make_images(1)
    line = prediction(image, None, at_least=6, empty=0.0, over_range=0.9, interval=interval)

    done = collected(fakes, answered(fakes, ingested_job(fakes, [image]), [line]))

    assert done.status_counts == {Status.COUNTED: 1}
    held = fakes.bins.items[image.bin_id]
    assert (held.status, held.count, held.at_least, held.over_range) == (BinStatus.COUNTED, None, 6, 0.9)
    (bin_counted,) = fakes.events.of_kind("BinCounted")
    assert "count" not in bin_counted
    assert (bin_counted["at_least"], bin_counted["interval"]) == (6, interval)


def test_an_event_tells_which_image_and_what_came_of_it() -> None:
    fakes, result = with_results()

    collected(fakes, result)

    (bin_counted,) = fakes.events.of_kind("BinCounted")
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
    assert {detail["reason"] for detail in fakes.events.of_kind("ImageRejected")} == {
        "The file is damaged.",
        "The model's output has no line for this photo.",
    }


def test_collecting_again_changes_nothing_and_tells_nobody() -> None:
    fakes, result = with_results()
    collected(fakes, result)
    state, told = fakes.state(), list(fakes.events.published)

    again = collected(fakes, result)

    assert again.status_counts == {}
    assert fakes.state() == state
    assert fakes.events.published == told


@pytest.mark.parametrize("code", ["empty_file", "too_many_bytes", "unsupported_format", "corrupt_image", "new_code"])
def test_what_is_the_images_fault_is_rejected(code: str) -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES[:1])

    collected(fakes, answered(fakes, job, [refusal(IMAGES[0], code, "Why.")]))

    assert told_of(fakes, IMAGES[0]) == (Status.REJECTED, "Why.", code)
    held = fakes.bins.items["bin-0000"]
    assert (held.reason, held.code) == ("Why.", code)


@pytest.mark.parametrize("code", sorted(NOT_EXAMINED))
def test_what_could_not_be_reached_has_failed(code: str) -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES[:1])

    collected(fakes, answered(fakes, job, [refusal(IMAGES[0], code, "Why.")]))

    assert told_of(fakes, IMAGES[0]) == (Status.FAILED, "Why.", code)


def test_an_output_that_was_cut_off_fails_what_it_does_not_answer() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    result = answered(fakes, job, map(prediction, IMAGES))
    (manifest,) = job.manifests
    fakes.async_engine.outputs[manifest] = fakes.async_engine.outputs[manifest][:-40]

    collected(fakes, result)

    last = max(IMAGES, key=lambda image: image.image_id)
    assert {image for image in IMAGES if status_of(fakes, image) is Status.FAILED} == {last}


def test_answers_that_nobody_asked_for_are_ignored() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES[:1])
    stranger = make_image("stranger/x.jpg")

    collected(fakes, answered(fakes, job, [prediction(stranger), prediction(IMAGES[0])]))

    assert stranger.image_id not in fakes.ledger.items
    assert set(fakes.bins.items) == {"bin-0000"}


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_hostile_key_goes_all_the_way(key: str) -> None:
    fakes = Fakes()
    image = make_image(key)

    count_images(fakes, [image])

    assert status_of(fakes, image) is Status.COUNTED
    assert fakes.bins.items[image.bin_id].image.key == key
    assert fakes.events.of_kind("BinCounted")[0]["key"] == key


# ---- Requests that failed


def test_a_request_that_failed_fails_its_images_with_the_reason() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)

    done = collected(fakes, JobResult(job.job_id, None, "ClientError: Received server error (500) from model."))

    assert done.status_counts == {Status.FAILED: 3}
    assert {held.reason for held in fakes.ledger.items.values()} == {
        "ClientError: Received server error (500) from model."
    }
    assert fakes.jobs.items[job.job_id].status is JobStatus.FAILED
    assert fakes.jobs.items[job.job_id].job.reason.startswith("ClientError")
    assert len(fakes.events.of_kind("ImageRejected")) == 3


@pytest.mark.parametrize("success_first", [True, False])
def test_of_a_success_and_a_failure_the_success_stands_whichever_comes_first(success_first: bool) -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    success = answered(fakes, job, map(prediction, IMAGES))
    failure = JobResult(job.job_id, None, "Failed.")
    for result in (success, failure) if success_first else (failure, success):
        collected(fakes, result)

    assert set(fakes.statuses().values()) == {Status.COUNTED}
    assert {count.status for count in fakes.bins.items.values()} == {BinStatus.COUNTED}
    assert fakes.jobs.items[job.job_id].status is JobStatus.DONE
    state, told = fakes.state(), list(fakes.events.published)
    for result in (success, failure):
        assert collected(fakes, result).status_counts == {}
    assert fakes.state() == state
    assert fakes.events.published == told


# ---- What is not ours


def test_a_job_that_nobody_opened_is_an_error_and_changes_nothing() -> None:
    fakes, _ = with_results()
    state = fakes.state()

    with pytest.raises(UnknownJobError, match="async-unknown"):
        collected(fakes, JobResult("async-unknown", "s3://jobs/async/output/x.out"))

    assert fakes.state() == state


def test_an_output_elsewhere_is_refused_and_changes_nothing() -> None:
    fakes, result = with_results()
    state = fakes.state()

    with pytest.raises(InvalidEventError, match=r"s3://elsewhere/x.out"):
        collected(fakes, JobResult(result.job_id, "s3://elsewhere/x.out"))

    assert fakes.state() == state


# ---- Versions


def test_an_older_version_after_a_newer_is_superseded_and_the_bin_keeps_the_newer() -> None:
    fakes = Fakes()
    count_images(fakes, [NEW], count=3)

    count_images(fakes, [OLD], count=5)

    assert (status_of(fakes, NEW), status_of(fakes, OLD)) == (Status.COUNTED, Status.SUPERSEDED)
    assert reason_of(fakes, OLD) == "A newer version of the photo was counted first."
    held = fakes.bins.items["P-17-C"]
    assert (held.image, held.count, held.revision) == (NEW, 3, 1)
    assert len(fakes.events.of_kind("BinCounted")) == 1


def test_a_newer_version_after_an_older_replaces_its_count() -> None:
    fakes = Fakes()
    count_images(fakes, [OLD], count=5)

    count_images(fakes, [NEW], count=3)

    assert (status_of(fakes, OLD), status_of(fakes, NEW)) == (Status.COUNTED, Status.COUNTED)
    held = fakes.bins.items["P-17-C"]
    assert (held.image, held.count, held.revision) == (NEW, 3, 2)


@pytest.mark.parametrize("images", [[OLD, NEW], [NEW, OLD]])
def test_of_two_versions_in_one_job_the_newer_counts(images: list[Image]) -> None:
    fakes = Fakes()

    count_images(fakes, images)

    assert (status_of(fakes, NEW), status_of(fakes, OLD)) == (Status.COUNTED, Status.SUPERSEDED)
    assert (fakes.bins.items["P-17-C"].image, fakes.bins.items["P-17-C"].revision) == (NEW, 1)
    assert [detail["image_id"] for detail in fakes.events.of_kind("BinCounted")] == [NEW.image_id]


def test_of_two_images_of_a_bin_the_later_counts_and_both_were_counted() -> None:
    fakes = Fakes()
    early = make_image("P-17-C/a.jpg", sequencer="09", at="2026-05-04T08:00:00.000Z")
    late = make_image("P-17-C/b.jpg", sequencer="01", at="2026-05-04T09:00:00.000Z")
    count_images(fakes, [late], count=3)

    count_images(fakes, [early], count=5)

    assert [status_of(fakes, image) for image in (early, late)] == [Status.COUNTED, Status.COUNTED]
    assert (fakes.bins.items["P-17-C"].image, fakes.bins.items["P-17-C"].count) == (late, 3)


def test_a_newer_image_that_is_unreadable_makes_the_bin_unreadable() -> None:
    fakes = Fakes()
    count_images(fakes, [OLD])
    job = ingested_job(fakes, [NEW])

    collected(fakes, answered(fakes, job, [refusal(NEW)]))

    held = fakes.bins.items["P-17-C"]
    assert (held.status, held.count, held.revision) == (BinStatus.UNREADABLE, None, 2)


SEQUENCERS = ["0055AED6DCD9", "0055AED6DCD902", "0055AED6DCD90281E5", "0055AED6DCDA"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_versions_in_any_order_end_with_the_newest(order: Sequence[int]) -> None:
    fakes = Fakes()
    versions = [make_image(sequencer=each, at=f"2026-05-04T08:00:00.00{n}Z") for n, each in enumerate(SEQUENCERS)]

    for number in order:
        count_images(fakes, [versions[number]], count=number + 1)

    assert fakes.bins.items["P-17-C"].image == versions[-1]
    assert fakes.bins.items["P-17-C"].count == 4
    for position, number in enumerate(order):
        came_late = any(earlier > number for earlier in order[:position])
        expected = Status.SUPERSEDED if came_late else Status.COUNTED
        assert status_of(fakes, versions[number]) is expected


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 9)), min_size=1, max_size=8, unique=True
    ).flatmap(lambda drops: st.tuples(st.permutations(drops), st.integers(1, 3)))
)
def test_bins_show_their_newest_images_however_jobs_are_cut_and_answered(
    drop: tuple[list[tuple[str, str, int]], int],
) -> None:
    drops, size = drop
    images = [
        make_image(f"{bin_id}/{name}.jpg", sequencer=f"0{time}", at=f"2026-05-04T08:00:0{time}.000Z")
        for bin_id, name, time in drops
    ]
    fakes = Fakes()

    for start in range(0, len(images), size):
        count_images(fakes, images[start : start + size])

    for bin_id in {image.bin_id for image in images}:
        newest = max((i for i in images if i.bin_id == bin_id), key=lambda i: (i.captured_at, i.key))
        assert fakes.bins.items[bin_id].image == newest
        assert status_of(fakes, newest) is Status.COUNTED
    assert set(fakes.statuses().values()) <= {Status.COUNTED, Status.SUPERSEDED}


# ---- Crashes, and two at once


@pytest.mark.parametrize("batch_size", [100, 1])
def test_a_crash_anywhere_leaves_nothing_that_a_second_run_does_not_mend(batch_size: int) -> None:
    calm, result = with_results()
    collected(calm, result)

    for fakes in after_each_crash(lambda: with_results(batch_size)[0], lambda fakes: collected(fakes, result)):
        assert fakes.state() == calm.state()
        assert fakes.events.distinct() == calm.events.distinct()


def test_two_notifications_at_once_settle_each_image_once() -> None:
    calm, result = with_results()
    collected(calm, result)

    def run(fakes: Fakes) -> None:
        collected(fakes, result)

    for fakes in with_each_interruption(lambda: with_results(batch_size=1)[0], run, run):
        assert fakes.state() == calm.state()
        assert fakes.events.distinct() == calm.events.distinct()


def test_an_older_version_that_is_collected_meanwhile_does_not_win() -> None:
    results: list[JobResult] = []

    def both_answered() -> Fakes:
        fakes = Fakes(batch_size=1)
        results[:] = [
            answered(fakes, ingested_job(fakes, [image]), [prediction(image, count)])
            for image, count in ((OLD, 5), (NEW, 3))
        ]
        return fakes

    for first, second in itertools.permutations(range(2)):
        all_fakes = with_each_interruption(
            both_answered,
            lambda fakes, first=first: collected(fakes, results[first]),
            lambda fakes, second=second: collected(fakes, results[second]),
        )
        for fakes in all_fakes:
            assert fakes.bins.items["P-17-C"].image == NEW
            assert status_of(fakes, NEW) is Status.COUNTED
            assert status_of(fakes, OLD) in (Status.COUNTED, Status.SUPERSEDED)


# ---- Another attempt


def test_what_had_no_answer_is_tried_again_and_the_rest_stands() -> None:
    fakes, result = with_results()

    done = collected(fakes, result, POLICY)

    assert done.status_counts == {Status.COUNTED: 1, Status.RECEIVED: 1, Status.REJECTED: 1}
    assert [status_of(fakes, image) for image in IMAGES] == [Status.COUNTED, Status.REJECTED, Status.RECEIVED]
    assert fakes.ledger.items[IMAGES[2].image_id].due_at == iso(NOW + POLICY.retry_delay)
    assert IMAGES[2].bin_id not in fakes.bins.items
    assert len(fakes.events.published) == 2


def test_after_the_last_attempt_it_has_failed_with_the_last_reason() -> None:
    fakes = Fakes()
    job, now = ingested_job(fakes, IMAGES[:1]), NOW
    for attempt in range(1, 4):
        collected(fakes, JobResult(job.job_id, None, f"Failure {attempt}."), POLICY, now)
        now += timedelta(hours=1)
        sent = scheduled(fakes, now).submission.sent
        job = fakes.jobs.items[sent[0]].job if sent else job

    (held,) = fakes.ledger.items.values()
    assert (held.status, held.reason, held.attempts) == (Status.FAILED, "Failure 3.", 3)
    assert len(fakes.async_engine.asked) == len(set(fakes.async_engine.asked)) == 3
    assert fakes.bins.items[IMAGES[0].bin_id].status is BinStatus.UNREADABLE


def test_an_answer_of_an_earlier_job_is_an_answer_too() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    late = answered(fakes, job, map(prediction, IMAGES))
    collected(fakes, JobResult(job.job_id, None, "The container died."), POLICY)
    scheduled(fakes, later(60))
    assert set(fakes.statuses().values()) == {Status.SUBMITTED}

    collected(fakes, late, POLICY)

    assert set(fakes.statuses().values()) == {Status.COUNTED}
    (second,) = (held.job for held in fakes.jobs.items.values() if held.job.job_id != job.job_id)
    assert collected(fakes, JobResult(second.job_id, None, "Too late."), POLICY).status_counts == {}
    assert set(fakes.statuses().values()) == {Status.COUNTED}


def test_a_person_may_ask_for_another_try() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    collected(fakes, JobResult(job.job_id, None, "No."))
    assert fakes.ledger.reopen(list(fakes.ledger.items), iso(NOW)) == set(fakes.ledger.items)

    (sent,) = scheduled(fakes, later(1)).submission.sent
    assert sent != job.job_id
    collected(fakes, answered(fakes, fakes.jobs.items[sent].job, map(prediction, IMAGES)), POLICY)

    assert set(fakes.statuses().values()) == {Status.COUNTED}
    assert {count.status for count in fakes.bins.items.values()} == {BinStatus.COUNTED}


def test_a_failure_of_an_earlier_job_that_is_announced_again_says_nothing_of_images_at_work() -> None:
    fakes = Fakes()
    failure = JobResult(ingested_job(fakes, IMAGES).job_id, None, "The container died.")
    collected(fakes, failure, POLICY)
    scheduled(fakes, later(60))
    assert set(fakes.statuses().values()) == {Status.SUBMITTED}

    assert collected(fakes, failure).status_counts == {}

    assert fakes.bins.items == {}
    assert fakes.events.published == []


def test_a_failure_of_a_try_that_was_never_made_changes_nothing() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    before = fakes.state()

    assert (
        collected(
            fakes, JobResult(job.job_id, None, "AlgorithmError", transform_attempt=job.transform_attempt + 1)
        ).status_counts
        == {}
    )

    assert fakes.state() == before
