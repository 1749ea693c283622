"""What a request asks for and is answered, apart from how it arrives: `serve.py` and `inference.py` share it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from binmodel.images import Limits
from binmodel.manifest import Entry, read_manifest
from binmodel.predict import Predictor
from binmodel.stream import Line, predict_stream

JSON_LINES = "application/jsonlines"
IMAGES = ("image/jpeg", "image/png", "application/x-image")
READERS = 16  # most of their time goes into waiting for S3


def media_type(header: str) -> str:
    """JSON_LINES or one of IMAGES, from a Content-Type with or without parameters. Raises ValueError for another."""
    kind = header.partition(";")[0].strip().lower()
    if kind != JSON_LINES and kind not in IMAGES:
        raise ValueError(f"Send {JSON_LINES} or one of {', '.join(IMAGES)}, not {kind or 'an unnamed type'}.")
    return kind


class AbandonedError(Exception):
    """Nobody waits for the answer any more."""


def count_manifest(
    predictor: Predictor,
    body: bytes,
    read: Callable[[Entry], bytes],
    limits: Limits | None = None,
    abandoned: Callable[[], bool] = lambda: False,
) -> list[Line]:
    """One line for each line of the manifest, in its order, with the `image_id` (null where the line has none).

    Raises AbandonedError, and reads nothing more, once `abandoned` is true.
    """

    def still_wanted() -> Iterator[Entry]:
        for entry in entries:
            if abandoned():
                raise AbandonedError
            yield entry

    entries = list(read_manifest(body))
    lines = predict_stream(predictor, still_wanted(), read, limits=limits, readers=READERS)
    return [{"image_id": entry.image_id, **line} for entry, line in zip(entries, lines, strict=True)]


def count_image(predictor: Predictor, body: bytes, limits: Limits | None = None) -> Line:
    """The line of one photograph."""
    return next(predict_stream(predictor, [body], bytes, limits=limits, readers=1))


def json_lines(lines: Iterable[Line]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)
