"""The folder in which one stack keeps its files: ours by a mark, and held by one process at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from binlocal.errors import StackError

# The mark, and the lock: the system lets go of it when its holder ends, however it ends.
MARK = ".bintally-stack"
# Scratch of this checkout, where folders of earlier versions have no mark.
SCRATCH = Path(__file__).resolve().parents[2] / ".work"
# A look at the lock by `is_held` holds it for microseconds.
LOCK_SECONDS = 1.0


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes the folder where there is none, and holds it. Raises StackError where it is another's or held already."""
    claim(folder)
    with (folder / MARK).open("a") as mark:
        lock(mark.fileno(), folder)
        yield


def claim(folder: Path, scratch: Path = SCRATCH) -> None:
    """Marks a folder that is new, empty or below `scratch` as ours. Raises StackError for any other."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = folder / MARK
    if folder.stat().st_uid != os.getuid():
        raise StackError(f"{folder} belongs to another user. Name another folder (BINTALLY_WORK).")
    if not mark.exists() and any(folder.iterdir()) and scratch not in folder.resolve().parents:
        raise StackError(
            f"{folder} holds files that no stack has put there. A stack clears its folder when it starts: "
            "remove the folder or name another one (BINTALLY_WORK)."
        )
    folder.chmod(0o700)
    mark.touch(0o600)


def lock(descriptor: int, folder: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise StackError(f"A stack runs already in {folder}. Stop it first.") from error
            time.sleep(0.02)


def is_held(folder: Path) -> bool:
    """Whether a process of ours, which may still be starting, holds the folder."""
    try:
        if folder.stat().st_uid != os.getuid():
            return False
        descriptor = os.open(folder / MARK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
