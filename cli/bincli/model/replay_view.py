"""What `bintally model replay` shows: figures, changes of verdicts, and the worst changes as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from bintally.domain.bins import BinStatus

from bincli.count_text import confidence_text
from bincli.demo.results import Result
from bincli.model.replay import Comparison, change_text, transitions
from bincli.output import Block, Record
from bincli.tables import Column, Table
from bincli.text import quantity
from bincli.verdicts import NOT_ORDERED

MAX_ROWS = 10


def replay_record(found: Sequence[Comparison], missing: int) -> Record:
    changed = [one for one in found if one.count_changes]
    return {
        "images": len(found),
        "missing": missing,
        "models": {"live": _models(found, "before"), "candidate": _models(found, "after")},
        "counts_changed": len(changed),
        "changed_by_more_than_one": sum(one.difference > 1 for one in changed),
        "unreadable": sum(one.after.status is BinStatus.UNREADABLE for one in found),
        "mean_confidence": {"live": _confidence(found, "before"), "candidate": _confidence(found, "after")},
        "lines": sum(len(one.verdicts) for one in found),
        "verdicts_changed": sum(len(one.changed_verdicts) for one in found),
        "verdicts": [
            {"live": before, "candidate": after, "lines": number}
            for (before, after), number in sorted(transitions(found).items())
        ],
        "changes": [_change(one) for one in found if one.count_changes or one.changed_verdicts],
    }


def _models(found: Sequence[Comparison], side: str) -> list[str]:
    return sorted({getattr(one, side).model for one in found})


def _confidence(found: Sequence[Comparison], side: str) -> float | None:
    known = [getattr(one, side).confidence for one in found if getattr(one, side).confidence is not None]
    return round(fmean(known), 4) if known else None


def _change(one: Comparison) -> Record:
    return {
        "bin_id": one.before.bin_id,
        "key": one.before.image.key,
        "change": change_text(one),
        "verdicts": [
            {"consignment_id": line.consignment_id, "live": str(before), "candidate": str(after)}
            for line, before, after in one.changed_verdicts
        ],
    }


def replay_view(record: Record, report: Path | None) -> Iterator[Block]:
    live, candidate = (", ".join(record["models"][side]) for side in ("live", "candidate"))
    yield f"{quantity(record['images'], 'photo')}: {candidate or 'the candidate'} instead of {live or 'nothing'}."
    if record["missing"]:
        yield f"Left out: {quantity(record['missing'], 'photo')} no longer in the bucket."
    far = record["changed_by_more_than_one"]
    yield f"{quantity(record['counts_changed'], 'count')} would change, {far:,} by more than one."
    if record["unreadable"]:
        yield f"{quantity(record['unreadable'], 'photo')} would be unreadable."
    yield f"Mean confidence {_percent(record, 'live')} now, {_percent(record, 'candidate')} with the candidate."
    changed = record["verdicts_changed"]
    yield f"{changed:,} of {quantity(record['lines'], 'order line')} would get another verdict."
    moved = [each for each in record["verdicts"] if each["live"] != each["candidate"]]
    if moved:
        table = Table([Column("Now"), Column("Candidate"), Column("Lines", right=True)])
        for each in moved:
            table.add(each["live"], each["candidate"], f"{each['lines']:,}")
        yield table
    if record["changes"]:
        yield from _worst(record["changes"])
    if report:
        yield f"The worst changes are drawn in {report}."


def _worst(changes: Sequence[Mapping[str, object]]) -> Iterator[Block]:
    table = Table([Column("Bin"), Column("Count"), Column("Photo", folds=True)])
    for change in changes[:MAX_ROWS]:
        table.add(str(change["bin_id"]), str(change["change"]), str(change["key"]))
    yield table
    if len(changes) > MAX_ROWS:
        yield f"and {len(changes) - MAX_ROWS:,} more; --json lists all of them"


def _percent(record: Record, side: str) -> str:
    return confidence_text(record["mean_confidence"][side])


def tiles(found: Sequence[Comparison], photos: Mapping[str, Path]) -> list[Result]:
    """The photos whose count or verdict changes, the worst first, as the contact sheet draws them."""
    return [
        Result(
            bin_id=f"{one.before.bin_id}: {change_text(one)}",
            verdict=_verdict(one),
            photo=photos.get(one.before.image.image_id),
            expected=one.verdicts[0][0].expected if one.verdicts else None,
            count=one.after.count,
            at_least=one.after.at_least,
            confidence=one.after.confidence,
            probabilities=_probabilities(one),
            reason=one.after.reason,
        )
        for one in found
        if one.count_changes or one.changed_verdicts
    ]


def _verdict(one: Comparison) -> str:
    changed = one.changed_verdicts or list(one.verdicts)
    return str(changed[0][2]) if changed else NOT_ORDERED


def _probabilities(one: Comparison) -> dict[int, float]:
    after = one.after
    outside = {0: after.empty, max(after.probabilities, default=0) + 1: after.over_range}
    return {**after.class_probabilities, **{number: share for number, share in outside.items() if share is not None}}
