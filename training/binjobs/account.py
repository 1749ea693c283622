"""The session that jobs are sent with, and the one that sends nothing."""

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
NOBODY: Params = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
NOWHERE = "arn:aws:sagemaker:nowhere:000000000000:model-package/rehearsal/1"
UPLOADS = ("PutObject", "CreateMultipartUpload")
# Given directly, so that no configuration of this machine or account changes a request.
CONFIG = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}


class BucketError(Exception):
    """The bucket of --output does not exist."""


class Rehearsal:
    """Notes what would be sent, after botocore has checked it against the service model, and sends nothing."""

    def __init__(self) -> None:
        self.uploads: Counter[tuple[str, str | None]] = Counter()
        self.requests: list[Params] = []

    def note(self, params: Params, model: Any, **_: Any) -> None:
        if model.name in UPLOADS:
            folder = params["Key"].rpartition("/")[0]
            self.uploads[f"s3://{params['Bucket']}/{folder}", params.get("SSEKMSKeyId")] += 1
        elif model.name.startswith("Create"):
            self.requests.append({"operation": model.name, "parameters": copy.deepcopy(params)})

    @staticmethod
    def answer(params: Params, model: Any, **_: Any) -> tuple[AWSResponse, Params]:
        """What AWS might say, as far as the SDK looks at it: SageMaker repeats the request, the rest is empty."""
        said: Params = {"Buckets": [], "UploadId": "nothing", "ETag": "nothing"}
        if model.service_model.service_name == "sagemaker":
            said = {"ModelPackageArn": NOWHERE, "ModelPackageGroupSummaryList": [], **json.loads(params["body"])}
        return AWSResponse("", 200, HTTPHeaders(), None), said

    def as_json(self) -> Params:
        """The requests, and how many files would go into which folder, encrypted with which key."""
        uploads = [{"folder": folder, "files": files, "kms_key": key} for (folder, key), files in self.uploads.items()]
        return {"uploads": uploads, "requests": self.requests}


def open_session(region: str, output: str, kms_key: str | None = None, rehearsal: Rehearsal | None = None) -> Session:
    """A session whose uploads go under `output` (s3://bucket/prefix), encrypted with `kms_key` where there is one.

    Creates no bucket (raises BucketError instead) and reports nothing to the SDK's makers.
    """
    # The SDK would refuse a role that may not do all that any job could need: a role of least privilege.
    os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # the SDK imports MLflow later, which reports on its own
    boto = boto3.Session(region_name=region, **(NOBODY if rehearsal else {}))
    boto.events.register("before-call.s3.CreateBucket", _refuse_bucket)
    if kms_key:
        for operation in UPLOADS:
            boto.events.register(f"provide-client-params.s3.{operation}", _encrypted_with(kms_key))
    if rehearsal:
        boto.events.register("before-parameter-build", rehearsal.note)
        boto.events.register("before-call", cast("Any", rehearsal.answer))
    place = urlparse(output)
    return Session(
        boto, default_bucket=place.netloc, default_bucket_prefix=place.path.strip("/") or None, sagemaker_config=CONFIG
    )


def uploaded(session: Session, path: Path, below: str) -> str:
    """Upload a file to `below` in the session's place; where it lies then, as s3://bucket/key."""
    prefix = "/".join(part for part in (session.default_bucket_prefix, below) if part)
    return str(session.upload_data(str(path), session.default_bucket(), prefix))


def added_to(session: Session, operation: str, additions: Mapping[str, Params]) -> None:
    """Each request of this operation gets `additions` (section -> keys) as well: what the SDK has no argument for."""

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
    raise BucketError(f"There is no bucket for --output ({params['url']}): create it, or correct --output.")
