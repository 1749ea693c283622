"""boto3 clients, built on first use and kept, because Lambda reuses them from event to event."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(
    connect_timeout=3,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=16,
)


# For what a function can do without: it must not wait long.
IMPATIENT = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
# Presigned requests for objects encrypted with KMS need signature version 4, which is not boto3's default everywhere.
# Without a style, boto3 presigns S3's global host. For a new bucket in another region that host may answer with a
# redirect, which a browser's preflight doesn't follow
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html).
SIGNED = CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))


@cache
def client(service: str) -> Any:
    """The client of an AWS service, from the environment's credentials, region and endpoints."""
    config = {"ssm": IMPATIENT, "s3": SIGNED}.get(service, CONFIG)
    return boto3.client(service, config=config)  # type: ignore[call-overload]
