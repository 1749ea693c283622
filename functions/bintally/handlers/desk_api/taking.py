"""Routes for the day's figures, and for taking data out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from enum import StrEnum

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from bintally.domain.adjustments import adjustments
from bintally.domain.attention import Group
from bintally.domain.sheets import ADJUSTMENTS, DECISIONS, LINES
from bintally.domain.spreadsheets import csv_text
from bintally.handlers.desk_api.problems import Problem
from bintally.handlers.desk_api.shapes_taking import Agreement, Audits, Day, Effort, Looks, PersonLooks, Photos, Waiting
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies
from bintally.usecases.today import AUDIT_DAYS, audited, decisions_of, today
from bintally.usecases.waiting import waiting_lines

router = Router()  # type: ignore[no-untyped-call]
MAX_ROWS = 20_000  # of a CSV file: an answer of a function has at most 6 MB


class Content(StrEnum):
    """LINES wait for people, DECISIONS and ADJUSTMENTS are those of a day."""

    LINES = "lines"
    DECISIONS = "decisions"
    ADJUSTMENTS = "adjustments"


@router.get("/api/today")
def figures() -> Day:
    """What waits, what was done today, and how long the rest will take."""
    now = datetime.now(UTC)
    found = today(dependencies(), now=now, zone=settings().zone)
    done = found.figures
    looks = Looks(
        done=done.done,
        undone=done.undone,
        seconds_median=done.seconds_median,
        differ_from_order=done.differ_from_order,
        cannot_tell=done.cannot_tell,
        early_looks=done.early_looks,
        early_differences=done.early_differences,
        by_person=[PersonLooks(**asdict(person)) for person in done.people],
    )
    return Day(
        day=found.day,
        waiting=Waiting(look=found.look, act=found.act),
        photos=Photos(pending=found.pending, in_flight=found.in_flight),
        looks=looks,
        agreement=Agreement(pairs=done.pairs, agree=done.agree),
        effort=Effort(looks=found.look, minutes=found.minutes),
    )


@router.get("/api/audits")
def audits() -> Audits:
    """How often lines are wrong, and how often among those that nobody looks at."""
    found = audited(dependencies().decisions, now=datetime.now(UTC), zone=settings().zone)
    return Audits(
        days=AUDIT_DAYS,
        audits=found.audits,
        wrong=found.wrong,
        wrong_low=round(found.discrepancy_rate.low, 4),
        wrong_high=round(found.discrepancy_rate.high, 4),
        matches=found.matches,
        wrong_matches=found.wrong_matches,
        leak_bound=round(found.leak_bound, 4),
    )


@router.get("/api/export.csv")
def export(what: Content = Content.LINES, day: date | None = None) -> Response[str]:
    """Lines that wait, or the decisions or adjustments of a day of the site, as CSV for spreadsheets."""
    of_day = day or datetime.now(settings().zone).date()
    columns, rows = table_of(what, of_day, MAX_ROWS)
    name = f"bintally-{what}-{of_day}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(200, "text/csv; charset=utf-8", csv_text(columns, rows), headers=headers)


def table_of(what: Content, day: date, most: int) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
    """The columns and rows of what is asked for. Raises Problem if a part has more than `most` rows."""
    if what is Content.LINES:
        pages = [waiting_lines(dependencies().orders, group, lambda _: True, most) for group in Group]
        if any(page.end for page in pages):
            raise too_many(most)
        return LINES.names, (LINES.row(line) for page in pages for line in page.lines)
    decisions = decisions_of(dependencies().decisions, day, settings().zone)
    if len(decisions) > most:
        raise too_many(most)
    if what is Content.DECISIONS:
        return DECISIONS.names, map(DECISIONS.row, decisions)
    return ADJUSTMENTS.names, map(ADJUSTMENTS.row, adjustments(decisions))


def too_many(most: int) -> Problem:
    return Problem(422, "too_many", f"There are more than {most:,} rows. `bintally export` writes all of them.")
