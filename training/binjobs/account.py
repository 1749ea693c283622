"""The SageMaker session of the jobs, and a dry run that sends nothing."""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlparse

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from sagemaker.core.helper.session_helper import Session

Params = dict[str, Any]
NO_CREDENTIALS: Params = {"aws_access_key_id": "dry-run", "aws_secret_access_key": "dry-run"}
DRY_RUN_ARN = "arn:aws:sagemaker:nowhere:000000000000:model-package/dry-run/1"
UPLOADS = ("PutObject", "CreateMultipartUpload")
# Passed explicitly, so that no local SageMaker configuration file changes a request.
CONFIG = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}


class BucketError(Exception):
    """The bucket of --output does not exist."""


class DryRun:
    """Records what would be sent, after botocore has validated it, and sends nothing."""

    def __init__(self) -> None:
        self.uploads: Counter[tuple[str, str | None]] = Counter()
        self.requests: list[Params] = []

    def record(self, params: Params, model: Any, **_: Any) -> None:
        if model.name in UPLOADS:
            folder = params["Key"].rpartition("/")[0]
            self.uploads[f"s3://{params['Bucket']}/{folder}", params.get("SSEKMSKeyId")] += 1
        elif model.name.startswith("Create"):
            self.requests.append({"operation": model.name, "parameters": copy.deepcopy(params)})

    @staticmethod
    def answer(params: Params, model: Any, **_: Any) -> tuple[AWSResponse, Params]:
        """A response with the fields that the SDK reads: SageMaker echoes the request, the rest is empty."""
        response: Params = {"Buckets": [], "UploadId": "dry-run", "ETag": "dry-run"}
        if model.service_model.service_name == "sagemaker":
            response = {
                "ModelPackageArn": DRY_RUN_ARN,
                "ModelPackageGroupSummaryList": [],
                **json.loads(params["body"]),
            }
        return AWSResponse("", 200, HTTPHeaders(), None), response

    def as_json(self) -> Params:
        """The requests, and for each upload folder the number of files and the KMS key."""
        uploads = [{"folder": folder, "files": files, "kms_key": key} for (folder, key), files in self.uploads.items()]
        return {"uploads": uploads, "requests": self.requests}


def open_session(region: str, output: str, kms_key: str | None = None, dry_run: DryRun | None = None) -> Session:
    """A session whose uploads go under `output` (s3://bucket/prefix), encrypted with `kms_key` if given.

    Creates no bucket (a request raises BucketError instead) and sends no telemetry.
    """
    # The SDK checks the role for every permission that any job could need, and so rejects a least-privilege role.
    os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # the SDK imports MLflow later, which has telemetry of its own
    boto = boto3.Session(region_name=region, **(NO_CREDENTIALS if dry_run else {}))
    boto.events.register("before-call.s3.CreateBucket", _refuse_bucket)
    if kms_key:
        for operation in UPLOADS:
            boto.events.register(f"provide-client-params.s3.{operation}", _encrypted_with(kms_key))
    if dry_run:
        boto.events.register("before-parameter-build", dry_run.record)
        boto.events.register("before-call", cast("Any", dry_run.answer))
    place = urlparse(output)
    return Session(
        boto, default_bucket=place.netloc, default_bucket_prefix=place.path.strip("/") or None, sagemaker_config=CONFIG
    )


def uploaded(session: Session, path: Path, below: str) -> str:
    """Upload a file to `below` under the session's prefix. Returns s3://bucket/key."""
    prefix = "/".join(part for part in (session.default_bucket_prefix, below) if part)
    return str(session.upload_data(str(path), session.default_bucket(), prefix))


def add_to_requests(session: Session, operation: str, additions: Mapping[str, Params]) -> None:
    """Add `additions` (section -> keys) to each request of this operation: keys that the SDK has no argument for."""

    def add(params: Params, **_: Any) -> None:
        for path, keys in additions.items():
            section = params
            for name in path.split("."):
                section = section[name]
            section.update(keys)

    session.boto_session.events.register(f"provide-client-params.sagemaker.{operation}", add)


def _encrypted_with(key: str) -> Callable[..., None]:
    def encrypt(params: Params, **_: Any) -> None:
        params.update(ServerSideEncryption="aws:kms", SSEKMSKeyId=key)

    return encrypt


def _refuse_bucket(params: Params, **_: Any) -> None:
    raise BucketError(f"The bucket of --output does not exist ({params['url']}). Create it, or correct --output.")
