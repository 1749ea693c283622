from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from bincli.errors import BROKEN_PIPE, FAILED, INTERRUPTED, NOTHING_DONE, CommandError, exit_on_error
from binlocal.errors import StackError
from bintally.domain.errors import StoreError
from botocore.exceptions import ClientError, NoRegionError

BINTALLY = str(Path(sys.executable).with_name("bintally"))


def ended(error: BaseException, *arguments: object) -> int:
    with pytest.raises(typer.Exit) as ending, exit_on_error(*arguments):  # type: ignore[arg-type]
        raise error
    return ending.value.exit_code


def test_an_error_that_a_person_can_fix_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(CommandError("There is no bin\x1b\n x.")) == FAILED
    assert ended(NoRegionError()) == FAILED
    assert ended(FileNotFoundError(2, "No such file or directory", "shelf\x1b")) == FAILED
    assert ended(OSError("The public bucket can't be read.")) == FAILED

    assert capsys.readouterr().err.splitlines() == [
        r"Error: There is no bin\x1b\n x.",
        "Error: No AWS region is set. Pass --region, or set AWS_REGION.",
        r"Error: shelf\x1b: No such file or directory.",
        "Error: The public bucket can't be read.",
    ]


def test_an_error_of_aws_is_explained_wherever_it_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "botocore"}}, "Scan")
    in_a_table = StoreError(f"Reading bintally-bins: {denied}")
    in_a_table.__cause__ = denied

    ended(in_a_table)

    assert capsys.readouterr().err.startswith(
        "Error: Reading bintally-bins: Scan: access denied. Use another --profile"
    )


def test_the_end_of_a_log_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(StackError("The server ended. Its log ends:\na\x1b\nb")) == FAILED
    assert capsys.readouterr().err.splitlines()[1:] == [r"a\x1b", "b"]


def test_ctrl_c_is_not_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(KeyboardInterrupt()) == INTERRUPTED
    assert capsys.readouterr().err == "Stopped.\n"


@pytest.mark.parametrize(
    "error", [CommandError("x"), OSError("x"), NoRegionError(), KeyError("x"), ZeroDivisionError()]
)
def test_an_audit_that_could_not_look_never_ends_as_if_it_had_found_a_loss(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(error, NOTHING_DONE, "Nothing was audited. ") == NOTHING_DONE
    assert capsys.readouterr().err.startswith("Error: Nothing was audited. ")


def test_an_error_of_the_program_is_not_hidden() -> None:
    with pytest.raises(KeyError), exit_on_error():
        raise KeyError("x")


def test_wrong_usage_passes() -> None:
    with pytest.raises(typer.BadParameter), exit_on_error(NOTHING_DONE):
        raise typer.BadParameter("x")


@pytest.mark.parametrize("arguments", [["count", "PHOTOS"], ["count", "PHOTOS", "--json"]])
def test_a_closed_pipe_is_not_an_error(tmp_path: Path, arguments: list[str]) -> None:
    """For example `bintally count shelf/ | head -0`."""
    (tmp_path / "a.jpg").write_bytes(b"")
    command = [BINTALLY, *(str(tmp_path) if word == "PHOTOS" else word for word in arguments)]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)

    assert (done.returncode, done.stderr) == (BROKEN_PIPE, "")


def test_a_terminal_that_knows_ascii_alone_gets_the_rest_escaped(tmp_path: Path) -> None:
    (tmp_path / "日本.jpg").write_bytes(b"")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    done = subprocess.run([BINTALLY, "count", str(tmp_path)], capture_output=True, env=environment, check=False)

    assert (done.returncode, b"\\u65e5\\u672c.jpg" in done.stdout) == (3, True), done
