from __future__ import annotations

from bincli.audit.collect import QueueDepth, Report
from bincli.audit.rules import Audit, Finding
from bincli.commands.audit import conclusion, record_of, view

from tests.unit.cli.printing import Printed

FINDINGS = [Finding(f"[red]{number}.jpg", "v1", "", "SUBMITTED", "Its job is gone.") for number in range(50)]
LOST = Report(Audit(60, {"COUNTED": 7, "QUEUED": 3}, FINDINGS, 2), [QueueDepth("intake", 3, 1, 4)])


def shown(report: Report, *, as_json: bool = False) -> Printed:
    output = Printed(as_json=as_json)
    output.emit([record_of(report)], view(report, "intake"))
    return output


def test_an_audit_shows_places_queues_and_what_is_lost() -> None:
    lines = [" ".join(row) for row in shown(LOST).rows]

    assert lines[:2] == ["Photos Place Meaning", "7 COUNTED finished: counted"]
    assert "50 UNACCOUNTED see below" in lines
    assert "60 all 2 of them are no longer in the bucket" in lines
    assert "intake 3 1 4" in lines
    assert "[red]0.jpg SUBMITTED Its job is gone." in lines
    assert "and 10 more; --json lists all of them" in lines
    assert lines[-1] == "50 of 60 photos are not accounted for."


def test_the_conclusion_says_what_to_do_with_an_empty_bucket() -> None:
    assert conclusion(Audit(7, {"COUNTED": 7}, [], 0), "intake") == "7 photos accounted for, none lost."
    assert conclusion(Audit(1, {}, FINDINGS[:1], 0), "intake") == "1 of 1 photo is not accounted for."
    assert conclusion(Audit(0, {}, [], 0), "intake").endswith("Upload a photo to s3://intake/BIN/photo.jpg.")


def test_an_audit_as_json_has_everything() -> None:
    (record,) = shown(LOST, as_json=True).records

    assert (record["clean"], record["images"], record["places"]) == (False, 60, {"COUNTED": 7, "QUEUED": 3})
    assert len(record["unaccounted"]) == 50
    assert record["unaccounted"][0]["reason"] == "Its job is gone."
    assert record["queues"] == [{"name": "intake", "waiting": 3, "in_flight": 1, "dead_letters": 4}]
