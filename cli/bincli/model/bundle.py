"""A model bundle: the model.tar.gz that SageMaker unpacks into the container."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from binmodel.artifact import Artifact, ArtifactError, load_artifact, model_to_serve, sha256

MAX_BYTES = 2 * 1024**3  # unpacked


@dataclass(frozen=True)
class Bundle:
    """A bundle that the container can serve. `digest` is the SHA-256 of the file, in hex."""

    path: Path
    digest: str
    artifact: Artifact


def read_bundle(path: Path) -> Bundle:
    """Check a bundle as the container does when it starts: layout, description, and the hash of each weights file.

    Raises ArtifactError.
    """
    with unpacked(path) as artifact:
        return Bundle(path, sha256(path), artifact)


@contextmanager
def unpacked(path: Path) -> Iterator[Artifact]:
    """The model in a bundle, or in a folder, for as long as the context lasts. Raises ArtifactError."""
    if path.is_dir():
        yield _checked(path)
        return
    with TemporaryDirectory() as folder:
        _extract(path, Path(folder))
        yield _checked(Path(folder))


def _checked(folder: Path) -> Artifact:
    artifact = load_artifact(model_to_serve(folder) if any(folder.iterdir()) else folder)
    if not artifact.weights:
        raise ArtifactError(f"{folder}: the model description names no weights.")
    for file in artifact.weights:
        artifact.verified(file)
    return artifact


def _extract(path: Path, folder: Path) -> None:
    """Unpack regular files that stay inside of `folder`."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            members = archive.getmembers()
            if sum(member.size for member in members) > MAX_BYTES:
                raise ArtifactError(f"{path} is larger than {MAX_BYTES / 1024**3:.0f} GiB unpacked.")
            archive.extractall(folder, members, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ArtifactError(f"{path} is not a model.tar.gz that can be unpacked: {error}.") from error
