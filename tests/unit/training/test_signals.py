import json
import re

import pytest
from binlab.train.signals import METRIC_DEFINITIONS, METRICS, OBJECTIVE, epoch_line, read_epoch
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.floats(-1e6, 1e6) | st.integers(-1000, 1000)


@given(st.fixed_dictionaries({"epoch": st.integers(1, 99), **dict.fromkeys(METRICS, NUMBERS)}))
def test_every_regex_finds_its_figure(figures: dict[str, float]) -> None:
    line = epoch_line(figures)
    names = {metric["Name"]: metric["Regex"] for metric in METRIC_DEFINITIONS}

    for figure, name in METRICS.items():
        (found,) = re.findall(names[name], line)
        assert float(found) == pytest.approx(figures[figure], abs=1e-6)


def test_what_is_no_number_is_read_by_nobody() -> None:
    line = epoch_line({"epoch": 1, "loss": float("nan"), "validation_loss": float("inf")})

    assert json.loads(line) == {"epoch": 1, "loss": None, "validation_loss": None}
    assert not any(re.search(metric["Regex"], line) for metric in METRIC_DEFINITIONS)


def test_only_lines_of_an_epoch_are_read() -> None:
    lines = [
        "decode at 96 px: 100%",
        '{"warning": "overfitting"}',
        '{"epoch": 1, "lo',
        epoch_line({"epoch": 2, OBJECTIVE: 0.4}),
    ]

    assert [read_epoch(line) for line in lines] == [None, None, None, {"epoch": 2, OBJECTIVE: 0.4}]


def test_service_limits() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetricDefinition.html"""
    assert all(len(metric["Name"]) <= 255 and len(metric["Regex"]) <= 500 for metric in METRIC_DEFINITIONS)
    assert len(METRIC_DEFINITIONS) <= 40
