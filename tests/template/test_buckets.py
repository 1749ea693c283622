"""Buckets of the template: private, encrypted, versioned, with lifecycles."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import get_session

from tests.template.deployed import Stack, source
from tests.template.queries import (
    STACK,
    condition_keys,
    properties_of,
    to_services,
)


@pytest.mark.parametrize("name", ["IntakeBucket", "OrdersBucket", "JobsBucket", "AccessLogsBucket"])
def test_a_bucket_is_private_encrypted_and_versioned(name: str) -> None:
    bucket = STACK.resources[name]["Properties"]
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    # S3 delivers access logs to no bucket with a KMS key.
    expected = "AES256" if name == "AccessLogsBucket" else "aws:kms"
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == expected
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_these_are_all_the_buckets() -> None:
    assert set(properties_of("AWS::S3::Bucket")) == {"IntakeBucket", "OrdersBucket", "JobsBucket", "AccessLogsBucket"}


def test_unfinished_uploads_are_aborted() -> None:
    for name, bucket in properties_of("AWS::S3::Bucket").items():
        rules = bucket["LifecycleConfiguration"]["Rules"]
        ending = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule and "Prefix" not in rule]
        assert [rule["Status"] for rule in ending] == ["Enabled"], name


def rules_of(bucket: str, stack: Stack = STACK) -> dict[str, Any]:
    return {rule["Id"]: rule for rule in stack.of_type("AWS::S3::Bucket")[bucket]["LifecycleConfiguration"]["Rules"]}


def test_old_versions_expire_in_every_bucket() -> None:
    for name, bucket in properties_of("AWS::S3::Bucket").items():
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert [r for r in rules if "NoncurrentVersionExpiration" in r and r["Status"] == "Enabled"], name


def test_photos_are_kept_by_default() -> None:
    deleting = rules_of("IntakeBucket", Stack(PhotoRetentionDays="730"))["DeletePhotos"]

    assert rules_of("IntakeBucket")["DeletePhotos"]["Status"] == "Disabled"
    assert (deleting["Status"], deleting["ExpirationInDays"]) == ("Enabled", "730")


def test_photos_become_cheaper_with_time() -> None:
    (move,) = rules_of("IntakeBucket", Stack(PhotoTieringDays="60"))["TierPhotos"]["Transitions"]

    assert move == {"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": "60"}


def test_an_old_version_is_kept_as_long_as_a_job_may_read_it() -> None:
    days = source()["Parameters"]["OldVersionDays"]["MinValue"]

    assert days >= source()["Parameters"]["JobsRetentionDays"]["MinValue"]


def test_access_to_photos_is_logged() -> None:
    buckets = properties_of("AWS::S3::Bucket")
    logs = buckets["AccessLogsBucket"]["BucketName"]
    recorded = {name: b["LoggingConfiguration"] for name, b in buckets.items() if "LoggingConfiguration" in b}
    (allowed,) = [s for _, s in to_services() if s["Principal"] == {"Service": "logging.s3.amazonaws.com"}]

    assert set(buckets) - set(recorded) == {"AccessLogsBucket"}
    assert {each["DestinationBucketName"] for each in recorded.values()} == {logs}
    assert len({each["LogFilePrefix"] for each in recorded.values()}) == len(recorded)
    assert allowed["Resource"] == f"arn:aws:s3:::{logs}/*"
    sources = condition_keys(allowed)["aws:SourceArn"]
    assert sources == [f"arn:aws:s3:::{buckets[name]['BucketName']}" for name in recorded]


@pytest.mark.parametrize("name", ["IntakeBucket", "OrdersBucket", "JobsBucket", "AccessLogsBucket"])
def test_a_buckets_name_fits_with_the_longest_stack_name(name: str) -> None:
    """28 characters, as docs/deploy.md says: S3 allows 63."""
    bucket_name = STACK.resources[name]["Properties"]["BucketName"]
    open_to_us = ("aws", "aws-cn", "aws-eusc", "aws-us-gov")  # the isolated partitions have longer names
    regions = [region for p in open_to_us for region in get_session().get_available_regions("s3", p)]

    longest = bucket_name.replace("bintally", "s" * 28).replace("us-east-1", max(regions, key=len))
    assert len(longest) <= 63


def test_every_bucket_requires_tls() -> None:
    refusing = {}
    for policy in properties_of("AWS::S3::BucketPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            if condition_keys(statement) == {"aws:SecureTransport": "false"} and statement["Effect"] == "Deny":
                refusing[policy["Bucket"]] = statement

    for name, bucket in properties_of("AWS::S3::Bucket").items():
        arn = f"arn:aws:s3:::{bucket['BucketName']}"
        statement = refusing[bucket["BucketName"]]
        assert (statement["Principal"], statement["Action"]) == ("*", "s3:*"), name
        assert sorted(statement["Resource"]) == [arn, f"{arn}/*"], name


def test_only_the_desk_uploads_photos_from_a_browser() -> None:
    """And it may read which version S3 has made of a photo."""
    (rule,) = STACK.resources["IntakeBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]

    assert (rule["AllowedMethods"], rule["AllowedHeaders"]) == (["PUT"], ["content-type"])
    assert rule["ExposedHeaders"] == ["x-amz-version-id"]
    (origin,) = rule["AllowedOrigins"]
    assert origin.startswith("https://") and "execute-api" in origin and "*" not in origin
