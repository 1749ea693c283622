"""Counting files on this machine with the model alone, without a stack."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from binmodel.images import ImageError, Limits
from binmodel.predict import Predictor
from binmodel.stream import predict_stream
from rich.console import Console
from rich.progress import track

from bincli.count_text import interval_in, number_in
from bincli.errors import CommandError
from bincli.files import files_under, is_folder
from bincli.output import quantity, remark
from bincli.tables import Column, Table

EXTENSIONS = {".jpg", ".jpeg", ".png"}

Line = dict[str, Any]


class NothingToCountError(CommandError):
    """The paths given lead to no image at all."""


def images_in(paths: Sequence[Path]) -> list[Path]:
    """The images that `paths` mean: a file stands for itself, a folder for the .jpg, .jpeg and .png files below it.

    In the order given, folders in natural order. Raises NothingToCountError when that is none.
    """
    images: list[Path] = []
    for path in paths:
        images.extend(_images_below(path) if path.is_dir() else [path])
    if not images:
        folders = ", ".join(map(shown, paths))
        raise NothingToCountError(f"There are no photographs (.jpg, .jpeg, .png) in {folders}.")
    return images


def _images_below(folder: Path) -> list[Path]:
    return [path for path in files_under(folder) if path.suffix.lower() in EXTENSIONS or is_folder(path)]


def count_images(images: Iterable[Path], predictor: Predictor, limits: Limits | None = None) -> Iterator[Line]:
    """One line for each image, in order: `image` with its prediction, or `image` with its `error`."""
    limits = limits or Limits()
    images = list(images)
    predictions = predict_stream(predictor, images, lambda path: read_capped(path, limits.max_bytes), limits=limits)
    for image, prediction in zip(images, predictions, strict=True):
        answer = {"error": prediction["error"]} if "error" in prediction else prediction
        yield {"image": shown(image), **answer}


def read_capped(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Raises ImageError, or OSError where it can't be read."""
    if not path.is_file():
        what = "a folder that can't be listed" if path.is_dir() else "not a regular file"
        linked = path.is_dir() and path.is_symlink()
        raise ImageError("unreadable", f"This is {'a link to a folder, which is not followed' if linked else what}.")
    size = path.stat().st_size
    if size > limit:
        raise ImageError("too_many_bytes", f"The file has {size:,} bytes; at most {limit:,} are taken.")
    with path.open("rb") as file:
        return file.read(limit + 1)


def shown(path: Path) -> str:
    """The path as text that any terminal and any JSON reader takes, whatever bytes the name has."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def print_counts(lines: Iterable[Line], total: int, *, as_json: bool, out: Console, err: Console) -> bool:
    """Print every line as it comes, as JSON Lines or as a table with totals; true when all were counted."""
    followed = track(
        lines,
        "Counting",
        total,
        console=err,
        transient=True,
        disable=not err.is_terminal or (as_json and out.is_terminal),
    )
    if as_json:
        failed = 0
        for line in followed:
            out.out(json.dumps(line), highlight=False)
            failed += "error" in line
        return not failed
    kept = list(followed)
    _table(kept).show(out)
    remark(out, _totals(kept))
    return not any("error" in line for line in kept)


def _table(lines: Sequence[Line]) -> Table:
    told, failed = (any(name in line for line in lines) for name in ("interval", "error"))
    sure = [Column("Count", right=True), Column("Confidence", right=True), Column("Interval", folds=True)]
    reason = [Column("Not counted because", folds=True)] if failed else []
    table = Table([Column("Photo", folds=True), *sure[: 3 if told else 2], *reason])
    for line in lines:
        if "error" in line:
            known, why = ["-", "-", "-"], line["error"]["message"]
        else:
            known, why = [number_in(line), f"{line['confidence']:.0%}", interval_in(line)], ""
        table.add(line["image"], *known[: 3 if told else 2], *([why] if failed else []))
    return table


def _totals(lines: Sequence[Line]) -> str:
    counted = [line for line in lines if "error" not in line]
    least = sum(line.get("at_least") or line["count"] for line in counted)
    items = ("at least " if any(line.get("at_least") for line in counted) else "") + quantity(least, "item")
    numbers = sorted(Counter(map(number_in, counted)).items(), key=lambda each: int(each[0].rstrip("+")))
    shares = ", ".join(f"{images:,} with {number}" for number, images in numbers)
    failed = len(lines) - len(counted)
    refused = f"; {failed:,} not counted" if failed else ""
    return f"{quantity(len(counted), 'photo')} counted, {items} in all ({shares or 'none'}){refused}."
