"""What people counted as a folder for training: `images/` and `labels.csv`. Every file is complete or absent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bintally.domain.image import Image
from bintally.domain.labels import Label
from botocore.exceptions import BotoCoreError, ClientError

from bincli.aws_errors import explain_aws_error
from bincli.errors import CommandError
from bincli.progress import ProgressCallback

LABELS, IMAGES = "labels.csv", "images"
COLUMNS = ("image", "count", "weight")
SUFFIXES = (".jpg", ".png")
DOWNLOADS = 8  # at once


@dataclass(frozen=True)
class Exported:
    """A label and its photo's path below the folder, or the `problem` that left it out."""

    label: Label
    path: str = ""
    problem: str = ""
    downloaded: bool = False


class Folder:
    """The folder that is written. Photos in it are kept: an image id names one version of one object."""

    def __init__(self, root: Path, s3: Any) -> None:
        self._root = root
        self._s3 = s3

    def export(self, labels: Sequence[Label], images: Mapping[str, Image], on_done: ProgressCallback) -> list[Exported]:
        """Write the photos, and then the list of those that are there.

        A photo that can't be read is left out, and the others are written. Raises OSError if the folder can't be.
        """
        (self._root / IMAGES).mkdir(parents=True, exist_ok=True)
        results = []
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            for result in pool.map(lambda label: self._photo(label, images.get(label.image_id)), labels):
                results.append(result)
                on_done(len(results), len(labels))
        write_whole(self._root / LABELS, labels_csv(results).encode())
        return results

    def _photo(self, label: Label, image: Image | None) -> Exported:
        if image is None:
            return Exported(label, problem="The ledger does not have it.")
        # The name is a hash of bucket, key and version, so no key leads out of the folder.
        paths = [f"{IMAGES}/{image.image_id}{suffix}" for suffix in SUFFIXES]
        for path in paths:
            if (self._root / path).is_file():
                return Exported(label, path)
        try:
            data = self._download(image)
            path = f"{IMAGES}/{image.image_id}{suffix_of(data)}"
        except (ClientError, BotoCoreError) as error:
            return Exported(label, problem=explain_aws_error(error))
        except CommandError as error:
            return Exported(label, problem=str(error))
        write_whole(self._root / path, data)
        return Exported(label, path, downloaded=True)

    def _download(self, image: Image) -> bytes:
        version = {"VersionId": image.version_id} if image.version_id else {}
        answer = self._s3.get_object(Bucket=image.bucket, Key=image.key, **version)
        data: bytes = answer["Body"].read()
        return data


def suffix_of(data: bytes) -> str:
    """The file extension of a photo. Raises CommandError for what no model can read."""
    from binmodel.formats import PNG_START
    from binmodel.images import ImageError, decode

    try:
        decode(data, side=32)
    except ImageError as error:
        raise CommandError(f"{error.code}: {error.message}") from error
    return SUFFIXES[data.startswith(PNG_START)]


def labels_csv(results: Iterable[Exported]) -> str:
    """The photos that are there, with their counts and weights."""
    text = io.StringIO()
    rows = [(each.path, each.label.count, f"{each.label.weight:g}") for each in results if each.path]
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue()


def write_whole(target: Path, data: bytes) -> None:
    """Write to a temporary name and rename, so that `target` is never half written."""
    unfinished = target.with_name(f"{target.name}.part")
    unfinished.write_bytes(data)
    unfinished.replace(target)
