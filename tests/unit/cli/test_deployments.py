from pathlib import Path

import pytest
from bincli.deployments import (
    ROOT,
    Deployment,
    StackNotFoundError,
    aws_client,
    find_deployment,
    said_when_local,
    stack_folder,
)
from botocore.exceptions import ClientError, NoCredentialsError

STATE = {
    "stack_name": "bintally",
    "endpoint": "http://127.0.0.1:4999",
    "outputs": {"BinsTable": "local-bins"},
    "environment": {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4999",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    },
}


class FakeCloudFormation:
    def __init__(self, answer):
        self.answer = answer

    def describe_stacks(self, **request):
        if isinstance(self.answer, Exception):
            raise self.answer
        assert request == {"StackName": "prod"}
        return {"Stacks": [self.answer]}


def found(name, *, state=None, answer=None):
    return find_deployment(name, running=lambda: state, aws=lambda service: FakeCloudFormation(answer))


def test_a_named_stack_is_found_through_its_outputs():
    answer = {"Outputs": [{"OutputKey": "BinsTable", "OutputValue": "prod-bins"}]}

    deployment = found("prod", state=STATE, answer=answer)

    assert (deployment.name, deployment.output("BinsTable")) == ("prod", "prod-bins")


def test_without_a_name_the_local_stack_is_taken_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:2")

    deployment = found(None, state=STATE)

    assert deployment.output("BinsTable") == "local-bins"
    assert deployment.client("dynamodb").meta.endpoint_url == "http://127.0.0.1:4999"


def test_without_a_stack_the_error_says_how_to_start_one():
    with pytest.raises(StackNotFoundError, match="bintally up"):
        found(None)


@pytest.mark.parametrize(
    "answer",
    [
        ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks"),
        NoCredentialsError(),
    ],
)
def test_a_stack_that_cannot_be_read_is_said_with_the_cause(answer):
    with pytest.raises(StackNotFoundError, match=r"The stack prod can't be read .*AWS_PROFILE"):
        found("prod", answer=answer)


@pytest.mark.parametrize("answer", [{}, {"Outputs": []}, {"Outputs": [{"OutputKey": "Other", "OutputValue": "1"}]}])
def test_another_stack_is_not_taken_for_ours(answer):
    with pytest.raises(StackNotFoundError, match="not a bintally stack"):
        found("prod", answer=answer).output("BinsTable")


def test_clients_of_aws_send_nothing_twice(monkeypatch):
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)

    client = aws_client("lambda")

    assert client.meta.region_name == "eu-west-1"
    assert client.meta.config.retries["total_max_attempts"] == 1


def test_a_deployment_gives_clients_by_service():
    assert Deployment("one", {}, {"s3": "client of S3"}.__getitem__).client("s3") == "client of S3"


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://localhost:4566", "http://[::1]:4566"])
def test_a_named_stack_that_is_looked_for_on_this_machine_is_said_once(monkeypatch, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    said = []
    client = said_when_local(aws_client, said.append)

    assert [client(service).meta.endpoint_url for service in ("cloudformation", "sqs")] == [endpoint, endpoint]

    (warning,) = said
    assert endpoint in warning
    assert "unset AWS_PROFILE AWS_CONFIG_FILE" in warning


def test_nothing_is_said_of_a_stack_on_aws(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    said = []

    said_when_local(aws_client, said.append)("cloudformation")

    assert said == []


def test_up_has_a_folder_of_its_own_in_the_folder_that_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("BINTALLY_WORK", raising=False)
    assert stack_folder() == ROOT / ".work" / "local"

    monkeypatch.setenv("BINTALLY_WORK", str(tmp_path))
    assert stack_folder() == tmp_path / "bintally-local"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BINTALLY_WORK", "here")
    assert stack_folder() == Path(tmp_path / "here" / "bintally-local")
