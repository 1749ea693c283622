from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from bincli.errors import CommandError
from bincli.uploads import Held, Upload, held_in, is_photograph, put, still_to_put, uploads_in

from tests.unit.cli.operated import Operated

SUM = hashlib.md5(b"picture", usedforsecurity=False).hexdigest()


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"picture")


def test_the_files_of_a_folder_keep_their_paths(tmp_path: Path) -> None:
    write(tmp_path, "P-17-C/2.jpg", "P-17-C/10.jpg", "notes.txt", ".hidden/1.jpg")

    uploads = list(uploads_in(str(tmp_path), None))

    assert [upload.key for upload in uploads] == ["P-17-C/2.jpg", "P-17-C/10.jpg", "notes.txt"]
    assert {upload.size for upload in uploads} == {7}
    assert [is_photograph(upload) for upload in uploads] == [True, True, False]


def test_a_name_that_is_not_utf8_becomes_a_key_that_is(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"picture")

    (upload,) = uploads_in(str(tmp_path), None)

    assert upload.key == "caf\\xe9.jpg"
    assert upload.path is not None
    assert upload.path.is_file()


def test_what_is_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="neither a folder nor s3://"):
        list(uploads_in(str(tmp_path / "nowhere"), None))


@pytest.mark.parametrize(
    ("prefix", "keys"),
    [
        ("", ["old/P-1/a.jpg", "old/P-2/b #?.jpg", "older.jpg"]),
        ("old/", ["P-1/a.jpg", "P-2/b #?.jpg"]),
        ("old", ["old/P-1/a.jpg", "old/P-2/b #?.jpg", "older.jpg"]),
        ("old/P-2/b #?", ["b #?.jpg"]),
    ],
)
def test_the_objects_below_a_prefix_keep_what_follows_it(stack: Operated, prefix: str, keys: list[str]) -> None:
    s3, bucket = stack.client("s3"), stack.output("OrdersBucket")
    for key in ("old/P-1/a.jpg", "old/P-2/b #?.jpg", "older.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"picture")

    uploads = list(uploads_in(f"s3://{bucket}/{prefix}", s3))

    assert [upload.key for upload in uploads] == keys
    assert {upload.stamp for upload in uploads} == {SUM}


def test_files_are_uploaded_and_objects_copied(stack: Operated, tmp_path: Path) -> None:
    s3, source, target = stack.client("s3"), stack.output("OrdersBucket"), stack.output("IntakeBucket")
    write(tmp_path, "a/1.jpg")
    s3.put_object(Bucket=source, Key="x y+z/2.jpg", Body=b"picture")

    for upload in [*uploads_in(str(tmp_path), s3), *uploads_in(f"s3://{source}/x y+z/", s3)]:
        put(s3, target, upload)

    assert held_in(s3, target) == {"a/1.jpg": Held(7, SUM), "2.jpg": Held(7, SUM)}


@pytest.mark.parametrize(
    ("held", "stamp", "is_there"),
    [
        (None, "1", False),  # the journal of a bucket that was emptied since
        (Held(7, SUM), None, True),
        (Held(7, "encrypted"), None, False),
        (Held(7, "encrypted"), "1", True),
        (Held(7, "encrypted"), "0", False),
        (Held(8, SUM), "1", False),
    ],
)
def test_nothing_is_put_that_the_bucket_holds(
    tmp_path: Path, held: Held | None, stamp: str | None, is_there: bool
) -> None:
    write(tmp_path, "a.jpg")
    upload = Upload("a.jpg", 7, "1", tmp_path / "a.jpg")

    left = still_to_put([upload], {"a.jpg": held} if held else {}, {"a.jpg": stamp} if stamp else {})

    assert left == ([] if is_there else [upload])


def test_an_object_is_known_by_its_etag() -> None:
    upload = Upload("a.jpg", 7, "e", origin=("b", "a.jpg"))

    assert still_to_put([upload], {"a.jpg": Held(7, "e")}, {}) == []
    assert still_to_put([upload], {"a.jpg": Held(7, "f")}, {}) == [upload]
