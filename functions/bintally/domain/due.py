"""Due times: parsed from order files, and as text in the site's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

END_OF_DAY = time(23, 59, 59, 999_000)
TICK = timedelta(milliseconds=1)


def site_zone(name: str) -> ZoneInfo:
    """The time zone with this name of the tz database, such as Europe/Berlin. Raises ValueError for any other name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # the name is a folder of the database, or leads out of it
        raise ValueError(f"{name!r} is not a time zone of the tz database, such as UTC or Europe/Berlin.") from error


def due_at_of(text: str, zone: tzinfo) -> datetime:
    """The due time that `text` gives. Raises ValueError or OverflowError.

    A time without an offset is in `zone`. A date without a time means the last millisecond of that day in `zone`, also
    on days that are longer or shorter because the clocks change.
    """
    moment = datetime.fromisoformat(text)  # stricter than date.fromisoformat, which accepts 20260504.5
    day = _day(text)
    if day is None:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    midnight = datetime.combine(day + timedelta(days=1), time(), zone)
    return midnight.astimezone(UTC) - TICK


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def due_words(due_at: str, zone: tzinfo) -> str:
    """Text such as `the end of 2026-05-04 (Europe/Berlin)` or `2026-05-04 16:00 (UTC)`. `due_at` is ISO 8601."""
    moment = datetime.fromisoformat(due_at).astimezone(zone)
    if moment.time() == END_OF_DAY:
        return f"the end of {moment.date()} ({zone})"
    return f"{moment:%Y-%m-%d %H:%M} ({zone})"
