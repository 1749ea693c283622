from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from bincli.backfill.uploads import Skipped, StoredObject, Upload, changed, is_photo, objects_in, upload, uploads_in
from bincli.errors import CommandError

from tests.unit.cli.moto_stack import MotoStack

SUM = hashlib.md5(b"content", usedforsecurity=False).hexdigest()


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"content")


def test_the_files_of_a_folder_keep_their_paths(tmp_path: Path) -> None:
    write(tmp_path, "P-17-C/2.jpg", "P-17-C/10.jpg", "notes.txt", ".hidden/1.jpg")

    uploads = list(uploads_in(str(tmp_path), None))

    assert [each.key for each in uploads] == ["P-17-C/2.jpg", "P-17-C/10.jpg", "notes.txt"]
    assert {each.size for each in uploads} == {7}
    assert [is_photo(each) for each in uploads] == [True, True, False]


LINK = "a link, which is not followed"


def test_links_are_not_followed_but_listed(tmp_path: Path) -> None:
    shelf, outside = tmp_path / "shelf", tmp_path / "outside"
    write(shelf, "P-1/a.jpg")
    write(outside, "secret.jpg")
    (shelf / "key.jpg").symlink_to(outside / "secret.jpg")
    (shelf / "loop.jpg").symlink_to(shelf / "loop.jpg")
    (shelf / "P-1" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (shelf / "other").symlink_to(outside)
    (shelf / "self").symlink_to(shelf)
    os.mkfifo(shelf / "pipe.jpg")

    found = list(uploads_in(str(shelf), None))

    assert [each.key for each in found if isinstance(each, Upload)] == ["P-1/a.jpg"]
    skipped = {each.key: each.reason for each in found if isinstance(each, Skipped)}
    links = ("key.jpg", "loop.jpg", "P-1/gone.jpg", "other/", "self/")
    assert skipped == {"pipe.jpg": "not a regular file"} | dict.fromkeys(links, LINK)


def test_a_source_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "shelf", "a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "shelf")

    assert [each.key for each in uploads_in(str(tmp_path / "link"), None)] == ["a.jpg"]


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path) -> None:
    """Nobody, root included, can list a folder whose path is longer than the system allows."""
    write(tmp_path, "a.jpg")
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(20):
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
    finally:
        os.fchdir(before)
        os.close(before)

    uploaded, *skipped = list(uploads_in(str(tmp_path), None))

    assert uploaded.key == "a.jpg"
    assert [(type(each), each.key.endswith("ddd/")) for each in skipped] == [(Skipped, True)]
    assert is_photo(skipped[0])


@pytest.mark.parametrize("place", ["a.jpg", "P-1"])
def test_a_file_that_became_a_link_is_not_uploaded(tmp_path: Path, place: str) -> None:
    shelf, outside = tmp_path / "shelf", tmp_path / "outside"
    write(shelf, "a.jpg" if place == "a.jpg" else "P-1/a.jpg")
    write(outside, "a.jpg")
    (found,) = uploads_in(str(shelf), None)
    (shelf / place).rename(tmp_path / "moved")
    (shelf / place).symlink_to(outside / "a.jpg" if place == "a.jpg" else outside)

    with pytest.raises(OSError, match=r"symbolic links|no longer a regular file"):
        upload(None, "intake", found)


def test_a_name_that_is_not_utf8_becomes_a_key_that_is(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"content")

    (found,) = uploads_in(str(tmp_path), None)

    assert found.key == "caf\\xe9.jpg"
    assert found.path is not None
    assert found.path.is_file()


def test_a_source_that_is_not_a_folder_is_reported(tmp_path: Path) -> None:
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
def test_objects_keep_their_key_below_the_prefix(stack: MotoStack, prefix: str, keys: list[str]) -> None:
    s3, bucket = stack.client("s3"), stack.output("OrdersBucket")
    for key in ("old/P-1/a.jpg", "old/P-2/b #?.jpg", "older.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"content")

    uploads = list(uploads_in(f"s3://{bucket}/{prefix}", s3))

    assert [each.key for each in uploads] == keys
    assert {each.stamp for each in uploads} == {SUM}


def test_the_folders_of_the_s3_console_are_no_photos(stack: MotoStack) -> None:
    s3, bucket = stack.client("s3"), stack.output("OrdersBucket")
    for key in ("old/", "old/P-1/", "old/P-1/a.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")

    assert [each.key for each in uploads_in(f"s3://{bucket}/old/", s3)] == ["P-1/a.jpg"]


def test_files_are_uploaded_and_objects_copied(stack: MotoStack, tmp_path: Path) -> None:
    s3, source, target = stack.client("s3"), stack.output("OrdersBucket"), stack.output("IntakeBucket")
    write(tmp_path, "a/1.jpg")
    s3.put_object(Bucket=source, Key="x y+z/2.jpg", Body=b"content")

    for each in [*uploads_in(str(tmp_path), s3), *uploads_in(f"s3://{source}/x y+z/", s3)]:
        upload(s3, target, each)

    assert objects_in(s3, target) == {"a/1.jpg": StoredObject(7, SUM), "2.jpg": StoredObject(7, SUM)}


@pytest.mark.parametrize(
    ("stored", "stamp", "is_there"),
    [
        (None, "1", False),  # the journal of a bucket that was emptied since
        (StoredObject(7, SUM), None, True),
        (StoredObject(7, "encrypted"), None, False),
        (StoredObject(7, "encrypted"), "1", True),
        (StoredObject(7, "encrypted"), "0", False),
        (StoredObject(8, SUM), "1", False),
    ],
)
def test_objects_already_in_the_bucket_are_skipped(
    tmp_path: Path, stored: StoredObject | None, stamp: str | None, is_there: bool
) -> None:
    write(tmp_path, "a.jpg")
    wanted = Upload("a.jpg", 7, "1", tmp_path / "a.jpg")

    left = changed([wanted], {"a.jpg": stored} if stored else {}, {"a.jpg": stamp} if stamp else {})

    assert left == ([] if is_there else [wanted])


def test_an_object_is_known_by_its_etag() -> None:
    wanted = Upload("a.jpg", 7, "e", origin=("b", "a.jpg"))

    assert changed([wanted], {"a.jpg": StoredObject(7, "e")}, {}) == []
    assert changed([wanted], {"a.jpg": StoredObject(7, "f")}, {}) == [wanted]
