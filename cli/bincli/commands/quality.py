"""`bintally quality`: how often orders and verdicts are wrong, from random audits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from bintally.domain.attention import Group
from bintally.domain.verdicts import OrderLine

from bincli.deployment import Deployment, open_deployment
from bincli.errors import exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Output, Record
from bincli.tables import Column, Table
from bincli.text import quantity, verb

if TYPE_CHECKING:
    from bintally.domain.quality import Agreement, Quality

ONLY_AUDITS = (
    "Only audits tell how often orders are wrong, because they are drawn at random: other lines were looked at "
    "because of their verdict, or because somebody chose them."
)


def quality(stack: Stack = None, region: Region = None, profile: Profile = None, as_json: Json = False) -> None:
    """Show how often orders and verdicts are wrong, from audits.

    Reads the decisions, the photos that they are about, and the order
    lines. Only audits that a person counted blind are used: lines drawn at
    random, whatever their verdict. See audit-share in `bintally settings`.

    \b
    Exit codes: 0 shown, 1 the stack can't be read.

    \b
    Examples:
      bintally quality
      bintally quality --stack prod --json
    """
    output = Output.standard(as_json)
    with exit_on_error():
        show_quality(open_deployment(stack, region, profile), output)


def show_quality(deployment: Deployment, output: Output) -> None:
    """Print the quality of a stack."""
    from bintally.domain.quality import quality_of

    decisions = list(deployment.decisions.all())
    photos = deployment.ledger.records({each.image_id for each in decisions})
    found, waiting = quality_of(decisions, photos), waiting_audits(deployment.orders.all())
    output.emit([record_of(found, waiting)], view(found, waiting))


def waiting_audits(lines: Iterable[OrderLine]) -> int:
    """How many audits nobody has decided about."""
    return sum(line.audit and line.attention is not None and line.attention.group is Group.LOOK for line in lines)


def record_of(found: Quality, waiting: int) -> Record:
    more = {str(target): number for target, number in found.more_audits.items()}
    return {**asdict(found), "more_audits": more, "waiting": waiting}


def view(found: Quality, waiting: int) -> Iterator[Block]:
    """The figures, what they rest on, and what a tighter bound needs."""
    yield figures_table(found, waiting)
    yield ONLY_AUDITS
    left_out = found.not_blind + found.cannot_tell
    if left_out:
        yield (
            f"{quantity(left_out, 'audit')} {verb(left_out, 'tells', 'tell')} nothing: {found.not_blind:,} not counted "
            f"blind, {found.cannot_tell:,} where the photo does not show how many."
        )
    if waiting:
        yield "The figures are right only if people settle the audits that wait, the hard ones too."
    for target, number in found.more_audits.items():
        if number > 0:
            yield f"{quantity(number, 'more MATCH audit')} without a wrong line would bring the bound to {target:.0%}."


def figures_table(found: Quality, waiting: int) -> Table:
    rate, ratio = found.discrepancy_rate, found.leak_ratio
    matches = f"{found.wrong_matches:,} of {quantity(found.matches, 'audit')}"
    table = Table([Column("Figure"), Column("Value", folds=True)])
    table.add("Audits counted blind", f"{found.audits:,}")
    table.add("Audits that wait", f"{waiting:,}")
    table.add("Wrong lines among audits", f"{found.wrong:,}")
    table.add("Wrong lines at this site", f"{rate.mean:.1%}, and with 95% from {rate.low:.1%} to {rate.high:.1%}")
    table.add("Wrong lines among MATCH", f"{matches}, and with 95% at most {found.leak_bound:.1%}")
    table.add("Leak ratio", "unknown" if ratio is None else f"{ratio:.2f}")
    table.add("Model counts audits as people", agreement_text(found.audited_photos))
    table.add("Model counts all blind as people", agreement_text(found.all_photos))
    return table


def agreement_text(agreement: Agreement) -> str:
    if not agreement.photos:
        return "unknown"
    share = agreement.same / agreement.photos
    return f"{agreement.same:,} of {quantity(agreement.photos, 'photo')} ({share:.0%})"
