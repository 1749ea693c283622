"""Programs that only record their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bincli.errors import CommandError
from bincli.programs import NOT_FOUND, ProgramResult


class FakePrograms:
    """Programs that succeed, except for those whose command line starts with one of `missing` or `failing`.

    `ran` and `secrets` keep what was run; `on_run` is called with each command line, to do what the program would.
    """

    def __init__(
        self,
        *,
        missing: Sequence[str] = (),
        failing: Sequence[str] = (),
        on_run: Callable[[Sequence[str]], object] = lambda argv: None,
    ) -> None:
        self.missing, self.failing, self.on_run = tuple(missing), tuple(failing), on_run
        self.ran: list[list[str]] = []
        self.secrets: list[str] = []

    def run(self, argv: Sequence[str], *, secret: str = "") -> None:
        self.ran.append(list(argv))
        self.secrets += [secret] if secret else []
        if self.failing and " ".join(argv).startswith(self.failing):
            raise CommandError(f"{argv[0]} failed")
        self.on_run(argv)

    def ask(self, argv: Sequence[str]) -> ProgramResult:
        line = " ".join(argv)
        if self.missing and line.startswith(self.missing):
            return ProgramResult(NOT_FOUND if line.startswith(f"{argv[0]} --version") else 1, "")
        return ProgramResult(0, "")

    @property
    def lines(self) -> list[str]:
        return [" ".join(argv) for argv in self.ran]
