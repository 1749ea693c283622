"""What the commands have in common: options, exit codes, and how an error is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from bincli.deployments import Deployment

FAILED = 1
INTERRUPTED = 130  # as a shell says it of Ctrl-C
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


@contextmanager
def errors_said() -> Iterator[None]:
    """End with 1 and one sentence on stderr, not a traceback, for what a person can do something about."""
    from binlocal.errors import LocalStackError
    from binmodel.artifact import ArtifactError
    from bintally.domain.errors import BintallyError
    from botocore.exceptions import BotoCoreError, ClientError

    from bincli.errors import CommandError
    from bincli.screen import visible, visible_lines

    try:
        yield
    except LocalStackError as error:  # may end with the last lines of a log
        fail(visible_lines(error), error)
    except (ArtifactError, BintallyError, BotoCoreError, ClientError, CommandError, OSError) as error:
        fail(visible(error), error)


def fail(sentence: str, error: Exception) -> NoReturn:
    """Say what was wrong, and end with 1."""
    typer.secho(f"Error: {sentence}", fg="red", err=True)
    raise typer.Exit(FAILED) from error


def usable_model(folder: Path | None) -> Path:
    """`folder`, else that of the shipped model. Raises ArtifactError where there is no model."""
    from binmodel.artifact import load_artifact, shipped

    return load_artifact(folder or shipped()).folder


def deployment(stack: str | None) -> Deployment:
    """The stack that `--stack` names, else the local one. Raises StackNotFoundError."""
    from bincli.deployments import aws_client, find_deployment, said_when_local

    return find_deployment(stack, running=running_stack_state, aws=said_when_local(aws_client, warn))


def running_stack_state() -> Mapping[str, Any] | None:
    from binlocal.state import find_running

    from bincli.deployments import stack_folder

    return find_running(stack_folder())


def warn(text: str) -> None:
    typer.secho(text, fg="yellow", err=True)
