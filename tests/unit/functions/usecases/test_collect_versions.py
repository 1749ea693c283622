"""collect: a bin shows its newest version, in whatever order results arrive."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from bintally.domain.bins import BinStatus
from bintally.domain.image import Image, Status
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import Fakes
from tests.unit.functions.examples import (
    make_image,
    refusal,
)
from tests.unit.functions.usecases.collecting import NEW, OLD, reason_of, status_of
from tests.unit.functions.usecases.runs import (
    answered,
    collected,
    count_images,
    ingested_job,
)


def test_an_older_version_after_a_newer_one_is_superseded() -> None:
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
def test_the_newer_of_two_versions_in_one_job_counts(images: list[Image]) -> None:
    fakes = Fakes()

    count_images(fakes, images)

    assert (status_of(fakes, NEW), status_of(fakes, OLD)) == (Status.COUNTED, Status.SUPERSEDED)
    assert (fakes.bins.items["P-17-C"].image, fakes.bins.items["P-17-C"].revision) == (NEW, 1)
    assert [detail["image_id"] for detail in fakes.events.of_kind("BinCounted")] == [NEW.image_id]


def test_the_later_of_two_images_of_a_bin_is_shown() -> None:
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
def test_bins_show_their_newest_images_for_any_jobs_and_order(
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
