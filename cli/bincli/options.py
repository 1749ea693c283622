"""Options that several commands take."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="DIR",
        envvar="BINTALLY_MODEL",
        file_okay=False,
        help="Model folder. Default: the shipped model.",
    ),
]
Stack = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="Stack on AWS. Default: the local one, of `bintally up`."),
]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="REGION", help="AWS region. Default: AWS_REGION, or the profile's."),
]
Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="AWS profile. Default: AWS_PROFILE.")]
Consignment = Annotated[str, typer.Option(metavar="ID", help="Only lines of this consignment.")]
DueBefore = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], metavar="TIME", help="Only lines due before TIME (UTC)."),
]
Overdue = Annotated[bool, typer.Option("--overdue", help="Only lines that are due and not settled.")]
