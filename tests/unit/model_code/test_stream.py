import json
import threading
from collections.abc import Iterator

import pytest
from binmodel.images import ImageError, Limits
from binmodel.predict import Prediction, Predictor
from binmodel.preprocess import Pixels
from binmodel.stream import predict_stream
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.model_code.sample_images import (
    COUNTS,
    artifact,
    grey_image,
    jpeg,
    light_predictor,
    lightness,
    wide_predictor,
)

FILES = {count: jpeg(grey_image(count)) for count in COUNTS}
PATIENCE = 30  # seconds, far more than a healthy machine needs


def summary(lines: Iterator[dict]) -> list[int | str]:
    return [line["error"]["code"] if "error" in line else line["count"] for line in lines]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([*COUNTS, 0]), max_size=60), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
def test_each_item_gets_its_line_in_order(items: list[int], readers: int, batch: int, at_once: int) -> None:
    predictor = Predictor(artifact(), lightness, at_once)
    lines = predict_stream(predictor, items, lambda c: FILES.get(c, b""), readers=readers, batch=batch)

    assert summary(lines) == [item or "empty_file" for item in items]


def test_a_line_has_count_confidence_probabilities_and_model() -> None:
    (line,) = predict_stream(light_predictor(), [4], FILES.__getitem__)

    assert list(line) == ["count", "confidence", "probabilities", "model"]
    assert (line["count"], line["model"]) == (4, "lightness@0123456789ab")
    assert line["confidence"] == line["probabilities"]["4"] > 0.9
    assert sum(line["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_a_line_has_all_fields_that_the_model_provides() -> None:
    (line,) = predict_stream(wide_predictor(), [5], FILES.__getitem__)

    assert list(line) == ["count", "confidence", "probabilities", "empty", "over_range", "interval", "model"]
    assert json.loads(json.dumps(line))["interval"] == {"low": 5, "high": 5, "coverage": 0.9}


def test_an_item_that_cannot_be_read_gives_one_error_line() -> None:
    def read(item: str) -> bytes:
        if item == "gone":
            raise FileNotFoundError(2, "No such file or directory")
        if item == "refused":
            raise ImageError("access_denied", "Not for you.")
        return FILES[3]

    lines = list(predict_stream(light_predictor(), ["fine", "gone", "refused", "fine"], read))

    assert summary(iter(lines)) == [3, "unreadable", "access_denied", 3]
    assert lines[1]["error"]["message"] == "The file cannot be read (No such file or directory)."
    assert lines[2] == {"error": {"code": "access_denied", "message": "Not for you."}, "model": lines[0]["model"]}


def test_a_bug_in_the_reader_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        list(predict_stream(light_predictor(), [1], lambda item: bytes(item // 0)))


def test_limits_are_applied() -> None:
    assert summary(predict_stream(light_predictor(), [2], FILES.get, limits=Limits(max_pixels=100))) == [
        "too_many_pixels"
    ]


def test_reading_continues_while_the_model_counts() -> None:
    """The model's first batch waits until further items have been read."""
    read_later = threading.Event()

    class Waiting(Predictor):
        def predict(self, pixels: Pixels) -> list[Prediction]:
            assert read_later.wait(PATIENCE), "nothing was read while the model was counting"
            return super().predict(pixels)

    def read(item: int) -> bytes:
        if item == 4:
            read_later.set()
        return FILES[3]

    assert len(list(predict_stream(Waiting(artifact(), lightness), range(8), read, readers=2, batch=4))) == 8


def test_items_are_read_concurrently() -> None:
    together = threading.Barrier(4, timeout=PATIENCE)

    def read(item: int) -> bytes:
        together.wait()
        return FILES[2]

    assert summary(predict_stream(light_predictor(), range(8), read, readers=4)) == [2] * 8


def test_as_many_batches_are_counted_concurrently_as_the_predictor_says() -> None:
    together = threading.Barrier(3, timeout=PATIENCE)

    class Meeting(Predictor):
        def predict(self, pixels: Pixels) -> list[Prediction]:
            together.wait()
            return super().predict(pixels)

    lines = predict_stream(Meeting(artifact(), lightness, 3), [1, 2, 3, 4, 5, 1], FILES.__getitem__, batch=1)

    assert summary(lines) == [1, 2, 3, 4, 5, 1]


def test_items_are_read_on_demand_and_only_a_little_ahead() -> None:
    requested = 0

    def endless() -> Iterator[int]:
        nonlocal requested
        while True:
            requested += 1
            yield 1

    lines = predict_stream(light_predictor(), endless(), FILES.__getitem__, readers=3, batch=4)
    assert requested == 0
    for seen in range(1, 101):
        next(lines)
        assert requested <= seen + 3 + 4 * (1 + 3)
    lines.close()


def test_no_thread_remains_when_the_caller_stops_early() -> None:
    lines = predict_stream(light_predictor(), range(1000), lambda _: FILES[5], readers=3)
    next(lines)
    lines.close()

    assert [thread.name for thread in threading.enumerate() if thread.name.startswith(("image", "count"))] == []
