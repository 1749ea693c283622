"""Building and pushing the model container with Docker."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bincli.errors import CommandError
from bincli.image.repository import Login, Repository, ensure_repository, login_of, pushed_digest
from bincli.programs import NOT_FOUND, Programs

PLATFORM = "linux/amd64"  # of every instance type that the template allows
TAG_LENGTH = 12
LEFT_OUT = {"__pycache__"}
BUILDX = "Install it: https://docs.docker.com/build/install-buildx (on Debian and Ubuntu, `apt install docker-buildx`)."


@dataclass(frozen=True)
class PushedImage:
    """An image in ECR. `uri` names it by digest; `built` is false if it was there already."""

    uri: str
    digest: str
    tag: str
    built: bool


def check_docker(programs: Programs) -> None:
    """Raises CommandError that says what Docker lacks here."""
    if programs.ask(["docker", "--version"]).code == NOT_FOUND:
        raise CommandError("docker not found. Install it: https://docs.docker.com/engine/install.")
    if programs.ask(["docker", "buildx", "version"]).code:
        raise CommandError(f"Docker's buildx plugin not found. {BUILDX}")
    if programs.ask(["docker", "info"]).code:
        raise CommandError("The Docker daemon doesn't answer. Start it (`systemctl start docker`, or Docker Desktop).")


def content_tag(folder: Path, base: str | None = None) -> str:
    """A tag for what is in `folder`: the same content has the same tag, on any machine."""
    content = hashlib.sha256((base or "").encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if LEFT_OUT.isdisjoint(name.parts) and not any(part.endswith(".egg-info") for part in name.parts):
            content.update(f"\0{name.as_posix()}\0{path.stat().st_size}\0".encode())
            content.update(path.read_bytes())
    return content.hexdigest()[:TAG_LENGTH]


def build_argv(folder: Path, name: str, base: str | None, *, push: bool) -> list[str]:
    """The build. Without provenance, SBOM and OCI media types it makes one plain manifest, as SageMaker wants it."""
    kind = "type=image" if push else "type=docker"
    output = f"{kind},name={name},oci-mediatypes=false" + (",push=true" if push else "")
    plain = ["--platform", PLATFORM, "--provenance=false", "--sbom=false"]
    argument = ["--build-arg", f"BASE_IMAGE={base}"] if base else []
    return ["docker", "buildx", "build", *plain, "--output", output, *argument, str(folder)]


def log_in(programs: Programs, login: Login) -> None:
    programs.run(
        ["docker", "login", "--username", login.user, "--password-stdin", login.registry], secret=login.password
    )


def push_image(
    programs: Programs, ecr: Any, folder: Path, repository: str, *, tag: str | None = None, base: str | None = None
) -> PushedImage:
    """Build the container of `folder` and push it, unless ECR has its tag. Raises CommandError."""
    tag = tag or content_tag(folder, base)
    place = ensure_repository(ecr, repository)
    if digest := pushed_digest(ecr, repository, tag):
        return _image(place, digest, tag, built=False)
    check_docker(programs)
    log_in(programs, login_of(ecr))
    programs.run(build_argv(folder, f"{place.uri}:{tag}", base, push=True))
    digest = pushed_digest(ecr, repository, tag)
    if digest is None:
        raise CommandError(f"{place.uri}:{tag} is not in ECR although the push succeeded. Run the command again.")
    return _image(place, digest, tag, built=True)


def _image(place: Repository, digest: str, tag: str, *, built: bool) -> PushedImage:
    return PushedImage(f"{place.uri}@{digest}", digest, tag, built)
