import json

import pytest
from binmodel.manifest import Entry, read_manifest
from hypothesis import given
from hypothesis import strategies as st

keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(keys, keys, st.none() | keys)), st.booleans())
def test_an_entry_has_the_exact_key(items: list[tuple[str, str, str | None]], ascii_only: bool) -> None:
    lines = [
        json.dumps(
            {"image_id": image_id, "uri": f"s3://bin-photos/{key}", "version_id": version}, ensure_ascii=ascii_only
        )
        for image_id, key, version in items
    ]
    entries = list(read_manifest("\n".join(lines).encode()))

    assert entries == [Entry(image_id, "bin-photos", key, version) for image_id, key, version in items]


@pytest.mark.parametrize(
    ("line", "image_id", "why"),
    [
        (b"three", None, "not JSON"),
        (b"\xff\xfe", None, "not JSON"),
        (b"[" * 100_000, None, "not JSON"),
        (b"[1]", None, "not a JSON object"),
        (b"{}", None, "image_id"),
        (b'{"image_id": 7, "uri": "s3://b/k"}', None, "image_id"),
        (b'{"image_id": "", "uri": "s3://b/k"}', None, "image_id"),
        (b'{"image_id": "a"}', "a", "uri"),
        (b'{"image_id": "a", "uri": "https://b/k"}', "a", "uri"),
        (b'{"image_id": "a", "uri": "s3://b/"}', "a", "uri"),
        (b'{"image_id": "a", "uri": "s3:///k"}', "a", "uri"),
        (b'{"image_id": "a", "uri": "file:///etc/passwd"}', "a", "uri"),
        (b'{"image_id": "a", "uri": "s3://b/k", "version_id": 3}', "a", "version_id"),
        (b'{"image_id": "a", "uri": "s3://b/k", "image_id": "a"}', None, "twice"),
        (b'{"image_id": "a", "uri": "s3://b/k", "uri": "s3://b/other"}', None, "twice"),
        (b'{"image_id": "a", "uri": "s3://b/k", "x": {"y": 1, "y": 2}}', None, "twice"),
        (b'{"image_id": "\\ud800", "uri": "s3://b/k"}', None, "image_id"),
        (b'{"image_id": "a", "uri": "s3://b/\\udfff"}', "a", "uri"),
        (b'{"image_id": "a", "uri": "s3://b\\ud83d/k"}', "a", "uri"),
        (b'{"image_id": "a", "uri": "s3://b/k", "version_id": "\\udc00"}', "a", "uri"),
    ],
)
def test_an_invalid_line_gives_an_entry_with_a_problem(line: bytes, image_id: str | None, why: str) -> None:
    good = b'{"image_id": "good", "uri": "s3://b/k"}'
    first, bad, last = read_manifest(good + b"\n" + line + b"\r\n" + good + b"\n")

    assert first == last == Entry("good", "b", "k")
    assert bad.image_id == image_id
    assert bad.problem is not None
    assert bad.problem.code == "bad_manifest_line"
    assert "Line 2" in bad.problem.message
    assert why in bad.problem.message


def test_blank_lines_are_ignored() -> None:
    assert list(read_manifest(b"\n \n\r\n")) == []
