from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from binmodel.artifact import ArtifactError, shipped
from binmodel.predict import Predictor, softmax

from tests.unit.model_code.pictures import SIZE, artifact, grey_of, light_predictor, lightness

needs_model = pytest.mark.skipif(not (shipped() / "model.json").exists(), reason="the shipped model is not there yet")


def grey(*counts: int) -> np.ndarray:
    return np.stack([np.full((SIZE, SIZE, 3), grey_of(count), np.uint8) for count in counts])


def test_each_picture_gets_its_most_probable_count() -> None:
    predictions = light_predictor().predict(grey(5, 1, 3))

    assert [prediction.count for prediction in predictions] == [5, 1, 3]
    for prediction in predictions:
        assert prediction.confidence == max(prediction.probabilities.values())
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_temperature_above_one_makes_the_model_less_sure_of_the_same_count() -> None:
    sure, unsure = (Predictor(replace(artifact(), temperature=t), lightness).predict(grey(4))[0] for t in (1, 3))

    assert sure.count == unsure.count == 4
    assert sure.confidence > unsure.confidence + 0.05


def test_softmax_of_large_logits_is_finite() -> None:
    assert softmax(np.array([[1000.0, 1000.0, -1000.0]], np.float32)).tolist() == [[0.5, 0.5, 0.0]]


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        Predictor.load(tmp_path)


@needs_model
def test_the_shipped_model_answers_the_same_alone_in_a_batch_and_from_threads() -> None:
    predictor = Predictor.load(shipped(), threads=1)
    pixels = np.random.default_rng(0).integers(0, 256, (4, predictor.input_size, predictor.input_size, 3), np.uint8)
    together = predictor.predict(pixels)
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda index: predictor.predict(pixels[index : index + 1])[0], range(4)))

    assert alone == together


@needs_model
def test_the_shipped_model_says_what_it_is() -> None:
    predictor = Predictor.load(shipped(), threads=1)

    assert predictor.model == f"resnet50@{predictor.artifact.version}"
    assert predictor.artifact.classes == (1, 2, 3, 4, 5)
    assert predictor.artifact.metrics["int8"]["test"]["balanced_accuracy"] >= 0.41
    assert (shipped() / "MODEL_CARD.md").read_text().startswith(f"# {predictor.model}")
    assert "non-commercial" in (shipped() / "LICENSE").read_text().lower()
