"""`bintally decide` and `bintally history`: what people say about photos, and what happened to a bin."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer
from bintally.domain.decisions import Decision
from bintally.domain.history import Moment
from bintally.domain.names import normalised

from bincli.count_text import minute_text
from bincli.deployment import Deployment, open_deployment
from bincli.errors import CommandError, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Output, Record
from bincli.tables import Column, Table


def decide(
    bin_id: Annotated[str, typer.Argument(metavar="BIN", help="The bin that the photo shows.")],
    count: Annotated[int | None, typer.Argument(metavar="COUNT", min=0, help="How many items it shows.")] = None,
    cannot_tell: Annotated[bool, typer.Option("--cannot-tell", help="The photo does not show how many.")] = False,
    undo: Annotated[str, typer.Option(metavar="ID", help="Undo this decision instead.")] = "",
    why: Annotated[str, typer.Option(metavar="CODE", help="Reason code, such as damaged or recount.")] = "",
    image: Annotated[str, typer.Option(metavar="ID", help="The photo. Default: the one that the bin shows.")] = "",
    blind: Annotated[bool, typer.Option("--blind", help="You saw neither the order nor the model's count.")] = False,
    seconds: Annotated[float | None, typer.Option(metavar="SECONDS", help="How long you looked.")] = None,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who decides. Default: your user name.")] = "",
    decision_id: Annotated[
        str, typer.Option("--id", metavar="ID", help="Id of the decision. Default: a new one.")
    ] = "",
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Decide how many items a photo shows.

    Writes the decisions table and the bin. The model's count is kept: the
    bin shows yours beside it until a newer photo arrives, and the verdicts
    of its order lines follow within seconds. A decision about an older
    photo is kept too, and changes no count. Safe to rerun with the same
    --id. Nothing is ever deleted: --undo marks a decision, and the bin
    shows again what it would show without it.

    \b
    Exit codes: 0 stored, 1 it is refused or the stack can't be used.

    \b
    Examples:
      bintally decide P-17-C 4 --why recount
      bintally decide P-17-C --cannot-tell
      bintally decide P-17-C --undo 5f0c9d
      bintally decide P-17-C 4 --blind --stack prod --json
    """
    if sum((count is not None, cannot_tell, bool(undo))) != 1:
        raise typer.BadParameter("give one of COUNT, --cannot-tell and --undo.", param_hint="COUNT")
    output = Output.standard(as_json)
    with exit_on_error():
        deployment, who = open_deployment(stack, region, profile), by or getpass.getuser()
        if undo:
            undo_decision(deployment, bin_id, undo, who, output)
            return
        number = decision_id or uuid4().hex
        wanted = Decision(normalised(bin_id), number, image, who, "", count, blind, seconds, why)
        store_decision(deployment, wanted, output)


def history(
    bin_id: Annotated[str, typer.Argument(metavar="BIN", help="The bin.")],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show what happened to a bin, oldest first.

    Reads its photos, results, decisions and order lines. A photo has its
    latest result, and an order line its latest import and verdict. With
    --json, one line for each moment.

    \b
    Exit codes: 0 shown, 1 BIN is unknown or the stack can't be read.

    \b
    Examples:
      bintally history P-17-C
      bintally history P-17-C --stack prod --json
    """
    output = Output.standard(as_json)
    with exit_on_error():
        show_history(open_deployment(stack, region, profile), bin_id, output)


def store_decision(deployment: Deployment, wanted: Decision, output: Output) -> None:
    """Store a decision and print it."""
    from bintally.usecases.decide import decide as store

    stored = store(deployment, wanted, now=datetime.now(UTC))
    output.emit([record_of(stored)], stored_view(stored))


def undo_decision(deployment: Deployment, bin_id: str, decision_id: str, who: str, output: Output) -> None:
    """Undo a decision and print it."""
    from bintally.usecases.decide import undo

    undone = undo(deployment, normalised(bin_id), decision_id, who=who, now=datetime.now(UTC))
    output.emit([record_of(undone)], [f"The decision {undone.decision_id} is undone. `bintally bins` shows the count."])


def show_history(deployment: Deployment, bin_id: str, output: Output) -> None:
    """Print the moments of a bin. Raises CommandError for an unknown one."""
    from bintally.usecases.history import history as read

    moments = read(deployment, normalised(bin_id))
    if not moments:
        raise CommandError(f"Bin {bin_id} not found: it has no photo and no order. `bintally bins` lists the bins.")
    output.emit(map(asdict, moments), [history_table(moments)])


def record_of(decision: Decision) -> Record:
    lines = [{**asdict(line), "verdict": str(line.verdict)} for line in decision.lines]
    return {**asdict(replace(decision, lines=())), "cannot_tell": decision.cannot_tell, "lines": lines}


def stored_view(decision: Decision) -> Iterator[Block]:
    number = "can't tell" if decision.cannot_tell else str(decision.count)
    yield f"Bin {decision.bin_id}: {number}, decided by {decision.who}."
    if not decision.bin_revision:
        yield "The bin has a newer photo, so its count does not change."
    yield f"Undo it with --undo {decision.decision_id}."


def history_table(moments: Sequence[Moment]) -> Table:
    table = Table([Column("Time (UTC)"), Column("What"), Column("Id", folds=True), Column("", folds=True)])
    for moment in moments:
        table.add(minute_text(moment.at), str(moment.kind), moment.subject, moment.words)
    return table
