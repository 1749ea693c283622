from pathlib import Path

import numpy as np
import pytest
from binlab.data.dataset import LabelledImage, data_hash
from binlab.data.synthetic import write_bin
from binlab.evaluate.predictions import read_predictions, same_split

from tests.unit.training.evaluate.examples import image, line

ROWS = [[0.7, 0.3], [0.4, 0.6]]


def test_lines_of_a_model_of_the_classes_alone() -> None:
    predictions, images, errors = read_predictions([line(row) for row in ROWS], [image(1, 1), image(2, 2)])

    assert (predictions.classes, errors) == ((1, 2), [])
    assert predictions.predicted.tolist() == predictions.counts.tolist() == [1, 2]
    assert predictions.confidence.tolist() == [0.7, 0.6]
    assert predictions.class_probabilities.tolist() == predictions.probabilities.tolist() == ROWS
    assert (predictions.intervals, predictions.nominal_coverage) == (None, None)
    assert [each.id for each in images] == ["1", "2"]


def test_lines_with_empty_over_range_and_interval() -> None:
    fields = {"empty": 0.1, "over_range": 0.3, "interval": {"low": 1, "high": None, "coverage": 0.9}}
    predictions, _, _ = read_predictions([line(row, **fields) for row in ROWS], [image(1, 0), image(2, 2)])

    assert predictions.in_range.tolist() == [False, True]
    assert predictions.class_probabilities.sum(1) == pytest.approx([0.6, 0.6])
    assert predictions.confidence == pytest.approx([0.7 * 0.6, 0.6 * 0.6])
    assert (predictions.intervals.tolist(), predictions.nominal_coverage) == ([[1, 3], [1, 3]], 0.9)  # type: ignore[union-attr]
    kept = predictions.where(predictions.in_range)
    assert (len(kept), kept.counts.tolist(), kept.intervals.tolist()) == (1, [2], [[1, 3]])  # type: ignore[union-attr]


def test_lines_with_a_volume() -> None:
    weights = {"count_weight": 1.1, "volume_weight": 0.6}
    volume = {"litres": 2.0, "low": 1.0, "high": 5.0, "coverage": 0.9, "log_sd": 0.6, **weights}
    known, _, _ = read_predictions([line(row, volume=volume) for row in ROWS], [image(1, 1), image(2, 2)])
    some, _, _ = read_predictions([line(ROWS[0], volume=volume), line(ROWS[1])], [image(1, 1), image(2, 2)])

    volumes = known.where(known.counts == 2).volumes
    assert volumes is not None
    assert [float(np.exp(each[0])) for each in (volumes.logs, volumes.low, volumes.high)] == pytest.approx([2, 1, 5])
    assert (volumes.log_sd.tolist(), volumes.weights) == ([0.6], (1.1, 0.6))
    assert some.volumes is None


def test_an_uncounted_photo_is_named_and_the_others_stay_in_order() -> None:
    broken = {"error": {"code": "corrupt_image", "message": "Damaged."}, "model": "m@1"}
    predictions, images, errors = read_predictions(
        [line(ROWS[0]), broken, line(ROWS[1])], [image(n, 1) for n in (7, 8, 9)]
    )

    assert errors == [{"id": "8", "code": "corrupt_image", "message": "Damaged."}]
    assert [each.id for each in images] == ["7", "9"]
    assert predictions.predicted.tolist() == [1, 2]


def test_without_any_count_there_are_no_figures() -> None:
    with pytest.raises(ValueError, match="None of the 1 photos"):
        read_predictions([{"error": {"code": "empty_file", "message": "Empty."}}], [image(1, 1)])


def test_the_training_split_is_recognised_by_its_hash(tmp_path: Path) -> None:
    for number, count in ((10, 2), (20, 0)):
        write_bin(tmp_path, number, count)
    images = [LabelledImage(f"{n:05}", tmp_path / "bin-images" / f"{n:05}.jpg", c, ()) for n, c in ((10, 2), (20, 0))]
    inside, both = {"train": images[:1]}, {"train": images}

    assert same_split({"sha256": data_hash(inside)}, both) is True
    assert same_split({"sha256": data_hash(both)}, both) is True
    assert same_split({"sha256": data_hash({"test": images})}, both) is False
    assert same_split({}, both) is None
