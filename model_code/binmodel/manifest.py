"""A manifest: JSON Lines of `{"image_id": "...", "uri": "s3://bucket/key", "version_id": "..." | null}`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from binmodel.images import ImageError


@dataclass(frozen=True)
class Entry:
    """One image to count. `image_id` is None, and `problem` set, where the manifest's line can't be used."""

    image_id: str | None
    bucket: str = ""
    key: str = ""
    version_id: str | None = None
    problem: ImageError | None = None


def read_manifest(body: bytes) -> Iterator[Entry]:
    """One entry for each line of `body` that is not blank, in order; a bad line is an entry with a `problem`."""
    for number, raw in enumerate(body.split(b"\n"), start=1):
        if raw.strip():
            yield _entry(raw, number)


def _entry(raw: bytes, number: int) -> Entry:
    try:
        fields = json.loads(raw, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        return _bad(None, number, f"it is not JSON ({error})")
    if not isinstance(fields, dict):
        return _bad(None, number, "it is not a JSON object")
    image_id, uri, version_id = fields.get("image_id"), fields.get("uri"), fields.get("version_id")
    if not isinstance(image_id, str) or not image_id or not _is_text(image_id):
        return _bad(None, number, "image_id has to be a text that is not empty")
    if not (version_id is None or isinstance(version_id, str)):
        return _bad(image_id, number, "version_id has to be a text or null")
    # Not urlsplit: it would cut a key at `?` or `#`, and both are legal in a key.
    scheme, _, path = uri.partition("://") if isinstance(uri, str) else ("", "", "")
    bucket, _, key = path.partition("/")
    if scheme != "s3" or not bucket or not key or not _is_text(path + (version_id or "")):
        return _bad(image_id, number, "uri has to be s3://bucket/key")
    return Entry(image_id, bucket, key, version_id or None)


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Raises ValueError where a name stands twice: nobody knows which value was meant."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name stands twice")
    return fields


def _is_text(value: str) -> bool:
    """Whether it can be sent at all: JSON can say half of a surrogate pair, UTF-8 can't."""
    return value.isprintable() or not any("\ud800" <= character <= "\udfff" for character in value)


def _bad(image_id: str | None, number: int, why: str) -> Entry:
    message = f"Line {number} of the manifest can't be used: {why}."
    return Entry(image_id, problem=ImageError("bad_manifest_line", message))
