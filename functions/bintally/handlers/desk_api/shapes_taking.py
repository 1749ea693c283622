"""The JSON shapes of a day's figures."""

from __future__ import annotations

from pydantic import BaseModel


class Waiting(BaseModel):
    """Order lines by what they wait for."""

    look: int
    act: int


class Photos(BaseModel):
    """Photos that are not counted yet: no job holds them, or one does."""

    pending: int
    in_flight: int


class PersonLooks(BaseModel):
    who: str
    done: int
    seconds_median: float | None


class Looks(BaseModel):
    """`differ_from_order` and `cannot_tell` are about looks that were not undone."""

    done: int
    undone: int
    seconds_median: float | None
    differ_from_order: int
    cannot_tell: int
    by_person: list[PersonLooks]


class Agreement(BaseModel):
    """In `agree` of `pairs`, two people said the same about a photo."""

    pairs: int
    agree: int


class Effort(BaseModel):
    """What is left: `minutes` at the speed of today, null if nobody's is known."""

    looks: int
    minutes: float | None


class Day(BaseModel):
    day: str
    waiting: Waiting
    photos: Photos
    looks: Looks
    agreement: Agreement
    effort: Effort
