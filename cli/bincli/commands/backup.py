"""`bintally backup` and `bintally restore`: the tables into files, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from bintally.domain.times import iso

from bincli.deployment import Deployment, open_deployment
from bincli.errors import CommandError, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Output
from bincli.progress import progress_bar
from bincli.tables import Column, Table
from bincli.text import quantity

if TYPE_CHECKING:
    from bincli.backup.files import Item
    from bincli.backup.tables import Restored

FROM_TABLE = "table:"
ATTEMPTS = 8  # of each request, when DynamoDB throttles


def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", file_okay=False, help="Folder to create.")],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Write the tables of a stack to files.

    Reads every item of the five tables, which costs read units, and writes
    gzipped JSON lines in the format of DynamoDB's own exports. Photos and
    order files are not included. It is not a snapshot: items that change
    meanwhile may be old or new. On AWS, use the tables' point-in-time
    recovery for all but small stacks.

    \b
    Exit codes: 0 written, 1 it failed.

    \b
    Examples:
      bintally backup before-upgrade/
      bintally backup before-upgrade/ --stack trial
    """
    output = Output.standard(as_json)
    with exit_on_error():
        manifest = write_backup(open_deployment(stack, region, profile, ATTEMPTS), folder, output, datetime.now(UTC))
        output.emit([manifest], backup_view(manifest, folder))


def restore(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A backup's folder, an export (s3://...), or table:NAME.")
    ],
    table: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="jobs, bins, images, consignments or decisions. Default: all of a backup."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing items too.")] = False,
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Restore items into the tables of a stack.

    DynamoDB always restores into a new table, but the stack needs its own,
    with its stream. This command copies the items: from a folder of
    `bintally backup`, from an export to S3, or from a table that AWS has
    restored (table:NAME). Items that are already in a table are kept,
    unless you pass --overwrite. Safe to rerun. With --json, one line for
    each table.

    \b
    Exit codes: 0 restored, 1 it failed.

    \b
    Examples:
      bintally restore before-upgrade/
      bintally restore table:prod-bins-restored --table bins --stack prod
      bintally restore s3://exports/AWSDynamoDB/01-abc/data/ --table jobs
    """
    from bincli.backup.tables import TABLES

    if table is not None and table not in TABLES:
        raise typer.BadParameter(f"is none of {', '.join(TABLES)}.", param_hint="--table")
    if table is None and (source.startswith(("s3://", FROM_TABLE))):
        raise typer.BadParameter("say which table of the stack it is for.", param_hint="--table")
    output = Output.standard(as_json)
    with exit_on_error():
        restored = restore_all(
            open_deployment(stack, region, profile, ATTEMPTS), source, table, output, overwrite=overwrite
        )
        output.emit(map(asdict, restored), restore_view(restored))


def write_backup(deployment: Deployment, folder: Path, output: Output, now: datetime) -> Mapping[str, Any]:
    """Write every table; returns the manifest. Raises CommandError if the folder is not empty."""
    from bincli.backup.files import write_items, write_manifest
    from bincli.backup.tables import LATER, TABLES, items_of

    if folder.exists() and any(folder.iterdir()):
        raise CommandError(f"{folder} is not empty. Name a new folder.")
    numbers = {}
    for name, logical_id in TABLES.items():
        if logical_id in LATER and logical_id not in deployment.outputs:
            continue
        with progress_bar(output.err, name) as on_progress:
            items = items_of(deployment.dynamodb, deployment.output(logical_id))
            numbers[name] = write_items(folder / name, counted(items, on_progress))
    versions = deployment.site_settings.versions()
    settings = dict(versions[-1].changes) if versions else {}
    manifest = {"stack": deployment.name, "written_at": iso(now), "tables": numbers, "settings": settings}
    write_manifest(folder, manifest)
    return manifest


def counted(items: Iterable[Item], on_progress: Any) -> Iterator[Item]:
    for number, item in enumerate(items, 1):
        on_progress(number)
        yield item


def restore_all(
    deployment: Deployment, source: str, table: str | None, output: Output, *, overwrite: bool
) -> list[Restored]:
    """Restore one table from anything, or every table of a backup."""
    from bincli.backup.files import read_items, read_manifest
    from bincli.backup.tables import TABLES, restore_items

    if table:
        sources = {table: items_from(deployment, source)}
    else:
        held = read_manifest(Path(source))["tables"]
        sources = {name: read_items(Path(source) / name) for name in TABLES if name in held}
    restored = []
    for name, items in sources.items():
        with progress_bar(output.err, name) as on_progress:
            target = deployment.output(TABLES[name])
            restored.append(
                restore_items(deployment.dynamodb, target, items, overwrite=overwrite, on_progress=on_progress)
            )
    return restored


def items_from(deployment: Deployment, source: str) -> Iterator[Item]:
    from bincli.backup.files import read_export, read_items
    from bincli.backup.tables import items_of

    if source.startswith(FROM_TABLE):
        return items_of(deployment.dynamodb, source.removeprefix(FROM_TABLE))
    if source.startswith("s3://"):
        return read_export(deployment.s3, source)
    return read_items(Path(source))


def backup_view(manifest: Mapping[str, Any], folder: Path) -> Iterator[Block]:
    table = Table([Column("Table"), Column("Items", right=True)])
    for name, number in manifest["tables"].items():
        table.add(name, f"{number:,}")
    yield table
    yield f"Written to {folder}. `bintally restore {folder}` restores missing items."


def restore_view(restored: Sequence[Restored]) -> Iterator[Block]:
    table = Table([Column("Table"), Column("Restored", right=True), Column("Kept as they are", right=True)])
    for each in restored:
        table.add(each.table, f"{each.written:,}", f"{each.kept:,}")
    yield table
    written = sum(each.written for each in restored)
    yield f"{quantity(written, 'item')} restored. `bintally audit` says if any photo is lost."
