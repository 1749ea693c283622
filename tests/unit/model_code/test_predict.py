from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from binmodel.artifact import ArtifactError, Conformal, shipped
from binmodel.predict import Interval, Predictor, counted, softmax
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.model_code.sample_images import (
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


def test_each_image_gets_its_most_probable_count() -> None:
    predictions = light_predictor().predict(grey(5, 1, 3))

    assert [prediction.count for prediction in predictions] == [5, 1, 3]
    for prediction in predictions:
        assert prediction.confidence == max(prediction.probabilities.values())
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_temperature_above_one_lowers_the_confidence_in_the_same_count() -> None:
    sure, unsure = (Predictor(replace(artifact(), temperature=t), lightness).predict(grey(4))[0] for t in (1, 3))

    assert sure.count == unsure.count == 4
    assert sure.confidence > unsure.confidence + 0.05


def test_biases_move_the_probabilities_and_no_biases_change_nothing() -> None:
    plain, moved = (
        Predictor(replace(artifact(), biases=b), lightness).predict(grey(4))[0] for b in ((), (99, 0, 0, 0, 0))
    )

    assert (plain.count, moved.count) == (4, 1)
    assert Predictor(replace(artifact(), biases=(0, 0, 0, 0, 0)), lightness).predict(grey(4))[0] == plain


def test_a_model_has_as_many_biases_as_outputs_or_none() -> None:
    with pytest.raises(ValueError, match="2 biases for 5 outputs"):
        replace(artifact(), biases=(1, 2))


def test_fields_that_the_model_does_not_provide_are_omitted() -> None:
    (prediction,) = light_predictor().predict(grey(2))

    assert (prediction.empty, prediction.over_range, prediction.interval) == (None, None, None)
    assert list(prediction.fields()) == ["count", "confidence", "probabilities"]


def test_confidence_accounts_for_outputs_out_of_range() -> None:
    for prediction in wide_predictor().predict(grey(1, 3, 5)):
        assert prediction.empty is not None
        assert prediction.over_range is not None
        inside = 1 - prediction.empty - prediction.over_range
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert prediction.confidence == pytest.approx(
            prediction.probabilities[str(prediction.count)] * inside, abs=1e-6
        )
    one, three, five = wide_predictor().predict(grey(1, 3, 5))
    assert one.empty == pytest.approx(1 / 6, abs=0.01)
    assert five.over_range == pytest.approx(1 / 6, abs=0.01)
    assert (three.empty, three.over_range) == (pytest.approx(0, abs=0.01), pytest.approx(0, abs=0.01))


def test_an_interval_can_extend_out_of_range() -> None:
    one, three, five = (prediction.interval for prediction in wide_predictor().predict(grey(1, 3, 5)))

    assert (one, three, five) == (Interval(1, 1, 0.9), Interval(3, 3, 0.9), Interval(5, 5, 0.9))
    surer = replace(wide_predictor().artifact, conformal=Conformal(0.99, 0.9))
    one, three, five = (each.interval for each in Predictor(surer, out_of_range).predict(grey(1, 3, 5)))
    assert (one, three, five) == (Interval(0, 1, 0.99), Interval(3, 3, 0.99), Interval(5, None, 0.99))


def test_an_empty_bin_has_a_count_of_zero() -> None:
    def empty(batch: np.ndarray) -> np.ndarray:
        return np.tile(np.float32([2000, 3, 2, 1, 0, 0, 0]), (len(batch), 1))

    (prediction,) = Predictor(wide_predictor().artifact, empty).predict(grey(1))

    assert (prediction.count, prediction.confidence, prediction.empty) == (0, 1.0, 1.0)
    assert prediction.interval == Interval(0, 0, 0.9)
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_bin_over_range_has_at_least_and_no_count() -> None:
    def over_range(batch: np.ndarray) -> np.ndarray:
        return np.tile(np.log(np.float32([0.01, 0.01, 0.01, 0.01, 0.01, 0.03, 0.92])), (len(batch), 1))

    (prediction,) = Predictor(wide_predictor().artifact, over_range).predict(grey(1))
    fields = prediction.fields()

    assert (fields["count"], fields["at_least"], fields["confidence"]) == (None, 6, pytest.approx(0.92))
    assert fields["interval"] == {"low": 6, "high": None, "coverage": 0.9}
    assert fields["over_range"] == pytest.approx(0.92)


@settings(deadline=None)
@given(
    st.lists(st.integers(-40, 40).map(lambda tenths: tenths / 10), min_size=7, max_size=7),
    st.integers(0, 99).map(lambda hundredths: hundredths / 100),
    st.sampled_from([(0, 7), (0, 6), (1, 7), (1, 6)]),
)
def test_the_count_is_always_in_its_interval(logits: list[float], mass: float, part: tuple[int, int]) -> None:
    """For any probabilities, including ties, and any outputs of the network."""
    kept = slice(*part)
    outputs = tuple(range(7))[kept]
    wide = replace(wide_predictor().artifact, outputs=outputs, conformal=Conformal(0.9, mass))
    (said,) = Predictor(wide, lambda batch: np.float32([logits[kept]])).predict(grey(1))

    number = said.at_least if said.count is None else said.count
    assert number is not None
    assert (said.count is None) is not (said.at_least is None)
    assert (number == 6) is (said.at_least == 6)
    assert number == outputs[int(np.argmax(logits[kept]))]
    assert said.interval is not None
    assert said.interval.low <= number
    assert said.interval.high is None or number <= said.interval.high <= 5


def test_softmax_of_large_logits_is_finite() -> None:
    assert softmax(np.array([[1000.0, 1000.0, -1000.0]], np.float32)).tolist() == [[0.5, 0.5, 0.0]]


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        Predictor.load(tmp_path)


@needs_model
def test_the_shipped_model_gives_the_same_result_alone_in_a_batch_and_in_threads() -> None:
    predictor = Predictor.load(shipped(), threads=1)
    pixels = np.random.default_rng(0).integers(0, 256, (4, predictor.input_size, predictor.input_size, 3), np.uint8)
    together = predictor.predict(pixels)
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda index: predictor.predict(pixels[index : index + 1])[0], range(4)))

    assert alone == together


@needs_model
def test_the_shipped_model_names_itself() -> None:
    predictor = Predictor.load(shipped(), threads=1)

    assert predictor.model == f"resnet50@{predictor.artifact.version}"
    assert predictor.artifact.classes == (1, 2, 3, 4, 5)
    assert predictor.artifact.metrics["int8"]["test"]["balanced_accuracy"] >= 0.41
    assert predictor.artifact.metrics["volume"]["test"]["r2"] >= 0.65
    assert (shipped() / "MODEL_CARD.md").read_text().startswith(f"# {predictor.model}")
    assert "non-commercial" in (shipped() / "LICENSE").read_text().lower()


def test_the_count_is_the_most_probable_one() -> None:
    rows = np.array([[0.4, 0.1, 0.1, 0.1, 0.3], [0.2, 0.2, 0.6, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]])

    assert counted(rows).tolist() == [0, 2, 4]
