"""A network with outputs for bins out of range, packaged on synthetic bins: the artifact serves what it states."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from binlab.data.dataset import read_split
from binlab.data.synthetic import write_bin
from binlab.package.card import model_card
from binlab.train.network import WITH_OUT_OF_RANGE
from binmodel.artifact import shipped
from binmodel.network import build_network
from binmodel.predict import Predictor
from binmodel.stream import predict_stream
from safetensors.torch import save_file

from tests.unit.training.scripts import Scripts


def trained(folder: Path, outputs: tuple[int, ...], named: tuple[int, ...] | None = None) -> Path:
    """What train.py would have written, of a network that has learnt nothing."""
    torch.manual_seed(0)
    folder.mkdir()
    save_file(build_network(len(outputs)).state_dict(), folder / "network.safetensors")
    record = {"recipe": ["--seed 7"], "starting_weights": "none", "history": [], "outputs": named or outputs}
    (folder / "training.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory, scripts: Scripts) -> Iterator[dict[str, Any]]:
    work = tmp_path_factory.mktemp("package")
    for number in range(190):
        write_bin(work / "bins", 10 * number, number % 8)
    (work / "LICENSE").write_text("# For tests only\n")
    done = scripts.run(
        "package.py", "--data", work / "bins", "--cache", work / "cache", "--out", work / "artifact",
        "--licence", work / "LICENSE", "--model", trained(work / "model", WITH_OUT_OF_RANGE), "--sizes", 32,
        "--methods", "minmax",
        "--float-layers", "nothing", "first and last", "--quantization-images", 8,
        "--bundle", work / "out" / "model.tar.gz",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    model = json.loads((work / "artifact" / "model.json").read_text())
    yield {"work": work, "model": model, "card": (work / "artifact" / "MODEL_CARD.md").read_text()}


def test_the_description_names_the_outputs(packaged: dict[str, Any]) -> None:
    model = packaged["model"]

    assert (model["classes"], model["outputs"]) == ([1, 2, 3, 4, 5], list(WITH_OUT_OF_RANGE))
    assert model["conformal"]["coverage"] == 0.9
    assert 0 <= model["conformal"]["mass"] <= 1
    assert set(model["abstain"]) == {"confidence", "risk", "level"}
    assert model["quantization"]["float_layers"] in ("nothing", "first and last")
    assert model["volume"]["coverage"] == 0.9
    assert model["volume"]["images"] == model["metrics"]["volume"]["validation"]["images"] >= 19


def test_photos_out_of_range_are_counted_separately(packaged: dict[str, Any]) -> None:
    split = read_split(packaged["work"] / "bins")
    everything = read_split(packaged["work"] / "bins", lambda _: True)
    data, metrics = packaged["model"]["data"], packaged["model"]["metrics"]

    assert {side: data[side] for side in split} == {side: len(images) for side, images in split.items()}
    assert data["out_of_range"] == {side: len(everything[side]) - len(split[side]) for side in split}
    found = metrics["int8"]["test"]["out_of_range"]
    assert sum(each["images"] for each in found.values()) == data["out_of_range"]["test"] > 0
    for precision in ("int8", "float"):
        assert metrics[precision]["test"]["images"] == data["test"]
    lost = metrics["float"]["test"]["balanced_accuracy"] - metrics["int8"]["test"]["balanced_accuracy"]
    assert metrics["lost_by_int8"]["test"] == pytest.approx(lost, abs=2e-4)


def test_the_served_model_matches_its_metrics(packaged: dict[str, Any]) -> None:
    predictor = Predictor.load(packaged["work"] / "artifact", threads=1)
    images = read_split(packaged["work"] / "bins")["test"]
    lines = list(predict_stream(predictor, [image.path for image in images], Path.read_bytes))
    stated = packaged["model"]["metrics"]["int8"]["test"]
    ends = [(line["interval"]["low"], line["interval"]["high"] or 9) for line in lines]  # 9: no upper end
    held = [low <= image.count <= high for (low, high), image in zip(ends, images, strict=True)]
    correct = [line["count"] == image.count for line, image in zip(lines, images, strict=True)]
    weights = np.array([1 / sum(other.count == image.count for other in images) for image in images])

    assert np.average(held, weights=weights) == pytest.approx(stated["conformal"]["coverage"], abs=1e-3)
    assert np.average(correct, weights=weights) == pytest.approx(stated["balanced_accuracy"], abs=1e-3)
    for line in lines:
        assert line["volume"]["low"] < line["volume"]["litres"] < line["volume"]["high"]
        inside = 1 - line["empty"] - line["over_range"]
        of_classes = {int(count): inside * chance for count, chance in line["probabilities"].items()}
        chances = {0: line["empty"], **of_classes, None: line["over_range"]}
        assert line["confidence"] == pytest.approx(chances[line["count"]], abs=1e-5)


def test_the_card_states_what_is_guaranteed(packaged: dict[str, Any]) -> None:
    card, stated = packaged["card"], packaged["model"]["metrics"]["int8"]["test"]

    assert f"on the test photos {stated['conformal']['coverage']:.1%}" in card
    assert "exchangeable" in card
    assert "without volumes." in card
    assert len(packaged["model"]["metrics"]["certified"]) == 9
    assert "| empty bins |" in card
    assert f"holds {packaged['model']['metrics']['volume']['test']['coverage']:.1%} of the recorded volumes" in card
    assert "without checking `empty`" in card
    assert "{" not in card


def test_the_shipped_card_matches_the_shipped_description() -> None:
    description = json.loads((shipped() / "model.json").read_text())

    assert (shipped() / "MODEL_CARD.md").read_text() == model_card(description)


def test_the_bundle_contains_the_artifact(packaged: dict[str, Any]) -> None:
    assert (packaged["work"] / "out" / "model.tar.gz").stat().st_size > 1_000_000


def test_missing_outputs_of_the_network_are_reported(tmp_path: Path, scripts: Scripts) -> None:
    folder = trained(tmp_path / "model", WITH_OUT_OF_RANGE, named=(1, 2, 3, 4, 5))

    done = scripts.run("package.py", "--data", tmp_path, "--model", folder)

    assert done.returncode == 2
    assert "7 outputs, but training.json names (1, 2, 3, 4, 5)" in done.stderr
