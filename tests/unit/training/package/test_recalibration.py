from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from binlab.package.calibration import Calibration, calibrate
from binlab.package.recalibration import (
    LEAST_IMAGES,
    compared,
    fit_half,
    label_weights,
    missing,
    recalibrate,
)
from binmodel.predict import softmax

from tests.unit.training.evaluate.examples import image
from tests.unit.training.scripts import Scripts

OUTPUTS = (0, 1, 2, 3, 4, 5, 6)
BIASES = np.array([0.0, 1.2, 0.0, 0.0, -1.2, 0.0, 0.0])


def site(number: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, 7) of a model that is twice too sure and sees 4 too often and 1 too seldom, and true counts (N,)."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (number, 7)) + np.where(np.isin(np.arange(7), (0, 6)), -3, 0)
    labels = (softmax((logits + BIASES) / 2).cumsum(1) < random.random((number, 1))).sum(1)
    return logits, labels


def test_what_the_site_differs_by_is_found() -> None:
    logits, counts = site(2_000)

    found = recalibrate(logits, counts, np.ones(len(counts)), OUTPUTS, risk=0.25)

    moved, temperature = np.array(found.biases), found.calibration.temperature
    more_of_1 = np.log((counts == 1).sum() / (counts == 4).sum())  # which is the site's, and no fault of the model
    assert (moved[1] - moved[4]) / temperature + more_of_1 == pytest.approx(1.2, abs=0.35)
    assert temperature == pytest.approx(2, rel=0.1)


def test_the_photos_that_were_not_fitted_on_are_told_better() -> None:
    logits, counts = site(1_000)
    found = recalibrate(logits, counts, np.ones(len(counts)), OUTPUTS, risk=0.25)
    other, truth = site(2_000, seed=1)

    before = Calibration(1.0, 0.9, None, 0.25, 0)
    figures = compared(other, other, truth, OUTPUTS, before, found)

    assert figures["after"]["balanced_log_loss"] < figures["before"]["balanced_log_loss"] - 0.1
    assert figures["after"]["interval_coverage"] > 0.87


def test_few_labels_of_a_site_like_any_other_change_little() -> None:
    logits, counts = site(4_000)
    logits = (logits + BIASES) / 2  # now the model is right
    few = slice(0, LEAST_IMAGES)

    found = recalibrate(logits[few], counts[few], np.ones(LEAST_IMAGES), OUTPUTS, risk=0.25)
    figures = compared(logits, logits, counts, OUTPUTS, calibrate(logits[few], counts[few], OUTPUTS, risk=0.25), found)

    assert figures["after"]["balanced_log_loss"] < figures["before"]["balanced_log_loss"] + 0.02


def test_classes_weigh_the_same_and_weights_count_within_one() -> None:
    counts = np.array([1, 1, 1, 2, 3, 4, 5, 0])

    even = label_weights(counts, np.array([2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0]))

    assert even.sum() == pytest.approx(1)
    assert even[:3].sum() == pytest.approx(even[3])
    assert even[0] == pytest.approx(2 * even[1])
    assert even[-1] == pytest.approx(0.2)


def test_half_of_the_images_is_chosen_by_their_ids_alone() -> None:
    images = [image(number, 3) for number in range(400)]

    half = fit_half(images)

    assert 150 < half.sum() < 250
    assert (fit_half(images[::-1])[::-1] == half).all()


def test_what_is_missing_is_named() -> None:
    assert missing(np.repeat([1, 2, 3, 4, 5], 40)) == ""
    said = missing(np.repeat([1, 2, 3, 4], 10))
    assert "40 labels of the 200 needed" in said
    assert "0 of 20 with 5" in said


def test_too_few_labels_are_refused(tmp_path: Path, scripts: Scripts) -> None:
    (tmp_path / "labels.csv").write_text("image,count,weight\n")

    done = scripts.run("recalibrate.py", "--data", tmp_path, "--out", tmp_path / "out")

    assert done.returncode == 2
    assert "0 labels of the 200 needed" in done.stderr
    assert not (tmp_path / "out").exists()
