import io
from collections.abc import Iterator

import boto3
import pytest
from binmodel.fetch import read_object, s3_client
from binmodel.images import ImageError, Limits
from binmodel.manifest import Entry
from botocore.response import StreamingBody
from botocore.stub import Stubber

ENTRY = Entry("a", "photos", "P-17-C/ä +%.jpg", "v1")
PARAMETERS = {"Bucket": "photos", "Key": "P-17-C/ä +%.jpg", "VersionId": "v1"}


@pytest.fixture
def stub() -> Iterator[Stubber]:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
    with Stubber(boto3.client("s3", **keys)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answer(content: bytes, length: int | None = None) -> dict[str, object]:
    size = len(content) if length is None else length
    return {"Body": StreamingBody(io.BytesIO(content), size), "ContentLength": size}


def test_the_version_that_the_manifest_names_is_read(stub: Stubber) -> None:
    stub.add_response("get_object", answer(b"photo"), PARAMETERS)

    assert read_object(stub.client, ENTRY, Limits()) == b"photo"


def test_without_a_version_the_newest_is_read(stub: Stubber) -> None:
    stub.add_response("get_object", answer(b"photo"), {"Bucket": "photos", "Key": "k"})

    assert read_object(stub.client, Entry("a", "photos", "k"), Limits()) == b"photo"


def test_an_object_that_is_too_large_is_refused_before_its_body_is_read(stub: Stubber) -> None:
    read: list[int] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            read.append(size or -1)
            return super().read(size)

    body = StreamingBody(Watched(b"x" * 11), 11)
    stub.add_response("get_object", {"Body": body, "ContentLength": 11}, PARAMETERS)

    with pytest.raises(ImageError, match="at most 10 are taken") as caught:
        read_object(stub.client, ENTRY, Limits(max_bytes=10))
    assert caught.value.code == "too_many_bytes"
    assert read == []


@pytest.mark.parametrize(
    ("service_code", "status", "code"),
    [
        ("NoSuchKey", 404, "not_found"),
        ("NoSuchVersion", 404, "not_found"),
        ("NoSuchBucket", 404, "not_found"),
        ("MethodNotAllowed", 405, "not_found"),
        ("AccessDenied", 403, "access_denied"),
        ("InvalidObjectState", 403, "fetch_failed"),
        ("SlowDown", 503, "fetch_failed"),
    ],
)
def test_what_s3_refuses_is_an_image_error(stub: Stubber, service_code: str, status: int, code: str) -> None:
    stub.add_client_error("get_object", service_code, http_status_code=status, expected_params=PARAMETERS)

    with pytest.raises(ImageError, match=service_code) as caught:
        read_object(stub.client, ENTRY, Limits())
    assert caught.value.code == code


def test_a_body_that_breaks_off_is_an_image_error(stub: Stubber) -> None:
    stub.add_response("get_object", answer(b"half", length=8), PARAMETERS)

    with pytest.raises(ImageError) as caught:
        read_object(stub.client, ENTRY, Limits())
    assert caught.value.code == "fetch_failed"


def test_the_problem_of_a_bad_line_is_raised_without_asking_s3(stub: Stubber) -> None:
    problem = ImageError("bad_manifest_line", "Line 3 can't be used.")

    with pytest.raises(ImageError) as caught:
        read_object(stub.client, Entry(None, problem=problem), Limits())
    assert caught.value is problem


def test_a_client_keeps_a_connection_for_each_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = s3_client(24)

    assert client.meta.config.max_pool_connections == 24
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
