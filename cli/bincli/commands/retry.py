"""Photographs that FAILED, for another try."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from bintally.adapters.ledger import DynamoLedger
from bintally.domain.image import LedgerEntry, Status
from bintally.domain.jobs import in_parts
from bintally.domain.orders import iso
from rich.console import Console
from rich.text import Text

from bincli.deployment import Deployment
from bincli.output import quantity, say
from bincli.tables import Column, Table

REOPENED_AT_ONCE = 1_000
ABSENT = "not in the ledger"
OTHERS = "only FAILED photographs are tried again"


@dataclass(frozen=True)
class Retried:
    """A photograph that was to be tried again, whether it will be, and its status before or why not."""

    key: str
    image_id: str
    retried: bool
    why: str


def retry(deployment: Deployment, names: Sequence[str], *, every: bool, now: datetime) -> list[Retried]:
    """Have photographs tried again: those named, by key, URI or image id, or with `every` all that FAILED.

    A key stands for every version of it that FAILED.
    """
    ledger = DynamoLedger(deployment.client("dynamodb"), deployment.output("ImagesTable"))
    prefix = f"s3://{deployment.output('IntakeBucket')}/"
    named = {name.removeprefix(prefix) for name in names}
    chosen = sorted(
        chosen_of(_entries(ledger, named, every=every), named, every=every), key=lambda entry: entry.image.key
    )
    ids = [entry.image.image_id for entry in chosen if entry.status is Status.FAILED]
    moved: set[str] = set()
    for part in in_parts(ids, REOPENED_AT_ONCE):
        moved |= ledger.reopen(part, iso(now))
    known = {entry.image.key for entry in chosen} | {entry.image.image_id for entry in chosen}
    absent = [Retried(name, "", False, ABSENT) for name in sorted(named - known)]
    return [_retried(entry, moved) for entry in chosen] + absent


def _entries(ledger: DynamoLedger, named: set[str], *, every: bool) -> Iterable[LedgerEntry]:
    """Such entries as may be meant. Image ids can be read one by one; for a key the whole table is walked."""
    by_id = ledger.read(named)
    return by_id.values() if not every and named == by_id.keys() else ledger.all()


def chosen_of(entries: Iterable[LedgerEntry], named: set[str], *, every: bool) -> list[LedgerEntry]:
    """The entries that are meant: of a key the versions that FAILED, or all of them where none did."""
    meant = [
        entry
        for entry in entries
        if entry.image.key in named or entry.image.image_id in named or (every and entry.status is Status.FAILED)
    ]
    failed = {entry.image.key for entry in meant if entry.status is Status.FAILED}
    return [
        entry
        for entry in meant
        if entry.status is Status.FAILED or entry.image.key not in failed or entry.image.image_id in named
    ]


def _retried(entry: LedgerEntry, moved: set[str]) -> Retried:
    image = entry.image
    if image.image_id in moved:
        return Retried(image.key, image.image_id, True, f"after {quantity(entry.tried, 'attempt')}: {entry.reason}")
    return Retried(image.key, image.image_id, False, f"{entry.status}: {OTHERS}")


def show_retried(found: Sequence[Retried], *, as_json: bool, out: Console) -> None:
    """Print each photograph, and how many will be tried again."""
    if as_json:
        for each in found:
            out.out(json.dumps(asdict(each)), highlight=False)
        return
    if not found:
        say(out, "No photo has FAILED: there is nothing to retry.")
        return
    retried_table(found).show(out)
    number = sum(each.retried for each in found)
    say(out, f"{quantity(number, 'photo')} will be tried again, by the next run of the submit function.")


def retried_table(found: Sequence[Retried]) -> Table:
    """One row for each photograph."""
    table = Table([Column("Photo", folds=True), Column("Tried again"), Column("Why", folds=True)])
    for each in found:
        table.add(each.key, "yes" if each.retried else Text("no", "red"), each.why)
    return table
