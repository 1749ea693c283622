"""The JSON shapes of bins and order lines."""

from __future__ import annotations

from pydantic import BaseModel

from bintally.handlers.desk_api.shapes import ExpectedLine, Photo, Shown, StoredDecision


class Accepted(BaseModel):
    """Who accepted the verdict on a line, and why."""

    by: str
    at: str
    reason_code: str


class Line(ExpectedLine):
    """An order line. `counted_at_least` says the number where the photo shows more than the model can count.

    `waits_for` is `look` or `act`, null for a line that waits for nobody.
    """

    bin_id: str
    counted: int | None
    counted_at_least: int | None
    probability_fewer: float | None
    probability_more: float | None
    overdue: bool
    waits_for: str | None
    accepted: Accepted | None
    cancelled: bool


class Lines(BaseModel):
    """`next` is the `after` of the next page, null on the last one."""

    lines: list[Line]
    next: str | None


class Decided(BaseModel):
    """What a person said about the photo that the bin shows."""

    decision_id: str
    who: str
    count: int | None
    cannot_tell: bool
    decided_at: str


class Moment(BaseModel):
    """What happened to a bin at a time, in words. `subject` is the id of the photo, decision or consignment."""

    at: str
    kind: str
    subject: str
    words: str


class Bin(BaseModel):
    """A bin and its history, the oldest first. Without a photo, what is about it is null.

    For a counter who counts blind, `shown` is null and the moments that would give the numbers away are left out, until
    somebody has decided about the photo.
    """

    bin_id: str
    etag: str | None
    image_id: str | None
    captured_at: str | None
    photo: Photo | None
    decided: Decided | None
    shown: Shown | None
    moments: list[Moment]
    decisions: list[StoredDecision]
