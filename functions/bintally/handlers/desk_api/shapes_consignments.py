"""The JSON shapes of consignments, and of what supervisors ask for."""

from __future__ import annotations

from pydantic import BaseModel, Field

from bintally.domain.decisions import MAX_TEXT
from bintally.domain.names import MAX_CHARACTERS
from bintally.handlers.desk_api.shapes import BinId, Id, Photo, Request
from bintally.handlers.desk_api.shapes_reading import Decided, Line


class WaitingConsignment(BaseModel):
    """A consignment, and how many of its lines wait for a look and for a supervisor. The rest is about these lines."""

    consignment_id: str
    verdict: str
    look: int
    act: int
    due_at: str | None
    overdue: bool
    risk: float


class Consignments(BaseModel):
    """`complete` is false if more lines wait than the list was made of."""

    consignments: list[WaitingConsignment]
    complete: bool


class ConsignmentLine(Line):
    """A line with the photo that its bin shows, null without one, and what a person said about that.

    `photo` is null behind the first lines too: ask for it by `image_id`.
    """

    image_id: str | None
    etag: str | None
    photo: Photo | None
    decided: Decided | None


class Consignment(BaseModel):
    """`tally` is the number of lines by verdict."""

    consignment_id: str
    verdict: str
    tally: dict[str, int]
    lines: list[ConsignmentLine]


class AcceptRequest(Request):
    consignment_id: str = Field(min_length=1, max_length=MAX_CHARACTERS)
    bin_id: BinId
    reason_code: str = Field(min_length=1, max_length=MAX_TEXT)


class RecountRequest(Request):
    bin_id: BinId
    image_id: Id


class Recounting(BaseModel):
    image_id: str
