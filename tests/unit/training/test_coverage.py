import numpy as np
import pytest
from binlab.evaluate.coverage import area, best_area, certain_first, confidence_at, most_certain
from hypothesis import given
from hypothesis import strategies as st

CONFIDENCE = np.array([0.3, 0.9, 0.6, 0.6, 0.1])
RIGHT = np.array([False, True, True, False, False])
EVEN = np.full(5, 0.2)
PHOTOGRAPHS = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.7, 0.9]), st.booleans()), min_size=1, max_size=40)


def columns(rows: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confidence, right = (np.array(column) for column in zip(*rows, strict=True))
    return confidence, right, np.full(len(rows), 1 / len(rows))


def test_the_most_certain_of_five_by_hand() -> None:
    levels, covered, hits = certain_first(CONFIDENCE, RIGHT, EVEN)

    assert levels.tolist() == [0.9, 0.6, 0.3, 0.1]
    assert covered == pytest.approx([0.2, 0.6, 0.8, 1])
    assert hits == pytest.approx([0.2, 0.4, 0.4, 0.4])
    assert most_certain(0.2, CONFIDENCE, RIGHT, EVEN) == pytest.approx(1)
    assert most_certain(0.4, CONFIDENCE, RIGHT, EVEN) == pytest.approx(1.5 / 2)  # one of two equally certain ones
    assert most_certain(1, CONFIDENCE, RIGHT, EVEN) == pytest.approx(2 / 5)
    assert area(CONFIDENCE, RIGHT, EVEN) == pytest.approx(0.2 * 0 + 0.4 * 1 / 3 + 0.2 * 1 / 2 + 0.2 * 3 / 5)
    assert [confidence_at(share, CONFIDENCE, EVEN) for share in (0.2, 0.4, 0.6, 1)] == [0.9, 0.6, 0.6, 0.1]


@given(PHOTOGRAPHS, st.floats(0.01, 1))
def test_shares_stay_shares(rows: list[tuple[float, bool]], share: float) -> None:
    assert -1e-12 <= most_certain(share, *columns(rows)) <= 1 + 1e-12
    assert -1e-12 <= area(*columns(rows)) <= 1 + 1e-12


@given(PHOTOGRAPHS)
def test_all_of_them_are_as_right_as_the_whole(rows: list[tuple[float, bool]]) -> None:
    confidence, right, weights = columns(rows)

    assert most_certain(1, confidence, right, weights) == pytest.approx(right.mean())


@given(PHOTOGRAPHS, st.randoms())
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[float, bool]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(rows, len(rows))

    assert area(*columns(rows)) == pytest.approx(area(*columns(shuffled)))
    assert most_certain(0.2, *columns(rows)) == pytest.approx(most_certain(0.2, *columns(shuffled)))


def test_the_best_area_is_that_of_a_model_that_knows_when_it_is_wrong() -> None:
    right = np.arange(10_000) < 6_000

    assert area(-np.arange(10_000.0), right, np.full(10_000, 1e-4)) == pytest.approx(best_area(0.4), abs=1e-3)
    assert (best_area(0.0), best_area(1.0)) == (0, 1)


def test_a_confidence_that_says_nothing_has_the_share_of_wrong_ones() -> None:
    assert area(np.full(5, 0.5), RIGHT, EVEN) == pytest.approx(3 / 5)
