"""collect: predictions, errors and failures go to ledger, bins and events."""

from __future__ import annotations

import pytest
from bintally.domain.bins import BinStatus
from bintally.domain.errors import InvalidEventError, UnknownJobError
from bintally.domain.image import Status
from bintally.domain.jobs import JobResult, JobStatus
from bintally.domain.manifest import NOT_EXAMINED, Prediction

from tests.fakes import Fakes
from tests.unit.functions.examples import (
    HOSTILE_KEYS,
    MODEL,
    THREE_OR_FOUR,
    TWO_LITRES,
    make_image,
    make_images,
    prediction,
    refusal,
)
from tests.unit.functions.usecases.collecting import IMAGES, completion_of, status_of, with_results
from tests.unit.functions.usecases.runs import (
    answered,
    collected,
    count_images,
    ingested_job,
)


def test_a_job_records_why_images_have_no_result() -> None:
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


def test_intervals_and_probabilities_are_stored_and_published() -> None:
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


def test_a_volume_is_stored_in_full_and_published_as_an_estimate() -> None:
    fakes, (image,) = Fakes(), make_images(1)

    collected(fakes, answered(fakes, ingested_job(fakes, [image]), [prediction(image, volume=TWO_LITRES.facts())]))

    assert fakes.bins.items[image.bin_id].volume == TWO_LITRES
    (bin_counted,) = fakes.events.of_kind("BinCounted")
    assert bin_counted["volume"] == {"litres": 2.0, "low": 1.0, "high": 4.0, "coverage": 0.9}


def test_a_bad_volume_costs_no_count() -> None:
    fakes, (good, bad) = Fakes(), make_images(2)
    lines = [prediction(good), prediction(bad, volume=TWO_LITRES.facts() | {"log_sd": 0})]

    done = collected(fakes, answered(fakes, ingested_job(fakes, [good, bad]), lines))

    assert done.status_counts == {Status.COUNTED: 2}
    assert done.volume_faults == ["log_sd is 0.0, and not from 0.001 to 10"]
    assert fakes.bins.items[bad.bin_id].volume is None
    assert all("volume" not in detail for detail in fakes.events.of_kind("BinCounted"))


def test_the_mean_confidence_of_a_job_is_measured() -> None:
    fakes, images = Fakes(), make_images(3)
    lines = [prediction(images[0], confidence=0.9), prediction(images[1], confidence=0.5), refusal(images[2])]

    assert collected(fakes, answered(fakes, ingested_job(fakes, images), lines)).confidence == pytest.approx(0.7)


def test_a_job_without_counts_has_no_mean_confidence() -> None:
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


def test_an_event_has_the_image_and_its_result() -> None:
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


def test_collecting_again_changes_and_publishes_nothing() -> None:
    fakes, result = with_results()
    collected(fakes, result)
    state, published = fakes.state(), list(fakes.events.published)

    again = collected(fakes, result)

    assert again.status_counts == {}
    assert fakes.state() == state
    assert fakes.events.published == published


@pytest.mark.parametrize("code", ["empty_file", "too_many_bytes", "unsupported_format", "corrupt_image", "new_code"])
def test_an_invalid_image_is_rejected(code: str) -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES[:1])

    collected(fakes, answered(fakes, job, [refusal(IMAGES[0], code, "Why.")]))

    assert completion_of(fakes, IMAGES[0]) == (Status.REJECTED, "Why.", code)
    held = fakes.bins.items["bin-0000"]
    assert (held.reason, held.code) == ("Why.", code)


@pytest.mark.parametrize("code", sorted(NOT_EXAMINED))
def test_an_unreachable_image_has_failed(code: str) -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES[:1])

    collected(fakes, answered(fakes, job, [refusal(IMAGES[0], code, "Why.")]))

    assert completion_of(fakes, IMAGES[0]) == (Status.FAILED, "Why.", code)


def test_images_missing_from_a_truncated_output_fail() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    result = answered(fakes, job, map(prediction, IMAGES))
    (manifest,) = job.manifests
    fakes.async_engine.outputs[manifest] = fakes.async_engine.outputs[manifest][:-40]

    collected(fakes, result)

    last = max(IMAGES, key=lambda image: image.image_id)
    assert {image for image in IMAGES if status_of(fakes, image) is Status.FAILED} == {last}


def test_results_for_other_images_are_ignored() -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES[:1])
    unknown = make_image("unknown/x.jpg")

    collected(fakes, answered(fakes, job, [prediction(unknown), prediction(IMAGES[0])]))

    assert unknown.image_id not in fakes.ledger.items
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


def test_a_failed_request_fails_its_images_with_its_reason() -> None:
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
def test_a_success_wins_over_a_failure_in_either_order(success_first: bool) -> None:
    fakes = Fakes()
    job = ingested_job(fakes, IMAGES)
    success = answered(fakes, job, map(prediction, IMAGES))
    failure = JobResult(job.job_id, None, "Failed.")
    for result in (success, failure) if success_first else (failure, success):
        collected(fakes, result)

    assert set(fakes.statuses().values()) == {Status.COUNTED}
    assert {count.status for count in fakes.bins.items.values()} == {BinStatus.COUNTED}
    assert fakes.jobs.items[job.job_id].status is JobStatus.DONE
    state, published = fakes.state(), list(fakes.events.published)
    for result in (success, failure):
        assert collected(fakes, result).status_counts == {}
    assert fakes.state() == state
    assert fakes.events.published == published


# ---- What is not ours


def test_an_unknown_job_is_an_error_and_changes_nothing() -> None:
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
