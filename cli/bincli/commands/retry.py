"""`bintally retry`: another attempt for FAILED photos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from bintally.domain.batches import batched
from bintally.domain.image import LedgerEntry, Status
from bintally.domain.times import iso

from bincli.deployment import Deployment, open_deployment
from bincli.errors import INCOMPLETE, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Output
from bincli.tables import Column, Table
from bincli.text import Styled, quantity

if TYPE_CHECKING:
    from bintally.adapters.ledger import DynamoLedger

BATCH = 1_000
NOT_IN_LEDGER = "not in the ledger"
NOT_FAILED = "only FAILED photos can be retried"


@dataclass(frozen=True)
class Retried:
    """The result for one image. `reason` is why it failed before, or why it can't be retried."""

    key: str
    image_id: str
    retried: bool
    reason: str


def retry(
    photos: Annotated[
        list[str] | None, typer.Argument(metavar="PHOTO", help="Keys, s3:// addresses or image ids.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Every FAILED photo.")] = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Retry FAILED photos.

    Sets them back to RECEIVED in the ledger, with all their attempts left.
    The next run of the submit function adds them to a job. A key means all
    of its versions that FAILED. With --json, one line for each photo.

    \b
    Exit codes:
      0  all will be retried
      1  the stack could not be used
      3  some can't be retried

    \b
    Examples:
      bintally retry P-17-C/photo.jpg
      bintally retry --failed --stack prod
    """
    if bool(photos) == failed:
        raise typer.BadParameter("name photos, or use --failed for all of them.", param_hint="PHOTO")
    output = Output.standard(as_json)
    with exit_on_error():
        found = reopen(open_deployment(stack, region, profile), photos or [], every=failed, now=datetime.now(UTC))
        output.emit(map(asdict, found), view(found))
    if not all(each.retried for each in found):
        raise typer.Exit(INCOMPLETE)


def reopen(deployment: Deployment, names: Sequence[str], *, every: bool, now: datetime) -> list[Retried]:
    """Set images back to RECEIVED: those named by key, URI or image id, or with `every` all that FAILED."""
    ledger = deployment.ledger
    prefix = f"s3://{deployment.intake_bucket}/"
    named = {name.removeprefix(prefix) for name in names}
    chosen = select(_candidates(ledger, named, every=every), named, every=every)
    chosen.sort(key=lambda entry: entry.image.key)
    failed = [entry.image.image_id for entry in chosen if entry.status is Status.FAILED]
    reopened: set[str] = set()
    for part in batched(failed, BATCH):
        reopened |= ledger.reopen(part, iso(now))
    known = {entry.image.key for entry in chosen} | {entry.image.image_id for entry in chosen}
    unknown = [Retried(name, "", False, NOT_IN_LEDGER) for name in sorted(named - known)]
    return [_retried(entry, reopened) for entry in chosen] + unknown


def _candidates(ledger: DynamoLedger, named: set[str], *, every: bool) -> Iterable[LedgerEntry]:
    """Image ids are read one by one; a key needs a scan of the whole table."""
    by_id = ledger.read(named)
    return by_id.values() if not every and named == by_id.keys() else ledger.all()


def select(entries: Iterable[LedgerEntry], named: set[str], *, every: bool) -> list[LedgerEntry]:
    """The selected entries. A key selects its versions that FAILED, or all versions if none did."""
    selected = [
        entry
        for entry in entries
        if entry.image.key in named or entry.image.image_id in named or (every and entry.status is Status.FAILED)
    ]
    failed = {entry.image.key for entry in selected if entry.status is Status.FAILED}
    return [
        entry
        for entry in selected
        if entry.status is Status.FAILED or entry.image.key not in failed or entry.image.image_id in named
    ]


def _retried(entry: LedgerEntry, reopened: set[str]) -> Retried:
    image = entry.image
    if image.image_id in reopened:
        return Retried(
            image.key, image.image_id, True, f"after {quantity(entry.counted_attempts, 'attempt')}: {entry.reason}"
        )
    return Retried(image.key, image.image_id, False, f"{entry.status}: {NOT_FAILED}")


def view(found: Sequence[Retried]) -> Iterator[Block]:
    if not found:
        yield "No photo has FAILED: there is nothing to retry."
        return
    table = Table([Column("Photo", folds=True), Column("Retried"), Column("Reason", folds=True)])
    for each in found:
        table.add(each.key, "yes" if each.retried else Styled("no", "red"), each.reason)
    yield table
    number = sum(each.retried for each in found)
    yield f"{quantity(number, 'photo')} will be in the next job." if number else "No photo will be retried."
