"""What can be taken out as a table: its columns and, for each thing, its row. The desk and the command share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any, Generic, TypeVar

from bintally.domain.adjustments import Adjustment
from bintally.domain.bins import BinCount
from bintally.domain.decisions import HUMAN, Decision
from bintally.domain.verdicts import OrderLine

Thing = TypeVar("Thing")
Value = str | int | float | bool | None


class Kind(StrEnum):
    """What a column holds. Any cell may be empty."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"


@dataclass(frozen=True)
class Column(Generic[Thing]):
    name: str
    kind: Kind
    value: Callable[[Thing], Value]


@dataclass(frozen=True)
class Sheet(Generic[Thing]):
    """A table of things of one sort."""

    columns: tuple[Column[Thing], ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def row(self, thing: Thing) -> list[Value]:
        return [column.value(thing) for column in self.columns]


def _own(kind: Kind, *names: str) -> list[Column[Any]]:
    return [Column(name, kind, attrgetter(name)) for name in names]


def _text(name: str, value: Callable[[Any], str | None]) -> Column[Any]:
    return Column(name, Kind.TEXT, value)


def _counted(count: BinCount) -> int | None:
    """A person's count is valid rather than the model's."""
    return count.human.count if count.human and count.source == HUMAN else count.count


LINES: Sheet[OrderLine] = Sheet(
    (
        *_own(Kind.TEXT, "consignment_id", "bin_id"),
        *_own(Kind.WHOLE, "expected", "counted", "counted_at_least"),
        _text("verdict", lambda line: str(line.verdict)),
        *_own(Kind.NUMBER, "risk"),
        *_own(Kind.TEXT, "due_at"),
        *_own(Kind.FLAG, "overdue"),
        *_own(Kind.TEXT, "reason"),
        _text("sku", lambda line: line.sku or None),
        *_own(Kind.NUMBER, "item_volume_l"),
        Column("cancelled", Kind.FLAG, lambda line: line.cancelled is not None),
    )
)

COUNTS: Sheet[BinCount] = Sheet(
    (
        *_own(Kind.TEXT, "bin_id"),
        Column("counted", Kind.WHOLE, _counted),
        Column("counted_at_least", Kind.WHOLE, lambda count: count.at_least if _counted(count) is None else None),
        *_own(Kind.TEXT, "source"),
        _text("who", lambda count: count.human.who if count.human else None),
        _text("decided_at", lambda count: count.human.decided_at if count.human else None),
        Column("model_count", Kind.WHOLE, attrgetter("count")),
        *_own(Kind.NUMBER, "confidence"),
        *_own(Kind.TEXT, "model"),
        _text("status", lambda count: str(count.status)),
        *_own(Kind.TEXT, "reason"),
        _text("captured_at", lambda count: count.image.captured_at),
        _text("photo", lambda count: f"s3://{count.image.bucket}/{count.image.key}"),
        _text("image_id", lambda count: count.image.image_id),
    )
)

DECISIONS: Sheet[Decision] = Sheet(
    (
        *_own(Kind.TEXT, "decision_id", "bin_id", "image_id", "who", "decided_at"),
        *_own(Kind.WHOLE, "count"),
        *_own(Kind.FLAG, "cannot_tell", "blind"),
        *_own(Kind.NUMBER, "seconds"),
        *_own(Kind.TEXT, "reason_code", "undone_by", "undone_at"),
    )
)

ADJUSTMENTS: Sheet[Adjustment] = Sheet(
    (
        *_own(Kind.TEXT, "bin_id", "consignment_id"),
        *_own(Kind.WHOLE, "counted", "expected", "difference"),
        *_own(Kind.TEXT, "reason", "who", "when"),
    )
)
