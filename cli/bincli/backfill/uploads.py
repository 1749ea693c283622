"""What a backfill puts into the intake bucket: files of a folder, or objects of another bucket."""

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

from bincli.counting import EXTENSIONS
from bincli.errors import CommandError
from bincli.files import files_under


@dataclass(frozen=True)
class Upload:
    """A photograph of `size` bytes to put under `key`: the file `path`, or else the object `origin` (bucket, key).

    `stamp` changes when it does: an object's ETag, a file's time.
    """

    key: str
    size: int
    stamp: str
    path: Path | None = None
    origin: tuple[str, str] | None = None


@dataclass(frozen=True)
class Skipped:
    """Something in a folder that is not uploaded, at the path `key` below it, and why not."""

    key: str
    why: str


@dataclass(frozen=True)
class Held:
    """What the intake bucket shows under a key."""

    size: int
    etag: str


def uploads_in(source: str, s3: Any) -> Iterator[Upload | Skipped]:
    """Everything in `source`, a folder or `s3://bucket/prefix`, photograph or not, hidden files excepted.

    Nothing outside a folder is reached: links in it are skipped, whatever they lead to. A key is the path below the
    folder, or what follows the last slash of the prefix. Raises CommandError for a source that there is not.
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
            yield Upload(key[above:], found["Size"], etag, origin=(bucket, key))


def _file(path: Path, folder: Path) -> Upload | Skipped:
    key = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    try:
        facts = path.lstat()
    except OSError as error:
        return Skipped(f"{key}/" if error.errno == errno.ENAMETOOLONG else key, str(error.strerror))
    if stat.S_ISLNK(facts.st_mode):
        return Skipped(f"{key}/" if path.is_dir() else key, "a link, which is not followed")
    if stat.S_ISDIR(facts.st_mode):
        return Skipped(f"{key}/", "the folder can't be listed")
    if not stat.S_ISREG(facts.st_mode):
        return Skipped(key, "not a regular file")
    if not os.access(path, os.R_OK):
        return Skipped(key, "no permission to read it")
    return Upload(key, facts.st_size, str(facts.st_mtime_ns), path)


def is_photograph(found: Upload | Skipped) -> bool:
    """By its extension; a folder may hold some."""
    return Path(found.key).suffix.lower() in EXTENSIONS or found.key.endswith("/")


def held_in(s3: Any, bucket: str) -> dict[str, Held]:
    """What the bucket shows under each key."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {
        found["Key"]: Held(found["Size"], found["ETag"].strip('"'))
        for page in pages
        for found in page.get("Contents", [])
    }


def still_to_put(uploads: Iterable[Upload], held: Mapping[str, Held], done: Mapping[str, str]) -> list[Upload]:
    """The uploads that the intake bucket does not hold already.

    It does if it shows as many bytes under the key and the journal (`done`, key → stamp) says that they are these, or
    the ETag does. An encrypted object's ETag says nothing of its content, so there the journal alone can tell.
    """
    return [upload for upload in uploads if not _is_held(upload, held.get(upload.key), done.get(upload.key))]


def _is_held(upload: Upload, held: Held | None, stamp: str | None) -> bool:
    if held is None or held.size != upload.size:
        return False
    return stamp == upload.stamp or held.etag == _etag(upload)


def _etag(upload: Upload) -> str:
    """Its ETag where nothing is encrypted."""
    if upload.path is None:
        return upload.stamp
    with open_no_link(upload.path) as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def open_no_link(path: Path) -> BufferedReader:
    """The regular file at an absolute path without links. Raises OSError where a link has taken its place since."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    if stat.S_ISREG(os.fstat(descriptor).st_mode) and os.path.realpath(path) == str(path):
        return file
    file.close()
    raise OSError(errno.ELOOP, "it is no longer a regular file inside the folder")


def put(s3: Any, bucket: str, upload: Upload) -> None:
    """Put it into the bucket. An object is copied without passing through this machine."""
    if upload.path is None and upload.origin is not None:
        place, key = upload.origin
        s3.copy_object(Bucket=bucket, Key=upload.key, CopySource={"Bucket": place, "Key": key})
    elif upload.path is not None:
        with open_no_link(upload.path) as file:
            s3.put_object(Bucket=bucket, Key=upload.key, Body=file)
