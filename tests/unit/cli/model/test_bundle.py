from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from bincli.model.bundle import read_bundle, unpacked
from binmodel.artifact import DESCRIPTION, ONNX_INT8, ArtifactError, sha256, shipped

from tests.unit.cli.model.account import write_bundle


def test_a_bundle_that_the_container_can_serve_has_its_version_and_hash(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "model.tar.gz", "abc123")

    bundle = read_bundle(path)

    assert (bundle.artifact.version, bundle.digest) == ("abc123", sha256(path))


def test_a_folder_is_a_model_too() -> None:
    with unpacked(shipped()) as artifact:
        assert (artifact.folder / DESCRIPTION).is_file()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({ONNX_INT8: b"other weights"}, "SHA-256 differs"),
        ({DESCRIPTION: b"{}"}, "not a valid model description"),
        ({DESCRIPTION: b"not json"}, "not a valid model description"),
        ({DESCRIPTION: json.dumps({"weights": {}}).encode()}, "not a valid model description"),
    ],
)
def test_a_bundle_that_the_container_would_refuse_is_refused(
    tmp_path: Path, files: dict[str, bytes], says: str
) -> None:
    path = write_bundle(tmp_path / "model.tar.gz", **files)

    with pytest.raises(ArtifactError, match=says):
        read_bundle(path)


def packed(path: Path, name: str, content: bytes = b"x") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (f"artifact/{DESCRIPTION}", "top level"),
        ("../outside", "can be unpacked"),
        ("/etc/outside", "top level"),
    ],
)
def test_a_bundle_of_another_layout_is_refused(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(ArtifactError, match=says):
        read_bundle(packed(tmp_path / "model.tar.gz", name))

    assert not (tmp_path.parent / "outside").exists()


def test_a_file_that_is_not_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(b"not an archive")

    with pytest.raises(ArtifactError, match="can be unpacked"):
        read_bundle(path)
