"""The folder with one stack's files. A marker file shows that it is ours, and one process at a time locks it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from binlocal.errors import StackError

# Marks the folder and carries the lock, which the operating system releases however its holder ends.
MARKER = ".bintally-stack"
# This checkout's scratch folder. Earlier versions left folders without a marker there.
SCRATCH = Path(__file__).resolve().parents[2] / ".work"
# `is_locked` holds the lock for microseconds, so a second attempt succeeds.
LOCK_SECONDS = 1.0


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Creates the folder if it does not exist, and locks it. Raises StackError if it is not ours or already locked."""
    claim(folder)
    with (folder / MARKER).open("a") as marker:
        lock(marker.fileno(), folder)
        yield


def claim(folder: Path, scratch: Path = SCRATCH) -> None:
    """Marks a folder as ours if it is new, empty or below `scratch`. Raises StackError for any other."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker = folder / MARKER
    if folder.stat().st_uid != os.getuid():
        raise StackError(f"{folder} belongs to another user. Set BINTALLY_WORK to another folder.")
    if not marker.exists() and any(folder.iterdir()) and scratch not in folder.resolve().parents:
        raise StackError(
            f"{folder} contains files that are not a stack's. A stack clears its folder when it starts: "
            "remove the folder, or set BINTALLY_WORK to another one."
        )
    folder.chmod(0o700)
    marker.touch(0o600)


def lock(descriptor: int, folder: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise StackError(f"A stack is already running in {folder}. Stop it first.") from error
            time.sleep(0.02)


def is_locked(folder: Path) -> bool:
    """Whether the folder is ours and a stack, which may still be starting, has locked it."""
    try:
        if folder.stat().st_uid != os.getuid():
            return False
        descriptor = os.open(folder / MARKER, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
