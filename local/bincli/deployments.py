"""The stack that a command talks to: one on AWS, or the one that `bintally up` runs on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bincli.errors import CommandError

ROOT = Path(__file__).resolve().parents[2]
# One attempt: an invocation that took long must not be repeated behind the operator's back.
CONFIG = Config(connect_timeout=5, read_timeout=120, max_pool_connections=16, retries={"total_max_attempts": 1})

ClientOf = Callable[[str], Any]


class StackNotFoundError(CommandError):
    """There is no stack to talk to."""


def workdir() -> Path:
    """Where `bintally up` keeps its logs and says that it runs: `.work/local`, or what BINTALLY_WORK names."""
    return Path(os.environ.get("BINTALLY_WORK", ROOT / ".work" / "local"))


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
    try:
        (stack,) = aws("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except (ClientError, BotoCoreError) as error:
        raise StackNotFoundError(
            f"The stack {name} can't be read ({error}). Are AWS_PROFILE and AWS_REGION those of its account?"
        ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def aws_client(service: str) -> Any:
    """A client with the credentials, region and endpoints of the environment."""
    return boto3.client(service, config=CONFIG)  # type: ignore[call-overload]


def local_clients(environment: Mapping[str, str]) -> ClientOf:
    """Clients of the local stack, whatever the caller's own AWS environment says."""
    from binlocal.environment import create_client

    return lambda service: create_client(environment, service, CONFIG)
