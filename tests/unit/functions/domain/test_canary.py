from __future__ import annotations

from dataclasses import replace

import pytest
from bintally.adapters.key_patterns import finder_of
from bintally.domain.canary import (
    CONSIGNMENT,
    PHOTOS,
    faults_of_lines,
    faults_of_photos,
    is_canary,
    is_settled,
    misread_keys,
    order_file,
)
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.orders import parse_orders
from bintally.domain.verdicts import OrderLine, Verdict

from tests.template.deployed import source

KEY = PHOTOS[0].key
IMAGE = Image("intake", KEY, "1", "AB", "2026-05-04T12:00:00.000Z", PHOTOS[0].bin_id)
LINES = [OrderLine(CONSIGNMENT, photo.bin_id, photo.boxes, verdict=Verdict.MATCH) for photo in PHOTOS]


def test_the_order_file_expects_what_is_drawn() -> None:
    file = parse_orders(order_file())

    assert file.refused_rows == 0
    assert [(line.consignment_id, line.bin_id, line.expected) for line in file.lines] == [
        (CONSIGNMENT, photo.bin_id, photo.boxes) for photo in PHOTOS
    ]


def test_only_reserved_names_are_the_canarys() -> None:
    assert all(is_canary(photo.key) and is_canary(photo.bin_id) for photo in PHOTOS)
    assert not any(map(is_canary, ["P-17-C/1.jpg", "x/bintally-canary-1/1.jpg", ""]))


@pytest.mark.parametrize(
    "pattern", ["", r"^(?P<bin_id>[A-Z]-\d+-[A-Z])/", r"(?P<bin_id>[^/]+)\.jpg$", "^x(?P<bin_id>.)"]
)
def test_a_pattern_for_other_keys_finds_the_canarys_bins(pattern: str) -> None:
    assert misread_keys(finder_of(pattern)) == []


def test_a_pattern_that_takes_the_canary_for_another_bin_is_noticed() -> None:
    assert misread_keys(finder_of(r"(?P<bin_id>\d+)"))[0] == (KEY, "1")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (None, "not in the ledger"),
        (LedgerEntry(IMAGE, Status.SUBMITTED, "async-1"), "still SUBMITTED, in job async-1"),
        (LedgerEntry(IMAGE, Status.RECEIVED, None), "still RECEIVED"),
        (LedgerEntry(IMAGE, Status.FAILED, "async-1", reason="No endpoint."), "FAILED: No endpoint."),
    ],
)
def test_a_photo_that_is_not_counted_is_a_fault(entry: LedgerEntry | None, says: str) -> None:
    (fault,) = faults_of_photos({KEY: entry})

    assert fault.startswith(KEY)
    assert says in fault
    assert is_settled(entry) == ("FAILED" in says)


def test_a_counted_photo_is_not_a_fault() -> None:
    assert faults_of_photos({KEY: LedgerEntry(IMAGE, Status.COUNTED, "async-1")}) == []


@pytest.mark.parametrize("verdict", [Verdict.MATCH, Verdict.SHORT, Verdict.OVER, Verdict.UNCERTAIN])
def test_every_verdict_based_on_a_count_passes(verdict: Verdict) -> None:
    assert faults_of_lines([replace(line, verdict=verdict) for line in LINES]) == []


@pytest.mark.parametrize("verdict", [Verdict.PENDING, Verdict.MISSING, Verdict.UNREADABLE, Verdict.WITHDRAWN])
def test_a_line_without_a_verdict_on_a_count_is_a_fault(verdict: Verdict) -> None:
    line = replace(LINES[1], verdict=verdict, reason="Why.")

    assert faults_of_lines([LINES[0], line]) == [
        f"{line.bin_id}: {verdict}: Why.",
        f"{PHOTOS[2].bin_id}: has no order line",
    ]


def test_alerts_omit_the_canary() -> None:
    pattern = source()["Resources"]["DiscrepancyRule"]["Properties"]["EventPattern"]

    assert pattern["detail"]["consignment_id"] == [{"anything-but": [CONSIGNMENT]}]
