"""The ECR repository that holds the model container."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from bincli.errors import CommandError

# SageMaker takes this kind of manifest. It refuses the index that a current Docker pushes by default.
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class Repository:
    """A repository: its name and its address without a tag."""

    name: str
    uri: str
    created: bool


@dataclass(frozen=True)
class Login:
    """What `docker login` needs for a registry. Valid for 12 hours."""

    registry: str
    user: str
    password: str


def ensure_repository(ecr: Any, name: str) -> Repository:
    """The repository, created with scanning and immutable tags if there is none."""
    try:
        found = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
        return Repository(name, found["repositoryUri"], created=False)
    except ecr.exceptions.RepositoryNotFoundException:
        made = ecr.create_repository(
            repositoryName=name,
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
        )
        return Repository(name, made["repository"]["repositoryUri"], created=True)


def login_of(ecr: Any) -> Login:
    (data,) = ecr.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return Login(data["proxyEndpoint"].removeprefix("https://"), user, password)


def pushed_digest(ecr: Any, repository: str, tag: str) -> str | None:
    """The digest of the image with this tag; None if there is none.

    Raises CommandError if the image has a form that SageMaker refuses.
    """
    try:
        (found,) = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    except ecr.exceptions.ImageNotFoundException:
        return None
    media_type = found.get("imageManifestMediaType", MANIFEST)
    if media_type != MANIFEST:
        raise CommandError(
            f"{repository}:{tag} is in ECR as {media_type}, which SageMaker refuses. Push it under another --tag."
        )
    return str(found["imageDigest"])
