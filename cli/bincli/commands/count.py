"""`bintally count`: count photos on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bincli.count_text import confidence_text, count_of, interval_text_of, volume_of_record, volume_text
from bincli.errors import INCOMPLETE, exit_on_error
from bincli.options import Json, Model
from bincli.output import Block, Note, Output
from bincli.progress import progress_bar
from bincli.tables import Column, Table
from bincli.text import quantity, visible

if TYPE_CHECKING:
    from bincli.counting import Prediction


def count(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", exists=True, readable=False, help="Photos, or folders with photos."),
    ],
    as_json: Json = False,
    model: Model = None,
) -> None:
    """Count the items in photos on this machine.

    Needs no stack. A folder means every .jpg, .jpeg and .png file below
    it. A count is 0 to 5, or 6+ for more than 5. With --json, one line for
    each photo, in the order given; for 6+, "count" is null and "at_least"
    is 6.

    \b
    Exit codes: 0 all were counted, 3 some were not, 2 a PATH does not exist.

    \b
    Examples:
      bintally count shelf/
      bintally count a.jpg b.png --json
      bintally count shelf/ --json | jq -r '[.image, .count] | @tsv'
    """
    from binmodel.predict import Predictor

    from bincli.counting import NothingToCountError, count_images, images_in, model_folder

    output = Output.standard(as_json)
    try:
        images = images_in(paths)
    except NothingToCountError as error:
        raise typer.BadParameter(visible(error), param_hint="PATH") from error
    with exit_on_error():
        predictions = count_images(images, Predictor.load(model_folder(model)))
        all_counted = show_predictions(predictions, len(images), output)
    if not all_counted:
        raise typer.Exit(INCOMPLETE)


def show_predictions(predictions: Iterable[Prediction], total: int, output: Output) -> bool:
    """Print every prediction, JSON as soon as it is available. True if all images were counted."""
    failed = 0

    def watched() -> Iterator[Prediction]:
        nonlocal failed
        for number, prediction in enumerate(predictions, 1):
            failed += "error" in prediction
            on_progress(number)
            yield prediction

    # The bar ends with the block. Rich's `track` ends with its generator, and Python 3.13 then waits for ever for its
    # thread if that is when the interpreter exits.
    with progress_bar(output.err, "Counting", total, hidden=output.as_json and output.out.is_terminal) as on_progress:
        output.emit(watched(), view(watched()))
    return not failed


def view(predictions: Iterable[Prediction]) -> Iterator[Block]:
    found = list(predictions)
    yield predictions_table(found)
    yield Note(totals_text(found))


def predictions_table(predictions: Sequence[Prediction]) -> Table:
    """One row for each image. Columns that would be empty are left out."""
    with_interval, with_volume, with_error = (
        any(name in each for each in predictions) for name in ("interval", "volume", "error")
    )
    numbers = [Column("Count", right=True), Column("Confidence", right=True)]
    interval = [Column("Interval", folds=True)] if with_interval else []
    volume = [Column("Volume", folds=True)] if with_volume else []
    reason = [Column("Not counted because", folds=True)] if with_error else []
    table = Table([Column("Photo", folds=True), *numbers, *interval, *volume, *reason])
    for each in predictions:
        cells = [each["image"], count_of(each), confidence_text(each.get("confidence"))]
        cells += [interval_text_of(each) or "-"] if with_interval else []
        cells += [volume_text(volume_of_record(each)) or "-"] if with_volume else []
        cells += [each.get("error", {}).get("message", "")] if with_error else []
        table.add(*cells)
    return table


def totals_text(predictions: Sequence[Prediction]) -> str:
    counted = [each for each in predictions if "error" not in each]
    least = sum(each.get("at_least") or each["count"] for each in counted)
    items = ("at least " if any(each.get("at_least") for each in counted) else "") + quantity(least, "item")
    numbers = sorted(Counter(map(count_of, counted)).items(), key=lambda each: int(each[0].rstrip("+")))
    by_count = ", ".join(f"{images:,} with {number}" for number, images in numbers)
    failed = len(predictions) - len(counted)
    refused = f"; {failed:,} not counted" if failed else ""
    return f"{quantity(len(counted), 'photo')} counted, {items} in all ({by_count or 'none'}){refused}."
