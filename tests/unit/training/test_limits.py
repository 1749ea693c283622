import pytest
from binlab.evaluate.limits import balanced, wilson
from hypothesis import given
from hypothesis import strategies as st

SHARES = st.floats(0, 1)
SIZES = st.integers(1, 5000)


def test_limits_known_from_the_literature() -> None:
    """Newcombe, 1998, table I: 81 of 263, 15 of 148 and 0 of 20."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
    assert wilson(0.5, 0) == (0, 1)


def test_limits_of_two_classes_by_hand() -> None:
    low, high = wilson(0.5, 40)
    narrow, wide = balanced([(0.5, 40), (0.5, 40)])

    assert 0.5 - narrow == pytest.approx((0.5 - low) / 2**0.5)
    assert wide - 0.5 == pytest.approx((high - 0.5) / 2**0.5)


@given(st.lists(st.tuples(SHARES, SIZES), min_size=1, max_size=7), st.randoms())
def test_limits_hold_the_share_stay_in_range_and_know_no_order(found: list[tuple[float, int]], random) -> None:  # type: ignore[no-untyped-def]
    low, high = balanced(found)
    mean = sum(share for share, _ in found) / len(found)
    shuffled = random.sample(found, len(found))

    assert 0 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1
    assert balanced(shuffled) == pytest.approx((low, high))


@given(SHARES, SIZES)
def test_one_class_has_the_limits_of_its_share(share: float, photographs: int) -> None:
    assert balanced([(share, photographs)]) == pytest.approx(wilson(share, photographs))


@given(SHARES, SIZES)
def test_more_photographs_tell_more(share: float, photographs: int) -> None:
    few, many = wilson(share, photographs), wilson(share, 4 * photographs)

    assert many[1] - many[0] < few[1] - few[0]
