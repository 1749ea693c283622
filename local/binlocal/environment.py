"""How a process finds the local stack: the environment of an SDK or the AWS CLI, and clients for our own use."""

import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"


def client_environment(endpoint: str, sagemaker_url: str) -> dict[str, str]:
    """What an AWS SDK or the AWS CLI needs to talk to the local stack, and to nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_SAGEMAKER": sagemaker_url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": sagemaker_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def server_environment(client: Mapping[str, str]) -> dict[str, str]:
    """Ours, with nothing of the user's AWS set-up or proxies left, and with what `client` says."""
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
    """A boto3 client for a service of the stack that `environment` (of `client_environment`) describes."""
    own = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=environment.get(own, environment["AWS_ENDPOINT_URL"]),
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}).merge(config or Config()),
    )
