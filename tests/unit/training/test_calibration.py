import numpy as np
import pytest
from binlab.evaluate.calibration import error_by_chance, expected_error, reliability
from hypothesis import given
from hypothesis import strategies as st

PHOTOGRAPHS = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.floats(0.1, 10)), min_size=1, max_size=60)


def columns(rows: list[tuple[float, bool, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confidence, right, weights = (np.array(column) for column in zip(*rows, strict=True))
    return confidence, right, weights / weights.sum()


def test_bins_of_four_photographs_by_hand() -> None:
    confidence, right = np.array([0.1, 0.3, 0.9, 1.0]), np.array([False, True, True, True])
    low, high = reliability(confidence, right, np.array([0.1, 0.3, 0.3, 0.3]), bins=2)

    assert (low.low, low.high, high.low, high.high) == (0, 0.5, 0.5, 1)
    assert (low.share, low.confidence, low.right) == pytest.approx((0.4, 0.25, 0.75))
    assert (high.share, high.confidence, high.right) == pytest.approx((0.6, 0.95, 1.0))
    assert (low.photographs, high.photographs) == pytest.approx((0.4**2 / 0.1, 2))
    assert expected_error([low, high]) == pytest.approx(0.4 * 0.5 + 0.6 * 0.05)


@given(PHOTOGRAPHS)
def test_the_error_lies_between_0_and_1_and_the_shares_sum_to_1(rows: list[tuple[float, bool, float]]) -> None:
    bins = reliability(*columns(rows))

    assert 0 <= expected_error(bins) <= 1
    assert sum(each.share for each in bins) == pytest.approx(1)


@given(PHOTOGRAPHS, st.randoms())
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[float, bool, float]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(rows, len(rows))

    assert expected_error(reliability(*columns(rows))) == pytest.approx(expected_error(reliability(*columns(shuffled))))


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5)), min_size=1, max_size=8, unique_by=lambda each: each[0])
)
def test_a_model_that_is_right_as_often_as_it_says_has_no_error(groups: list[tuple[int, int]]) -> None:
    """Groups of ten times `size` photographs with a confidence of `tenths` tenths, so many of which are right."""
    rows = [(tenths / 10, place < tenths, 1.0) for tenths, size in groups for _ in range(size) for place in range(10)]

    assert expected_error(reliability(*columns(rows))) == pytest.approx(0, abs=1e-9)


def test_noise_alone_makes_an_error_of_the_stated_size() -> None:
    random = np.random.default_rng(1)
    confidence, weights = random.uniform(0.2, 0.9, 400), np.full(400, 1 / 400)
    seen = [expected_error(reliability(confidence, random.random(400) < confidence, weights)) for _ in range(200)]

    assert error_by_chance(confidence, weights) == pytest.approx(np.mean(seen), rel=0.05)
