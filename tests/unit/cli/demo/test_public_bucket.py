import io
import json

import pytest
from bincli.demo.public_bucket import BUCKET, anonymous_client, fetch_photos
from botocore.exceptions import ClientError, EndpointConnectionError


class FakeBucket:
    """The two requests to the public bucket, with responses from `labels`."""

    def __init__(self, labels):
        self.labels = labels
        self.requests = 0

    def list_objects_v2(self, **request):
        assert request["Bucket"] == BUCKET
        return {"Contents": [{"Key": f"{request['Prefix']}{name}.jpg"} for name in self.labels][: request["MaxKeys"]]}

    def get_object(self, **request):
        self.requests += 1
        folder, name = request["Key"].split("/")
        record = json.dumps({"EXPECTED_QUANTITY": self.labels[name.partition(".")[0]]})
        return {"Body": io.BytesIO(record.encode() if folder == "metadata" else b"photo")}


class Unreachable:
    def list_objects_v2(self, **request):
        raise EndpointConnectionError(endpoint_url="https://s3.us-east-1.amazonaws.com")


class Refusing:
    def list_objects_v2(self, **request):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "ListObjectsV2")


def ignore(done, of):
    pass


def test_photos_that_can_be_counted_are_fetched_with_their_labels(tmp_path):
    bucket = FakeBucket({f"{number:05}": number % 9 for number in range(200)})

    labels = fetch_photos(tmp_path / "new", 20, s3=bucket, on_progress=ignore)

    assert len(labels) == 20
    assert set(labels.values()) == {1, 2, 3, 4, 5}
    assert all(path.read_bytes() == b"photo" and int(path.stem) % 9 == label for path, label in labels.items())
    assert bucket.requests < 100


def test_progress_is_reported(tmp_path):
    heard = []

    fetch_photos(tmp_path, 3, s3=FakeBucket({"1": 1, "2": 2, "3": 3}), on_progress=lambda *done: heard.append(done))

    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_downloads_are_kept(tmp_path):
    first = fetch_photos(tmp_path, 5, s3=FakeBucket({str(n): 1 for n in range(9)}), on_progress=ignore)

    assert fetch_photos(tmp_path, 5, s3=Unreachable(), on_progress=ignore) == first
    assert len(fetch_photos(tmp_path, 2, s3=Unreachable(), on_progress=ignore)) == 2


@pytest.mark.parametrize(
    ("bucket", "why"),
    [(Unreachable(), "can.t be reached"), (Refusing(), "access denied"), (FakeBucket({}), "no photos")],
)
def test_an_unreachable_bucket_is_an_os_error_with_the_reason(tmp_path, bucket, why):
    with pytest.raises(OSError, match=why):
        fetch_photos(tmp_path, 5, s3=bucket, on_progress=ignore)


def test_the_client_asks_the_real_bucket_without_credentials(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")

    client = anonymous_client()

    assert client.meta.endpoint_url == "https://s3.us-east-1.amazonaws.com"
    assert "Signature" not in client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "a"})
