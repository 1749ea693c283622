"""A stack and the registry of its models, as the commands of `bintally model` work on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bincli.errors import CommandError
from bincli.model.bundle import Bundle
from bincli.model.registry import Package, Registry
from bincli.model.rollout import Rollout, replaced_by_it
from bincli.model.store import location_of, place_of, upload
from bincli.output import Output, Record
from bincli.stacks import StackDescription, describe_stack

if TYPE_CHECKING:
    from bincli.commands.deploy import Deployer, Outcome
    from bincli.deployment import ClientFactory


class Site:
    """A stack and the registry of its models."""

    def __init__(self, clients: ClientFactory, name: str, group: str) -> None:
        self.clients, self.name = clients, name
        self.registry = Registry(clients("sagemaker"), group)

    def stack(self) -> StackDescription:
        """Raises CommandError if there is none."""
        found = describe_stack(self.clients("cloudformation"), self.name)
        if found is None:
            raise CommandError(f"Stack {self.name} not found. Check --stack, --region and --profile.")
        return found

    def endpoint(self) -> Record:
        """What SageMaker says of the endpoint; empty if the stack has none."""
        from botocore.exceptions import ClientError

        try:
            found = self.clients("sagemaker").describe_endpoint(EndpointName=self.stack().outputs["EndpointName"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ValidationException":
                return {}
            raise
        (variant, *_) = found.get("ProductionVariants") or [{}]
        return {
            "status": found["EndpointStatus"],
            "reason": found.get("FailureReason", ""),
            "instances": variant.get("CurrentInstanceCount"),
        }

    def push(self, bundle: Bundle, to: str | None, image: str | None, output: Output) -> Package:
        """Raises CommandError if it is not known where to, or with which image."""
        image = image or self.stack().parameters.get("ModelImageUri")
        if not image:
            raise CommandError(f"The stack {self.name} has no container image. Name one with --image.")
        packages = [] if to else self.registry.packages()
        if not to and not packages:
            raise CommandError(f"The group {self.registry.group} has no model yet. Say with --to where this one goes.")
        location = location_of(to or place_of(packages[0].location), bundle)
        sent = upload(self.clients("s3"), bundle, location)
        output.info(f"{'Uploaded to' if sent else 'Already at'} {location}, SHA-256 {bundle.digest}.")
        return self.registry.register(bundle, location, image)

    def roll_out(self, rollout: Rollout, deployer: Deployer, *, plan: bool, yes: bool, back: bool = False) -> Outcome:
        """Deploy a model, and note in the registry that the stack runs it and what it replaced.

        A way `back` does not say what it replaced, so that the next one goes back further.
        """
        before = replaced_by_it(self.registry.packages(), self.stack().parameters)
        outcome = deployer.deploy(rollout.parameters, plan=plan, image=False, yes=yes, ignore_quotas=False)
        if outcome.deployed and rollout.package:
            replaced = "" if back else before
            self.registry.note_deployment(rollout.package, self.name, datetime.now(UTC), replaced)
        return outcome
