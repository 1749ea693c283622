"""What the commands have in common: options, exit codes, and how an error is said."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from bincli.deployment import Deployment

FAILED = 1
NOT_LOOKED = 2  # an audit that found nothing out
INTERRUPTED = 130  # as a shell says it of Ctrl-C
BROKEN_PIPE = 141  # as a shell says it where nobody reads on, as behind `| head`
NOT_ALL = 3  # it worked, but not for everything that was given

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        envvar="BINTALLY_MODEL",
        file_okay=False,
        help="Folder of the model; else the one bintally comes with.",
    ),
]
Stack = Annotated[
    str | None, typer.Option("--stack", metavar="NAME", help="Stack on AWS; else the one that `bintally up` runs here.")
]

Region = Annotated[
    str | None, typer.Option("--region", metavar="REGION", help="AWS region; else AWS_REGION, else the profile's.")
]
Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="AWS profile; else AWS_PROFILE.")]


@contextmanager
def errors_said(code: int = FAILED, what: str = "") -> Iterator[None]:
    """End with `code` and one sentence on stderr, not a traceback, for what a person can do something about.

    `what` was not done begins the sentence. Where `code` means more than that something failed, no error at all gets
    past, for Python would end with 1.
    """
    from binlocal.errors import LocalStackError
    from binmodel.artifact import ArtifactError
    from bintally.domain.errors import BintallyError
    from botocore.exceptions import BotoCoreError, ClientError

    from bincli.aws_errors import explained
    from bincli.errors import CommandError
    from bincli.output import visible, visible_lines

    try:
        yield
    except BrokenPipeError as error:
        discard_output()
        raise typer.Exit(BROKEN_PIPE) from error
    except KeyboardInterrupt as error:
        typer.echo("Stopped.", err=True)
        raise typer.Exit(INTERRUPTED) from error
    except LocalStackError as error:  # may end with the last lines of a log
        fail(what + visible_lines(error), error, code)
    except (BotoCoreError, ClientError) as error:
        fail(what + explained(error), error, code)
    except (ArtifactError, BintallyError, CommandError, OSError) as error:
        fail(what + visible(error), error, code)
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        if code == FAILED:
            raise
        fail(f"{what}{type(error).__name__}: {visible(error)}", error, code)


def fail(sentence: str, error: Exception, code: int) -> NoReturn:
    """Say what was wrong, and end with `code`."""
    typer.secho(f"Error: {sentence}", fg="red", err=True)
    raise typer.Exit(code) from error


def discard_output() -> None:
    """Nobody reads on: what is still to be printed, also when Python ends, goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def usable_model(folder: Path | None) -> Path:
    """`folder`, else that of the shipped model. Raises ArtifactError where there is no model."""
    from binmodel.artifact import load_artifact, shipped

    return load_artifact(folder or shipped()).folder


def deployment(stack: str | None, region: str | None = None, profile: str | None = None) -> Deployment:
    """The stack that `--stack` names, else the local one. Raises StackNotFoundError."""
    from bincli.deployment import aws_clients, find_deployment, said_when_local

    if not stack and (region or profile):
        raise typer.BadParameter("needs --stack: the local stack has neither.", param_hint="--region, --profile")
    aws = said_when_local(aws_clients(region, profile), warn)
    return find_deployment(stack, running=running_stack_state, aws=aws)


def running_stack_state() -> Mapping[str, Any] | None:
    from binlocal.state import find_running

    from bincli.deployment import stack_folder

    return find_running(stack_folder())


def warn(text: str) -> None:
    typer.secho(text, fg="yellow", err=True)
