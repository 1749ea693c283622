import boto3
import pytest
from binlocal.sagemaker.storage import AwsStorage
from botocore.stub import Stubber


@pytest.fixture
def s3():
    return boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_all_pages_of_objects_are_listed(s3):
    asked = {"Bucket": "jobs", "Prefix": "in/"}
    first = {"IsTruncated": True, "NextContinuationToken": "more", "Contents": [{"Key": "in/1"}]}
    with Stubber(s3) as stubber:
        stubber.add_response("list_objects_v2", first, asked)
        stubber.add_response("list_objects_v2", {"Contents": [{"Key": "in/2"}]}, {**asked, "ContinuationToken": "more"})

        assert AwsStorage(s3, None).list_prefix("s3://jobs/in/") == ["s3://jobs/in/1", "s3://jobs/in/2"]


def test_a_missing_bucket_has_no_objects(s3):
    with Stubber(s3) as stubber:
        stubber.add_client_error("list_objects_v2", "NoSuchBucket")

        assert AwsStorage(s3, None).list_prefix("s3://jobs/in/") == []
