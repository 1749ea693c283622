"""`bintally destroy`: a stack removed, with or without its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bincli.deployment import ClientFactory, StackNotFoundError, aws_clients, warn, warn_if_local
from bincli.destroy.kept import Kept, Size
from bincli.errors import exit_on_error
from bincli.options import Json, Profile, Region
from bincli.output import Block, Output, Record
from bincli.tables import Column, Table
from bincli.text import Styled, quantity, verb

if TYPE_CHECKING:
    from bincli.stacks import StackDescription

ATTEMPTS = 5


@dataclass
class Removal:
    """A stack, what deleting it keeps, how many images wait to be counted, and what was done."""

    stack: str
    kept: list[tuple[Kept, Size]]
    was_gone: bool = False
    waiting: int | None = 0
    stack_deleted: bool = False
    data_deleted: list[str] = field(default_factory=list)

    @property
    def left(self) -> list[tuple[Kept, Size]]:
        return [pair for pair in self.kept if pair[0].name not in self.data_deleted]


def destroy(
    stack: Annotated[str, typer.Option("--stack", metavar="NAME", help="Name of the stack.")],
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete its buckets, tables, queues and key.")
    ] = False,
    yes: Annotated[
        str | None, typer.Option("--yes", metavar="NAME", help="The stack's name, instead of typing it.")
    ] = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Remove a stack from AWS, but keep its data by default.

    Shows what is kept, with its size and monthly cost, asks you to type the
    stack's name, and deletes the stack. Buckets, tables, queues and the
    topics' key are kept, so nobody loses photos and counts by mistake.
    --delete-data permanently deletes them too, even those that an earlier
    destroy kept, up to 90 days later. Safe to rerun.

    \b
    Exit codes: 0 removed, 1 it failed, or the name was not confirmed.

    \b
    Examples:
      bintally destroy --stack trial
      bintally destroy --stack trial --delete-data
      bintally destroy --stack trial --delete-data --yes trial
    """
    output = Output.standard(as_json)
    with exit_on_error():
        clients = warn_if_local(aws_clients(region, profile, ATTEMPTS), warn)
        found, removal = look(clients, stack)
        for block in before(removal, delete_data=delete_data):
            output.info(block)
        if not is_confirmed(stack, yes):
            output.info(f"Nothing was removed: the name of the stack is {stack}.", "red")
            raise typer.Exit(1)
        remove(clients, found, removal, output, delete_data=delete_data)
        output.emit([record_of(removal)], view(removal))


def is_confirmed(stack: str, yes: str | None, ask: Callable[[str], str] | None = None) -> bool:
    """Whether the stack's name was given with --yes, or is typed now."""
    ask = ask or (lambda question: str(typer.prompt(question, default="", show_default=False, err=True)))
    return yes == stack or ask(f"Type {stack} to go on") == stack


def look(clients: ClientFactory, name: str) -> tuple[StackDescription, Removal]:
    """The stack and what deleting it keeps. Raises StackNotFoundError, also for a stack that is none of bintally's."""
    from bincli.cost.prices import read_prices
    from bincli.destroy.kept import GONE, find_latest, kept_resources, kept_settings, size_of, waiting_images

    cloudformation = clients("cloudformation")
    stack = find_latest(cloudformation, name)
    if stack is None:
        raise StackNotFoundError(
            f"Stack {name} not found, nor one deleted in the last 90 days. Check --region, --profile."
        )
    prices = read_prices()
    resources = kept_resources(cloudformation, stack) + kept_settings(clients("ssm"), name)
    kept = [(each, size_of(clients, each, prices)) for each in resources]
    gone = stack.status == GONE
    return stack, Removal(name, kept, was_gone=gone, waiting=0 if gone else waiting_images(clients, stack))


def remove(
    clients: ClientFactory, stack: StackDescription, removal: Removal, output: Output, *, delete_data: bool
) -> None:
    """Delete the stack and then, if requested, its data, which nothing writes to any more."""
    from bincli.deploy.run import delete_stack
    from bincli.destroy.data import delete_data as delete_resource

    if not removal.was_gone:
        with output.err.status(f"Deleting the stack {stack.name}"):
            delete_stack(clients("cloudformation"), stack)
        removal.stack_deleted = True
    for kept, _ in removal.kept if delete_data else ():
        with output.err.status(f"Deleting {kept.name}"):
            if delete_resource(clients, kept):
                removal.data_deleted.append(kept.name)


def before(removal: Removal, *, delete_data: bool) -> Iterator[str]:
    """What will happen."""
    yield f"The stack {removal.stack} {'is deleted' if removal.was_gone else 'will be deleted'}."
    if not removal.was_gone:
        yield from waiting_text(removal)
    if not removal.kept:
        yield "CloudFormation keeps nothing."
        return
    yield "This is permanently deleted too:" if delete_data else "This stays:"
    for kept, size in removal.kept:
        yield f"  {kept.resource}: {kept.name}{f' ({size.text})' if size.text else ''}"
    if not delete_data:
        yield f"  {cost_text(removal.kept)}"


def waiting_text(removal: Removal) -> Iterator[str]:
    """What nobody will count once the stack is gone."""
    advice = f"Wait first: `bintally audit --wait 3600 --stack {removal.stack}`."
    if removal.waiting is None:
        yield f"Whether photos still wait to be counted is not known. {advice}"
    elif removal.waiting:
        photos = f"{quantity(removal.waiting, 'photo')} {verb(removal.waiting, 'is', 'are')}"
        yield f"About {photos} not counted yet, and will not be. {advice}"


def cost_text(kept: Sequence[tuple[Kept, Size]]) -> str:
    """The monthly cost of keeping them."""
    known = sum(size.dollars for _, size in kept if size.dollars is not None)
    unknown = sum(size.dollars is None for _, size in kept)
    rest = f", and what {quantity(unknown, 'bucket or table')} of unknown size costs" if unknown else ""
    return f"It costs about {known:,.2f} USD a month{rest} (list prices, not checked)."


def record_of(removal: Removal) -> Record:
    def pairs(kept: Sequence[tuple[Kept, Size]]) -> list[dict[str, Any]]:
        return [{**asdict(each), "size": size.text, "usd_a_month": size.dollars} for each, size in kept]

    return {
        "stack": removal.stack,
        "stack_deleted": removal.stack_deleted,
        "data_deleted": removal.data_deleted,
        "left": pairs(removal.left),
    }


def view(removal: Removal) -> Iterator[Block]:
    yield Styled(f"The stack {removal.stack} is deleted.", "green")
    if removal.data_deleted:
        yield f"{quantity(len(removal.data_deleted), 'resource')} with data deleted. KMS deletes a key after 7 days."
    if not removal.left:
        return
    table = Table([Column("Stays"), Column("Name", folds=True), Column("Size"), Column("USD a month", right=True)])
    for kept, size in removal.left:
        table.add(kept.resource, kept.name, size.text, "?" if size.dollars is None else f"{size.dollars:,.2f}")
    yield table
    yield cost_text(removal.left)
    yield f"`bintally destroy --stack {removal.stack} --delete-data` deletes them. See docs/deploy.md to reuse them."
