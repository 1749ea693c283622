"""The Model Registry: a group with one model package for each artifact, pending approval by a person.

Requests use the session's own client: `ModelPackage.create` of sagemaker-core 2.27 rejects every inference
specification, because it expects another class of the same name (that of the model card).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binmodel.artifact import sha256
from sagemaker.core.helper.session_helper import Session

from binjobs.account import uploaded

CONTENT_TYPES, RESPONSE_TYPES = (
    ["application/jsonlines", "image/jpeg", "image/png"],
    ["application/jsonlines", "application/json"],
)
MAX_LENGTH, INVALID = 256, re.compile(r"[^\w.:/=+@-]")  # of a metadata value
HEADLINE = ("balanced_accuracy", "balanced_rmse_expected", "balanced_within_one", "balanced_ece")


def register(session: Session, options: argparse.Namespace, _: Path) -> str:
    """Upload bundle and metrics, and register them in the group `--group`. Returns the ARN of the package."""
    model = json.loads((options.artifact / "model.json").read_text())
    files = [path for path in (options.bundle, options.metrics) if path]
    places = {path: uploaded(session, path, f"models/{model['version']}") for path in files}
    _ensure_group(session, options.group)
    answer = session.sagemaker_client.create_model_package(
        ModelPackageGroupName=options.group,
        ModelPackageDescription=f"ResNet-50 that counts 1 to 5 items in a bin, version {model['version']}",
        InferenceSpecification=_inference_specification(options, places[options.bundle]),
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties=metadata(model, options.bundle),
        Domain="COMPUTER_VISION",
        Task="IMAGE_CLASSIFICATION",
        **({"ModelMetrics": _model_metrics(places[options.metrics])} if options.metrics else {}),
        **({"SecurityConfig": {"KmsKeyId": options.kms_key}} if options.kms_key else {}),
    )
    return str(answer["ModelPackageArn"])


def metadata(model: Mapping[str, Any], bundle: Path) -> dict[str, str]:
    """What a person approving the model wants to see, from model.json: version, data, licence, test figures.

    And the SHA-256 of the bundle: `bintally model deploy` refuses one that is not the one that was approved.
    """
    test = model["metrics"]["int8"]["test"]
    facts = {
        "version": model["version"], "architecture": model["architecture"], "input_size": model["input_size"],
        "data_sha256": model["data"]["sha256"], "licence": model["licence"],
        **{name: test[name] for name in HEADLINE if name in test}, "bundle_sha256": sha256(bundle),
    }  # fmt: skip
    return {name: " ".join(INVALID.sub(" ", str(value)).split())[:MAX_LENGTH] for name, value in facts.items()}


def _ensure_group(session: Session, name: str) -> None:
    client = session.sagemaker_client
    pages = client.get_paginator("list_model_package_groups").paginate(NameContains=name)
    if not any(
        group["ModelPackageGroupName"] == name for page in pages for group in page["ModelPackageGroupSummaryList"]
    ):
        client.create_model_package_group(
            ModelPackageGroupName=name,
            ModelPackageGroupDescription="Counts the items in photos of warehouse bins (bintally)",
        )


def _inference_specification(options: argparse.Namespace, bundle: str) -> dict[str, Any]:
    return {
        "Containers": [{"Image": options.image, "ModelDataUrl": bundle}],
        "SupportedContentTypes": CONTENT_TYPES,
        "SupportedResponseMIMETypes": RESPONSE_TYPES,
        "SupportedTransformInstanceTypes": options.instance_types,
        "SupportedRealtimeInferenceInstanceTypes": options.instance_types,
    }


def _model_metrics(place: str) -> dict[str, Any]:
    return {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": place}}}
