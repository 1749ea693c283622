"""The seven invariants of a system that loses nothing, checked on the tables and the uploads.

1. Each upload has exactly one entry in the ledger, and there is no other.
2. Each entry is in a terminal state, with a reason where it was not counted.
3. Its result is that of a run without faults.
4. A bin holds the count of the newest photo, and never held an older one over a newer.
5. Each order line has the verdict of the final count, and no two events with one id differ.
6. Ledger and dead letters together account for every upload.
7. The order lines that are not withdrawn are those of the newest files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from bintally.domain.bins import BinCount, BinStatus
from bintally.domain.image import TERMINAL, Status
from bintally.domain.manifest import Prediction
from bintally.domain.orders import ReceivedFile
from bintally.domain.times import iso
from bintally.domain.verdicts import VARIANCES, Finding, OrderLine, Verdict, line_verdict

from tests.fakes import Fakes, Registered
from tests.nothing_lost.uploads import Upload
from tests.unit.functions.examples import NOW, RULES

MAX_REPORTED = 20
REFUSED = "The file is damaged."


def violations(
    fakes: Fakes, uploads: Sequence[Upload], *, dead: Collection[str] = (), now: datetime = NOW
) -> list[str]:
    """The violations of the invariants at `now`. `dead` are the bodies of dead letters."""
    alive = [upload for upload in uploads if upload.image_id in fakes.ledger.items]
    dead = ["\n".join(dead)] if dead else []
    invariants: Iterable[Iterator[str]] = (
        _one_entry_each(fakes, uploads, dead),
        _ended(fakes),
        _as_without_faults(fakes, alive),
        _newest_in_bins(fakes, alive),
        _lines_final(fakes, iso(now)),
        _events_agree(fakes),
        _conserved(fakes, uploads, dead),
    )
    return [wrong for invariant in invariants for wrong in invariant][:MAX_REPORTED]


def _one_entry_each(fakes: Fakes, uploads: Sequence[Upload], dead: Collection[str]) -> Iterator[str]:
    put = {upload.image_id: upload for upload in uploads}
    for image_id, upload in put.items():
        if image_id not in fakes.ledger.items and not _is_dead(upload, dead):
            yield f"invariant 1: {upload.image.key} {upload.image.version_id} is not in the ledger"
    for image_id, held in fakes.ledger.items.items():
        if image_id not in put or held.image != put[image_id].image:
            yield f"invariant 1: the ledger holds {held.image.key} {held.image.version_id}, which nobody put so"


def _is_dead(upload: Upload, dead: Collection[str]) -> bool:
    return any(f'"versionId": "{upload.image.version_id}"' in body for body in dead)


def _ended(fakes: Fakes) -> Iterator[str]:
    yield from (f"invariant 2: {wrong}" for wrong in getattr(fakes.ledger.items, "illegal", ()))
    for held in fakes.ledger.items.values():
        if held.status not in TERMINAL:
            yield f"invariant 2: {held.image.key} is {held.status} under {held.job_id}"
        elif held.status is not Status.COUNTED and not held.reason:
            yield f"invariant 2: {held.image.key} is {held.status} for no reason"


def _as_without_faults(fakes: Fakes, uploads: Sequence[Upload]) -> Iterator[str]:
    newest = _newest(uploads, lambda upload: upload.image.key)
    for upload in uploads:
        held = fakes.ledger.items[upload.image_id]
        older = newest[upload.image.key] is not upload
        if held.status in TERMINAL and not _is_right(upload, held, older):
            yield f"invariant 3: {upload.image.key} is {held.status} {held.reason} {_number(held)}, not {upload.count}"


def _is_right(upload: Upload, held: Registered, older: bool) -> bool:
    if held.status is Status.SUPERSEDED:
        return older
    if upload.count is None:
        return (held.status, held.reason) == (Status.REJECTED, REFUSED)
    return (held.status, _number(held)) == (Status.COUNTED, upload.count)


def _number(held: Registered) -> int | None:
    return _told(held.result) if isinstance(held.result, Prediction) else None


def _told(answer: Prediction | BinCount) -> int | None:
    return answer.at_least if answer.count is None else answer.count


def _newest(uploads: Sequence[Upload], of: Callable[[Upload], str]) -> Mapping[str, Upload]:
    """The simulation's uploads are ordered by time alone, without the code under test."""
    ordered = sorted(uploads, key=lambda upload: upload.image.captured_at)
    return {of(upload): upload for upload in ordered}


def _newest_in_bins(fakes: Fakes, uploads: Sequence[Upload]) -> Iterator[str]:
    yield from (f"invariant 4: {wrong}" for wrong in getattr(fakes.bins.items, "stale", ()))
    expected = _newest(uploads, lambda upload: upload.image.bin_id)
    for bin_id in sorted(expected.keys() | fakes.bins.items.keys()):
        held, upload = fakes.bins.items.get(bin_id), expected.get(bin_id)
        if held is None or upload is None or not _shows(held, upload):
            yield f"invariant 4: bin {bin_id} shows {held and (held.image.key, _told(held), held.reason)}, not {upload}"


def _shows(held: BinCount, upload: Upload) -> bool:
    if held.image != upload.image or _told(held) != upload.count:
        return False
    return held.status is BinStatus.COUNTED if upload.count is not None else held.reason == REFUSED


def _lines_final(fakes: Fakes, now: str) -> Iterator[str]:
    discrepancies = [_said(detail) for detail in fakes.events.of_kind("DiscrepancyFound")]
    for (consignment_id, bin_id), line in fakes.orders.items.items():
        if line.verdict is Verdict.WITHDRAWN:
            continue
        found = line_verdict(line, fakes.bins.items.get(bin_id), now=now, rules=RULES)
        if _concluded(line) != _concluded(found):
            yield f"invariant 5: {consignment_id}/{bin_id} stands at {line.verdict}, but it is {found.verdict}"
        elif line.verdict in VARIANCES and _said(_facts(line)) not in discrepancies:
            yield f"invariant 5: no event says that {consignment_id}/{bin_id} is {line.verdict}"
    finished = {(e["consignment_id"], json.dumps(e["lines"])) for e in fakes.events.of_kind("ConsignmentReconciled")}
    for consignment_id in sorted({key[0] for key in fakes.orders.items}):
        verdicts = [line.verdict for key, line in fakes.orders.items.items() if key[0] == consignment_id]
        lines = {str(verdict): verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}
        if Verdict.PENDING not in verdicts and (consignment_id, json.dumps(lines)) not in finished:
            yield f"invariant 5: no event says that {consignment_id} is finished with {lines}"


def _concluded(of: OrderLine | Finding) -> tuple[object, ...]:
    return of.verdict, of.counted, of.counted_at_least, of.reason, of.overdue, of.odds


def wrong_lines(fakes: Fakes, files: Sequence[ReceivedFile]) -> list[str]:
    """Invariant 7: the remaining lines are those of the uploaded files, applied in order. T12 writes the files.

    A cancelled line follows the files too, as far as a restored one would.
    """
    standing: dict[tuple[str, str], int] = {}
    for file in files:
        rows = [row.split(",")[:3] for row in file.data.decode().splitlines()[1:]]
        named = {consignment_id for consignment_id, _, _ in rows}
        standing = {key: number for key, number in standing.items() if file.adds or key[0] not in named}
        standing |= {(consignment_id, bin_id): int(number) for consignment_id, bin_id, number in rows}
    lines = fakes.orders.items.items()
    found = {key: line.expected for key, line in lines if line.verdict is not Verdict.WITHDRAWN or _restorable(line)}
    wrong = sorted(standing.items() ^ found.items())
    return [f"invariant 7: {key} expects {number}, in the files or the table alone" for key, number in wrong][
        :MAX_REPORTED
    ]


def _restorable(line: OrderLine) -> bool:
    return line.cancelled is not None and line.order_version >= line.replace_version


def _facts(line: OrderLine) -> dict[str, object]:
    detail = {"consignment_id": line.consignment_id, "bin_id": line.bin_id, "expected": line.expected}
    detail |= {"counted": line.counted, "counted_at_least": line.counted_at_least}
    return {**detail, "verdict": str(line.verdict), "reason": line.reason}


def _said(detail: Mapping[str, object]) -> tuple[object, ...]:
    names = ("consignment_id", "bin_id", "expected", "counted", "counted_at_least", "verdict", "reason")
    return tuple(detail.get(name) for name in names)


def _events_agree(fakes: Fakes) -> Iterator[str]:
    seen: dict[str, tuple[str, object]] = {}
    for event in fakes.events.published:  # a photo may fail again after `bintally retry`
        if event[1].get("status") != "FAILED" and seen.setdefault(event[1]["event_id"], event) != event:
            yield f"invariant 5: the event {event[1]['event_id']} says two things"
    counted = {detail["image_id"] for detail in fakes.events.of_kind("BinCounted")}
    for image_id, held in fakes.ledger.items.items():
        if held.status is Status.COUNTED and image_id not in counted:
            yield f"invariant 5: no event says that {held.image.key} was counted"


def _conserved(fakes: Fakes, uploads: Sequence[Upload], dead: Collection[str]) -> Iterator[str]:
    ended = sum(held.status in TERMINAL for held in fakes.ledger.items.values())
    lost = [each for each in uploads if each.image_id not in fakes.ledger.items and _is_dead(each, dead)]
    if ended + len(lost) != len(uploads):
        yield f"invariant 6: {len(uploads)} were put, but {ended} ended and {len(lost)} are dead letters"
