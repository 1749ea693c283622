"""`bintally labels export`: what people counted, as photos and labels for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bincli.deployment import Deployment, open_deployment
from bincli.errors import INCOMPLETE, exit_on_error
from bincli.options import Json, Profile, Region, Stack
from bincli.output import Block, Note, Output, Record
from bincli.progress import progress_bar
from bincli.tables import Column, Table
from bincli.text import Styled, quantity

if TYPE_CHECKING:
    from bincli.labels.export import Exported


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, help="Folder to write.")],
    stack: Stack = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Export what people counted as a dataset.

    Reads the decisions and the ledger, downloads the photos into
    DIR/images, and writes DIR/labels.csv with the columns image, count and
    weight. Each photo has the last decision that stands. The weight is one
    by the probability that a person is asked about the photo, at most 50,
    and 1 if a person chose it. Safe to rerun: photos that are there are
    kept. A photo that can't be read is named and left out.

    \b
    Exit codes:
      0  exported, or nobody has counted a photo
      1  the stack can't be read, or DIR can't be written
      3  some photos could not be read

    \b
    Examples:
      bintally labels export labels/
      bintally labels export labels/ --stack prod --json
    """
    output = Output.standard(as_json)
    with exit_on_error():
        code = export_labels(open_deployment(stack, region, profile), folder, output)
    raise typer.Exit(code)


def export_labels(deployment: Deployment, folder: Path, output: Output) -> int:
    """Export the labels of a stack; the exit code."""
    from bintally.domain.labels import labels_of

    from bincli.labels.export import Folder

    labels = labels_of(deployment.decisions.all())
    entries = deployment.ledger.read([label.image_id for label in labels])
    images = {image_id: entry.image for image_id, entry in entries.items()}
    with progress_bar(output.err, "Photos", len(labels)) as on_done:
        results = Folder(folder, deployment.s3).export(labels, images, on_done)
    output.emit([record_of(results)], view(results, folder))
    return INCOMPLETE if any(each.problem for each in results) else 0


def record_of(results: Sequence[Exported]) -> Record:
    return {
        "labels": sum(bool(each.path) for each in results),
        "downloaded": sum(each.downloaded for each in results),
        "failed": {each.label.image_id: each.problem for each in results if each.problem},
    }


def view(results: Sequence[Exported], folder: Path) -> Iterator[Block]:
    """How many labels there are, and which photos are missing."""
    exported, failed = sum(bool(each.path) for each in results), [each for each in results if each.problem]
    if not results:
        yield Note("Nobody has counted a photo yet. `bintally decide` and the desk store what people count.")
        return
    new = sum(each.downloaded for each in results)
    yield f"{quantity(exported, 'label')} in {folder}/labels.csv; {quantity(new, 'photo')} downloaded."
    if failed:
        yield Styled(f"{quantity(len(failed), 'photo')} could not be read. The others are complete.", "yellow")
        table = Table([Column("Photo", folds=True), Column("Problem", folds=True)])
        for each in failed:
            table.add(each.label.image_id, each.problem)
        yield table
