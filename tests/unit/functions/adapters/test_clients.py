from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import boto3
import pytest
from bintally.adapters.clients import SIGNED, client


@pytest.fixture(autouse=True)
def on_lambda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")
    client.cache_clear()
    yield
    client.cache_clear()


def test_a_client_is_built_once_and_kept() -> None:
    assert client("sqs") is client("sqs")


def test_a_client_times_out_before_its_function() -> None:
    config = client("sqs").meta.config

    assert (config.connect_timeout, config.read_timeout) == (3, 30)
    assert config.retries == {"mode": "standard", "total_max_attempts": 5}


def test_a_presigned_address_names_the_host_of_the_region() -> None:
    s3 = boto3.client("s3", region_name="eu-central-1", config=SIGNED)
    address = s3.generate_presigned_url("put_object", Params={"Bucket": "intake", "Key": "k"})

    assert urlsplit(address).hostname == "intake.s3.eu-central-1.amazonaws.com"
