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
    """`differ_from_order` and `cannot_tell` are about looks that were not undone, and so are the next two.

    The first half of them, `early_looks`, found `early_differences` of those that differ from an order.
    """

    done: int
    undone: int
    seconds_median: float | None
    differ_from_order: int
    cannot_tell: int
    early_looks: int
    early_differences: int
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


class Audits(BaseModel):
    """What the audits of the last `days` say: lines drawn at random, counted blind.

    `wrong_low` to `wrong_high` is the 95% interval of the share of wrong lines at the site. `leak_bound` is the upper
    95% bound of their share among lines that are MATCH; 1 without an audit.
    """

    days: int
    audits: int
    wrong: int
    wrong_low: float
    wrong_high: float
    matches: int
    wrong_matches: int
    leak_bound: float
