from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from bintally.adapters.bins import DynamoBins
from bintally.domain.bins import BinCount, is_newer, replaces
from bintally.domain.image import Image

from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import (
    EARLIER,
    LATER,
    MODEL,
    NOON,
    counted,
    make_image,
    make_images,
    unreadable,
    unseen,
)


@pytest.fixture
def bins(aws: None) -> DynamoBins:
    return DynamoBins(client("dynamodb"), table("BinsTable"))


def test_an_item_shows_what_is_in_a_bin(bins: DynamoBins) -> None:
    image = make_image()
    bins.record([counted(image)], NOON)

    item = client("dynamodb").get_item(TableName=table("BinsTable"), Key={"bin_id": {"S": "P-17-C"}})["Item"]

    assert item == {
        "bin_id": {"S": "P-17-C"},
        "status": {"S": "COUNTED"},
        "count": {"N": "3"},
        "confidence": {"N": "0.9"},
        "probabilities": {
            "M": {"1": {"N": "0.01"}, "2": {"N": "0.04"}, "3": {"N": "0.9"}, "4": {"N": "0.04"}, "5": {"N": "0.01"}}
        },
        "model": {"S": MODEL},
        "source": {"S": "model"},
        "answered": {"BOOL": True},
        "counted_at": {"S": NOON},
        "revision": {"N": "1"},
        "image_id": {"S": image.image_id},
        "bucket": {"S": "intake"},
        "key": {"S": "P-17-C/a.jpg"},
        "version_id": {"S": image.version_id},
        "sequencer": {"S": image.sequencer},
        "captured_at": {"S": EARLIER},
    }


def test_the_tables_condition_matches_is_newer(bins: DynamoBins) -> None:
    drops: list[Image] = [
        make_image(f"bin/{name}.jpg", sequencer=sequencer, at=at)
        for name in "ab"
        for sequencer in ("01", "0101")
        for at in (EARLIER, LATER)
    ]
    pairs = list(itertools.product(drops, drops))
    holders = [
        (f"bin-{number}", Image(*_in_bin(held, number)), Image(*_in_bin(offered, number)))
        for number, (held, offered) in enumerate(pairs)
    ]
    bins.record([counted(held) for _, held, _ in holders], NOON)

    now = bins.record([counted(offered) for _, _, offered in holders], NOON)

    for bin_id, held, offered in holders:
        assert now[bin_id].image == (offered if is_newer(offered, held) else held), (held, offered)


def test_the_tables_condition_matches_replaces(bins: DynamoBins) -> None:
    drops = [make_image("bin/a.jpg", sequencer="01"), make_image("bin/b.jpg", sequencer="02")]
    counts = [form(image) for image in drops for form in (counted, unreadable, unseen)]
    pairs = [
        tuple(replace(count, image=Image(*_in_bin(count.image, number))) for count in pair)
        for number, pair in enumerate(itertools.product(counts, counts))
    ]
    bins.record([held for held, _ in pairs], NOON)

    now = bins.record([offered for _, offered in pairs], NOON)

    for held, offered in pairs:
        assert _told(now[held.bin_id]) == _told(offered if replaces(offered, held) else held), (held, offered)


def _told(count: BinCount) -> tuple[Image, str, bool]:
    return count.image, count.status, count.answered


def _in_bin(image: Image, number: int) -> tuple[str, str, str | None, str, str, str]:
    return (image.bucket, image.key, image.version_id, image.sequencer, image.captured_at, f"bin-{number}")


def test_all_bins_are_listed(bins: DynamoBins) -> None:
    bins.record([counted(image) for image in make_images(12)], NOON)

    assert len({count.bin_id for count in bins.all()}) == 12


def test_a_late_count_clears_the_failure_reason(bins: DynamoBins) -> None:
    bins.record([unseen()], NOON)

    bins.record([counted()], LATER)

    item = client("dynamodb").get_item(TableName=table("BinsTable"), Key={"bin_id": {"S": "P-17-C"}})["Item"]
    assert (item["status"], item["revision"], item["counted_at"]) == ({"S": "COUNTED"}, {"N": "2"}, {"S": LATER})
    assert item["answered"] == {"BOOL": True}
    assert "reason" not in item
