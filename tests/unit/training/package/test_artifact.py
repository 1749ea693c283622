import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from binlab.package.artifact import CODE, describe, described, write_bundle
from binmodel.artifact import ArtifactError, sha256, shipped


def artifact(folder: Path) -> Path:
    folder.mkdir()
    (folder / "network.int8.onnx").write_bytes(b"weights")
    (folder / "LICENSE").write_text("# For tests only\n")
    (folder / "MODEL_CARD.md").write_text("# resnet50@1\n")
    (folder / "notes.txt").write_text("not part of it\n")
    description = {
        "architecture": "resnet50", "version": "1", "classes": [1, 2], "input_size": 32, "mean": [0], "std": [1],
        "temperature": 1, "weights": {"network.int8.onnx": sha256(folder / "network.int8.onnx")},
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(description))
    return folder


def test_a_bundle_has_the_model_and_its_serving_code(tmp_path: Path) -> None:
    with tarfile.open(write_bundle(artifact(tmp_path / "model"), tmp_path / "out" / "model.tar.gz")) as archive:
        names = archive.getnames()
        assert archive.extractfile("network.int8.onnx").read() == b"weights"  # type: ignore[union-attr]

    assert names == sorted(names)
    assert {"model.json", "LICENSE", "MODEL_CARD.md", "code/inference.py", "code/serve.py"} < set(names)
    assert {f"code/binmodel/{path.name}" for path in (CODE / "binmodel").glob("*.py")} < set(names)
    assert "notes.txt" not in names
    assert not any("__pycache__" in name for name in names)


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    model = artifact(tmp_path / "model")
    first = write_bundle(model, tmp_path / "a.tar.gz").read_bytes()
    for path in model.iterdir():
        os.utime(path, (1, 1))
    model.chmod(0o700)

    assert write_bundle(model, tmp_path / "b.tar.gz").read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "b.tar.gz", "model"]


@pytest.mark.skipif(not (shipped() / "model.json").exists(), reason="the shipped model is not there yet")
def test_a_description_that_is_read_and_written_again_keeps_its_version(tmp_path: Path) -> None:
    """As package.py does with --artifact, which replaces the volume alone."""
    model = json.loads((shipped() / "model.json").read_text())
    serving, facts = described(shipped())
    for name in ("network.int8.onnx", "LICENSE"):
        (tmp_path / name).symlink_to(shipped() / name)
    describe(tmp_path, {**serving, "volume": model["volume"]}, **{**facts, "metrics": model["metrics"]})

    assert "volume" not in serving
    assert "volume" not in facts["metrics"]
    assert json.loads((tmp_path / "model.json").read_text()) == model


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        write_bundle(tmp_path, tmp_path / "model.tar.gz")


@pytest.mark.skipif(not (shipped() / "model.json").exists(), reason="the shipped model is not there yet")
def test_an_unpacked_bundle_counts(tmp_path: Path) -> None:
    with tarfile.open(write_bundle(shipped(), tmp_path / "model.tar.gz")) as archive:
        archive.extractall(tmp_path / "model", filter="data")
    probe = "import inference, binmodel; print(inference.model_fn('..').model, binmodel.__file__)"
    path = {**os.environ, "PYTHONPATH": str(tmp_path / "model" / "code")}
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=tmp_path / "model" / "code",
        env=path,
        capture_output=True,
        text=True,
        check=True,
    )

    name, module = done.stdout.split()
    assert name.startswith("resnet50@")
    assert module.startswith(str(tmp_path))
