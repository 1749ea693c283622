from __future__ import annotations

import io

import pytest
from bincli.commands.smoke import drawn_photos, record_of, run_smoke, send_metrics, view
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bintally.domain.canary import PHOTOS
from bintally.domain.verdicts import Verdict
from bintally.usecases.canary import CanaryReport
from moto import mock_aws
from PIL import Image

from tests.template.deployed import Stack
from tests.template.queries import STACK
from tests.unit.cli.printing import Printed
from tests.unit.functions.aws import client

STEPS = {"cleared": 0.1, "imported": 1.5, "uploaded": 0.2, "counted": 61.0, "judged": 2.0, "removed": 0.4}
PASSED = CanaryReport(STEPS, {PHOTOS[0].bin_id: Verdict.MATCH}, (), 0)
LATE = CanaryReport({"cleared": 0.1, "counted": 900.0, "removed": 0.4}, {}, ("a.jpg: still SUBMITTED",), 2)


class FakeFunctions:
    """Functions with a KEY_PATTERN."""

    def get_function_configuration(self, **request: str) -> dict[str, object]:
        return {"Environment": {"Variables": {"KEY_PATTERN": r"(?P<bin_id>\d+)"}}}


def printed(report: CanaryReport, *, as_json: bool = False) -> Printed:
    output = Printed(as_json=as_json)
    output.emit([record_of(report)], view(report))
    return output


def test_the_time_of_each_step_is_shown_and_that_it_passed() -> None:
    rows = printed(PASSED).rows

    assert ["61.0", "photos counted"] in rows
    assert rows[-1] == ["Passed."]


def test_what_failed_is_named_and_what_stays() -> None:
    rows = printed(LATE).rows

    assert ["a.jpg: still SUBMITTED"] in rows
    assert rows[-2:] == [
        ["2 traces are still in progress and stay. The next run removes what is finished by then."],
        ["Failed."],
    ]


def test_json_has_the_same() -> None:
    (record,) = printed(PASSED, as_json=True).records

    assert record == {
        "passed": True,
        "seconds": 65.2,
        "steps": STEPS,
        "verdicts": {PHOTOS[0].bin_id: "MATCH"},
        "faults": [],
        "left": 0,
    }


def test_the_synthetic_photos_are_the_same_every_time() -> None:
    photos = drawn_photos()

    assert photos == drawn_photos()
    assert [*photos] == [photo.key for photo in PHOTOS]
    assert {Image.open(io.BytesIO(data)).format for data in photos.values()} == {"JPEG"}


def test_nothing_is_uploaded_to_a_stack_that_would_take_it_for_another_bin() -> None:
    deployment = Deployment("prod", {"IntakeFunction": "prod-intake"}, lambda service: FakeFunctions())

    with pytest.raises(CommandError, match="finds the bin '1' in the key bintally-canary-1/"):
        run_smoke(deployment, 60)


def test_the_result_goes_where_the_alarm_looks() -> None:
    with mock_aws():
        send_metrics(Deployment("bintally", {}, client), LATE)
        sent = client("cloudwatch").list_metrics(Namespace="bintally")["Metrics"]
    alarm = Stack(SmokeAlarm="on").resources["CanaryAlarm"]["Properties"]

    assert {(each["MetricName"], each["Dimensions"][0]["Value"]) for each in sent} == {
        ("CanaryPassed", "bintally"),
        ("CanarySeconds", "bintally"),
    }
    assert (alarm["Namespace"], alarm["MetricName"]) == ("bintally", "CanaryPassed")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "bintally"}]


def test_a_canary_that_nobody_runs_is_an_alarm_too_but_only_where_it_is_wanted() -> None:
    alarm = Stack(SmokeAlarm="on").resources["CanaryAlarm"]["Properties"]

    assert (alarm["TreatMissingData"], alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "breaching",
        "LessThanThreshold",
        1,
    )
    assert alarm["AlarmDescription"].endswith("See docs/operate.md#alarms.")
    assert "CanaryAlarm" not in STACK.resources
