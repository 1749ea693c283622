import json
from pathlib import Path

import pytest
from binmodel.artifact import ArtifactError, Conformal, load_artifact, model_to_serve, sha256, shipped

DESCRIPTION = {
    "architecture": "resnet50", "classes": [1, 2, 3], "input_size": 160, "mean": [0.5, 0.5, 0.5],
    "std": [0.2, 0.2, 0.2], "temperature": 1.25, "version": "abc123", "weights": {},
}  # fmt: skip


def write(folder: Path, **changes: object) -> Path:
    (folder / "model.json").write_text(json.dumps(DESCRIPTION | changes))
    return folder


def test_an_artifact_describes_the_input_of_its_weights(tmp_path: Path) -> None:
    artifact = load_artifact(write(tmp_path, data={"train": 10}))

    assert artifact.name == "resnet50@abc123"
    assert (artifact.classes, artifact.input_size, artifact.temperature) == ((1, 2, 3), 160, 1.25)
    assert artifact.data == {"train": 10}


def test_an_older_artifact_has_one_output_for_each_class_and_no_intervals(tmp_path: Path) -> None:
    artifact = load_artifact(write(tmp_path))

    assert artifact.outputs == artifact.classes
    assert artifact.conformal is None


def test_an_artifact_can_have_outputs_out_of_range_and_intervals(tmp_path: Path) -> None:
    conformal = {"coverage": 0.9, "mass": 0.8, "images": 1000, "method": "…", "assumes": "…"}
    artifact = load_artifact(write(tmp_path, outputs=[0, 1, 2, 3, 4], conformal=conformal))

    assert artifact.outputs == (0, 1, 2, 3, 4)
    assert artifact.conformal == Conformal(coverage=0.9, mass=0.8)


@pytest.mark.parametrize(
    "changes",
    [
        {"outputs": []},
        {"outputs": [2, 3, 4]},
        {"outputs": [3, 2, 1]},
        {"outputs": [1, 2, 3, 5]},
        {"outputs": [0, 1, 2, 3, 4, 5]},
        {"outputs": [0, 2, 3], "classes": [2, 3]},
        {"outputs": [1, 2, 3], "classes": [1, 3]},
        {"conformal": {"coverage": 0.9}},
        {"conformal": [0.9, 0.8]},
    ],
)
def test_invalid_outputs_and_intervals_are_rejected(tmp_path: Path, changes: dict) -> None:
    with pytest.raises(ArtifactError, match="not a valid model description"):
        load_artifact(write(tmp_path, **changes))


def test_weights_must_match_their_checksum(tmp_path: Path) -> None:
    weights = tmp_path / "network.int8.onnx"
    weights.write_bytes(b"weights")
    artifact = load_artifact(write(tmp_path, weights={weights.name: sha256(weights)}))

    assert artifact.verified(weights.name) == weights
    weights.write_bytes(b"other weights")
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.verified(weights.name)
    with pytest.raises(ArtifactError, match=r"has no network\.safetensors"):
        artifact.verified("network.safetensors")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"classes": 3}', "not json"])
def test_an_invalid_description_is_rejected(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.json").write_text(content)

    with pytest.raises(ArtifactError, match="not a valid model description"):
        load_artifact(tmp_path)


def test_a_folder_without_a_model_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no model in"):
        load_artifact(tmp_path)


def test_the_environment_can_name_another_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BINTALLY_MODEL", raising=False)
    assert shipped().parts[-2:] == ("model_code", "weights")
    monkeypatch.setenv("BINTALLY_MODEL", str(tmp_path))
    assert shipped() == tmp_path


def test_the_shipped_model_serves_where_sagemaker_has_unpacked_nothing(tmp_path: Path) -> None:
    assert model_to_serve(tmp_path / "absent") == shipped()
    assert model_to_serve(tmp_path) == shipped()


def test_the_unpacked_model_serves(tmp_path: Path) -> None:
    assert model_to_serve(write(tmp_path)) == tmp_path


def test_an_archive_with_a_folder_inside_is_refused_and_not_replaced_by_the_shipped_model(tmp_path: Path) -> None:
    (tmp_path / "artifact").mkdir()
    write(tmp_path / "artifact")

    with pytest.raises(ArtifactError, match=f"has files but no model.json; it is in {tmp_path / 'artifact'}") as caught:
        model_to_serve(tmp_path)
    assert "tar -czf model.tar.gz -C FOLDER ." in str(caught.value)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "network.int8.onnx").write_bytes(b"weights")

    with pytest.raises(ArtifactError, match=r"has files but no model\.json\. Pack"):
        model_to_serve(tmp_path)
