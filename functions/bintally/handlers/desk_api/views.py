"""What the API shows of bins, lines and decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bintally.domain.bins import BinCount
from bintally.domain.decisions import Decision
from bintally.domain.image import Image
from bintally.domain.queue import PHOTO_ADDRESS
from bintally.domain.times import iso
from bintally.domain.verdicts import OrderLine
from bintally.handlers.desk_api.shapes import (
    ExpectedLine,
    Goods,
    Item,
    ModelCount,
    ModelInterval,
    Photo,
    Shown,
    StoredDecision,
)
from bintally.handlers.desk_api.shapes_reading import Accepted, Decided, Line
from bintally.handlers.settings import settings
from bintally.handlers.wiring import dependencies
from bintally.usecases.checks import Asked
from bintally.usecases.shown import judged


def etag_of(count: BinCount) -> str:
    """Changes with the bin: a newer photo, a decision, an undo."""
    return f'"{count.revision}"'


def photo_view(image: Image, now: datetime) -> Photo:
    return Photo(url=dependencies().photos.url(image), expires_at=iso(now + PHOTO_ADDRESS))


def item_view(asked: Asked, until: str, lines: Sequence[OrderLine], now: datetime, *, blind: bool) -> Item:
    """`lines` are those of several bins."""
    count = asked.count
    own = [line for line in lines if line.bin_id == count.bin_id]
    goods = dict.fromkeys((line.sku, line.item_volume_l) for line in own if line.sku or line.item_volume_l)
    return Item(
        bin_id=count.bin_id,
        image_id=count.image.image_id,
        etag=etag_of(count),
        photo=photo_view(count.image, now),
        captured_at=count.image.captured_at,
        lease_until=until,
        goods=[Goods(sku=sku, item_volume_l=volume) for sku, volume in goods],
        shown=None if blind else shown_view(count, own, now),
        after=asked.after or None,
    )


def shown_view(count: BinCount, lines: Iterable[OrderLine], now: datetime) -> Shown:
    """With the verdicts that the lines have, or that a person's count gives them before the stream has brought it."""
    found, rules, zone = list(lines), settings().verdict_rules, settings().zone
    if count.human:
        found = judged(found, count, now=now, rules=rules, zone=zone)
    return Shown(expected=[ExpectedLine(**_terms(line)) for line in found], model=_model_view(count))


def _terms(line: OrderLine) -> dict[str, Any]:
    names = ("consignment_id", "expected", "due_at", "reason", "risk")
    return {"verdict": str(line.verdict), **{name: getattr(line, name) for name in names}}


def line_view(line: OrderLine) -> Line:
    names = ("bin_id", "counted", "counted_at_least", "overdue")
    facts = {name: getattr(line, name) for name in names}
    fewer, more = (line.odds.fewer, line.odds.more) if line.odds else (None, None)
    by = line.accepted
    accepted = Accepted(by=by.by, at=by.at, reason_code=by.reason_code) if by and line.attention is None else None
    return Line(
        **_terms(line),
        **facts,
        probability_fewer=fewer,
        probability_more=more,
        waits_for=str(line.attention.group) if line.attention else None,
        accepted=accepted,
        cancelled=line.cancelled is not None,
    )


def decided_view(count: BinCount) -> Decided | None:
    human = count.human
    return Decided(**asdict(human), cannot_tell=human.count is None) if human else None


def _model_view(count: BinCount) -> ModelCount:
    interval = ModelInterval(**asdict(count.interval)) if count.interval else None
    facts = {name: getattr(count, name) for name in ("count", "at_least", "confidence", "model", "reason")}
    return ModelCount(status=str(count.status), interval=interval, **facts)


def decision_view(decision: Decision) -> StoredDecision:
    facts = asdict(decision)
    named = {name: facts[name] for name in StoredDecision.model_fields if name in facts}
    return StoredDecision(**named, cannot_tell=decision.cannot_tell)
