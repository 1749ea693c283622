"""The stack that a command works on: one on AWS, or the one that `bintally up` runs on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import typer
from bintally.domain.site_settings import parameter_name

from bincli.errors import CommandError

if TYPE_CHECKING:
    from bintally.adapters.bins import DynamoBins
    from bintally.adapters.canary import AwsCanarySite
    from bintally.adapters.consignments import DynamoOrders
    from bintally.adapters.decisions import DynamoDecisions
    from bintally.adapters.jobs import DynamoJobs
    from bintally.adapters.ledger import DynamoLedger
    from bintally.adapters.site_settings import SsmSettings

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ClientFactory = Callable[[str], Any]


class StackNotFoundError(CommandError):
    """There is no stack to work on."""


def workdir() -> Path:
    """The folder for the commands' files: `.work/local`, or BINTALLY_WORK."""
    return Path(os.environ.get("BINTALLY_WORK") or ROOT / ".work" / "local")


def stack_folder() -> Path:
    """The folder that `bintally up` owns and clears. Inside BINTALLY_WORK, it is a subfolder."""
    return (workdir() / "bintally-local" if os.environ.get("BINTALLY_WORK") else workdir()).resolve()


@dataclass(frozen=True)
class Deployment:
    """A deployed stack: the outputs of its template, and `client`, which makes a boto3 client for a service."""

    name: str
    outputs: Mapping[str, str]
    client: ClientFactory

    def output(self, name: str) -> str:
        """An output of the template. Raises StackNotFoundError if this is not a bintally stack."""
        if name not in self.outputs:
            raise StackNotFoundError(f"The stack {self.name} has no output {name}: it is not a bintally stack.")
        return self.outputs[name]

    @property
    def intake_bucket(self) -> str:
        return self.output("IntakeBucket")

    @cached_property
    def s3(self) -> Any:
        return self.client("s3")

    @cached_property
    def sqs(self) -> Any:
        return self.client("sqs")

    @cached_property
    def dynamodb(self) -> Any:
        return self.client("dynamodb")

    @cached_property
    def functions(self) -> Any:
        return self.client("lambda")

    @property
    def ledger(self) -> DynamoLedger:
        from bintally.adapters.ledger import DynamoLedger

        return DynamoLedger(self.dynamodb, self.output("ImagesTable"))

    @property
    def jobs(self) -> DynamoJobs:
        from bintally.adapters.jobs import DynamoJobs

        return DynamoJobs(self.dynamodb, self.output("JobsTable"))

    @property
    def bins(self) -> DynamoBins:
        from bintally.adapters.bins import DynamoBins

        return DynamoBins(self.dynamodb, self.output("BinsTable"))

    @property
    def orders(self) -> DynamoOrders:
        from bintally.adapters.consignments import DynamoOrders

        return DynamoOrders(self.dynamodb, self.output("ConsignmentsTable"))

    @property
    def decisions(self) -> DynamoDecisions:
        from bintally.adapters.decisions import DynamoDecisions

        return DynamoDecisions(self.dynamodb, self.output("DecisionsTable"), self.output("BinsTable"))

    @property
    def site_settings(self) -> SsmSettings:
        from bintally.adapters.site_settings import SsmSettings

        return SsmSettings(self.client("ssm"), parameter_name(self.name))

    @property
    def canary(self) -> AwsCanarySite:
        from bintally.adapters.canary import AwsCanarySite, CanaryPlaces

        buckets = [self.output(f"{name}Bucket") for name in ("Intake", "Orders", "Jobs")]
        tables = [self.output(f"{name}Table") for name in ("Images", "Bins", "Consignments")]
        return AwsCanarySite(self.s3, self.dynamodb, CanaryPlaces(*buckets, *tables))


def open_deployment(
    stack: str | None, region: str | None = None, profile: str | None = None, attempts: int = 1
) -> Deployment:
    """The stack that `--stack` names, else the local one. Raises StackNotFoundError."""
    if stack:
        clients = warn_if_local(aws_clients(region, profile, attempts), warn)
        return Deployment(stack, stack_outputs(stack, clients), clients)
    if region or profile:
        raise typer.BadParameter(
            "needs --stack: the local stack has no region or profile.", param_hint="--region, --profile"
        )
    return local_deployment(running_stack_state())


def local_deployment(state: Mapping[str, Any] | None) -> Deployment:
    """The local stack that `state`, from its state file, describes. Raises StackNotFoundError if none is running."""
    if state is None:
        raise StackNotFoundError(
            "No local stack is running. Start one in another terminal with `bintally up`, "
            "or name a stack on AWS with --stack."
        )
    return Deployment(state["stack_name"], state["outputs"], local_clients(state["environment"]))


def stack_outputs(name: str, clients: ClientFactory) -> dict[str, str]:
    """The outputs of a CloudFormation stack. Raises StackNotFoundError."""
    from botocore.exceptions import BotoCoreError, ClientError

    from bincli.aws_errors import explain_aws_error

    where = ""
    try:
        client = clients("cloudformation")
        where = f" in {client.meta.region_name}"
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "ValidationError":
            advice = "Check --stack, --region and --profile."
            raise StackNotFoundError(f"Stack {name} not found{where}. {advice}") from error
        raise StackNotFoundError(f"Stack {name} can't be read{where}. {explain_aws_error(error)}") from error
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def aws_clients(region: str | None = None, profile: str | None = None, attempts: int = 1) -> ClientFactory:
    """Clients with the credentials, region and endpoints of the environment, except for what is given.

    boto3 only reads AWS_DEFAULT_REGION; every other SDK and the AWS CLI read AWS_REGION first. The clients raise
    BotoCoreError for an unknown profile or region.
    """
    import boto3

    @cache
    def session() -> boto3.Session:
        return boto3.Session(profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None)

    return lambda service: session().client(service, config=client_config(attempts))  # type: ignore[call-overload]


def client_config(attempts: int = 1) -> Any:
    """One attempt by default: a slow invocation must not be repeated without the operator's knowledge."""
    from botocore.config import Config

    return Config(
        connect_timeout=5, read_timeout=120, max_pool_connections=16, retries={"total_max_attempts": attempts}
    )


def warn_if_local(clients: ClientFactory, warn: Callable[[str], None]) -> ClientFactory:
    """`clients` that warn once if they are connected to this machine instead of AWS."""
    from bincli.up.profile import LEAVE

    warned: set[str] = set()

    def client(service: str) -> Any:
        made = clients(service)
        endpoint = made.meta.endpoint_url
        if not warned and urlsplit(endpoint).hostname in LOOPBACK:
            warned.add(endpoint)
            warn(
                f"Warning: this terminal points at {endpoint} on this machine, not at AWS. The command uses the stack "
                f"there. To use AWS: {LEAVE}"
            )
        return made

    return client


def local_clients(environment: Mapping[str, str]) -> ClientFactory:
    """Clients of the local stack, whatever the caller's own AWS environment says."""
    from binlocal.environment import create_client

    return lambda service: create_client(environment, service, client_config())


def running_stack_state() -> Mapping[str, Any] | None:
    from binlocal.state import find_running

    return find_running(stack_folder())


def warn(text: str) -> None:
    typer.secho(text, fg="yellow", err=True)
