from __future__ import annotations

from dataclasses import replace

import pytest
from bintally.domain.image import LedgerEntry, Status
from bintally.domain.recounts import Selection

from tests.unit.functions.examples import EARLIER, LATER, MODEL, make_image

ENTRY = LedgerEntry(make_image("P-17-C/a.jpg", at=EARLIER), Status.COUNTED, "job", 1, model=MODEL)


@pytest.mark.parametrize(
    ("selection", "included"),
    [
        (Selection(), True),
        (Selection(bins={"P-17-C", "P-1"}), True),
        (Selection(bins={"P-1"}), False),
        (Selection(prefix="P-17"), True),
        (Selection(prefix="17"), False),
        (Selection(not_model="resnet50@new"), True),
        (Selection(not_model=MODEL), False),
        (Selection(not_model=MODEL.partition("@")[2]), False),
        (Selection(since=EARLIER), True),
        (Selection(since=LATER), False),
        (Selection(bins={"P-17-C"}, prefix="P-18"), False),
    ],
)
def test_all_given_conditions_apply(selection: Selection, included: bool) -> None:
    assert selection.includes(ENTRY) is included


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.COUNTED])
def test_only_counted_photos_can_be_recounted(status: Status) -> None:
    assert not Selection().includes(replace(ENTRY, status=status))
