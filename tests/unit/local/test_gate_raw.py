"""Raw requests to MiniStack and the local SageMaker, as an attacker without an SDK sends them."""

import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from binlocal.environment import authorization, create_client
from botocore.exceptions import ClientError

from tests.unit.local.gated import running_ministack, running_sagemaker

FUNCTION = {"FunctionName": "attack", "Runtime": "python3.11", "Handler": "i.h", "Role": "r", "Code": {"ZipFile": ""}}
JSON_1 = {"Content-Type": "application/x-amz-json-1.0"}
# One for each way in which MiniStack selects a service: path, target, form, credential scope, host.
ATTACKS = {
    "create a function": ("POST", "/2015-03-31/functions", {"Content-Type": "text/plain"}, json.dumps(FUNCTION)),
    "invoke": ("POST", "/2015-03-31/functions/attack/invocations", {"Content-Type": "text/plain"}, "{}"),
    "list buckets": ("GET", "/", {}, ""),
    "list objects": ("GET", "/photos", {}, ""),
    "read": ("GET", "/photos/secret.jpg", {}, ""),
    "put": ("PUT", "/photos/forged.jpg", {}, "x"),
    "delete": ("DELETE", "/photos/secret.jpg", {}, ""),
    "list tables": ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.ListTables", **JSON_1}, "{}"),
    "queues in a form": (
        "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, "Action=ListQueues&Version=2012-11-05"
    ),
    "the test key of every emulator": (
        "GET", "/", {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/s3/aws4_request"}, ""
    ),
    "the account as key": (
        "GET", "/", {"Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20261124/us-east-1/s3/aws4_request"}, ""
    ),
    "presigned with another key": ("GET", "/photos/secret.jpg?X-Amz-Credential=test%2F20261124", {}, ""),
    "reset everything": ("POST", "/_ministack/reset", {}, ""),
    "through the path of an API": (
        "POST", "/_aws/execute-api/x", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, "{}"
    ),
    "through the host of an API": ("POST", "/_ministack/reset", {"Host": "0a1b2c3d.execute-api.localhost:PORT"}, ""),
    "preflight": ("OPTIONS", "/photos", {"Access-Control-Request-Method": "PUT"}, ""),
    "as a container": ("GET", "/photos/secret.jpg", {"Host": "host.docker.internal:PORT"}, ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """MiniStack with one bucket and one object."""
    with running_ministack(tmp_path_factory.mktemp("gated")) as environment:
        s3 = create_client(environment, "s3")
        s3.create_bucket(Bucket="photos")
        s3.put_object(Bucket="photos", Key="secret.jpg", Body=b"secret", ContentType="text/html")
        yield environment


@pytest.fixture(scope="module")
def untouched(stack):
    """Whether MiniStack still has only the object and no function."""
    s3, functions = create_client(stack, "s3"), create_client(stack, "lambda")

    def check():
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket="photos")["Contents"]]
        return keys == ["secret.jpg"] and functions.list_functions()["Functions"] == []

    return check


@pytest.fixture(scope="module")
def sagemaker(tmp_path_factory):
    with running_sagemaker(tmp_path_factory.mktemp("gated")) as environment:
        yield environment


def ask(url, method, path, headers, body="", **more):
    port = url.rpartition(":")[2]
    sent = {name: value.replace("PORT", port) for name, value in {**headers, **more}.items()}
    return httpx.request(method, url + path, headers=sent, content=body, trust_env=False)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_without_the_key_does_nothing(stack, untouched, attack):
    answer = ask(stack["AWS_ENDPOINT_URL"], *ATTACKS[attack])

    assert answer.status_code == (404 if attack == "through the host of an API" else 403)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert untouched()


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example:PORT"}],
    ids=["another origin", "another site", "another name for this machine"],
)
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_page_can_do_nothing_even_with_the_key(stack, untouched, attack, headers):
    method, path, own, body = ATTACKS[attack]
    key = f"AWS4-HMAC-SHA256 Credential={stack['AWS_ACCESS_KEY_ID']}/20261124/us-east-1/s3/aws4_request"

    answer = ask(stack["AWS_ENDPOINT_URL"], method, path, {**own, "Authorization": key, **headers}, body)

    assert answer.status_code == 403
    assert untouched()


FORGED = {"QueueName": "forged"}
KEYLESS = ("/_ministack/ready", "/us-east-1_Ab12Cd34/.well-known/jwks.json", "/_aws/execute-api/00000000/prod")


@pytest.mark.parametrize("path", KEYLESS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths_that_need_no_key_do_not_reach_other_services(stack, path, method):
    url, sqs = stack["AWS_ENDPOINT_URL"], create_client(stack, "sqs")
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    ask(url, method, f"{path}?Action=CreateQueue&QueueName=forged&Version=2012-11-05", {})
    ask(url, method, path, {"X-Amz-Target": "AmazonSQS.CreateQueue", **JSON_1}, json.dumps(FORGED))
    ask(url, method, path, form, "Action=CreateQueue&QueueName=forged&Version=2012-11-05")

    assert sqs.list_queues().get("QueueUrls", []) == []


def test_an_s3_form_post_is_refused_whatever_its_policy(stack, untouched):
    """An S3 form POST carries its credentials in the body, which the gate does not read."""
    form = create_client(stack, "s3").generate_presigned_post("photos", "forged.jpg")

    posted = httpx.post(form["url"], data=form["fields"], files={"file": b"x"}, trust_env=False)

    assert posted.status_code == 403
    assert untouched()


@pytest.mark.parametrize("path", ["/", "/_aws/execute-api/0a1b2c3d/prod"])
@pytest.mark.parametrize("server", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
def test_a_websocket_is_refused(stack, sagemaker, path, server):
    url = (stack if server == "AWS_ENDPOINT_URL" else sagemaker)[server]
    where = urlsplit(url)
    upgrade = (
        f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port), 10) as connection:
        connection.sendall(upgrade.encode())
        status = connection.recv(4096).split(b"\r\n")[0].split()[1]

    assert status in (b"403", b"404")


def test_with_the_key_requests_reach_the_usual_account(stack):
    assert create_client(stack, "sts").get_caller_identity()["Account"] == "000000000000"
    link = create_client(stack, "s3").generate_presigned_url("get_object", {"Bucket": "photos", "Key": "secret.jpg"})

    answer = httpx.get(link, trust_env=False)

    assert (answer.status_code, answer.content) == (200, b"secret")
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy and "default-src 'none'" in policy, "a script could read the key from the URL"


def test_an_sdk_with_an_earlier_runs_key_gets_advice(stack):
    earlier = {**stack, "AWS_ACCESS_KEY_ID": "LOCALOLD"}
    calls = {
        "s3": lambda client: client.list_buckets(),
        "dynamodb": lambda client: client.list_tables(),
        "lambda": lambda client: client.list_functions(),
        "cloudformation": lambda client: client.list_stacks(),
        "sns": lambda client: client.list_topics(),
    }
    for service, call in calls.items():
        with pytest.raises(ClientError, match=r"InvalidClientTokenId.*aws\.env"):
            call(create_client(earlier, service))


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/", {"X-Amz-Target": "SageMaker.ListEndpoints"}),
        ("POST", "/endpoints/e/invocations", {}),
        ("POST", "/endpoints/e/async-invocations", {"X-Amzn-SageMaker-InputLocation": "s3://b/k"}),
        ("PUT", "/_faults", {}),
        ("GET", "/_process", {}),
        ("GET", "/ping", {"Host": "evil.example:PORT"}),
        ("GET", "/ping", {"Origin": "https://evil.example"}),
    ],
)
def test_the_local_sagemaker_is_behind_the_same_gate(sagemaker, method, path, headers):
    assert ask(sagemaker["AWS_ENDPOINT_URL_SAGEMAKER"], method, path, headers, "{}").status_code == 403


def test_the_local_sagemaker_accepts_the_key(sagemaker):
    faults = sagemaker["AWS_ENDPOINT_URL_SAGEMAKER"] + "/_faults"

    assert create_client(sagemaker, "sagemaker").list_endpoints()["Endpoints"] == []
    assert httpx.get(faults, headers=authorization(sagemaker), trust_env=False).status_code == 200
