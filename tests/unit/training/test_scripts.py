"""The recipe from end to end, on synthetic bins: train, go on from there, package, evaluate, serve."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from binlab.data.dataset import read_split
from binlab.data.synthetic import draw_bin, write_bin
from binmodel.network import build_network
from binmodel.predict import Predictor
from binmodel.preprocess import squash
from safetensors.torch import save_file

from tests.unit.training.scripts import Scripts


def run(scripts: Scripts, script: str, *arguments: object) -> str:
    done = scripts.run(script, *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def made_artifact(scripts: Scripts, data: Path, work: Path) -> Path:
    """An artifact of a network trained for two epochs in two runs, with float weights for the torch backend."""
    imagenet, first, second = work / "imagenet.safetensors", work / "first", work / "second"
    torch.manual_seed(0)
    save_file(build_network(1000).state_dict(), imagenet)
    (work / "LICENSE").write_text("# For tests only\n\nNothing else.\n")
    common = ["--data", data, "--cache", work / "cache"]
    run(scripts, "train.py", *common, "--weights", imagenet, "--out", first, "--stages", "1x32", "--batch", 16)
    run(scripts, "train.py", *common, "--start", first, "--out", second, "--stages", "1x48", "--batch", 16)
    run(
        scripts, "package.py", *common, "--model", first, second, "--out", work / "artifact", "--sizes", 48, 64,
        "--methods", "minmax", "minmax-average", "--quantization-images", 16, "--licence", work / "LICENSE",
        "--keep-float",
    )  # fmt: skip
    return work / "artifact"


def check_description(data: Path, artifact: Path) -> None:
    model = json.loads((artifact / "model.json").read_text())
    sizes = {side: len(images) for side, images in read_split(data).items()}

    assert model["input_size"] in (48, 64)
    assert model["quantization"]["method"] in ("minmax", "minmax-average")
    assert ["--stages 1x32" in model["recipe"]["runs"][0], "--stages 1x48" in model["recipe"]["runs"][1]] == [
        True,
        True,
    ]
    assert model["recipe"]["averaged"] == 2
    assert {side: model["data"][side] for side in sizes} == sizes
    assert (model["starting_weights"], model["licence"]) == ("imagenet.safetensors", "For tests only")
    assert str(artifact.parent) not in (artifact / "model.json").read_text(), "it names a path of this machine"
    for precision in ("int8", "float"):
        for side in ("validation", "test"):
            assert model["metrics"][precision][side]["images"] == sizes[side]


def check_card(artifact: Path) -> None:
    model = json.loads((artifact / "model.json").read_text())
    card = (artifact / "MODEL_CARD.md").read_text()

    assert card.startswith(f"# resnet50@{model['version']}")
    assert f"| balanced accuracy | {model['metrics']['int8']['test']['balanced_accuracy']:.3f} |" in card
    assert model["data"]["sha256"] in card
    assert "Empty bins" in card
    assert (artifact / "LICENSE").read_text().startswith("# For tests only")


def check_evaluation(scripts: Scripts, data: Path, artifact: Path) -> None:
    """Through the code that serves, from files to predictions, the figures are those of the artifact."""
    found = json.loads(
        run(
            scripts,
            "evaluate.py",
            "--data",
            data,
            "--model",
            artifact,
            "--out",
            artifact.parent / "evaluation",
            "--json",
        )
    )
    stated = json.loads((artifact / "model.json").read_text())["metrics"]["int8"]["test"]

    assert found["model"] == Predictor.load(artifact, threads=1).model
    for name in ("balanced_accuracy", "balanced_log_loss", "images"):
        assert found[name] == pytest.approx(stated[name], abs=2e-3)


def check_backends(artifact: Path) -> None:
    int8, float32 = (Predictor.load(artifact, backend, threads=1) for backend in ("onnx", "torch"))
    pixels = np.stack([squash(draw_bin(1 + seed % 5, seed), int8.input_size) for seed in range(16)])
    of_int8, of_float = (
        np.array([list(prediction.probabilities.values()) for prediction in predictor.predict(pixels)])
        for predictor in (int8, float32)
    )

    assert abs(of_int8 - of_float).max() < 0.1
    assert abs(of_int8 - of_float).mean() < 0.02


def test_from_photos_to_an_artifact_that_serves(tmp_path: Path, scripts: Scripts) -> None:
    data = tmp_path / "bins"
    for number in range(44):
        write_bin(data, 10 * number, 1 + number % 5)
    artifact = made_artifact(scripts, data, tmp_path)

    check_description(data, artifact)
    check_card(artifact)
    check_evaluation(scripts, data, artifact)
    check_backends(artifact)
