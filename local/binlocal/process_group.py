"""Runs a command in a process group of its own, and ends the group when our standard input closes.

Only the parent holds the other end of standard input, so it closes however the parent ends, even by SIGKILL.
Run by path with `python -I -S`, so that it starts in milliseconds. Standard library only.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

GRACE_SECONDS = 3.0


def end_group(child: subprocess.Popen[bytes]) -> None:
    """Sends SIGTERM to the child's process group, and SIGKILL to what is left after the grace period."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def end_with_parent(child: subprocess.Popen[bytes]) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    end_group(child)


def in_background(action: Callable[[subprocess.Popen[bytes]], None], child: subprocess.Popen[bytes]) -> None:
    threading.Thread(target=action, args=(child,), daemon=True).start()


def main(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
    # Not in the signal handler itself: it interrupts the wait below, and would wait for it.
    signal.signal(signal.SIGTERM, lambda *_: in_background(end_group, child))
    in_background(end_with_parent, child)
    code = child.wait()
    end_group(child)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
