import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from binlab.data.dataset import Photo, data_hash
from binlab.evaluate.answers import Answers
from binlab.evaluate.charts import drawn
from binlab.evaluate.evaluation import confusion, evaluation
from binlab.evaluate.mistakes import worst
from binlab.evaluate.page import evaluation_page
from binlab.evaluate.provenance import OTHER_SPLIT, same_split
from binlab.evaluate.verdicts import Thresholds
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.training.answering import answers_of, guesses, numbers, photo
from tests.unit.training.bins import draw, write_bin

NAMED = {"model": "m@1 <i>", "backend": "onnx", "side": "test", "unreadable": [], "split_as_in_training": True}


def figures_of(answers: Answers, **named: object) -> dict:  # type: ignore[type-arg]
    learnt = np.array([1, 2, 3, 3, 4, 5])
    return {**NAMED, "rekognition": None, **evaluation(answers, learnt, Thresholds()), **named}


class Tags(HTMLParser):
    """What a page refers to, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name == "src"]
        if tag not in ("img", "br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_bins_out_of_range_are_in_no_figure_of_the_counts() -> None:
    answers = guesses(3, 200)
    all_of_them, inside = figures_of(answers), figures_of(answers.where(answers.in_range))

    for name in ("accuracy", "balanced_rmse_expected", "per_class", "calibration", "risk_coverage", "intervals"):
        assert all_of_them[name] == inside[name]
    assert inside["out_of_range"] is None
    assert all_of_them["confusion"]["recorded"] == [0, 1, 2, 3, 4, 5, 6]


def test_limits_are_around_the_shares() -> None:
    figures = figures_of(guesses(3, 200))

    for name in ("accuracy", "balanced_accuracy"):
        low, high = figures[f"{name}_interval"]
        assert 0 < low < figures[name] < high < 1


@settings(max_examples=10)
@given(st.integers(0, 9))
def test_the_order_of_the_photographs_does_not_matter(seed: int) -> None:
    answers = guesses(seed, 60)
    turned = answers.where(np.random.default_rng(seed).permutation(len(answers)))

    assert numbers(figures_of(turned)) == pytest.approx(numbers(figures_of(answers)), abs=1e-9)


def test_the_confusion_of_five_by_hand() -> None:
    sure = np.eye(3)
    found = confusion(answers_of([1, 1, 3, 0, 7], [sure[0], sure[1], sure[2], sure[0], sure[2]]))

    assert found["recorded"] == [0, 1, 3, 4]
    assert found["counted"] == [1, 2, 3]
    assert found["photographs"] == [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]]


def test_without_a_photograph_in_range_there_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="no photograph"):
        evaluation(answers_of([0], [[0.5, 0.5]]), np.array([1]), Thresholds())


@pytest.mark.parametrize(
    "answers",
    [
        guesses(1, 120),
        guesses(1, 120, outside=False),
        answers_of([1, 3, 5, 9], [[0.2, 0.2, 0.2, 0.3, 0.1]] * 4),
        answers_of([1], [[1, 0, 0, 0, 0]]),
    ],
    ids=["all that there is", "in range only", "without empty, fuller, interval", "one photograph, all right"],
)
def test_the_page_of_any_model_needs_nothing_beside_it(answers: Answers) -> None:
    figures = figures_of(answers)
    plots = drawn(json.loads(json.dumps(figures)))
    page = Tags(evaluation_page(figures, plots, [], []))

    assert page.open == []
    assert len(page.sources) == len(plots)
    assert all(source.startswith("data:image/") for source in page.sources)
    assert all(plot.startswith(b"\x89PNG") for plot in plots.values())
    assert "m@1 <i>" in page.text
    assert ("Intervals that promise" in page.text) == (answers.spans is not None)
    assert ("out-of-range" in plots) == (not answers.in_range.all())


def test_the_page_warns_of_another_split_and_shows_rekognition() -> None:
    answers = guesses(1, 60)
    row = {name: 0.25 for name in ("accuracy", "balanced_accuracy", "within_one", "mae", "rmse_count")}
    beside = {"photographs": 7, "mean_instances": 2.0, "without_any": 0.5, "rekognition": row, "model": row}
    figures = figures_of(answers, split_as_in_training=False, rekognition=beside)
    page = Tags(evaluation_page(figures, drawn(figures), [], []))

    assert OTHER_SPLIT in page.text
    assert "the 7 photographs that Rekognition was asked about" in page.text


def test_the_worst_mistakes_are_the_most_confident_wrong_ones(tmp_path: Path) -> None:
    answers = answers_of([1, 1, 2, 2], [[0.1, 0.9], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])
    photos = [photo(number, count, tmp_path) for number, count in enumerate(answers.counts)]
    for each in photos:
        draw(each.count, int(each.id), side=400).save(each.path)
    found = worst(answers, photos, np.ones(4, bool), 5)

    assert [(each.id, each.recorded, each.counted, each.confidence) for each in found] == [
        ("0", 1, 2, 0.9),
        ("2", 2, 1, 0.7),
    ]
    assert all(each.picture.startswith("data:image/jpeg;base64,") for each in found)
    assert max(len(each.picture) for each in found) < 30_000


def test_the_split_that_a_model_learnt_from_is_known_by_its_hash(tmp_path: Path) -> None:
    for number, count in ((10, 2), (20, 0)):
        write_bin(tmp_path, number, count)
    photos = [Photo(f"{n:05}", tmp_path / "bin-images" / f"{n:05}.jpg", c, ()) for n, c in ((10, 2), (20, 0))]
    inside, both = {"train": photos[:1]}, {"train": photos}

    assert same_split({"sha256": data_hash(inside)}, both) is True
    assert same_split({"sha256": data_hash(both)}, both) is True
    assert same_split({"sha256": data_hash({"test": photos})}, both) is False
    assert same_split({}, both) is None
