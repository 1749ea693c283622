"""The JSON shapes of checks: photos that are counted once more, to measure how well people count."""

from __future__ import annotations

from pydantic import BaseModel, Field

from bintally.domain.manifest import MAX_COUNT
from bintally.handlers.desk_api.shapes import BinId, Id, Request


class CheckRequest(Request):
    """Either `count` or `cannot_tell`. `after` is that of the item."""

    after: Id
    bin_id: BinId
    image_id: Id
    count: int | None = Field(None, ge=0, le=MAX_COUNT)
    cannot_tell: bool = False
    seconds: float | None = Field(None, ge=0, le=86_400)


class CheckAnswer(BaseModel):
    """The count that stands, which stays, and whose it is: `known` by two or more people, one `other`, one's `own`."""

    known: int
    basis: str


class CheckAgreement(BaseModel):
    """Of `answered` checks, `same` are the count that stood. `cannot_tell` come on top."""

    answered: int
    same: int
    cannot_tell: int


class PersonChecks(CheckAgreement):
    who: str


class DifferingCheck(BaseModel):
    """An answer that is not the count that stood for the photo."""

    at: str
    who: str
    bin_id: str
    image_id: str
    count: int
    known: int
    basis: str


class Checks(BaseModel):
    """The checks of the last `days`. Only a supervisor sees who differed, and where."""

    days: int
    by_basis: dict[str, CheckAgreement]
    by_person: list[PersonChecks]
    differing: list[DifferingCheck]
