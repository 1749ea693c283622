from pathlib import Path
from types import SimpleNamespace

import pytest
from bincli.deployment import (
    ROOT,
    Deployment,
    StackNotFoundError,
    aws_clients,
    local_deployment,
    stack_folder,
    stack_outputs,
    warn_if_local,
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
    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, answer):
        self.answer = answer

    def describe_stacks(self, **request):
        if isinstance(self.answer, Exception):
            raise self.answer
        assert request == {"StackName": "prod"}
        return {"Stacks": [self.answer]}


def outputs_of(answer):
    return stack_outputs("prod", lambda service: FakeCloudFormation(answer))


def test_a_named_stack_is_found_through_its_outputs():
    answer = {"Outputs": [{"OutputKey": "BinsTable", "OutputValue": "prod-bins"}]}

    assert outputs_of(answer) == {"BinsTable": "prod-bins"}


def test_without_a_name_the_local_stack_is_used_regardless_of_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:2")

    deployment = local_deployment(STATE)

    assert deployment.output("BinsTable") == "local-bins"
    assert deployment.client("dynamodb").meta.endpoint_url == "http://127.0.0.1:4999"


def test_without_a_stack_the_error_says_how_to_start_one():
    with pytest.raises(StackNotFoundError, match="bintally up"):
        local_deployment(None)


@pytest.mark.parametrize(
    "answer",
    [
        ClientError({"Error": {"Code": "ExpiredToken", "Message": "botocore"}}, "DescribeStacks"),
        NoCredentialsError(),
    ],
)
def test_an_unreadable_stack_is_reported_with_the_cause(answer):
    with pytest.raises(StackNotFoundError, match=r"Stack prod can't be read in eu-west-1\. .*--profile") as error:
        outputs_of(answer)
    assert "botocore" not in str(error.value)


def test_a_missing_stack_is_reported_with_its_region():
    gone = ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")

    with pytest.raises(StackNotFoundError, match=r"Stack prod not found in eu-west-1\. Check --stack, --region"):
        outputs_of(gone)


@pytest.mark.parametrize(
    ("given", "environment", "region"),
    [
        (None, {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        (None, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-2"}, "eu-west-1"),
        (None, {"AWS_DEFAULT_REGION": "us-east-2"}, "us-east-2"),
        (None, {"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-2"}, "us-east-2"),
        ("ap-south-1", {"AWS_REGION": "eu-west-1"}, "ap-south-1"),
    ],
)
def test_the_region_is_the_one_that_every_other_aws_tool_takes(monkeypatch, given, environment, region):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**environment, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(name, value)

    assert aws_clients(given)("dynamodb").meta.region_name == region


def test_a_profile_overrides_credentials_and_region_of_the_environment(monkeypatch, tmp_path):
    (tmp_path / "config").write_text(
        "[profile depot]\nregion = eu-north-1\naws_access_key_id = DEPOT\naws_secret_access_key = s\n"
    )
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")

    client = aws_clients(None, "depot")("dynamodb")

    assert client.meta.region_name == "eu-north-1"
    assert client._request_signer._credentials.access_key == "DEPOT"


@pytest.mark.parametrize("answer", [{}, {"Outputs": []}, {"Outputs": [{"OutputKey": "Other", "OutputValue": "1"}]}])
def test_another_stack_is_not_mistaken_for_ours(answer):
    with pytest.raises(StackNotFoundError, match="not a bintally stack"):
        Deployment("prod", outputs_of(answer), lambda service: None).output("BinsTable")


def test_clients_of_aws_send_nothing_twice(monkeypatch):
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)

    client = aws_clients()("lambda")

    assert client.meta.region_name == "eu-west-1"
    assert client.meta.config.retries["total_max_attempts"] == 1


def test_a_deployment_gives_clients_by_service():
    assert Deployment("one", {}, {"s3": "client of S3"}.__getitem__).client("s3") == "client of S3"


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://localhost:4566", "http://[::1]:4566"])
def test_a_named_stack_on_this_machine_is_reported_once(monkeypatch, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    said = []
    client = warn_if_local(aws_clients(), said.append)

    assert [client(service).meta.endpoint_url for service in ("cloudformation", "sqs")] == [endpoint, endpoint]

    (warning,) = said
    assert endpoint in warning
    assert "unset AWS_PROFILE AWS_CONFIG_FILE" in warning


def test_nothing_is_reported_for_a_stack_on_aws(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    said = []

    warn_if_local(aws_clients(), said.append)("cloudformation")

    assert said == []


def test_up_has_a_folder_of_its_own_in_the_folder_that_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("BINTALLY_WORK", raising=False)
    assert stack_folder() == ROOT / ".work" / "local"

    monkeypatch.setenv("BINTALLY_WORK", str(tmp_path))
    assert stack_folder() == tmp_path / "bintally-local"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BINTALLY_WORK", "here")
    assert stack_folder() == Path(tmp_path / "here" / "bintally-local")
