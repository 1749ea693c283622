import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from binlab.evaluate.baselines import (
    PUBLISHED,
    constants,
    count_of,
    guess_figures,
    overlap,
    rekognition_figures,
    request_for,
    responses,
    sample,
)
from botocore.stub import Stubber

from tests.unit.training.evaluate.examples import image, predictions_of

CLASSES = (1, 2, 3)
COUNTS = np.array([1, 1, 1, 3])


def test_the_constant_baseline() -> None:
    common, mean = constants(COUNTS, np.array([2, 2, 2, 1, 1, 1, 3, 2]), CLASSES)

    assert (common["name"], mean["name"]) == (
        "always 2, the most common count in training",
        "always 1.75, the mean count in training",
    )
    assert (common["accuracy"], common["within_one"], common["mae"]) == (0, 1, 1)
    assert common["bias"] == pytest.approx((1 + 1 + 1 - 1) / 4)
    assert mean["rmse_expected"] == pytest.approx(np.sqrt((3 * 0.75**2 + 1.25**2) / 4))
    assert mean["rmse_count"] == pytest.approx(1)


def test_every_class_weighs_the_same_in_balanced_figures() -> None:
    figures = guess_figures([1, 1, 2, 3], COUNTS, CLASSES)

    assert figures["accuracy"] == pytest.approx(3 / 4)
    assert figures["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert figures["balanced_mae"] == pytest.approx((1 / 3 + 0) / 2)


def test_published_figures_name_their_source_and_their_classes() -> None:
    assert all(row["source"].startswith("https://") and row["classes"] in (5, 6) for row in PUBLISHED)


# ---- Amazon Rekognition

RECORDED = Path(__file__).with_name("rekognition")
RESPONSES = {path.stem: json.loads(path.read_text()) for path in sorted(RECORDED.glob("*.json"))}
LEFT = {"Left": 0.0, "Top": 0.0, "Width": 0.4, "Height": 0.5}


@pytest.fixture
def service() -> Iterator[tuple[Any, Stubber]]:
    """boto3's client, whose stub holds requests and responses against the service's own model."""
    client = boto3.client(
        "rekognition", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    with Stubber(client) as stub:
        yield client, stub


def test_a_repeated_label_counts_once_and_containers_do_not() -> None:
    """Two boxes, one of them a package as well, and a bottle; a doubtful one and the shelf are left out."""
    assert count_of(RESPONSES["three-things"]) == 3
    assert count_of(RESPONSES["nothing-with-a-box"]) == 0


def test_overlap_is_the_shared_part() -> None:
    assert overlap(LEFT, LEFT) == pytest.approx(1)
    assert overlap(LEFT, {**LEFT, "Left": 0.2}) == pytest.approx(0.1 / 0.3)
    assert overlap(LEFT, {**LEFT, "Left": 0.5}) == 0
    assert overlap({**LEFT, "Width": 0.0}, {**LEFT, "Width": 0.0}) == 0


def test_results_are_not_requested_again(tmp_path: Path, service: tuple[Any, Stubber]) -> None:
    client, stub = service
    images = [image(1, 3, tmp_path), image(2, 1, tmp_path)]
    for each, response in zip(images, RESPONSES.values(), strict=True):
        each.path.write_bytes(b"image " + each.id.encode())
        stub.add_response("detect_labels", response, request_for(each.path.read_bytes()))
    file = tmp_path / "rekognition.jsonl"

    first = [count_of(response) for _, response in responses(lambda: client, images, file)]
    with file.open("a") as cut:
        cut.write('{"id": "3", "sha2')
    again = [count_of(response) for _, response in responses(lambda: pytest.fail("asked"), images, file)]

    assert first == again == [count_of(response) for response in RESPONSES.values()]
    stub.assert_no_pending_responses()


def test_a_changed_photo_is_requested(tmp_path: Path, service: tuple[Any, Stubber]) -> None:
    client, stub = service
    one, file = image(1, 3, tmp_path), tmp_path / "rekognition.jsonl"
    for data in (b"first", b"second"):
        one.path.write_bytes(data)
        stub.add_response("detect_labels", RESPONSES["three-things"], request_for(data))
        assert len(list(responses(lambda: client, [one], file))) == 1
    stub.assert_no_pending_responses()


def test_the_sample_is_balanced_and_deterministic() -> None:
    images = [image(number, 1 if number < 20 else 2) for number in range(23)]
    chosen = sample(images, 6)

    assert sorted(each.count for each in chosen) == [1, 1, 1, 2, 2, 2]
    assert sample(images[::-1], 6) == chosen
    assert len(sample(images, 100)) == 23


def test_figures_are_of_the_photos_that_were_asked_about() -> None:
    predictions = predictions_of([1, 2, 3], [[1, 0, 0], [0, 0, 1], [0, 0, 1]])
    images = [image(number, number) for number in (1, 2, 3)]
    figures = rekognition_figures({"1": 0, "3": 14}, images, predictions)

    assert (figures["images"], figures["mean_instances"], figures["without_any"]) == (2, 7, 0.5)
    assert (figures["rekognition"]["accuracy"], figures["model"]["accuracy"]) == (1, 1)
