"""What `serve.py` and `inference.py` share: content types, and the prediction lines of a manifest or an image."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from binmodel.images import Limits
from binmodel.manifest import Entry, read_manifest
from binmodel.predict import Predictor
from binmodel.stream import Line, predict_stream

JSON_LINES = "application/jsonlines"
IMAGES = ("image/jpeg", "image/png", "application/x-image")
READERS = 16  # threads that mostly wait for S3


def media_type(header: str) -> str:
    """JSON_LINES or one of IMAGES, from a Content-Type header without its parameters. Raises ValueError for others."""
    kind = header.partition(";")[0].strip().lower()
    if kind != JSON_LINES and kind not in IMAGES:
        raise ValueError(f"Send {JSON_LINES} or one of {', '.join(IMAGES)}, not {kind or 'an unnamed type'}.")
    return kind


class AbandonedError(Exception):
    """The client has disconnected, so the work was stopped."""


def count_manifest(
    predictor: Predictor,
    body: bytes,
    read: Callable[[Entry], bytes],
    limits: Limits | None = None,
    abandoned: Callable[[], bool] = lambda: False,
) -> list[Line]:
    """One prediction line for each manifest line, in order, with its `image_id` (null if the line has none).

    Raises AbandonedError and reads no further images once `abandoned` returns true.
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
    """The prediction line of one image."""
    return next(predict_stream(predictor, [body], bytes, limits=limits, readers=1))


def json_lines(lines: Iterable[Line]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)
