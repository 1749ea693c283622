"""What the use cases may rely on: the bins table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.intervals import Interval

from tests.unit.functions.examples import (
    EARLIER,
    LATER,
    MODEL,
    NOON,
    SURE_OF_3,
    THREE_OR_FOUR,
    TWO_LITRES,
    counted,
    make_image,
    unreadable,
    unseen,
)


def test_a_bin_holds_its_count(ports: Any) -> None:
    image = make_image()

    ports.bins.record([counted(image)], NOON)

    assert ports.bins.read(["P-17-C", "unknown"]) == {
        "P-17-C": BinCount(image, BinStatus.COUNTED, 3, 0.9, SURE_OF_3, MODEL, revision=1)
    }
    assert ports.bins.read([]) == {}


@pytest.mark.parametrize(
    "uncertainty",
    [
        {"empty": 0.02, "over_range": 0.01, "interval": THREE_OR_FOUR},
        {"empty": 0.0, "over_range": 1.0},
        {"empty": 0.0, "over_range": 0.1, "volume": TWO_LITRES},
        {"interval": Interval(0, None, 0.9)},
        {"count": 0, "empty": 0.9, "over_range": 0.0, "interval": Interval(0, 0, 0.9)},
        {"count": None, "at_least": 6, "empty": 0.0, "over_range": 0.9, "interval": Interval(6, None, 0.9)},
        {},
    ],
)
def test_a_bin_holds_the_confidence_of_its_count(ports: Any, uncertainty: dict[str, Any]) -> None:
    ports.bins.record([counted(**uncertainty)], NOON)

    assert ports.bins.read(["P-17-C"])["P-17-C"] == counted(**uncertainty)


def test_a_count_without_optional_fields_clears_those_of_another_model(ports: Any) -> None:
    newer = make_image(sequencer="0055AED6DCD90281E6")
    ports.bins.record([counted(empty=0.02, over_range=0.01, interval=THREE_OR_FOUR, volume=TWO_LITRES)], NOON)

    ports.bins.record([counted(newer)], NOON)

    assert ports.bins.read(["P-17-C"])["P-17-C"] == replace(counted(newer), revision=2)


def test_a_bin_over_range_replaces_a_count_and_is_replaced_by_one(ports: Any) -> None:
    versions = [make_image(sequencer=f"0055AED6DCD90281E{number}") for number in range(3)]
    over = counted(versions[1], count=None, at_least=6, empty=0.0, over_range=0.9)

    ports.bins.record([counted(versions[0])], NOON)
    ports.bins.record([over], NOON)
    assert ports.bins.read(["P-17-C"])["P-17-C"] == replace(over, revision=2)
    ports.bins.record([counted(versions[2])], NOON)

    assert ports.bins.read(["P-17-C"])["P-17-C"] == replace(counted(versions[2]), revision=3)


def test_an_unreadable_bin_clears_the_previous_count(ports: Any) -> None:
    newer = make_image(sequencer="0055AED6DCD90281E6")
    ports.bins.record([counted(empty=0.02, over_range=0.01, interval=THREE_OR_FOUR)], NOON)

    ports.bins.record([unreadable(newer)], NOON)

    assert ports.bins.read(["P-17-C"])["P-17-C"] == replace(unreadable(newer), revision=2)


def test_recording_returns_what_the_bin_holds_now(ports: Any) -> None:
    newer, older = make_image(sequencer="0055AED6DCD90281E6"), make_image()

    assert ports.bins.record([counted(newer), counted(make_image("x/y.jpg"))], NOON)["P-17-C"].image == newer
    assert ports.bins.record([counted(older)], NOON)["P-17-C"].image == newer
    assert ports.bins.record([], NOON) == {}


@pytest.mark.parametrize(
    ("held", "offered", "replaces"),
    [
        (make_image(sequencer="01"), make_image(sequencer="01"), False),
        (make_image(sequencer="01"), make_image(sequencer="0101"), True),
        (make_image(sequencer="0101"), make_image(sequencer="01"), False),
        (make_image(sequencer="0055AED6DCD902"), make_image(sequencer="0055AED6DCD90281E5"), True),
        (make_image(sequencer="0055AED6DCD903"), make_image(sequencer="0055AED6DCD90281E5"), False),
        (make_image(sequencer="01", at=LATER), make_image(sequencer="02", at=EARLIER), True),
        (make_image("b/x.jpg", sequencer="09", at=EARLIER), make_image("b/y.jpg", sequencer="01", at=LATER), True),
        (make_image("b/y.jpg", sequencer="01", at=LATER), make_image("b/x.jpg", sequencer="09", at=EARLIER), False),
        (make_image("b/x.jpg", at=NOON), make_image("b/y.jpg", at=NOON), True),
        (make_image("b/y.jpg", at=NOON), make_image("b/x.jpg", at=NOON), False),
    ],
)
def test_a_bin_takes_only_what_is_newer(ports: Any, held: Any, offered: Any, replaces: bool) -> None:
    ports.bins.record([counted(held)], NOON)

    ports.bins.record([counted(offered)], NOON)

    now = ports.bins.read([held.bin_id])[held.bin_id]
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
def test_for_the_same_image_a_bin_takes_only_a_missing_result(
    ports: Any, held: BinCount, offered: BinCount, taken: bool
) -> None:
    ports.bins.record([held], NOON)

    ports.bins.record([offered], LATER)

    assert ports.bins.read(["P-17-C"])["P-17-C"] == (replace(offered, revision=2) if taken else held)
