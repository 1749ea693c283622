import io
from collections.abc import Iterator

import boto3
import pytest
from binmodel.fetch import BucketsError, allowed_buckets, read_object, s3_client
from binmodel.images import ImageError, Limits
from binmodel.manifest import Entry
from botocore.response import StreamingBody
from botocore.stub import Stubber

ENTRY = Entry("a", "photos", "P-17-C/ä +%.jpg", "v1")
BUCKETS = frozenset({"photos"})
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


def test_the_version_in_the_manifest_is_read(stub: Stubber) -> None:
    stub.add_response("get_object", answer(b"photo"), PARAMETERS)

    assert read_object(stub.client, ENTRY, Limits(), BUCKETS) == b"photo"


def test_without_a_version_the_newest_is_read(stub: Stubber) -> None:
    stub.add_response("get_object", answer(b"photo"), {"Bucket": "photos", "Key": "k"})

    assert read_object(stub.client, Entry("a", "photos", "k"), Limits(), BUCKETS) == b"photo"


def test_an_object_that_is_too_large_is_rejected_before_its_body_is_read(stub: Stubber) -> None:
    read: list[int] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            read.append(size or -1)
            return super().read(size)

    body = StreamingBody(Watched(b"x" * 11), 11)
    stub.add_response("get_object", {"Body": body, "ContentLength": 11}, PARAMETERS)

    with pytest.raises(ImageError, match="The limit is 10") as caught:
        read_object(stub.client, ENTRY, Limits(max_bytes=10), BUCKETS)
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
def test_an_error_of_s3_is_an_image_error(stub: Stubber, service_code: str, status: int, code: str) -> None:
    stub.add_client_error("get_object", service_code, http_status_code=status, expected_params=PARAMETERS)

    with pytest.raises(ImageError, match=service_code) as caught:
        read_object(stub.client, ENTRY, Limits(), BUCKETS)
    assert caught.value.code == code


def test_an_incomplete_body_is_an_image_error(stub: Stubber) -> None:
    stub.add_response("get_object", answer(b"half", length=8), PARAMETERS)

    with pytest.raises(ImageError) as caught:
        read_object(stub.client, ENTRY, Limits(), BUCKETS)
    assert caught.value.code == "fetch_failed"


def test_the_problem_of_an_invalid_line_is_raised_without_a_request_to_s3(stub: Stubber) -> None:
    problem = ImageError("bad_manifest_line", "Line 3 is invalid.")

    with pytest.raises(ImageError) as caught:
        read_object(stub.client, Entry(None, problem=problem), Limits(), BUCKETS)
    assert caught.value is problem


@pytest.mark.parametrize(
    "bucket",
    [
        "elsewhere",
        "Photos",
        "photos ",
        "photos.",
        "photos-s3alias",
        "photos%2f..%2felsewhere",
        "arn:aws:s3:us-east-1:123456789012:accesspoint:photos",
        "arn:aws:s3::123456789012:accesspoint:photos.mrap",
        "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint:photos",
        "arn:aws:s3-outposts:us-east-1:123456789012:outpost:op-1:accesspoint:photos",
        "x" * 10_000,
    ],
)
def test_other_buckets_are_rejected_without_a_request_to_s3(stub: Stubber, bucket: str) -> None:
    with pytest.raises(ImageError, match="BINTALLY_IMAGE_BUCKETS allows: photos") as caught:
        read_object(stub.client, Entry("a", bucket, "k"), Limits(), BUCKETS)
    assert caught.value.code == "bucket_not_allowed"
    assert len(caught.value.message) < 300


def test_no_bucket_is_allowed_by_default(stub: Stubber) -> None:
    with pytest.raises(ImageError, match="allows: none") as caught:
        read_object(stub.client, ENTRY, Limits(), allowed_buckets({}))
    assert caught.value.code == "bucket_not_allowed"


def test_the_allowed_buckets_come_from_the_variable() -> None:
    assert allowed_buckets({"BINTALLY_IMAGE_BUCKETS": "a-bucket, its.other.bucket,"}) == {
        "a-bucket",
        "its.other.bucket",
    }


@pytest.mark.parametrize("value", ["s3://photos", "a-bucket,*", "arn:aws:s3:::photos", "photos/inner", "Photos", "a"])
def test_invalid_bucket_names_are_rejected(value: str) -> None:
    with pytest.raises(BucketsError, match="bucket names"):
        allowed_buckets({"BINTALLY_IMAGE_BUCKETS": value})


def test_a_client_has_a_connection_for_each_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = s3_client(24)

    assert client.meta.config.max_pool_connections == 24
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
