"""Exit codes, and how a command ends when something goes wrong: one sentence, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from bincli.text import visible, visible_lines

FAILED = 1
NOTHING_DONE = 2  # nothing could be audited, or no order line could be read; also wrong usage
INCOMPLETE = 3  # it worked, but not for all of the input
INTERRUPTED = 130  # what a shell reports after Ctrl-C
BROKEN_PIPE = 141  # what a shell reports if the reader of a pipe left, as in `| head`


class CommandError(Exception):
    """The command can't do what was asked. The message says what happened and what to do."""


@contextmanager
def exit_on_error(code: int = FAILED, prefix: str = "") -> Iterator[None]:
    """Turn an error that a person can act on into a sentence on stderr and the exit code `code`.

    `prefix` starts the sentence. An unexpected error is a defect and keeps its traceback, unless `code` differs from
    FAILED: the exit code then has its own meaning, and with a traceback Python would exit with 1.
    """
    try:
        yield
    except BrokenPipeError as error:
        discard_output()
        raise typer.Exit(BROKEN_PIPE) from error
    except KeyboardInterrupt as error:
        typer.echo("Stopped.", err=True)
        raise typer.Exit(INTERRUPTED) from error
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        sentence = explain(error)
        if sentence is None and code == FAILED:
            raise
        fail(prefix + (sentence or f"{type(error).__name__}: {visible(error)}"), error, code)


def fail(sentence: str, error: Exception, code: int) -> NoReturn:
    typer.secho(f"Error: {sentence}", fg="red", err=True)
    raise typer.Exit(code) from error


def explain(error: Exception) -> str | None:
    """The message about an error for a person; None for a defect of the program.

    The imports are here because few runs need them and they take longer than most commands.
    """
    from binlocal.errors import LocalStackError
    from binmodel.artifact import ArtifactError
    from bintally.domain.errors import BintallyError, StoreError
    from botocore.exceptions import BotoCoreError, ClientError

    from bincli.aws_errors import explain_aws_error

    match error:
        case BotoCoreError() | ClientError():
            return explain_aws_error(error)
        case StoreError(__cause__=BotoCoreError() | ClientError() as cause):
            return explain_aws_error(cause, doing=str(error).removesuffix(str(cause)))
        case LocalStackError():  # may end with the last lines of a log
            return visible_lines(error)
        case OSError(filename=str(path), strerror=str(reason)):
            return f"{visible(path)}: {visible(reason)}."
        case ArtifactError() | BintallyError() | CommandError() | OSError():
            return visible(error)
    return None


def discard_output() -> None:
    """Discard all further output, including what Python flushes at exit: nobody reads it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
