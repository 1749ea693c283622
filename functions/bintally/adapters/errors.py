"""Errors of AWS, translated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from bintally.domain.errors import StoreError


@contextmanager
def store_errors(action: str) -> Iterator[None]:
    """Turn an error of boto3 into a StoreError that names the `action`, such as `Reading bintally-bins`."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise StoreError(f"{action}: {error}") from error
