"""`bintally model`: the models of the registry, and the one that a stack runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bincli.commands.deploy import ATTEMPTS, Deployer, Outcome
from bincli.commands.deploy import record_of as record_of_outcome
from bincli.commands.deploy import view as view_outcome
from bincli.deployment import aws_clients, warn, warn_if_local
from bincli.errors import INCOMPLETE, exit_on_error
from bincli.options import Json, Profile, Region
from bincli.output import Output

if TYPE_CHECKING:
    from bincli.model.site import Site

StackName = Annotated[str, typer.Option("--stack", metavar="NAME", help="Stack on AWS.")]
Group = Annotated[str, typer.Option("--group", metavar="NAME", help="Model package group of the registry.")]
Force = Annotated[bool, typer.Option("--force", help="Also without approval.")]
Plan = Annotated[bool, typer.Option("--plan", help="Only show what would change.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask before changing the stack.")]


def status(
    stack: StackName = "bintally",
    group: Group = "bintally",
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show the live model and those in the registry.

    Reads the stack's parameters, its endpoint, and SageMaker's Model
    Registry, in which `bintally model push` and `training/jobs.py register`
    register models and a person approves them.

    \b
    Exit codes: 0 shown, 1 the account can't be read.

    \b
    Examples:
      bintally model status --stack prod
      bintally model status --json | jq '.models[] | select(.live)'
    """
    from bincli.model.view import status_record, status_view

    output = Output.standard(as_json)
    with exit_on_error():
        site = _site(region, profile, stack, group)
        packages = site.registry.packages()
        endpoint = site.endpoint()
        output.emit([status_record(site, packages, endpoint)], status_view(site, packages, endpoint))


def push(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", exists=True, dir_okay=False, help="model.tar.gz of package.py --bundle.")
    ],
    to: Annotated[
        str | None, typer.Option("--to", metavar="S3", help="s3://bucket/prefix. Default: that of the newest model.")
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="URI", help="Container image. Default: the stack's.")
    ] = None,
    stack: StackName = "bintally",
    group: Group = "bintally",
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Upload a model and register it for approval.

    Checks the bundle as the container does when it starts, uploads it with
    its SHA-256, and registers it in the Model Registry as
    PendingManualApproval. Safe to rerun: nothing is uploaded or registered
    twice, and nothing is replaced.

    \b
    Exit codes: 0 it is in the registry, 1 it is not.

    \b
    Examples:
      bintally model push .work/model.tar.gz --to s3://my-bucket/bintally
      bintally model push .work/model.tar.gz --stack prod
    """
    from bincli.model.bundle import read_bundle
    from bincli.model.view import package_record, pushed_view

    output = Output.standard(as_json)
    with exit_on_error():
        checked = read_bundle(bundle)
        site = _site(region, profile, stack, group)
        package = site.push(checked, to, image, output)
        output.emit([package_record(package, stack)], pushed_view(package))


def deploy(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Number or version of a model in the registry.")],
    force: Force = False,
    plan: Plan = False,
    yes: Yes = False,
    stack: StackName = "bintally",
    group: Group = "bintally",
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Deploy a model from the registry to a stack.

    Refuses a model that is not approved, and a bundle that differs from the
    registered one. Sets ModelDataUrl, ModelImageUri and ModelVersion
    as `bintally deploy` does, with the code and template of this folder.
    Running instances and queued requests are kept. Existing counts do not
    change: see `bintally recount`.

    \b
    Exit codes:
      0  deployed, planned, or nothing to change
      1  it failed, or the model is not approved
      3  a quota is too small; nothing was changed

    \b
    Examples:
      bintally model deploy 3 --plan
      bintally model deploy ea848dd3b4c6 --stack prod --yes
    """
    from bincli.model.rollout import rollout_of

    output = Output.standard(as_json)
    with exit_on_error():
        site = _site(region, profile, stack, group)
        rollout = rollout_of(site.registry.find(model), site.clients("s3"), force=force)
        outcome = site.roll_out(rollout, _deployer(site, output, profile), plan=plan, yes=yes)
        output.emit([record_of_outcome(outcome)], view_outcome(outcome))
    _exit(outcome, plan=plan)


def rollback(
    plan: Plan = False,
    yes: Yes = False,
    stack: StackName = "bintally",
    group: Group = "bintally",
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Deploy the previous model of a stack again.

    `bintally model deploy` records it in the registry. A second rollback
    goes back one more model. Existing counts do not change: see
    `bintally recount`.

    \b
    Exit codes:
      0  deployed, planned, or nothing to change
      1  it failed, or the previous model is not known
      3  a quota is too small; nothing was changed

    \b
    Examples:
      bintally model rollback --plan
      bintally model rollback --stack prod --yes
    """
    from bincli.model.rollout import previous

    output = Output.standard(as_json)
    with exit_on_error():
        site = _site(region, profile, stack, group)
        rollout = previous(site.registry.packages(), site.stack().parameters, stack, site.clients("s3"))
        output.info(f"Back to {rollout.name}.")
        outcome = site.roll_out(rollout, _deployer(site, output, profile), plan=plan, yes=yes, back=True)
        output.emit([record_of_outcome(outcome)], view_outcome(outcome))
    _exit(outcome, plan=plan)


def _site(region: str | None, profile: str | None, stack: str, group: str) -> Site:
    from bincli.model.site import Site

    return Site(warn_if_local(aws_clients(region, profile, ATTEMPTS), warn), stack, group)


def _deployer(site: Site, output: Output, profile: str | None) -> Deployer:
    from bincli.programs import Shell

    return Deployer(site.clients, Shell(output.info), output, site.name, profile)


def _exit(outcome: Outcome, *, plan: bool) -> None:
    if not plan and not outcome.deployed and any(quota.is_short for quota in outcome.quotas):
        raise typer.Exit(INCOMPLETE)
