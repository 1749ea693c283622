"""The JSON shapes of the desk's API. Requests with unknown or mistyped members are refused.

Times are ISO 8601 in UTC. An `etag` is the text of a bin's ETag, with its quotes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bintally.domain.decisions import MAX_TEXT
from bintally.domain.manifest import MAX_COUNT
from bintally.domain.names import MAX_BYTES
from bintally.domain.queue import MAX_ITEMS

BinId = Annotated[str, Field(min_length=1, max_length=MAX_BYTES)]
Id = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Config(BaseModel):
    client_id: str
    issuer: str
    authorize_url: str
    token_url: str
    logout_url: str
    scope: str = "openid"
    blind: bool
    second_look: bool
    lease_seconds: int
    queue_limit: int
    site_zone: str


class Me(BaseModel):
    name: str
    role: str | None
    roles: list[str]


class Photo(BaseModel):
    """A photo for `<img src>`, until `expires_at`."""

    url: str
    expires_at: str


class ExpectedLine(BaseModel):
    consignment_id: str
    expected: int
    due_at: str | None
    verdict: str
    reason: str
    risk: float | None


class ModelInterval(BaseModel):
    low: int
    high: int | None
    coverage: float


class ModelCount(BaseModel):
    """`count` is null and `at_least` says the number where the photo shows more than the model can count."""

    status: str
    count: int | None
    at_least: int | None
    confidence: float | None
    interval: ModelInterval | None
    model: str
    reason: str


class Shown(BaseModel):
    """What is hidden until a person has answered: what orders expect, and what the model counted."""

    expected: list[ExpectedLine]
    model: ModelCount


class QueueRequest(Request):
    limit: int = Field(6, ge=1, le=MAX_ITEMS)


class ProbableRequest(QueueRequest):
    """`without`: bins that are left for the review."""

    without: list[BinId] = Field([], max_length=1_000)


class Goods(BaseModel):
    """What orders say about the items in a bin: the number of the item, and its volume in litres."""

    sku: str
    item_volume_l: float | None


class Item(BaseModel):
    """A bin to look at. `shown` is null if people count blind.

    `after` is null, but for a photo that was counted already the photo that it follows: its answer goes to /api/checks.
    """

    bin_id: str
    image_id: str
    etag: str
    photo: Photo
    captured_at: str
    lease_until: str
    goods: list[Goods]
    shown: Shown | None
    after: str | None = None


class Queue(BaseModel):
    items: list[Item]
    more: bool
    lease_seconds: int


class ReleaseRequest(Request):
    bin_ids: list[BinId] = Field(max_length=100)


class Released(BaseModel):
    released: int


class DecisionRequest(Request):
    """Either `count` or `cannot_tell`. Repeat it with the same `decision_id` until it is answered."""

    decision_id: Id
    bin_id: BinId
    image_id: Id
    count: int | None = Field(None, ge=0, le=MAX_COUNT)
    cannot_tell: bool = False
    seconds: float | None = Field(None, ge=0, le=86_400)
    reason_code: str = Field("", max_length=MAX_TEXT)
    blind: bool = False


class StoredDecision(BaseModel):
    decision_id: str
    bin_id: str
    image_id: str
    who: str
    decided_at: str
    count: int | None
    cannot_tell: bool
    blind: bool
    seconds: float | None
    reason_code: str
    undone_by: str
    undone_at: str


class Answer(BaseModel):
    """`is_current`: the bin still shows this photo, so its count follows the decision."""

    decision: StoredDecision
    etag: str
    is_current: bool
    shown: Shown


class UndoRequest(Request):
    bin_id: BinId
    decision_id: Id


class Undone(BaseModel):
    decision: StoredDecision
    etag: str
