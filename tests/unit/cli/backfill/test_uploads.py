from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from bincli.backfill.uploads import Held, Skipped, Upload, held_in, is_photograph, put, still_to_put, uploads_in
from bincli.errors import CommandError

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


LINK = "a link, which is not followed"


def test_no_link_is_followed_and_each_is_named(tmp_path: Path) -> None:
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
    skipped = {each.key: each.why for each in found if isinstance(each, Skipped)}
    links = ("key.jpg", "loop.jpg", "P-1/gone.jpg", "other/", "self/")
    assert skipped == {"pipe.jpg": "not a regular file"} | dict.fromkeys(links, LINK)


def test_a_source_that_is_a_link_is_what_its_operator_named(tmp_path: Path) -> None:
    write(tmp_path / "shelf", "a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "shelf")

    assert [upload.key for upload in uploads_in(str(tmp_path / "link"), None)] == ["a.jpg"]


def test_a_folder_that_can_not_be_listed_is_named(tmp_path: Path) -> None:
    """Nobody, root included, lists a folder whose path is longer than the system takes."""
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
    assert is_photograph(skipped[0])


@pytest.mark.parametrize("place", ["a.jpg", "P-1"])
def test_a_file_that_became_a_link_is_not_put(tmp_path: Path, place: str) -> None:
    shelf, outside = tmp_path / "shelf", tmp_path / "outside"
    write(shelf, "a.jpg" if place == "a.jpg" else "P-1/a.jpg")
    write(outside, "a.jpg")
    (upload,) = uploads_in(str(shelf), None)
    (shelf / place).rename(tmp_path / "moved")
    (shelf / place).symlink_to(outside / "a.jpg" if place == "a.jpg" else outside)

    with pytest.raises(OSError, match=r"symbolic links|no longer a regular file"):
        put(None, "intake", upload)


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
