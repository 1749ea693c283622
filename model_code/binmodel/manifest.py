"""A manifest: JSON Lines of `{"image_id": "...", "uri": "s3://bucket/key", "version_id": "..." | null}`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from binmodel.images import ImageError


@dataclass(frozen=True)
class Entry:
    """One image to count. If the manifest line is invalid, `problem` is set and `image_id` can be None."""

    image_id: str | None
    bucket: str = ""
    key: str = ""
    version_id: str | None = None
    problem: ImageError | None = None


def read_manifest(body: bytes) -> Iterator[Entry]:
    """One entry for each nonblank line of `body`, in order. An invalid line gives an entry with a `problem`."""
    for number, raw in enumerate(body.split(b"\n"), start=1):
        if raw.strip():
            yield _entry(raw, number)


def _entry(raw: bytes, number: int) -> Entry:
    try:
        fields = json.loads(raw, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        return _bad(None, number, f"it is not JSON ({error})")
    if not isinstance(fields, dict):
        return _bad(None, number, "it is not a JSON object")
    image_id, uri, version_id = fields.get("image_id"), fields.get("uri"), fields.get("version_id")
    if not isinstance(image_id, str) or not image_id or not _is_text(image_id):
        return _bad(None, number, "image_id must be a nonempty string")
    if not (version_id is None or isinstance(version_id, str)):
        return _bad(image_id, number, "version_id must be a string or null")
    # Not urlsplit, which would cut a key at `?` or `#`. Both are legal in a key.
    scheme, _, path = uri.partition("://") if isinstance(uri, str) else ("", "", "")
    bucket, _, key = path.partition("/")
    if scheme != "s3" or not bucket or not key or not _is_text(path + (version_id or "")):
        return _bad(image_id, number, "uri must be s3://bucket/key")
    return Entry(image_id, bucket, key, version_id or None)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Raises ValueError if a name occurs twice, because the intended value is unknown."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name occurs twice")
    return fields


def _is_text(value: str) -> bool:
    """Whether the value can be encoded as UTF-8. JSON can contain half of a surrogate pair, which cannot."""
    return value.isprintable() or not any("\ud800" <= character <= "\udfff" for character in value)


def _bad(image_id: str | None, number: int, why: str) -> Entry:
    message = f"Line {number} of the manifest is invalid: {why}."
    return Entry(image_id, problem=ImageError("bad_manifest_line", message))
