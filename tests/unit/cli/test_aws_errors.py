from __future__ import annotations

import pytest
from bincli.aws_errors import MEANING, explain_aws_error
from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError


def refused(code: str, status: int = 400, message: str = "botocore says") -> ClientError:
    facts = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(facts, "Scan")  # type: ignore[arg-type]


@pytest.mark.parametrize("code", MEANING)
def test_a_known_refusal_says_what_failed_and_what_to_do(code: str) -> None:
    said = explain_aws_error(refused(code))

    assert said.startswith("Scan: ")
    assert "botocore says" not in said
    assert "An error occurred" not in said
    assert len(said.split(". ")) > 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refused("AccessDeniedException"), ["access denied", "--profile"]),
        (refused("ExpiredToken"), ["expired", "aws sso login"]),
        (refused("SlowDown", 503), ["throttling", "Wait a minute"]),
        (refused("ResourceNotFoundException"), ["table", "does not exist", "CloudFormation"]),
        (refused("InternalError", 500), ["AWS failed (InternalError)", "again"]),
        (refused("Strange\x1b", message="no\x1b]0;x"), [r"Scan was refused (Strange\x1b): no\x1b]0;x"]),
        (refused("PermanentRedirect", 301), ["another region", "--region"]),
        (boto.NoCredentialsError(), ["No usable AWS credentials", "--profile"]),
        (boto.SSOTokenLoadError(error_msg="x"), ["No usable AWS credentials"]),
        (boto.ProfileNotFound(profile="prod"), ["AWS profile prod not found", "list-profiles"]),
        (boto.NoRegionError(), ["--region", "AWS_REGION"]),
        (
            boto.EndpointConnectionError(endpoint_url="https://s3.eu-west-11.amazonaws.com/"),
            ["s3.eu-west-11", "region"],
        ),
        (boto.ConnectTimeoutError(endpoint_url="https://s3.eu-west-1.amazonaws.com/"), ["network"]),
        (boto.ProxyConnectionError(proxy_url="http://p"), ["proxy"]),
        (boto.EndpointConnectionError(endpoint_url="http://127.0.0.1:4566/"), ["127.0.0.1:4566", "bintally up"]),
        (boto.DataNotFoundError(data_path="x"), ["DataNotFoundError"]),
    ],
)
def test_errors_are_shown_with_what_to_do(error: ClientError | BotoCoreError, words: list[str]) -> None:
    assert [word for word in words if word not in explain_aws_error(error)] == []
