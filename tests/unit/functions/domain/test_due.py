from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from bintally.domain.due import due_at_of, due_words, site_zone
from bintally.domain.times import iso

BERLIN = site_zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "due"),
    [
        ("2026-05-04", "UTC", "2026-05-04T23:59:59.999Z"),
        ("20260504", "UTC", "2026-05-04T23:59:59.999Z"),
        ("2026-05-04", "Europe/Berlin", "2026-05-04T21:59:59.999Z"),
        ("2026-05-04", "America/Los_Angeles", "2026-05-05T06:59:59.999Z"),
        ("2026-03-29", "Europe/Berlin", "2026-03-29T21:59:59.999Z"),  # a day of 23 hours
        ("2026-10-25", "Europe/Berlin", "2026-10-25T22:59:59.999Z"),  # and one of 25
        ("2026-10-31", "America/Havana", "2026-11-01T03:59:59.999Z"),  # midnight occurs twice: the first ends the day
        ("2026-04-23", "Africa/Cairo", "2026-04-23T21:59:59.999Z"),  # and here it never occurs
        ("2026-05-04T16:00", "Europe/Berlin", "2026-05-04T14:00:00.000Z"),
        ("2026-05-04T16:00:00Z", "Europe/Berlin", "2026-05-04T16:00:00.000Z"),
        ("2026-05-04T16:00:00+09:00", "Europe/Berlin", "2026-05-04T07:00:00.000Z"),
        ("2026-05-04T00:00", "UTC", "2026-05-04T00:00:00.000Z"),  # somebody wrote a time: that is when
    ],
)
def test_a_date_is_the_end_of_its_day_at_the_site_and_a_time_is_itself(text: str, zone: str, due: str) -> None:
    assert iso(due_at_of(text, site_zone(zone))) == due


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-02-30", "04.05.2026", "9999-12-31", "0001-01-01T00:00+23:59"])
def test_an_invalid_time_is_refused(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        due_at_of(text, UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-05-04", "the end of 2026-05-04 (Europe/Berlin)"),
        ("2026-10-25", "the end of 2026-10-25 (Europe/Berlin)"),
        ("2026-05-04T16:00Z", "2026-05-04 18:00 (Europe/Berlin)"),
    ],
)
def test_a_due_time_is_shown_in_site_time(text: str, words: str) -> None:
    assert due_words(iso(due_at_of(text, BERLIN)), BERLIN) == words


def test_a_date_has_not_passed_before_its_day_has() -> None:
    due = due_at_of("2026-05-04", BERLIN)

    assert (due + timedelta(milliseconds=1)).astimezone(BERLIN).isoformat() == "2026-05-05T00:00:00+02:00"


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "Europe", "../../etc/passwd", "/etc/localtime", "x" * 300, "a\0b"]
)
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone of the tz database"):
        site_zone(name)
