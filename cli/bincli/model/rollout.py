"""From a package to the parameters of a stack, and back to what the stack ran before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bincli.errors import CommandError
from bincli.model.registry import DIGEST, Package, running
from bincli.model.store import digest_at

APPROVE = "aws sagemaker update-model-package --model-approval-status Approved --model-package-arn {arn}"


@dataclass(frozen=True)
class Rollout:
    """A model for a stack: a package, or with None the weights inside `image`."""

    package: Package | None
    image: str

    @property
    def parameters(self) -> dict[str, str]:
        """Those of template.yaml that choose the model. `bintally deploy` adds a ModelVersion."""
        return {"ModelImageUri": self.image, "ModelDataUrl": self.package.location if self.package else ""}

    @property
    def name(self) -> str:
        if self.package is None:
            return f"the weights inside {self.image}"
        return f"model {self.package.number} ({self.package.version})"


def rollout_of(package: Package, s3: Any, *, force: bool) -> Rollout:
    """Raises CommandError if nobody approved the package (unless `force`), or its bundle is not what was registered."""
    if not package.is_approved and not force:
        raise CommandError(
            f"Model {package.number} ({package.version}) is {package.status}: a person has to approve it first, in "
            f"SageMaker Studio or with `{APPROVE.format(arn=package.arn)}`. --force deploys it all the same."
        )
    registered = package.metadata.get(DIGEST)
    if registered and digest_at(s3, package.location) != registered:
        raise CommandError(f"{package.location} is not what was registered: its SHA-256 differs. Register it again.")
    return Rollout(package, package.image)


def replaced_by_it(packages: Sequence[Package], parameters: Mapping[str, str]) -> str:
    """What a rollout replaces in a stack with these parameters, for `Package.replaced_in`."""
    now = running(packages, parameters)
    if now:
        return str(now.number)
    return "" if parameters.get("ModelDataUrl") else parameters.get("ModelImageUri", "")


def previous(packages: Sequence[Package], parameters: Mapping[str, str], stack: str, s3: Any) -> Rollout:
    """What the stack ran before its model. Raises CommandError if that is not known or can't be deployed."""
    now = running(packages, parameters)
    before = now.replaced_in(stack) if now else ""
    if now is None or not before:
        raise CommandError(
            f"The registry does not say what {stack} ran before. Name a model: `bintally model deploy NUMBER`."
        )
    if not before.isdigit():
        return Rollout(None, before)
    for package in packages:
        if package.number == int(before):
            return rollout_of(package, s3, force=package.status != "Rejected")
    raise CommandError(f"Model {before}, which {stack} ran before, is no longer in the registry.")
