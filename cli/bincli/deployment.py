"""The stack that a command talks to: one on AWS, or the one that `bintally up` runs on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bincli.aws_errors import explained
from bincli.errors import CommandError
from bincli.up.profile import LEAVE

ROOT = Path(__file__).resolve().parents[2]
# One attempt: an invocation that took long must not be repeated behind the operator's back.
CONFIG = Config(connect_timeout=5, read_timeout=120, max_pool_connections=16, retries={"total_max_attempts": 1})

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ClientOf = Callable[[str], Any]


class StackNotFoundError(CommandError):
    """There is no stack to talk to."""


def workdir() -> Path:
    """Where the commands keep what they make: `.work/local`, or what BINTALLY_WORK names."""
    return Path(os.environ.get("BINTALLY_WORK") or ROOT / ".work" / "local")


def stack_folder() -> Path:
    """What `bintally up` has for itself, and clears: in a folder of the user's a folder of its own."""
    return (workdir() / "bintally-local" if os.environ.get("BINTALLY_WORK") else workdir()).resolve()


@dataclass(frozen=True)
class Deployment:
    """A deployed stack: the outputs of its template, and `client`, which gives a boto3 client for a service."""

    name: str
    outputs: Mapping[str, str]
    client: ClientOf

    def output(self, name: str) -> str:
        """An output of the template. Raises StackNotFoundError where this is not a bintally stack."""
        if name not in self.outputs:
            raise StackNotFoundError(f"The stack {self.name} has no output {name}: it is not a bintally stack.")
        return self.outputs[name]


def find_deployment(name: str | None, *, running: Callable[[], Mapping[str, Any] | None], aws: ClientOf) -> Deployment:
    """The CloudFormation stack `name`, seen through the clients of `aws`; without a name the local one.

    `running` gives the state of the local stack or None. Raises StackNotFoundError.
    """
    if name:
        return Deployment(name, stack_outputs(name, aws), aws)
    state = running()
    if state is None:
        raise StackNotFoundError(
            "No local stack is running. Start one in another terminal with `bintally up`, "
            "or name a stack on AWS with --stack."
        )
    return Deployment(state["stack_name"], state["outputs"], local_clients(state["environment"]))


def stack_outputs(name: str, aws: ClientOf) -> dict[str, str]:
    """The outputs of a CloudFormation stack. Raises StackNotFoundError."""
    where = ""
    try:
        client = aws("cloudformation")
        where = f" in {client.meta.region_name}"
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ValidationError":
            raise StackNotFoundError(f"The stack {name} can't be read{where}. {explained(error)}") from error
        raise StackNotFoundError(f"There is no stack {name}{where}. Check --stack, --region and --profile.") from error
    except BotoCoreError as error:
        raise StackNotFoundError(f"The stack {name} can't be read{where}. {explained(error)}") from error
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def aws_clients(region: str | None = None, profile: str | None = None) -> ClientOf:
    """Clients with the credentials, region and endpoints of the environment, where they are not given.

    boto3 reads AWS_DEFAULT_REGION alone, all other SDKs and the AWS CLI read AWS_REGION first. The clients raise
    BotoCoreError for a profile or a region that there is not.
    """

    @cache
    def session() -> boto3.Session:
        return boto3.Session(profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None)

    return lambda service: session().client(service, config=CONFIG)  # type: ignore[call-overload]


def said_when_local(aws: ClientOf, say: Callable[[str], None]) -> ClientOf:
    """`aws`, whose clients `say` once that they talk to this machine, where AWS was meant."""
    said: set[str] = set()

    def client(service: str) -> Any:
        made = aws(service)
        endpoint = made.meta.endpoint_url
        if not said and urlsplit(endpoint).hostname in LOOPBACK:
            said.add(endpoint)
            say(
                f"Warning: this terminal points at {endpoint}, on this machine, and not at AWS: "
                f"there the stack is looked for. To reach AWS: {LEAVE}"
            )
        return made

    return client


def local_clients(environment: Mapping[str, str]) -> ClientOf:
    """Clients of the local stack, whatever the caller's own AWS environment says."""
    from binlocal.environment import create_client

    return lambda service: create_client(environment, service, CONFIG)
