from __future__ import annotations

import pytest
from bintally.adapters.job_files import MAX_BYTES, JobFiles
from bintally.domain.errors import InvalidEventError, StoreError
from bintally.domain.jobs import EngineName, job_of
from bintally.domain.manifest import build_manifest

from tests.unit.functions.adapters.stubs import StubClient, client_error, refusing
from tests.unit.functions.aws import client, table
from tests.unit.functions.examples import HOSTILE_KEYS, make_image, make_images

BUCKET = table("JobsBucket")
IMAGES = make_images(5)
SHARDS = [IMAGES[:2], IMAGES[2:4], IMAGES[4:]]
JOB = job_of([(image.image_id, 0) for image in IMAGES], EngineName.BATCH, len(SHARDS))


@pytest.fixture
def files(aws: None) -> JobFiles:
    return JobFiles(client("s3"), BUCKET)


def test_each_manifest_is_at_its_key(files: JobFiles) -> None:
    files.write_manifests(JOB, SHARDS)

    found = client("s3").list_objects_v2(Bucket=BUCKET, Prefix=JOB.folder)["Contents"]
    assert [entry["Key"] for entry in found] == JOB.manifests
    for key, images in zip(JOB.manifests, SHARDS, strict=True):
        held = client("s3").get_object(Bucket=BUCKET, Key=key)
        assert held["Body"].read().decode() == build_manifest(images)
        assert held["ContentType"] == "application/jsonlines"


@pytest.mark.parametrize("shards", [SHARDS[:2], [*SHARDS, []]])
def test_a_job_has_exactly_its_manifests(files: JobFiles, shards: list[list[object]]) -> None:
    with pytest.raises(ValueError, match="zip"):
        files.write_manifests(JOB, shards)  # type: ignore[arg-type]


def test_manifests_are_read_back_in_order(files: JobFiles) -> None:
    files.write_manifests(JOB, SHARDS)

    asked = [
        (key, sorted(image.image_id for image in images)) for key, images in zip(JOB.manifests, SHARDS, strict=True)
    ]
    assert list(files.manifests(JOB)) == asked


def test_a_manifest_missing_after_a_crash_has_no_images(files: JobFiles) -> None:
    files.write_manifests(JOB, SHARDS)
    client("s3").delete_object(Bucket=BUCKET, Key=JOB.manifests[1])

    assert [len(image_ids) for _, image_ids in files.manifests(JOB)] == [2, 0, 1]


def test_hostile_keys_are_read_back(files: JobFiles) -> None:
    images = [make_image(key) for key in HOSTILE_KEYS]
    job = job_of((image.image_id, 0) for image in images)

    files.write_manifests(job, [images])

    assert list(files.manifests(job)) == [(job.manifests[0], sorted(image.image_id for image in images))]


def test_a_missing_object_is_none_and_an_empty_one_is_empty(files: JobFiles) -> None:
    client("s3").put_object(Bucket=BUCKET, Key="jobs/empty", Body=b"")

    assert files.read("jobs/none") is None
    assert files.read("jobs/empty") == ""


def test_an_endless_object_is_truncated(files: JobFiles) -> None:
    client("s3").put_object(Bucket=BUCKET, Key="jobs/endless", Body=b"x" * (MAX_BYTES + 1))

    assert len(files.read("jobs/endless") or "") == MAX_BYTES


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "NoSuchBucket", "InternalError"])
def test_an_unreadable_object_is_an_error_and_not_missing(code: str) -> None:
    """Mistaking an error for a missing object would fail photos that are being counted."""
    stub = StubClient("s3", get_object=refusing(client_error(code, "GetObject")))

    with pytest.raises(StoreError, match=rf"Reading s3://jobs/jobs/a: .*{code}"):
        JobFiles(stub, "jobs").read("jobs/a")


@pytest.mark.parametrize(
    ("location", "key"),
    [
        (f"s3://{BUCKET}/async/output/x.out", "async/output/x.out"),
        (f"s3://{BUCKET}/async/output/a b+c%20é.out", "async/output/a b+c%20é.out"),
        (f"s3://{BUCKET}/async/output/", "async/output/"),
    ],
)
def test_a_location_in_the_bucket_is_its_key(location: str, key: str) -> None:
    assert JobFiles(None, BUCKET).key_of(location, "async/output/") == key


@pytest.mark.parametrize(
    "location",
    [
        "",
        "x.out",
        "s3://",
        "s3:///async/output/x.out",
        "s3://elsewhere/async/output/x.out",
        f"s3://{BUCKET}x/async/output/x.out",
        f"s3://user@{BUCKET}/async/output/x.out",
        f"https://{BUCKET}/async/output/x.out",
        f"s3://{BUCKET}/async/outputs",
        f"s3://{BUCKET}//async/output/x.out",
        f"s3://{BUCKET}/orders/async/output/x.out",
        "file:///etc/passwd",
        "s3://[bad/async/output/x.out",
    ],
)
def test_any_other_location_is_refused(location: str) -> None:
    with pytest.raises(InvalidEventError):
        JobFiles(None, BUCKET).key_of(location, "async/output/")
