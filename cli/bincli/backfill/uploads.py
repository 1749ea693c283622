"""What a backfill uploads: files of a folder, or objects of another bucket."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from bincli.errors import CommandError
from bincli.files import EXTENSIONS, files_under


@dataclass(frozen=True)
class Upload:
    """An image of `size` bytes for `key`: the file `path`, or the object `origin` (bucket, key).

    `stamp` changes with its content: an object's ETag, or a file's modification time.
    """

    key: str
    size: int
    stamp: str
    path: Path | None = None
    origin: tuple[str, str] | None = None


@dataclass(frozen=True)
class Skipped:
    """Something in a folder that is not uploaded, at the relative path `key`."""

    key: str
    reason: str


@dataclass(frozen=True)
class StoredObject:
    """What the intake bucket has under a key."""

    size: int
    etag: str


def uploads_in(source: str, s3: Any) -> Iterator[Upload | Skipped]:
    """Everything in `source`, a folder or `s3://bucket/prefix`, image or not, except hidden files.

    Never leaves the folder: links in it are skipped, whatever they point at. A key is the path below the folder, or
    what follows the last slash of the prefix. Raises CommandError if there is no such source.
    """
    if source.startswith("s3://"):
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        yield from _objects(s3, bucket, prefix)
        return
    folder = Path(source)
    if not folder.is_dir():
        raise CommandError(f"{source} is neither a folder nor s3://bucket/prefix.")
    root = folder.resolve()
    yield from (_file(path, root) for path in files_under(root))


def _objects(s3: Any, bucket: str, prefix: str) -> Iterator[Upload]:
    above = len(prefix.rpartition("/")[0]) + 1 if "/" in prefix else 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            key, etag = found["Key"], found["ETag"].strip('"')
            if not key.endswith("/"):  # a folder, as the S3 console makes them
                yield Upload(key[above:], found["Size"], etag, origin=(bucket, key))


def _file(path: Path, folder: Path) -> Upload | Skipped:
    key = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    try:
        status = path.lstat()
    except OSError as error:
        return Skipped(f"{key}/" if error.errno == errno.ENAMETOOLONG else key, str(error.strerror))
    if stat.S_ISLNK(status.st_mode):
        return Skipped(f"{key}/" if path.is_dir() else key, "a link, which is not followed")
    if stat.S_ISDIR(status.st_mode):
        return Skipped(f"{key}/", "the folder can't be listed")
    if not stat.S_ISREG(status.st_mode):
        return Skipped(key, "not a regular file")
    if not os.access(path, os.R_OK):
        return Skipped(key, "no permission to read it")
    return Upload(key, status.st_size, str(status.st_mtime_ns), path)


def is_photo(found: Upload | Skipped) -> bool:
    """Judged by its extension. A folder may hold photos."""
    return Path(found.key).suffix.lower() in EXTENSIONS or found.key.endswith("/")


def objects_in(s3: Any, bucket: str) -> dict[str, StoredObject]:
    """What the bucket has under each key."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {
        found["Key"]: StoredObject(found["Size"], found["ETag"].strip('"'))
        for page in pages
        for found in page.get("Contents", [])
    }


def changed(uploads: Iterable[Upload], stored: Mapping[str, StoredObject], done: Mapping[str, str]) -> list[Upload]:
    """The uploads that the intake bucket does not have unchanged.

    It has one if the object under its key has the same size, and either the journal (`done`, key → stamp) or the ETag
    shows that it is the same. For an encrypted object only the journal can tell: its ETag says nothing of its content.
    """
    return [each for each in uploads if not _is_unchanged(each, stored.get(each.key), done.get(each.key))]


def _is_unchanged(each: Upload, stored: StoredObject | None, stamp: str | None) -> bool:
    if stored is None or stored.size != each.size:
        return False
    return stamp == each.stamp or stored.etag == _etag(each)


def _etag(each: Upload) -> str:
    """Its ETag if nothing is encrypted."""
    if each.path is None:
        return each.stamp
    with open_regular_file(each.path) as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def open_regular_file(path: Path) -> BufferedReader:
    """Open a file at an absolute path without links. Raises OSError if a link has taken its place since."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    if stat.S_ISREG(os.fstat(descriptor).st_mode) and os.path.realpath(path) == str(path):
        return file
    file.close()
    raise OSError(errno.ELOOP, "it is no longer a regular file inside the folder")


def upload(s3: Any, bucket: str, each: Upload) -> None:
    """Upload a file, or copy an object within S3."""
    if each.path is None and each.origin is not None:
        source, key = each.origin
        s3.copy_object(Bucket=bucket, Key=each.key, CopySource={"Bucket": source, "Key": key})
    elif each.path is not None:
        with open_regular_file(each.path) as file:
            s3.put_object(Bucket=bucket, Key=each.key, Body=file)
