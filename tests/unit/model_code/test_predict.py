from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from binmodel.artifact import ArtifactError, Conformal, shipped
from binmodel.predict import Interval, Predictor, counted, softmax

from tests.unit.model_code.pictures import (
    SIZE,
    artifact,
    grey_of,
    light_predictor,
    lightness,
    out_of_range,
    wide_predictor,
)

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


def test_a_model_that_cannot_tell_says_nothing_of_it() -> None:
    (prediction,) = light_predictor().predict(grey(2))

    assert (prediction.empty, prediction.fuller, prediction.interval) == (None, None, None)
    assert list(prediction.fields()) == ["count", "confidence", "probabilities"]


def test_confidence_allows_for_empty_and_fuller_bins() -> None:
    for prediction in wide_predictor().predict(grey(1, 3, 5)):
        assert prediction.empty is not None
        assert prediction.fuller is not None
        inside = 1 - prediction.empty - prediction.fuller
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert prediction.confidence == pytest.approx(
            prediction.probabilities[str(prediction.count)] * inside, abs=1e-6
        )
    one, three, five = wide_predictor().predict(grey(1, 3, 5))
    assert one.empty == pytest.approx(1 / 6, abs=0.01)
    assert five.fuller == pytest.approx(1 / 6, abs=0.01)
    assert (three.empty, three.fuller) == (pytest.approx(0, abs=0.01), pytest.approx(0, abs=0.01))


def test_an_interval_reaches_out_of_range_where_the_count_may_lie_there() -> None:
    one, three, five = (prediction.interval for prediction in wide_predictor().predict(grey(1, 3, 5)))

    assert (one, three, five) == (Interval(1, 1, 0.9), Interval(3, 3, 0.9), Interval(5, 5, 0.9))
    surer = replace(wide_predictor().artifact, conformal=Conformal(0.99, 0.9))
    one, three, five = (each.interval for each in Predictor(surer, out_of_range).predict(grey(1, 3, 5)))
    assert (one, three, five) == (Interval(0, 1, 0.99), Interval(3, 3, 0.99), Interval(5, 6, 0.99))


def test_a_bin_that_is_surely_empty_is_no_confident_count() -> None:
    def empty(batch: np.ndarray) -> np.ndarray:
        return np.tile(np.float32([2000, 3, 2, 1, 0, 0, 0]), (len(batch), 1))

    (prediction,) = Predictor(wide_predictor().artifact, empty).predict(grey(1))

    assert (prediction.count, prediction.confidence, prediction.empty) == (1, 0.0, 1.0)
    assert prediction.interval == Interval(0, 0, 0.9)
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)


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


def test_the_count_is_the_most_probable_one() -> None:
    rows = np.array([[0.4, 0.1, 0.1, 0.1, 0.3], [0.2, 0.2, 0.6, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]])

    assert counted(rows).tolist() == [0, 2, 4]
