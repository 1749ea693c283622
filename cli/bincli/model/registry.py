"""SageMaker's Model Registry: the group that `training/jobs.py register` writes to and a person approves in.

Which package a stack runs, since when, and what it replaced is noted in the package itself. A rollback finds it there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bintally.domain.times import iso

from bincli.errors import CommandError
from bincli.model.bundle import Bundle

APPROVED = "Approved"
MAX_PACKAGES = 50
CONTENT_TYPES = ["application/jsonlines", "image/jpeg", "image/png"]
RESPONSE_TYPES = ["application/jsonlines", "application/json"]
INSTANCE_TYPES = ["ml.c6i.xlarge", "ml.c6i.2xlarge"]
HEADLINE = ("balanced_accuracy", "balanced_rmse_expected", "balanced_within_one", "balanced_ece")
MAX_LENGTH, INVALID = 256, re.compile(r"[^\w.:/=+@-]")  # of a metadata value
DIGEST = "bundle_sha256"


@dataclass(frozen=True)
class Package:
    """One version of a model in the registry. `created` is ISO 8601."""

    arn: str
    number: int
    status: str
    image: str
    location: str
    created: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The version of the artifact."""
        return self.metadata.get("version", "")

    @property
    def is_approved(self) -> bool:
        return self.status == APPROVED

    def deployed_at(self, stack: str) -> str:
        """When the stack got it last (ISO 8601); "" if never."""
        return self.metadata.get(f"deployed_{stack}", "")

    def replaced_in(self, stack: str) -> str:
        """What it replaced there: the number of a package, or the image whose own weights were used; "" if unknown."""
        return self.metadata.get(f"replaced_{stack}", "")


class Registry:
    """The packages of one group."""

    def __init__(self, sagemaker: Any, group: str) -> None:
        self._sagemaker = sagemaker
        self.group = group

    def packages(self) -> list[Package]:
        """The newest `MAX_PACKAGES`, newest first; none if there is no such group."""
        if not self._exists():
            return []
        pages = self._sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=self.group,
            SortBy="CreationTime",
            SortOrder="Descending",
            PaginationConfig={"MaxItems": MAX_PACKAGES},
        )
        arns = [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]
        return sorted(map(self._read, arns), key=lambda package: -package.number)

    def find(self, name: str) -> Package:
        """The package with this number, or the newest with this artifact version. Raises CommandError."""
        packages = self.packages()
        for package in packages:
            if name in (str(package.number), package.version, package.arn):
                return package
        known = ", ".join(f"{package.number} ({package.version})" for package in packages) or "none"
        raise CommandError(f"The registry's group {self.group} has no model {name}. It has: {known}.")

    def register(self, bundle: Bundle, location: str, image: str) -> Package:
        """Enter a bundle, pending approval by a person; the package that has it already, if there is one."""
        for package in self.packages():
            if (package.location, package.image) == (location, image):
                return package
        if not self._exists():
            self._sagemaker.create_model_package_group(
                ModelPackageGroupName=self.group,
                ModelPackageGroupDescription="Counts the items in photos of warehouse bins (bintally)",
            )
        created = self._sagemaker.create_model_package(
            ModelPackageGroupName=self.group,
            ModelPackageDescription=f"Counts items in photos of bins, version {bundle.artifact.version}",
            InferenceSpecification=specification(image, location),
            ModelApprovalStatus="PendingManualApproval",
            CustomerMetadataProperties=metadata_of(bundle),
            Domain="COMPUTER_VISION",
            Task="IMAGE_CLASSIFICATION",
        )
        return self._read(created["ModelPackageArn"])

    def note_deployment(self, package: Package, stack: str, now: datetime, replaced: str = "") -> None:
        """Note that a stack runs the package, and what it replaced, if that is known."""
        notes = {f"deployed_{stack}": iso(now)} | ({f"replaced_{stack}": replaced} if replaced else {})
        self._sagemaker.update_model_package(
            ModelPackageArn=package.arn, CustomerMetadataProperties={**self._read(package.arn).metadata, **notes}
        )

    def _exists(self) -> bool:
        pages = self._sagemaker.get_paginator("list_model_package_groups").paginate(NameContains=self.group)
        names = (each["ModelPackageGroupName"] for page in pages for each in page["ModelPackageGroupSummaryList"])
        return self.group in names

    def _read(self, arn: str) -> Package:
        found = self._sagemaker.describe_model_package(ModelPackageName=arn)
        (container, *_) = found["InferenceSpecification"]["Containers"]
        return Package(
            arn=arn,
            number=int(found["ModelPackageVersion"]),
            status=found["ModelApprovalStatus"],
            image=container["Image"],
            location=container.get("ModelDataUrl", ""),
            created=iso(found["CreationTime"]),
            metadata=found.get("CustomerMetadataProperties") or {},
        )


def specification(image: str, location: str) -> dict[str, Any]:
    return {
        "Containers": [{"Image": image, "ModelDataUrl": location}],
        "SupportedContentTypes": CONTENT_TYPES,
        "SupportedResponseMIMETypes": RESPONSE_TYPES,
        "SupportedTransformInstanceTypes": INSTANCE_TYPES,
        "SupportedRealtimeInferenceInstanceTypes": INSTANCE_TYPES,
    }


def metadata_of(bundle: Bundle) -> dict[str, str]:
    """What the person who approves wants to see: version, data, licence, test figures; and the hash of the bundle."""
    artifact = bundle.artifact
    test = artifact.metrics.get("int8", {}).get("test", {})
    facts = {
        "version": artifact.version,
        "architecture": artifact.architecture,
        "input_size": artifact.input_size,
        "data_sha256": artifact.data.get("sha256", ""),
        "licence": artifact.licence,
        **{name: test[name] for name in HEADLINE if name in test},
        DIGEST: bundle.digest,
    }
    texts = {name: " ".join(INVALID.sub(" ", str(value)).split())[:MAX_LENGTH] for name, value in facts.items()}
    return {name: text for name, text in texts.items() if text}


def running(packages: Sequence[Package], parameters: Mapping[str, str]) -> Package | None:
    """The package that a stack with these parameters runs; None if it uses the weights inside its image, or others."""
    location = parameters.get("ModelDataUrl")
    return next((package for package in packages if location and package.location == location), None)
