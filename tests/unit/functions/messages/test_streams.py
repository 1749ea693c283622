from __future__ import annotations

from typing import Any

import pytest
from bintally.domain.changes import Changes
from bintally.domain.errors import InvalidEventError
from bintally.messages.streams import parse_changes

from tests.unit.functions.handlers.lambdas import event


def removed(name: str) -> dict[str, Any]:
    document = event(name)
    document["Records"][0]["eventName"] = "REMOVE"
    return document


def test_the_stream_of_bins_names_bins() -> None:
    assert parse_changes(event("reconcile/stream-bins.json")) == Changes(
        bins={"P-17-C", "P-19-B"}, lines=set(), judged=set()
    )


def test_the_schedule_asks_for_overdue_lines() -> None:
    assert parse_changes(event("reconcile/clock.json")) == Changes(overdue=True)
    for other in ("yes", 1, None):
        with pytest.raises(InvalidEventError):
            parse_changes({"overdue": other})


def test_the_stream_of_lines_names_lines() -> None:
    lines = {("C-1001", "P-17-C"), ("C-1001", "P-19-B"), ("C-1001", "P-18-A")}

    assert parse_changes(event("reconcile/stream-lines.json")) == Changes(bins=set(), lines=lines, judged={"C-1001"})


@pytest.mark.parametrize(
    ("old", "new", "to_judge", "judged"),
    [
        (None, "PENDING", True, False),
        ("PENDING", "PENDING", True, False),
        ("MATCH", "PENDING", True, False),
        ("PENDING", "MATCH", False, True),
        ("SHORT", "MATCH", False, True),
        ("MATCH", "MATCH", False, False),
    ],
)
def test_a_line_is_judged_while_it_is_pending_and_its_consignment_named_when_the_verdict_is_another(
    old: str | None, new: str, to_judge: bool, judged: bool
) -> None:
    *_, record = event("reconcile/stream-lines.json")["Records"]
    change = record["dynamodb"]
    change["NewImage"]["verdict"] = {"S": new}
    change["OldImage"]["verdict"] = {"S": old}
    if old is None:
        del change["OldImage"]

    assert parse_changes({"Records": [record]}) == Changes(
        bins=set(),
        lines={("C-1001", "P-17-C")} if to_judge else set(),
        judged={"C-1001"} if judged else set(),
    )


def test_a_request_names_a_consignment() -> None:
    assert parse_changes(event("reconcile/request.json")) == Changes(consignments=["C-1001"])


def test_removed_items_change_no_verdict() -> None:
    assert parse_changes(removed("reconcile/stream-bins.json")) == Changes(bins={"P-19-B"}, lines=set(), judged=set())


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": None},
        {"Records": [{}]},
        {"Records": [{"eventName": "INSERT", "dynamodb": {}}]},
        {"consignment": "C-1"},
    ],
)
def test_other_events_are_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventError):
        parse_changes(event)
