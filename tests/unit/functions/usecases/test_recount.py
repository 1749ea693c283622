"""Another count of what is counted, from the request to the verdict."""

from __future__ import annotations

from dataclasses import replace

from bintally.domain.changes import Changes
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.jobs import JobResult
from bintally.domain.policy import Policy
from bintally.usecases.recount import recount

from tests.fakes import Fakes
from tests.unit.functions.examples import NOW, make_image, make_images, prediction, refusal
from tests.unit.functions.usecases.runs import (
    ONCE,
    POLICY,
    after_each_crash,
    answered,
    collected,
    count_images,
    imported,
    later,
    reconciled,
    scheduled,
    with_each_interruption,
)

IMAGES = make_images(3)
(IMAGE,) = IMAGES[:1]
SURE_OF_2 = {1: 0.01, 2: 0.95, 3: 0.02, 4: 0.01, 5: 0.01}
ORDER = f"consignment_id,bin_id,expected\nC-1,{IMAGE.bin_id},3\n"


def entry_of(fakes: Fakes, image: Image = IMAGE) -> LedgerEntry:
    return fakes.ledger.items[image.image_id].entry


def number_in(fakes: Fakes, image: Image = IMAGE) -> int | None:
    return fakes.bins.items[image.bin_id].count


def asked_again(fakes: Fakes, image: Image = IMAGE) -> None:
    recount(fakes.ledger, [entry_of(fakes, image)], now=NOW)


def recounted(fakes: Fakes, line: dict[str, object], image: Image = IMAGE, policy: Policy = POLICY) -> JobResult:
    """Create, send, finish and collect the recount's job."""
    scheduled(fakes, later(1), policy)
    job = fakes.jobs.items[str(entry_of(fakes, image).job_id)].job
    result = answered(fakes, job, [line])
    collected(fakes, result, policy)
    return result


def fakes_with_a_count() -> Fakes:
    fakes = Fakes()
    count_images(fakes, [IMAGE])
    return fakes


def test_a_recount_replaces_the_count_in_bin_and_ledger() -> None:
    fakes = fakes_with_a_count()

    asked_again(fakes)
    assert (number_in(fakes), entry_of(fakes).status) == (3, Status.RECEIVED)
    recounted(fakes, prediction(IMAGE, 2, SURE_OF_2))

    assert (number_in(fakes), fakes.bins.items[IMAGE.bin_id].revision) == (2, 2)
    assert (entry_of(fakes).status, entry_of(fakes).recounts) == (Status.COUNTED, 1)


def test_each_count_is_an_event_of_its_own() -> None:
    fakes = fakes_with_a_count()
    asked_again(fakes)
    recounted(fakes, prediction(IMAGE, 2, SURE_OF_2))

    events = fakes.events.of_kind("BinCounted")

    assert [event["count"] for event in events] == [3, 2]
    assert len({event["event_id"] for event in events}) == 2


def test_each_verdict_is_kept_for_its_version_of_order_and_count() -> None:
    """The line has the latest; what was published of the earlier count keeps its own id."""
    fakes = fakes_with_a_count()
    imported(fakes, ORDER.replace(",3\n", ",1\n"))
    reconciled(fakes, Changes(bins={IMAGE.bin_id}))
    asked_again(fakes)
    recounted(fakes, prediction(IMAGE, 2, SURE_OF_2))
    reconciled(fakes, Changes(bins={IMAGE.bin_id}))

    found = fakes.events.of_kind("DiscrepancyFound")

    assert [(event["counted"], event["verdict"]) for event in found] == [(3, "OVER"), (2, "OVER")]
    assert len({event["event_id"] for event in found}) == 2
    assert fakes.orders.items["C-1", IMAGE.bin_id].counted == 2


def test_a_recount_of_an_older_photo_never_overrules_a_newer_one() -> None:
    old = make_image("P-1/a.jpg", sequencer="01", at="2026-05-04T08:00:00.000Z")
    for new in (
        make_image("P-1/a.jpg", sequencer="02", at="2026-05-04T08:00:01.000Z"),
        make_image("P-1/b.jpg", sequencer="01", at="2026-05-04T08:00:01.000Z"),
    ):
        fakes = Fakes()
        count_images(fakes, [old])
        count_images(fakes, [new], 4)

        asked_again(fakes, old)
        recounted(fakes, prediction(old, 2, SURE_OF_2), old)

        assert (fakes.bins.items["P-1"].image, number_in(fakes, old)) == (new, 4)
        assert (entry_of(fakes, old).status, entry_of(fakes, old).reason) == (Status.COUNTED, "")


def test_a_photo_that_comes_during_the_recount_of_an_older_one_wins() -> None:
    old = make_image("P-1/a.jpg", sequencer="01", at="2026-05-04T08:00:00.000Z")
    new = make_image("P-1/a.jpg", sequencer="02", at="2026-05-04T08:00:01.000Z")
    fakes = Fakes()
    count_images(fakes, [old])
    asked_again(fakes, old)
    count_images(fakes, [new], 4)

    recounted(fakes, prediction(old, 2, SURE_OF_2), old)

    assert number_in(fakes, old) == 4


def test_the_first_jobs_result_delivered_again_does_not_end_a_recount() -> None:
    fakes = Fakes()
    count_images(fakes, [IMAGE])
    first = answered(fakes, fakes.jobs.items[str(entry_of(fakes).job_id)].job, [prediction(IMAGE)])
    asked_again(fakes)

    collected(fakes, first)
    assert entry_of(fakes).status is Status.RECEIVED
    scheduled(fakes, later(1))
    collected(fakes, first)

    assert entry_of(fakes).status is Status.SUBMITTED
    assert number_in(fakes) == 3


def test_a_recount_without_a_result_keeps_the_old_count_and_records_it() -> None:
    fakes = fakes_with_a_count()
    asked_again(fakes)

    recounted(fakes, refusal(IMAGE, "not_found", "The photo is not in the bucket."), policy=ONCE)

    assert entry_of(fakes).status is Status.COUNTED
    assert entry_of(fakes).reason == "The recount had no result: The photo is not in the bucket."
    assert number_in(fakes) == 3
    assert len(fakes.events.published) == 1, "nothing new is known"


def test_a_recount_has_as_many_attempts_as_a_first_count() -> None:
    fakes = fakes_with_a_count()
    asked_again(fakes)

    recounted(fakes, refusal(IMAGE, "internal", "Busy."))

    assert (entry_of(fakes).status, entry_of(fakes).counted_attempts) == (Status.RECEIVED, 1)
    assert number_in(fakes) == 3


def test_a_recount_may_find_the_photo_unreadable() -> None:
    fakes = fakes_with_a_count()
    asked_again(fakes)

    recounted(fakes, refusal(IMAGE))

    assert entry_of(fakes).status is Status.REJECTED
    assert number_in(fakes) is None


def final(fakes: Fakes) -> tuple[object, ...]:
    """What tables say, and each event once."""
    held = [
        (entry_of(fakes, image).status, entry_of(fakes, image).recounts, number_in(fakes, image)) for image in IMAGES
    ]
    return held, sorted((name, event["count"]) for name, (_, event) in fakes.events.distinct().items())


def prepared(batch_size: int = 1) -> Fakes:
    fakes = Fakes(batch_size)
    count_images(fakes, IMAGES)
    return fakes


def again(fakes: Fakes) -> None:
    """Ask for those that are still as they were, and let every job be counted as 2."""
    wanted = [held.entry for held in fakes.ledger.items.values() if not held.recounts]
    recount(fakes.ledger, wanted, now=NOW)
    scheduled(fakes, later(1))
    for opened in list(fakes.jobs.items.values()):
        ids = {held.image.image_id for held in fakes.ledger.items.values() if held.job_id == opened.job.job_id}
        lines = [prediction(image, 2, SURE_OF_2) for image in IMAGES if image.image_id in ids]
        collected(fakes, answered(fakes, opened.job, lines), POLICY, later(2))


def test_a_crash_at_any_step_of_a_recount_changes_nothing() -> None:
    expected = prepared()
    again(expected)

    for fakes in after_each_crash(prepared, again):
        scheduled(fakes, later(10))
        again(fakes)
        assert final(fakes) == final(expected)


def test_two_who_recount_at_once_recount_once() -> None:
    wanted = [held.entry for held in prepared().ledger.items.values()]

    for fakes in with_each_interruption(
        prepared,
        lambda fakes: [recount(fakes.ledger, wanted, now=NOW), scheduled(fakes, later(1))],
        lambda fakes: recount(fakes.ledger, wanted, now=NOW),
    ):
        assert {entry_of(fakes, image).recounts for image in IMAGES} == {1}


def test_many_are_moved_in_parts() -> None:
    fakes, images = Fakes(), make_images(1_001)
    count_images(fakes, images[:2])
    entries = [entry_of(fakes, image) for image in images[:2]]
    absent = [replace(entries[0], image=image) for image in images[2:]]

    assert recount(fakes.ledger, [*absent, *entries], now=NOW) == {image.image_id for image in images[:2]}
