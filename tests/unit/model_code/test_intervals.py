import pytest
from binmodel.intervals import growth, interval
from hypothesis import given
from hypothesis import strategies as st

ROW = [0.05, 0.1, 0.4, 0.3, 0.15]
rows = st.lists(st.integers(0, 100), min_size=1, max_size=8).filter(any).map(lambda r: [share / sum(r) for share in r])
masses = st.floats(0, 1)


@pytest.mark.parametrize(
    ("mass", "places"),
    [(0.0, (2, 2)), (0.39, (2, 2)), (0.4, (2, 3)), (0.75, (2, 4)), (0.9, (1, 4)), (0.99, (0, 4)), (1.0, (0, 4))],
)
def test_an_interval_grows_towards_the_more_probable_neighbour(mass: float, places: tuple[int, int]) -> None:
    assert interval(ROW, mass) == places


def test_of_equal_neighbours_the_left_one_is_added() -> None:
    assert [(first, last) for first, last, _ in growth([0.25, 0.5, 0.25])] == [(1, 1), (0, 1), (0, 2)]


@given(rows, masses)
def test_an_interval_includes_the_most_probable_index_and_exceeds_the_mass(row: list[float], mass: float) -> None:
    first, last = interval(row, mass)

    assert first <= row.index(max(row)) <= last
    assert sum(row[first : last + 1]) > mass - 1e-9 or (first, last) == (0, len(row) - 1)


@given(rows, masses)
def test_an_interval_is_as_short_as_possible(row: list[float], mass: float) -> None:
    places = interval(row, mass)
    before = [(first, last) for first, last, held in growth(row) if held <= mass]

    assert places not in before or places == (0, len(row) - 1)


@given(rows, masses, masses)
def test_intervals_are_nested(row: list[float], one: float, other: float) -> None:
    small, large = (interval(row, mass) for mass in sorted((one, other)))

    assert large[0] <= small[0] <= small[1] <= large[1]
