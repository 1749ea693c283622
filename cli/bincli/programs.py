"""Other programs that commands run, such as docker and sam. Each is shown as it would be typed before it runs."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bincli.errors import CommandError

NOT_FOUND = 127  # what a shell reports for a program that is not there


@dataclass(frozen=True)
class ProgramResult:
    """The exit code of a program, and what it printed on both streams."""

    code: int
    text: str


class Programs(Protocol):
    """Runs programs in the user's environment."""

    def run(self, argv: Sequence[str], *, secret: str = "") -> None:
        """Run a program, with its output on the terminal. `secret` goes to its standard input and is never shown.

        Raises CommandError if it fails.
        """

    def ask(self, argv: Sequence[str]) -> ProgramResult:
        """Run a program that changes nothing, without showing it. A program that is not there ends with NOT_FOUND."""


@dataclass(frozen=True)
class Shell:
    """Programs of this machine. `show` gets each command line."""

    show: Callable[[str], object]

    def run(self, argv: Sequence[str], *, secret: str = "") -> None:
        self.show(f"$ {shlex.join(argv)}")
        check_found(argv[0])
        # The output of a command is for programs: what others print goes to standard error.
        done = subprocess.run(argv, input=secret or None, text=True, stdout=2, check=False)
        if done.returncode:
            raise CommandError(f"{shlex.join(argv[:3])} failed with exit code {done.returncode}. Its output says why.")

    def ask(self, argv: Sequence[str]) -> ProgramResult:
        if not shutil.which(argv[0]):
            return ProgramResult(NOT_FOUND, "")
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return ProgramResult(done.returncode, done.stdout)


def check_found(program: str) -> None:
    """Raises CommandError if a program is not on the PATH."""
    if not shutil.which(program):
        raise CommandError(f"{program} not found. Install it, or add it to the PATH.")
