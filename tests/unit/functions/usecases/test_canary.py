from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from bintally.domain.canary import CONSIGNMENT, PHOTOS
from bintally.domain.image import Image, LedgerEntry, Status
from bintally.domain.verdicts import OrderLine, Verdict
from bintally.usecases.canary import CanaryReport, Clock, run_canary

PICTURES = {photo.key: photo.bin_id.encode() for photo in PHOTOS}
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass
class FakeSite:
    """Imports at once, counts after `count_after` reads of the ledger, and judges with it."""

    count_after: int = 2
    status: Status = Status.COUNTED
    verdict: Verdict = Verdict.MATCH
    imports: bool = True
    left: int = 0
    done: list[str] = field(default_factory=list)
    photos: dict[str, Image] = field(default_factory=dict)
    reads: int = 0

    def upload_orders(self, data: bytes) -> str:
        self.done.append("orders")
        return "v1"

    def is_imported(self, version: str) -> bool:
        return self.imports and version == "v1"

    def upload(self, key: str, data: bytes) -> str:
        image = Image("intake", key, str(len(self.photos)), "", "", key.split("/")[0])
        self.photos[image.image_id] = image
        self.done.append("photo")
        return image.image_id

    def entries(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        self.reads += 1
        status = self.status if self.reads > self.count_after else Status.SUBMITTED
        return {each: LedgerEntry(self.photos[each], status, "job", reason="Why.") for each in image_ids}

    def lines(self) -> list[OrderLine]:
        return [OrderLine(CONSIGNMENT, p.bin_id, p.boxes, verdict=self.verdict, reason="Why.") for p in PHOTOS]

    def remove(self, now: datetime) -> int:
        self.done.append("remove")
        return self.left


class Time:
    """Passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: self.passed, lambda: NOON + timedelta(seconds=self.passed), self.sleep)

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


def run(site: FakeSite, timeout: float = 60) -> CanaryReport:
    return run_canary(site, PICTURES, timeout=timeout, clock=Time().clock())


def test_it_passes_once_all_are_counted_and_judged_and_leaves_nothing() -> None:
    site = FakeSite()

    report = run(site)

    assert report.passed
    assert list(report.steps) == ["cleared", "imported", "uploaded", "counted", "judged", "removed"]
    assert (report.steps["counted"], report.seconds) == (2.0, 2.0)
    assert report.verdicts == {photo.bin_id: Verdict.MATCH for photo in PHOTOS}
    assert site.done == ["remove", "orders", *["photo"] * 3, "remove"]


def test_a_photo_that_is_not_counted_in_time_fails_and_the_rest_is_not_tried() -> None:
    report = run(FakeSite(count_after=1000, left=3), timeout=30)

    assert not report.passed
    assert report.steps["counted"] == 30
    assert "judged" not in report.steps
    assert "still SUBMITTED, in job job" in report.faults[0]
    assert report.left == 3


def test_a_photo_that_ends_without_a_count_fails_at_once() -> None:
    report = run(FakeSite(status=Status.REJECTED))

    assert report.steps["counted"] < 5
    assert len(report.faults) == 3
    assert report.faults[0].endswith("REJECTED: Why.")


def test_a_line_without_a_verdict_in_time_fails() -> None:
    report = run(FakeSite(verdict=Verdict.PENDING), timeout=10)

    assert report.faults[0] == f"{PHOTOS[0].bin_id}: PENDING: Why."


def test_no_photo_is_uploaded_if_the_order_is_not_imported() -> None:
    site = FakeSite(imports=False)

    report = run(site, timeout=10)

    assert report.faults[0].startswith("The order file was not imported.")
    assert site.done == ["remove", "orders", "remove"]


class CrashingSite(FakeSite):
    """Dies while it waits for the counts."""

    def entries(self, image_ids: Collection[str]) -> dict[str, LedgerEntry]:
        raise KeyboardInterrupt


def test_a_run_that_dies_removes_nothing_and_the_next_one_begins_with_that() -> None:
    dead = CrashingSite()
    with pytest.raises(KeyboardInterrupt):
        run(dead)
    again = FakeSite(done=dead.done, photos=dead.photos)

    assert run(again).passed
    assert again.done == ["remove", "orders", *["photo"] * 3, "remove", "orders", *["photo"] * 3, "remove"]
