from __future__ import annotations

import json
import random

import pytest
from bintally.domain.image import Image
from bintally.domain.intervals import Interval
from bintally.domain.manifest import Prediction, PredictionError, build_manifest, parse_manifest, parse_output
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.functions.examples import (
    HOSTILE_KEYS,
    MODEL,
    TWO_LITRES,
    keys,
    make_image,
    make_images,
    prediction,
    refusal,
)

NOT_ANSWERS = [
    "",
    "null",
    "[]",
    "{}",
    "17",
    "not JSON",
    '{"image_id": "a"}',
    '{"image_id": "a", "count": 3}',
    '{"image_id": "a", "error": "text"}',
    '{"image_id": "a", "error": {"code": "x"}}',
    '{"image_id": ["a"], "error": {"code": "x", "message": "y"}}',
    '{"image_id": "a", "count": "many", "confidence": 0.5, "probabilities": {"1": 0.5}}',
    '{"image_id": "a", "count": 1, "confidence": "sure", "probabilities": {"1": 0.5}}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": [0.5]}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"one": 0.5}}',
    '{"image_id": "a", "count": 1, "confidence": NaN, "probabilities": {"1": 0.5}}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"1": NaN, "2": 0.5}}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"1": Infinity}}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"1": 0.5}, "empty": NaN}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"1": 0.5}, "over_range": "perhaps"}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"1": 0.5}, "interval": [1, 2]}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"1": 0.5}, "interval": {"low": 1}}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"1": 0.5},'
    ' "interval": {"low": 2, "high": 1, "coverage": 0.9}}',
    # What contradicts itself.
    '{"image_id": "a", "count": null, "confidence": 0.5, "probabilities": {"1": 1}}',
    '{"image_id": "a", "count": null, "at_least": 2, "confidence": 0.5, "probabilities": {"1": 1}}',
    '{"image_id": "a", "count": null, "at_least": 3, "confidence": 0.5, "probabilities": {"1": 1}, "over_range": 0.9}',
    '{"image_id": "a", "count": 1, "at_least": 2, "confidence": 0.5, "probabilities": {"1": 1}, "over_range": 0.9}',
    '{"image_id": "a", "count": 2, "confidence": 0.5, "probabilities": {"1": 1}, "over_range": 0.9}',
    '{"image_id": "a", "count": 0, "confidence": 0.5, "probabilities": {"1": 1}}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {}}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"1": 0.5, "2": 0.5},'
    ' "interval": {"low": 2, "high": 2, "coverage": 0.9}}',
    '{"image_id": "a", "count": 1, "confidence": 0.5, "probabilities": {"1": 1}, "over_range": 0.4,'
    ' "interval": {"low": 1, "high": 2, "coverage": 0.9}}',
]
# Each is a valid line except for one value, which no table can store or no model can mean.
OUT_OF_RANGE = [
    {"count": 10**40},
    {"count": -1},
    {"count": True},
    {"confidence": 1.01},
    {"confidence": -0.01},
    {"confidence": 1e300},
    {"probabilities": {"3": 1.0, str(10**40): 0.0}},
    {"probabilities": {"-3": 1.0}},
    {"probabilities": {"2": -0.5, "3": 1.5}},
    {"probabilities": {"2": 0.9, "3": 0.9}},
    {"probabilities": {"3": 0.2}},
    {"probabilities": {str(count): 1 / 2000 for count in range(2000)}},
    {"empty": 1.5},
    {"empty": -1e-9},
    {"empty": 0.8, "over_range": 0.8},
    {"over_range": 10**40},
    {"count": None, "over_range": 0.9, "at_least": 10**40},
    {"interval": {"low": 1, "high": 10**40, "coverage": 0.9}},
    {"interval": {"low": 10**40, "high": None, "coverage": 0.9}},
    {"interval": {"low": 1, "high": 3, "coverage": 10**40}},
    {"model": "m" * 10_000},
    {"model": "\ud800"},
]


@given(st.lists(keys.map(make_image), max_size=5, unique_by=lambda image: image.key))
def test_a_manifest_has_one_line_for_each_image_for_any_keys(images: list[Image]) -> None:
    manifest = build_manifest(images)
    records = [json.loads(line) for line in manifest.split("\n")[:-1]]

    assert {record["uri"] for record in records} == {image.uri for image in images}
    assert sorted(parse_manifest(manifest)) == sorted(image.image_id for image in images)
    assert [set(record) for record in records] == [{"image_id", "uri", "version_id"}] * len(images)


def test_a_manifest_does_not_depend_on_the_order_of_images() -> None:
    images = [make_image(key) for key in HOSTILE_KEYS]
    shuffled = random.Random(1).sample(images, len(images))

    assert build_manifest(shuffled).encode() == build_manifest(images).encode()


def test_a_manifest_has_the_version_or_null() -> None:
    unversioned = Image("intake", "k", None, "00", "", "bin")

    assert json.loads(build_manifest([make_image(version="v1")]))["version_id"] == "v1"
    assert json.loads(build_manifest([unversioned]))["version_id"] is None


def test_results_are_predictions_and_errors() -> None:
    one, other = make_images(2)
    output = f"{json.dumps(prediction(one, 3))}\n{json.dumps(refusal(other, 'too_small', 'Too small.'))}\n"

    answers = parse_output(output)

    assert answers[one.image_id] == Prediction(
        3, 0.9, {1: 0.01, 2: 0.04, 3: 0.9, 4: 0.04, 5: 0.01}, "resnet50@0123456789ab"
    )
    assert answers[other.image_id] == PredictionError("too_small", "Too small.", "resnet50@0123456789ab")


def test_a_prediction_may_have_over_range_and_an_interval() -> None:
    image = make_image()
    more = {"empty": 0.02, "over_range": 0.01, "interval": {"low": 2, "high": 3, "coverage": 0.9}}

    answer = parse_output(json.dumps(prediction(image, **more)))[image.image_id]

    assert isinstance(answer, Prediction)
    assert (answer.empty, answer.over_range, answer.interval) == (0.02, 0.01, Interval(2, 3, 0.9))


def test_a_prediction_may_be_empty_or_over_range() -> None:
    image, more = make_image(), {"empty": 0.3, "over_range": 0.6}
    beyond = {"at_least": 6, "interval": {"low": 5, "high": None, "coverage": 0.9}}

    none = parse_output(json.dumps(prediction(image, 0, **more)))[image.image_id]
    many = parse_output(json.dumps(prediction(image, None, **more, **beyond)))[image.image_id]

    assert isinstance(none, Prediction)
    assert isinstance(many, Prediction)
    assert (none.count, none.at_least) == (0, None)
    assert (many.count, many.at_least, many.interval) == (None, 6, Interval(5, None, 0.9))


def test_a_prediction_may_have_a_volume() -> None:
    image = make_image()

    answer = parse_output(json.dumps(prediction(image, volume=TWO_LITRES.facts())))[image.image_id]

    assert isinstance(answer, Prediction)
    assert (answer.volume, answer.volume_fault) == (TWO_LITRES, "")


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ([2.0], "volume is not an object"),
        ("two litres", "volume is not an object"),
        ({"litres": 2.0}, "low is missing"),
        (TWO_LITRES.facts() | {"litres": float("nan")}, "litres is nan, and not from 0.001 to 1e+06"),
        (TWO_LITRES.facts() | {"log_sd": 0}, "log_sd is 0.0, and not from 0.001 to 10"),
        (TWO_LITRES.facts() | {"high": "\ud800" * 5_000}, "could not convert string to float: "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_volume_is_ignored_and_the_count_is_kept(wrong: object, fault: str) -> None:
    image = make_image()

    answer = parse_output(json.dumps(prediction(image, volume=wrong)))[image.image_id]

    assert isinstance(answer, Prediction)
    assert (answer.count, answer.volume) == (3, None)
    assert answer.volume_fault.startswith(fault)
    assert len(answer.volume_fault) <= 1_000


def test_optional_fields_of_a_prediction_may_be_missing() -> None:
    image = make_image()
    more = {"empty": None, "over_range": None, "interval": None, "volume": None}

    answer = parse_output(json.dumps(prediction(image, **more)))[image.image_id]

    assert answer == parse_output(json.dumps(prediction(image)))[image.image_id]


@given(st.data())
def test_a_truncated_output_keeps_its_complete_lines(data: st.DataObject) -> None:
    images = make_images(3)
    lines = [json.dumps(prediction(image), ensure_ascii=False) for image in images]
    output = "\n".join(lines)
    cut = data.draw(st.integers(0, len(output)))

    answers = parse_output(output[:cut])

    whole = [image for number, image in enumerate(images, 1) if len("\n".join(lines[:number])) <= cut]
    assert list(answers) == [image.image_id for image in whole]


@pytest.mark.parametrize("line", NOT_ANSWERS)
def test_an_invalid_line_is_omitted_and_affects_no_other(line: str) -> None:
    image = make_image()
    good = json.dumps(prediction(image))

    assert list(parse_output(f"{line}\n{good}\n{line}")) == [image.image_id]


@pytest.mark.parametrize("wrong", OUT_OF_RANGE, ids=lambda wrong: repr(wrong)[:40])
def test_a_count_out_of_range_is_not_a_result(wrong: dict[str, object]) -> None:
    image, other = make_images(2)

    answers = parse_output(f"{json.dumps(prediction(image) | wrong)}\n{json.dumps(prediction(other))}")

    assert list(answers) == [other.image_id]


def test_a_prediction_error_is_truncated() -> None:
    image, other = make_images(2)
    endless = refusal(image, message="x" * 500_000 + "\ud800") | {"image_id": image.image_id}
    nameless = refusal(other, code="c" * 10_000)

    answers = parse_output(f"{json.dumps(endless)}\n{json.dumps(nameless)}")

    assert list(answers) == [image.image_id]
    assert answers[image.image_id] == PredictionError("corrupt_image", "x" * 1_000, MODEL)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x1c", "\x0b", "\r"])
def test_only_a_line_feed_ends_a_line(mark: str) -> None:
    image = make_image()
    line = json.dumps(refusal(image, message=f"one{mark}two"), ensure_ascii=False)

    assert parse_output(f"{line}\n")[image.image_id] == PredictionError("corrupt_image", f"one{mark}two", MODEL)


def test_deep_nesting_affects_no_other_line() -> None:
    image = make_image()
    good = json.dumps(prediction(image))

    assert list(parse_output(f"{'[' * 200_000}\n{good}\n")) == [image.image_id]


@settings(max_examples=50)
@given(st.text())
def test_parsing_an_output_never_raises(output: str) -> None:
    assert isinstance(parse_output(output), dict)


def test_unknown_fields_are_ignored() -> None:
    image = make_image()
    line = json.dumps(prediction(image) | {"seconds": 0.2, "extra": {"nested": []}})

    assert parse_output(line)[image.image_id] == parse_output(json.dumps(prediction(image)))[image.image_id]
