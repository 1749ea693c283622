"""`bintally image`: build the model container and push it to ECR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bincli.deployment import ROOT, aws_clients, warn, warn_if_local
from bincli.errors import exit_on_error
from bincli.options import Json, Profile, Region
from bincli.output import Block, Output

if TYPE_CHECKING:
    from bincli.image.build import PushedImage

REPOSITORY = "bintally-counter"  # the template lets SageMaker pull repositories whose name begins with bintally
FOLDER = ROOT / "model_code"


def image(
    repository: Annotated[
        str, typer.Option(metavar="NAME", help="ECR repository; created if it does not exist.")
    ] = REPOSITORY,
    tag: Annotated[str | None, typer.Option(metavar="TAG", help="Default: a hash of the container's files.")] = None,
    base: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="Base image. Default: the one in model_code/Dockerfile.")
    ] = None,
    push: Annotated[bool, typer.Option("--push/--no-push", help="--no-push only builds, for this machine.")] = True,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Build the model container and push it to ECR.

    Builds model_code/ with docker buildx, for linux/amd64 and in the format
    that SageMaker accepts. Creates the ECR repository if needed (scans each
    push, tags can't be overwritten), logs Docker in, pushes, and prints
    the image's address by digest, for the parameter ModelImageUri. Prints
    each docker command. Safe to rerun: an image whose tag is in ECR is
    not built again.

    \b
    Exit codes: 0 the image is ready, 1 it could not be built or pushed.

    \b
    Examples:
      bintally image
      bintally image --region eu-west-1 --profile depot
      bintally image --no-push
      sam deploy --parameter-overrides ModelImageUri=$(bintally image)
    """
    from bincli.image.build import build_argv, check_docker, content_tag, push_image
    from bincli.programs import Shell

    output = Output.standard(as_json)
    programs = Shell(output.info)
    with exit_on_error():
        if push:
            ecr = warn_if_local(aws_clients(region, profile), warn)("ecr")
            pushed = push_image(programs, ecr, FOLDER, repository, tag=tag, base=base)
            output.emit([asdict(pushed)], view(pushed, output))
            return
        check_docker(programs)
        name = f"{repository}:{tag or content_tag(FOLDER, base)}"
        programs.run(build_argv(FOLDER, name, base, push=False))
        output.emit([{"uri": name, "built": True}], [name])


def view(pushed: PushedImage, output: Output) -> Iterator[Block]:
    """Only the address goes to standard output, for use in a shell command."""
    if not pushed.built:
        output.info(f"The tag {pushed.tag} is in ECR already: nothing was built.")
    yield pushed.uri
