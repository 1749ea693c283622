from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bincli.errors import CommandError
from bincli.programs import NOT_FOUND, Shell


def test_a_program_is_shown_as_it_would_be_typed_and_prints_to_standard_error(capfd: pytest.CaptureFixture) -> None:
    shown: list[str] = []

    Shell(shown.append).run([sys.executable, "-c", "print('built it')"])

    assert shown == [f"$ {sys.executable} -c 'print('\"'\"'built it'\"'\"')'"]
    assert capfd.readouterr() == ("", "built it\n")


def test_a_secret_arrives_and_is_not_shown(tmp_path: Path) -> None:
    shown: list[str] = []
    program = f"import sys, pathlib; pathlib.Path({str(tmp_path / 'got')!r}).write_text(sys.stdin.read())"

    Shell(shown.append).run([sys.executable, "-c", program], secret="hush")

    assert (tmp_path / "got").read_text() == "hush"
    assert "hush" not in shown[0]


def test_a_program_that_fails_is_an_error_with_its_exit_code() -> None:
    with pytest.raises(CommandError, match="failed with exit code 3"):
        Shell(print).run([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_program_that_is_not_there_is_an_error_or_an_answer() -> None:
    with pytest.raises(CommandError, match="no-such-program not found"):
        Shell(print).run(["no-such-program"])
    assert Shell(print).ask(["no-such-program"]).code == NOT_FOUND


def test_an_answer_has_both_streams() -> None:
    answer = Shell(print).ask([sys.executable, "-c", "import sys; print('out', file=sys.stderr); sys.exit(4)"])

    assert (answer.code, answer.text) == (4, "out\n")
