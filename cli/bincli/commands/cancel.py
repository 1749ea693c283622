"""`bintally orders cancel`: take order lines out, whatever order files say."""

from __future__ import annotations

import getpass
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from bintally.domain.cancellations import Cancellation
from bintally.domain.names import normalised

from bincli.deployment import Deployment, open_deployment
from bincli.errors import exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Output, Record
from bincli.text import quantity


def cancel(
    consignment_id: Annotated[str, typer.Argument(metavar="CONSIGNMENT", help="The consignment.")],
    bin_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[LINE]...", help="Bins of the lines. Default: all lines.")
    ] = None,
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, which lists show.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="End the cancellation instead.")] = False,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who cancels. Default: your user name.")] = "",
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Cancel order lines, or take that back.

    Writes the consignments table. A cancelled line is WITHDRAWN, leaves the
    queue of the desk and gets no verdict any more. Photos, counts and
    decisions stay. Order files still change what the line expects, but no
    file brings it back: only --undo does, and then the line gets a verdict
    again within seconds, unless a newer file no longer has it. Safe to
    rerun: lines that are cancelled already stay as they are.

    \b
    Exit codes: 0 cancelled, 1 a line is unknown or the stack can't be used.

    \b
    Examples:
      bintally orders cancel C-1 --why "customer cancelled"
      bintally orders cancel C-1 P-17-C P-18-A
      bintally orders cancel C-1 P-17-C --undo
      bintally orders cancel C-1 --stack prod --json
    """
    output = Output.standard(as_json)
    bins = {normalised(each) for each in bin_ids or ()}
    cancellation = None if undo else Cancellation(by or getpass.getuser(), "", why)
    with exit_on_error():
        cancel_lines(open_deployment(stack, region, profile), normalised(consignment_id), bins, cancellation, output)


def cancel_lines(
    deployment: Deployment,
    consignment_id: str,
    bins: Collection[str],
    cancellation: Cancellation | None,
    output: Output,
) -> None:
    """Cancel the lines, or without `cancellation` restore them, and say how many changed."""
    from bintally.usecases.cancel import cancel as cancel_all
    from bintally.usecases.cancel import restore

    now = datetime.now(UTC)
    if cancellation:
        done = cancel_all(deployment, consignment_id, bins, cancellation, now=now)
    else:
        done = restore(deployment, consignment_id, bins, now=now)
    action = "cancelled" if cancellation else "restored"
    record = {"consignment_id": consignment_id, action: done.changed, "unchanged": done.unchanged}
    output.emit([record], view(record, action))


def view(record: Record, action: str) -> Iterator[Block]:
    yield f"{quantity(record[action], 'line')} of {record['consignment_id']} {action}."
    if record["unchanged"]:
        state = "cancelled already" if action == "cancelled" else "not cancelled"
        yield f"{quantity(record['unchanged'], 'line')} unchanged: {state}."
