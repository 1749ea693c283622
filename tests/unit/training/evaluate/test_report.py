import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from binlab.data.synthetic import draw_bin
from binlab.evaluate.charts import plots_of
from binlab.evaluate.predictions import OTHER_SPLIT, Predictions
from binlab.evaluate.report import evaluation_page, worst

from tests.unit.training.evaluate.examples import figures_of, guesses, image, predictions_of


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


@pytest.mark.parametrize(
    "predictions",
    [
        guesses(1, 120),
        guesses(1, 120, outside=False),
        predictions_of([1, 3, 5, 9], [[0.2, 0.2, 0.2, 0.3, 0.1]] * 4),
        predictions_of([1], [[1, 0, 0, 0, 0]]),
    ],
    ids=["all that there is", "in range only", "without empty, over_range, interval", "one photo, all right"],
)
def test_the_report_of_any_model_is_self_contained(predictions: Predictions) -> None:
    figures = figures_of(predictions)
    plots = plots_of(json.loads(json.dumps(figures)))
    page = Tags(evaluation_page(figures, plots, [], []))

    assert page.open == []
    assert len(page.sources) == len(plots)
    assert all(source.startswith("data:image/") for source in page.sources)
    assert all(plot.startswith(b"\x89PNG") for plot in plots.values())
    assert "m@1 <i>" in page.text
    assert ("Prediction intervals with nominal coverage" in page.text) == (predictions.intervals is not None)
    assert ("out-of-range" in plots) == (not predictions.in_range.all())


def test_the_report_warns_of_another_split_and_shows_rekognition() -> None:
    predictions = guesses(1, 60)
    row = {name: 0.25 for name in ("accuracy", "balanced_accuracy", "within_one", "mae", "rmse_count")}
    beside = {"images": 7, "mean_instances": 2.0, "without_any": 0.5, "rekognition": row, "model": row}
    figures = figures_of(predictions, split_as_in_training=False, rekognition=beside)
    page = Tags(evaluation_page(figures, plots_of(figures), [], []))

    assert OTHER_SPLIT in page.text
    assert "the 7 photos sent to Rekognition" in page.text


def test_the_worst_mistakes_are_the_most_confident_wrong_ones(tmp_path: Path) -> None:
    predictions = predictions_of([1, 1, 2, 2], [[0.1, 0.9], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])
    images = [image(number, count, tmp_path) for number, count in enumerate(predictions.counts)]
    for each in images:
        draw_bin(each.count, int(each.id), side=400).save(each.path)
    found = worst(predictions, images, np.ones(4, bool), 5)

    assert [(each.id, each.recorded, each.counted, each.confidence) for each in found] == [
        ("0", 1, 2, 0.9),
        ("2", 2, 1, 0.7),
    ]
    assert all(each.thumbnail.startswith("data:image/jpeg;base64,") for each in found)
    assert max(len(each.thumbnail) for each in found) < 30_000
