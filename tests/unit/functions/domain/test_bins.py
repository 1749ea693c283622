from __future__ import annotations

import itertools

import pytest
from bintally.adapters.key_patterns import finder_of
from bintally.domain.bins import BinCount, BinStatus, bin_id_of, is_newer, newest_of_each_bin, replaces
from bintally.domain.image import Image
from bintally.domain.objects import padded_sequencer
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.examples import counted, keys, make_image, unreadable, unseen


@pytest.mark.parametrize(
    ("key", "bin_id"),
    [
        ("P-17-C/photo.jpg", "P-17-C"),
        ("site/aisle 4/P-17-C/photo.jpg", "P-17-C"),
        ("P-17-C.jpg", "P-17-C"),
        ("P-17-C.tar.gz", "P-17-C.tar"),
        ("P-17-C", "P-17-C"),
        (".jpg", ".jpg"),
        ("/photo.jpg", "photo"),
        ("P-17-C//photo.jpg", "P-17-C"),
        ("P-17-C/", "P-17-C"),
        ("日本/写真.jpg", "日本"),
        ("a b+c%20/photo.jpg", "a b+c%20"),
    ],
)
def test_the_bin_is_the_folder_or_the_file_stem(key: str, bin_id: str) -> None:
    assert bin_id_of(key) == bin_id


@pytest.mark.parametrize(
    ("key", "pattern", "bin_id"),
    [
        ("cam3/2026-05-04/P-17-C_front.jpg", r"(?P<bin_id>[A-Z]-\d+-[A-Z])", "P-17-C"),
        ("P-17-C/photo.jpg", r"shelf-(?P<bin_id>\d+)", "P-17-C"),
        ("shelf-/photo.jpg", r"shelf-(?P<bin_id>\d*)", "shelf-"),
        ("P-17-C/photo.jpg", r"cam(?P<bin_id>\d+)?", "P-17-C"),
    ],
)
def test_a_pattern_finds_the_bin_with_the_folder_as_fallback(key: str, pattern: str, bin_id: str) -> None:
    assert bin_id_of(key, finder_of(pattern)) == bin_id


@pytest.mark.parametrize(
    ("key", "bin_id"),
    [
        ("Regal-A\u0308/photo.jpg", "Regal-Ä"),
        (" P-17-C /photo.jpg", "P-17-C"),
        ("P-17-C\u00a0/photo.jpg", "P-17-C"),
        (" /photo.jpg", " "),
        ("\U0001d160" * 250 + "/photo.jpg", "\U0001d160" * 250),
    ],
)
def test_a_bin_id_is_normalised_unless_too_long(key: str, bin_id: str) -> None:
    """Of the last one NFC makes 3,000 bytes, for which a table would refuse all photos of a delivery."""
    assert bin_id_of(key) == bin_id


@given(keys)
def test_every_key_has_a_valid_bin_id(key: str) -> None:
    """DynamoDB accepts no empty key, and none over 2,048 bytes."""
    assert 1 <= len(bin_id_of(key).encode()) <= 2048


def test_for_one_key_the_later_sequencer_is_newer_regardless_of_time() -> None:
    early, late = make_image(sequencer="01", at="2026-05-04T08:00:00.007Z"), make_image(sequencer="0101")

    assert is_newer(late, early)
    assert not is_newer(early, late)


def test_for_two_keys_the_later_image_is_newer_regardless_of_sequencers() -> None:
    """S3's sequencers order the versions of one key only."""
    early = make_image("P-17-C/a.jpg", sequencer="09", at="2026-05-04T08:00:00.000Z")
    late = make_image("P-17-C/b.jpg", sequencer="01", at="2026-05-04T08:00:00.001Z")

    assert is_newer(late, early)
    assert not is_newer(early, late)


def test_nothing_is_newer_than_itself() -> None:
    assert not is_newer(make_image(), make_image())


@st.composite
def drops(draw: st.DrawFn) -> list[Image]:
    """Images of one bin as in S3: later versions of a key have later sequencers and no earlier times."""
    images = []
    for key in draw(st.sets(st.sampled_from(["bin/a.jpg", "bin/b.jpg", "bin/c.jpg"]), min_size=1)):
        versions = draw(st.sets(st.text("01A", min_size=1, max_size=3).map(padded_sequencer), min_size=1, max_size=3))
        times = sorted(draw(st.lists(st.integers(0, 4), min_size=len(versions), max_size=len(versions))))
        for sequencer, time in zip(sorted(versions), times, strict=True):
            images.append(make_image(key, sequencer=sequencer, at=f"2026-05-04T08:00:00.00{time}Z"))
    return images


@given(drops())
def test_is_newer_is_a_strict_total_order(images: list[Image]) -> None:
    for one, other in itertools.permutations(images, 2):
        assert is_newer(one, other) != is_newer(other, one)
    for one, other, third in itertools.permutations(images, 3):
        assert not (is_newer(one, other) and is_newer(other, third)) or is_newer(one, third)


@given(drops().flatmap(lambda images: st.tuples(st.just(images), st.permutations(images))))
def test_the_newest_of_a_bin_does_not_depend_on_the_order_of_arrival(drop: tuple[list[Image], list[Image]]) -> None:
    images, shuffled = drop
    (newest,) = newest_of_each_bin(map(counted, shuffled)).values()

    assert newest == newest_of_each_bin(map(counted, images))["bin"]
    assert not any(is_newer(image, newest.image) for image in images)


def test_each_bin_has_its_own_newest() -> None:
    counts: list[BinCount] = [
        counted(make_image(f"{name}/a.jpg", sequencer=sequencer)) for name in "xyz" for sequencer in ("02", "01")
    ]

    newest = newest_of_each_bin(counts)

    assert {bin_id: count.image.sequencer[:2] for bin_id, count in newest.items()} == dict.fromkeys("xyz", "02")


@pytest.mark.parametrize(
    ("held", "offered", "replaced"),
    [
        (counted(count=3), counted(count=2), False),
        (counted(), unreadable(), False),
        (counted(), unseen(), False),
        (unreadable(), unreadable(), False),
        (unreadable(), counted(), False),
        (unreadable(), unseen(), False),
        (unseen(), unseen(), False),
        (unseen(), unreadable(), True),
        (unseen(), counted(), True),
    ],
)
def test_for_the_same_image_only_a_missing_result_is_accepted(
    held: BinCount, offered: BinCount, replaced: bool
) -> None:
    """An image can fail and be counted later."""
    assert replaces(offered, held) is replaced


@given(drops(), st.data())
def test_a_newer_image_replaces_an_older_one_regardless_of_result(images: list[Image], data: st.DataObject) -> None:
    one, other = (data.draw(st.sampled_from([counted, unreadable, unseen])) for _ in range(2))
    for held, offered in itertools.permutations(images, 2):
        assert replaces(one(offered), other(held)) == is_newer(offered, held)


@given(drops(), st.data())
def test_the_final_count_of_a_bin_does_not_depend_on_the_order_of_arrival(
    images: list[Image], data: st.DataObject
) -> None:
    every = [form(image) for image in images for form in (counted, unseen)]
    held: BinCount | None = None
    for count in data.draw(st.permutations(every)):
        held = count if held is None or replaces(count, held) else held

    assert held is not None
    assert held.status is BinStatus.COUNTED
    assert not any(is_newer(image, held.image) for image in images)
