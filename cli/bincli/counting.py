"""Counting files on this machine with the model alone, without a stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from binmodel.artifact import load_artifact, shipped
from binmodel.images import ImageError, Limits
from binmodel.predict import Predictor
from binmodel.stream import predict_stream

from bincli.errors import CommandError
from bincli.files import EXTENSIONS, files_under, is_folder

Prediction = dict[str, Any]


class NothingToCountError(CommandError):
    """The given paths have no image at all."""


def model_folder(folder: Path | None) -> Path:
    """`folder`, or that of the shipped model. Raises ArtifactError if it has no model."""
    return load_artifact(folder or shipped()).folder


def images_in(paths: Sequence[Path]) -> list[Path]:
    """The images in `paths`: files, and the .jpg, .jpeg and .png files below folders.

    In the order given, with folders in natural order. Raises NothingToCountError if there are none.
    """
    images: list[Path] = []
    for path in paths:
        images.extend(_images_below(path) if path.is_dir() else [path])
    if not images:
        folders = ", ".join(map(display_path, paths))
        raise NothingToCountError(f"There are no photos (.jpg, .jpeg, .png) in {folders}.")
    return images


def _images_below(folder: Path) -> list[Path]:
    return [path for path in files_under(folder) if path.suffix.lower() in EXTENSIONS or is_folder(path)]


def count_images(images: Iterable[Path], predictor: Predictor, limits: Limits | None = None) -> Iterator[Prediction]:
    """For each image, in order: `image` with its prediction, or `image` with its `error`."""
    limits = limits or Limits()
    images = list(images)
    predictions = predict_stream(predictor, images, lambda path: read_capped(path, limits.max_bytes), limits=limits)
    for image, prediction in zip(images, predictions, strict=True):
        result = {"error": prediction["error"]} if "error" in prediction else prediction
        yield {"image": display_path(image), **result}


def read_capped(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Raises ImageError, or OSError if it can't be read."""
    if not path.is_file():
        raise ImageError("unreadable", _not_a_file(path))
    size = path.stat().st_size
    if size > limit:
        raise ImageError("too_many_bytes", f"The file has {size:,} bytes; at most {limit:,} are accepted.")
    with path.open("rb") as file:
        return file.read(limit + 1)


def _not_a_file(path: Path) -> str:
    if not path.is_dir():
        return "This is not a regular file."
    return "This is a link to a folder, which is not followed." if path.is_symlink() else "This folder can't be listed."


def display_path(path: Path) -> str:
    """The path as text that any terminal and any JSON reader accepts, whatever bytes the name has."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
