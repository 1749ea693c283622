import numpy as np
import pytest
from binlab.evaluate.outside import auroc, outside_figures
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.answering import answers_of, guesses

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=20)


def test_figures_of_each_group_by_hand() -> None:
    inside = answers_of([1, 2], [[0.9, 0.1], [0.4, 0.6]], empty=[0.1, 0], fuller=[0, 0.2], spans=[(1, 1), (1, 2)])
    outside = answers_of([0, 3], [[1, 0], [0.2, 0.8]], empty=[0.7, 0], fuller=[0, 0.25], spans=[(0, 1), (1, 2)])
    found = outside_figures(inside, outside)

    assert found is not None
    assert list(found["groups"]) == ["in_range", "out_of_range", "empty", "fuller"]
    empty, fuller, within = (found["groups"][name] for name in ("empty", "fuller", "in_range"))
    assert within["mean_confidence"] == pytest.approx((0.81 + 0.48) / 2)
    assert within["confident"] == {"0.5": 0.5, "0.8": 0.5}
    assert (empty["photographs"], empty["mean_confidence"], empty["flagged"]) == pytest.approx((1, 0.3, 1))
    assert (empty["interval_reaches_out"], empty["interval_holds_it"]) == (1, 1)
    assert (fuller["mean_confidence"], fuller["flagged"], fuller["interval_reaches_out"]) == pytest.approx((0.6, 0, 0))
    assert found["auroc"]["empty_and_fuller"] == pytest.approx(1)
    assert found["auroc"]["doubt"] == pytest.approx((1 + 1 + 0 + 1) / 4)  # 0.7 and 0.4 against 0.19 and 0.52


def test_a_model_that_knows_only_its_classes_has_its_confidence_alone() -> None:
    found = outside_figures(answers_of([1], [[0.9, 0.1]]), answers_of([0], [[0.8, 0.2]]))

    assert found is not None
    assert list(found["groups"]) == ["in_range", "out_of_range", "empty"]
    assert "flagged" not in found["groups"]["in_range"]
    assert found["auroc"] == {"doubt": 1}
    assert outside_figures(answers_of([1], [[0.9, 0.1]]), None) is None


@given(SCORES, SCORES)
def test_auroc_counts_pairs(higher: list[float], lower: list[float]) -> None:
    pairs = [1.0 if one > other else 0.5 if one == other else 0.0 for one in higher for other in lower]

    assert auroc(higher, lower) == pytest.approx(np.mean(pairs))
    assert auroc(lower, higher) == pytest.approx(1 - np.mean(pairs))


def test_the_histogram_of_confidence_is_whole() -> None:
    answers = guesses(1, 80)
    found = outside_figures(answers.where(answers.in_range), answers.where(~answers.in_range))

    assert found is not None
    assert all(sum(group["confidence_shares"]) == pytest.approx(1) for group in found["groups"].values())
