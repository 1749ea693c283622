"""The history of a bin: what happened to it, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bintally.domain.decisions import Decision
from bintally.domain.image import Image, Status
from bintally.domain.intervals import number_text
from bintally.domain.verdicts import OrderLine


@dataclass(frozen=True)
class PhotoRecord:
    """A photo in the ledger. Without a result yet, `completed_at` is ""."""

    image: Image
    status: Status
    completed_at: str = ""
    count: int | None = None
    at_least: int | None = None
    model: str = ""
    reason: str = ""


@dataclass(frozen=True)
class LineRecord:
    """An order line, when it was imported, and when it got its latest verdict ("" if it has none)."""

    line: OrderLine
    imported_at: str
    judged_at: str = ""


class Kind(StrEnum):
    """What happened."""

    PHOTO = "photo"
    RESULT = "result"
    DECISION = "decision"
    UNDO = "undo"
    ORDER = "order"
    VERDICT = "verdict"


@dataclass(frozen=True)
class Moment:
    """What happened at a time (ISO 8601, UTC), in words. `subject` is the id of the photo, decision or consignment."""

    at: str
    kind: Kind
    subject: str
    words: str


def timeline(photos: Iterable[PhotoRecord], decisions: Iterable[Decision], lines: Iterable[LineRecord]) -> list[Moment]:
    """Every moment, the oldest first."""
    found = [moment for photo in photos for moment in _of_photo(photo)]
    found += [moment for decision in decisions for moment in _of_decision(decision)]
    found += [moment for line in lines for moment in _of_line(line)]
    return sorted(found, key=lambda moment: (moment.at, moment.subject, moment.kind))


def _of_photo(photo: PhotoRecord) -> Iterator[Moment]:
    image_id = photo.image.image_id
    yield Moment(photo.image.captured_at, Kind.PHOTO, image_id, f"{photo.image.key} was uploaded.")
    if photo.completed_at:
        by = f" by {photo.model}" if photo.model else ""
        number = number_text(photo.count, photo.at_least)
        words = f"{number} counted{by}." if photo.status is Status.COUNTED else f"{photo.status}: {photo.reason}"
        yield Moment(photo.completed_at, Kind.RESULT, image_id, words)


def _of_decision(decision: Decision) -> Iterator[Moment]:
    said = "can't tell" if decision.cannot_tell else f"counted {decision.count}"
    why = f" ({decision.reason_code})" if decision.reason_code else ""
    words = f"{decision.who} {said}{why}, photo {decision.image_id}."
    yield Moment(decision.decided_at, Kind.DECISION, decision.decision_id, words)
    if decision.undone_by:
        undone = f"{decision.undone_by} undid the decision of {decision.who}."
        yield Moment(decision.undone_at, Kind.UNDO, decision.decision_id, undone)


def _of_line(record: LineRecord) -> Iterator[Moment]:
    line = record.line
    due = f", due {line.due_at}" if line.due_at else ""
    words = f"Consignment {line.consignment_id} expects {line.expected}{due}."
    yield Moment(record.imported_at, Kind.ORDER, line.consignment_id, words)
    if record.judged_at:
        verdict = f"{line.verdict}: {line.reason}"
        yield Moment(record.judged_at, Kind.VERDICT, line.consignment_id, verdict)
