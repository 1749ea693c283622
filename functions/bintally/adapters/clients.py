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


@cache
def client(service: str) -> Any:
    """The client of an AWS service, from the environment's credentials, region and endpoints."""
    return boto3.client(service, config=CONFIG)  # type: ignore[call-overload]
