"""The volume on a prediction line: what a model states of its log litres, and what the functions can read."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from binmodel import volume
from binmodel.predict import Predictor
from binmodel.volume import VolumeCalibration, volume_calibration
from bintally.domain import volume as domain
from bintally.domain.manifest import Prediction, parse_output
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.model_code.sample_images import SIZE, artifact, lightness

CALIBRATION = VolumeCalibration(
    low=-2.0, high=1.0, coverage=0.9, log_sd=0.5, slope=0.0, centre=1.0, count_weight=0.9, volume_weight=0.4
)


def predictor(log_litres: float, calibration: VolumeCalibration = CALIBRATION) -> Predictor:
    """Counts lightness, and says this volume of every image."""

    def run(batch: np.ndarray) -> np.ndarray:
        return np.column_stack([lightness(batch), np.full(len(batch), log_litres, np.float32)])

    return Predictor(replace(artifact(), volume=calibration), run)


def test_the_column_after_the_outputs_is_the_volume() -> None:
    images = np.full((2, SIZE, SIZE, 3), 128, np.uint8)
    found = predictor(np.log(4.0)).predict(images)
    without = Predictor(artifact(), lightness).predict(images)

    assert [replace(each, volume=None) for each in found] == without
    assert found[0].fields()["volume"] == {
        "litres": pytest.approx(4.0, abs=1e-5),
        "low": pytest.approx(4 / np.e, abs=1e-5),
        "high": pytest.approx(4 * np.exp(0.5), abs=1e-5),
        "coverage": 0.9, "log_sd": 0.5, "count_weight": 0.9, "volume_weight": 0.4,
    }  # fmt: skip


@given(
    st.floats(-200, 200), st.floats(-1, 1), st.floats(0.001, 10), st.floats(-10, 0), st.floats(0, 10)
)  # fmt: skip
def test_the_functions_read_whatever_the_network_says(
    log_litres: float, slope: float, log_sd: float, low: float, high: float
) -> None:
    calibration = replace(CALIBRATION, slope=slope, log_sd=log_sd, low=low, high=high)
    (found,) = predictor(log_litres, calibration).predict(np.zeros((1, SIZE, SIZE, 3), np.uint8))
    line = {"image_id": "0" * 32, "model": "m@1", **found.fields()}
    parsed = parse_output(json.dumps(line))["0" * 32]

    assert isinstance(parsed, Prediction)
    assert parsed.volume is not None and found.volume is not None
    assert parsed.volume.facts() == asdict(found.volume)


def test_the_deviation_follows_the_estimate_within_limits() -> None:
    sloped = replace(CALIBRATION, slope=-0.5)

    found = [sloped.deviation(estimate) for estimate in (1.0, 2.0, 9.0, -9.0)]
    assert found == pytest.approx([0.5, 0.5 * np.exp(-0.5), 0.25, 1.0])
    assert sloped.volume(2.0).high == pytest.approx(np.exp(2.0 + found[1]), abs=1e-5)


def test_a_model_may_not_state_what_the_functions_refuse() -> None:
    names = ("MIN_LITRES", "MAX_LITRES", "MIN_SD", "MAX_SD", "MAX_WEIGHT")

    assert [getattr(volume, name) for name in names] == [getattr(domain, name) for name in names]


@pytest.mark.parametrize(
    "changes",
    [
        {"low": 0.1},
        {"high": -0.1},
        {"high": 19.0},
        {"slope": 2.0},
        {"coverage": 1.1},
        {"log_sd": 0.0},
        {"volume_weight": float("nan")},
    ],
    ids=str,
)
def test_nonsense_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"volume.{next(iter(changes))} is"):
        volume_calibration(asdict(CALIBRATION) | changes)


def test_a_description_may_have_none() -> None:
    assert volume_calibration(None) is None
    assert volume_calibration({**asdict(CALIBRATION), "penalty": 30.0}) == CALIBRATION
