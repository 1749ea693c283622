from __future__ import annotations

import io

import pytest
from bincli.commands.smoke import drawn_photos, record_of, run_smoke, view
from bincli.deployment import Deployment
from bincli.errors import CommandError
from bintally.domain.canary import PHOTOS
from bintally.domain.verdicts import Verdict
from bintally.usecases.canary import CanaryReport
from PIL import Image

from tests.unit.cli.printing import Printed

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
