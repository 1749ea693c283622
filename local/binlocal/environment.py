"""How a process finds the local stack: environment variables for an SDK or the AWS CLI, and our own clients."""

import os
import secrets
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

REGION = "us-east-1"
# Boto3 looks for a service's own endpoint under its service id, which is not always its client's name.
ENDPOINT_VARIABLES = {
    "sagemaker": "AWS_ENDPOINT_URL_SAGEMAKER",
    "sagemaker-runtime": "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
    "application-autoscaling": "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING",
}
DIRECT_HOSTS = ("127.0.0.1", "localhost")
# Threads may share clients, but not the session that creates them.
creating_client = threading.Lock()


def client_environment(endpoint: str, sagemaker_url: str) -> dict[str, str]:
    """What an AWS SDK or the AWS CLI needs to talk to the local stack and nothing else.

    The keys are random and new each time. The gate requires the access key id (see binlocal.gate).
    """
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_SAGEMAKER": sagemaker_url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": sagemaker_url,
        "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING": sagemaker_url,
        # MiniStack would read a key of twelve digits as an account id.
        "AWS_ACCESS_KEY_ID": f"LOCAL{secrets.token_hex(16).upper()}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": no_proxy(os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")),
    }


def no_proxy(hosts: str) -> str:
    """A NO_PROXY value that also names this machine."""
    listed = [host for host in hosts.split(",") if host]
    return ",".join([*listed, *(host for host in DIRECT_HOSTS if host not in listed)])


def authorization(environment: Mapping[str, str]) -> dict[str, str]:
    """The header with which a plain HTTP client passes the gate."""
    return {"X-Amz-Security-Token": environment["AWS_ACCESS_KEY_ID"]}


def server_environment(client: Mapping[str, str]) -> dict[str, str]:
    """Our own environment without the user's AWS setup and proxies, plus `client`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    return {
        **kept,
        **client,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def create_client(environment: Mapping[str, str], service: str, config: Config | None = None) -> Any:
    """A boto3 client for a service of the stack that `environment` (of `client_environment`) describes.

    Ignores the caller's own AWS setup, even a profile that does not exist.
    """
    own = ENDPOINT_VARIABLES.get(service, "")
    with creating_client:
        return session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=environment.get(own, environment["AWS_ENDPOINT_URL"]),
            region_name=environment["AWS_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}).merge(config or Config()),
        )


@cache
def session() -> boto3.Session:
    """One session for all clients: a new session takes a quarter of a second to read botocore's files."""
    return boto3.Session(
        botocore_session=botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
    )
