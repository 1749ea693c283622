from __future__ import annotations

import pytest
from bincli.backfill.run import BackfillResult, Plan
from bincli.backfill.uploads import Skipped, Upload
from bincli.commands.backfill import duration, plan_record, plan_view, result_record, result_view

from tests.unit.cli.printing import Printed

PLAN = Plan([Upload(f"{number}.jpg", 500_000, "1") for number in range(20)], 3, 2)


def planned(*, as_json: bool = False) -> Printed:
    output = Printed(as_json=as_json)
    output.emit([plan_record(PLAN, 10)], plan_view(PLAN, 10))
    return output


def done(result: BackfillResult, plan: Plan = PLAN) -> list[str]:
    output = Printed()
    output.emit([result_record(plan, result)], result_view(plan, result))
    return output.stdout.splitlines()


def test_a_plan_shows_number_size_duration_and_cost() -> None:
    lines = planned().stdout.splitlines()

    assert lines[:2] == [
        "20 photos to upload, 10.0 MB; 3 are already in the bucket; 2 other files are ignored.",
        "At 10 photos/s the upload takes 2 s.",
    ]
    assert [line.split("\t")[0] for line in lines[3:7]] == ["Engine", "async", "batch", "lambda"]
    assert "Prices: us-east-1, 2025-06" in lines[-1]
    assert "Nobody has checked them" in lines[-1]


def test_a_plan_as_json_has_the_same() -> None:
    (record,) = planned(as_json=True).records

    assert (record["images"], record["bytes"], record["unchanged"], record["ignored"]) == (20, 10_000_000, 3, 2)
    assert [cost["engine"] for cost in record["costs"]] == ["async", "batch", "lambda"]


def test_the_summary_shows_uploads_and_failures() -> None:
    plan = Plan(PLAN.uploads, 3, 1, [Skipped("key.jpg", "a link, which is not followed")])

    assert done(BackfillResult(19, {"[a].jpg": "no"}), plan) == [
        "skipped key.jpg: a link, which is not followed",
        "[a].jpg: no",
        "19 photos uploaded to the intake bucket; 3 were already in the bucket; 1 other file was ignored; "
        "1 was skipped; 1 could not be uploaded.",
    ]


def test_a_stopped_backfill_reports_progress_and_what_to_do() -> None:
    assert done(BackfillResult(7, {}, stopped=True)) == [
        "Stopped after 7 of 20 photos.",
        "Run the same command again to upload the rest. Nothing is uploaded twice.",
    ]


def test_only_the_first_skipped_files_are_named() -> None:
    plan = Plan([], 0, 0, [Skipped(f"{number}.jpg", "no permission to read it") for number in range(30)])

    lines = done(BackfillResult(0, {}), plan)

    assert lines[20] == "and 10 more were skipped; --json lists all of them"
    assert len(result_record(plan, BackfillResult(0, {}))["skipped"]) == 30


@pytest.mark.parametrize(("seconds", "text"), [(12.4, "12 s"), (75, "1 min 15 s"), (10_000, "2 h 46 min")])
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text
