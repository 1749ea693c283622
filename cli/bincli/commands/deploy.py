"""`bintally deploy`: create or update a stack on AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bincli.commands.image import FOLDER, REPOSITORY
from bincli.deploy.changes import Change, sentences, warnings_of
from bincli.deploy.quotas import Checked
from bincli.deployment import ROOT, aws_clients, warn, warn_if_local
from bincli.errors import INCOMPLETE, CommandError, exit_on_error
from bincli.options import Json, Profile, Region
from bincli.output import Block, Output, Record
from bincli.tables import Column, Table
from bincli.text import Styled, visible

if TYPE_CHECKING:
    from bincli.programs import Programs
    from bincli.stacks import StackDescription

ATTEMPTS = 5  # of each request: these read, or may be repeated
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Parameter of template.yaml. Others keep their value."),
]


@dataclass
class Outcome:
    """What a deployment found and did."""

    stack: str
    quotas: list[Checked] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    deployed: bool = False
    outputs: Mapping[str, str] = field(default_factory=dict)


def deploy(
    stack: Annotated[str, typer.Option("--stack", metavar="NAME", help="Name of the stack.")] = "bintally",
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would change.")] = False,
    image: Annotated[bool, typer.Option("--image", help="Build and push the model container first.")] = False,
    settings: Set = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before changing the stack.")] = False,
    ignore_quotas: Annotated[bool, typer.Option("--ignore-quotas", help="Deploy with small quotas.")] = False,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Create or update a stack on AWS.

    Compares the account's quotas with what the stack needs, builds the
    functions, shows what would change, and asks before it changes
    anything. Wraps `make build` and `sam deploy` and prints each command.
    Parameters that you don't set keep their value. A new stack is deployed
    twice: the second time protects its tables from being deleted. An empty
    stack that a failed first create left is deleted first. Safe to rerun.

    With --plan, nothing changes, except that the functions' code is
    uploaded to SAM's own bucket.

    \b
    Exit codes:
      0  deployed, planned, or nothing to change
      1  it failed
      3  a quota is too small; nothing was changed

    \b
    Examples:
      bintally deploy --plan
      bintally deploy --image --set AlertEmail=bins@example.com
      bintally deploy --stack prod --set InferenceMode=auto --yes
    """
    from bincli.deploy.sam import check_name
    from bincli.programs import Shell

    output = Output.standard(as_json)
    try:
        check_name(stack)
        parameters = parameters_of(settings or [])
    except CommandError as error:
        raise typer.BadParameter(visible(error), param_hint="--stack, --set") from error
    with exit_on_error():
        clients = warn_if_local(aws_clients(region, profile, ATTEMPTS), warn)
        deployer = Deployer(clients, Shell(output.info), output, stack, profile)
        outcome = deployer.deploy(parameters, plan=plan, image=image, yes=yes, ignore_quotas=ignore_quotas)
        output.emit([record_of(outcome)], view(outcome))
    if not plan and not outcome.deployed and any(quota.is_short for quota in outcome.quotas) and not ignore_quotas:
        raise typer.Exit(INCOMPLETE)


def definitions() -> Mapping[str, Any]:
    """The template's parameters."""
    from binlocal.template import load_template

    return dict(load_template(ROOT / "template.yaml")["Parameters"])


def parameters_of(settings: Sequence[str]) -> dict[str, str]:
    """Raises CommandError for a name or value that the template would refuse."""
    from bincli.up.parameters import read_parameters

    return read_parameters(settings, definitions()) if settings else {}


class Deployer:
    """One run of the command."""

    def __init__(self, clients: Any, programs: Programs, output: Output, name: str, profile: str | None) -> None:
        from bincli.deploy.sam import Target

        self._clients, self._programs, self._output = clients, programs, output
        self._cloudformation = clients("cloudformation")
        self._target = Target(name, self._cloudformation.meta.region_name, profile)

    def deploy(
        self, parameters: Mapping[str, str], *, plan: bool, image: bool, yes: bool, ignore_quotas: bool
    ) -> Outcome:
        from bincli.deploy.failure import run_deployment
        from bincli.deploy.run import check_names, plan_deployment
        from bincli.deploy.sam import BUILD, deployments, with_version

        outcome = Outcome(self._target.stack)
        stack = self._existing(plan=plan)
        current = dict(stack.parameters) if stack else {}
        if stack is None:
            check_names(self._clients("dynamodb"), self._target.stack)
        if image:
            parameters = {**parameters, "ModelImageUri": self._image(plan=plan)}
        parameters = with_version(parameters, current)
        after = {**defaults(), **current, **parameters}
        outcome.quotas = self._check_quotas(after)
        if not plan and not ignore_quotas and any(quota.is_short for quota in outcome.quotas):
            return outcome
        steps = deployments(stack, parameters)
        self._show_hints(after, parameters, pauses_scaling=bool(stack) and len(steps) > 1)
        self._programs.run(BUILD)
        planned = {name: value for step in steps[: None if stack else 1] for name, value in step.items()}
        outcome.changes = plan_deployment(self._programs, self._cloudformation, self._target, planned)
        self._show_changes(outcome.changes)
        if not plan and outcome.changes:
            if not yes:
                typer.confirm(f"Change the stack {self._target.stack} in {self._target.region}?", abort=True, err=True)
            for step in steps:
                run_deployment(self._programs, self._cloudformation, self._target, step)
            outcome.deployed = True
        outcome.outputs = self._outputs()
        return outcome

    def _existing(self, *, plan: bool) -> StackDescription | None:
        """The stack, after deleting what a failed first create left. Raises CommandError if it can't be deployed."""
        from bincli.deploy.run import check_ours, find_stack, remove_failed_create
        from bincli.stacks import FAILED_CREATE

        stack = find_stack(self._cloudformation, self._target.stack)
        if stack is None or stack.status != FAILED_CREATE:
            if stack:
                check_ours(stack)
            return stack
        failed = f"The first create of {stack.name} failed and was rolled back"
        if plan:
            raise CommandError(f"{failed}. No plan can be made: `bintally deploy` deletes the empty stack first.")
        self._output.info(f"{failed}. Deleting the empty stack.", "yellow")
        remove_failed_create(self._cloudformation, stack)
        return None

    def _image(self, *, plan: bool) -> str:
        """The address of the model container; with `plan`, of the one that would be pushed."""
        from bincli.image.build import content_tag, push_image

        if plan:
            return f"{REPOSITORY}:{content_tag(FOLDER)}"
        return push_image(self._programs, self._clients("ecr"), FOLDER, REPOSITORY).uri

    def _check_quotas(self, parameters: Mapping[str, str]) -> list[Checked]:
        from bincli.deploy.quotas import check_quotas, needs_of

        with self._output.err.status("Reading quotas"):
            checked = check_quotas(self._clients("service-quotas"), needs_of(parameters))
        for quota in checked:
            need = f"{quota.need.quota} ({quota.need.service}): {quota.need.wanted:,} needed for {quota.need.purpose}"
            if quota.value is None:
                self._output.info(f"Quota not known: {need}. Check it in the Service Quotas console.", "yellow")
            elif quota.is_short:
                self._output.info(f"Quota too small: {need}, the account has {quota.value:g}. Ask AWS:", "bold red")
                self._output.info(f"  {quota.request(self._target.region)}")
        return checked

    def _show_hints(self, after: Mapping[str, str], given: Mapping[str, str], *, pauses_scaling: bool) -> None:
        from bincli.deploy.hints import hint_of_idle_endpoint, hint_of_settings, hints_of

        hints = [*hints_of(after), hint_of_settings(self._clients("ssm"), self._target.stack, given)]
        if pauses_scaling:
            hints.append(hint_of_idle_endpoint(self._clients("sagemaker"), f"{self._target.stack}-counter"))
        for hint in filter(None, hints):
            self._output.info(hint, "yellow")

    def _show_changes(self, changes: Sequence[Change]) -> None:
        for sentence in sentences(changes):
            self._output.info(sentence)
        for warning in warnings_of(changes):
            self._output.info(f"WARNING: {warning}", "bold red")

    def _outputs(self) -> Mapping[str, str]:
        from bincli.stacks import describe_stack

        stack = describe_stack(self._cloudformation, self._target.stack)
        return stack.outputs if stack else {}


def defaults() -> dict[str, str]:
    return {name: str(each.get("Default", "")) for name, each in definitions().items()}


def record_of(outcome: Outcome) -> Record:
    return {
        "stack": outcome.stack,
        "deployed": outcome.deployed,
        "changes": [asdict(change) for change in outcome.changes],
        "warnings": warnings_of(outcome.changes),
        "quotas": [{**asdict(quota), "short": quota.is_short} for quota in outcome.quotas],
        "outputs": dict(outcome.outputs),
    }


def view(outcome: Outcome) -> Iterator[Block]:
    if outcome.outputs:
        table = Table([Column("Output"), Column("Value", folds=True)])
        for name, value in sorted(outcome.outputs.items()):
            table.add(name, value)
        yield table
    if outcome.deployed:
        yield Styled(
            f"The stack {outcome.stack} is deployed. Try it: `bintally smoke --stack {outcome.stack}`.", "green"
        )
    elif outcome.changes:
        yield "Nothing was changed. Run the command without --plan to deploy."
    elif any(quota.is_short for quota in outcome.quotas):
        yield "Nothing was changed. Rerun it when AWS has raised the quota, or pass --ignore-quotas."
    else:
        yield f"The stack {outcome.stack} has nothing to change."
