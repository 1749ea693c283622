from __future__ import annotations

import pytest
from bintally.domain.risk import MIN_LIKELIHOOD, Odds, OrderPrior, posterior, steps_of
from hypothesis import given
from hypothesis import strategies as st

OUTPUTS = {0: 0.02, 1: 0.05, 2: 0.2, 3: 0.6, 4: 0.1, 5: 0.02, 6: 0.01}
ONE_IN_TEN = OrderPrior(0.1, (0.7, 0.2, 0.1))


def odds(expected: int, outputs: dict[int, float] = OUTPUTS, prior: OrderPrior = ONE_IN_TEN) -> Odds:
    return posterior(expected, lambda number: outputs[min(number, 6)], 6, prior)


def parts(fewer: float, equal: float, more: float) -> Odds:
    total = fewer + equal + more
    return Odds(pytest.approx(fewer / total, abs=1e-6), pytest.approx(more / total, abs=1e-6))


def test_odds_are_those_of_bayes() -> None:
    # 3 expected. By 1: 2 or 4; by 2: 1 or 5; by 3 or more: 0, or 6 or more.
    fewer = 0.035 * 0.2 + 0.01 * 0.05 + 0.005 * 0.02
    more = 0.035 * 0.1 + 0.01 * 0.02 + 0.005 * 0.01

    assert odds(3) == parts(fewer, 0.9 * 0.6, more)


def test_no_bin_holds_fewer_than_nothing() -> None:
    # 0 expected: by 1 is 1, by 2 is 2, by 3 or more is 3, 4, 5, or 6 or more.
    more = 0.07 * 0.05 + 0.02 * 0.2 + 0.01 * (0.6 + 0.1 + 0.02 + 0.01) / 4

    assert odds(0) == parts(0.0, 0.9 * 0.02, more)


def test_of_one_expected_only_the_first_step_has_both_directions() -> None:
    fewer = 0.035 * 0.02
    more = 0.035 * 0.2 + 0.02 * 0.6 + 0.01 * (0.1 + 0.02 + 0.01) / 3

    assert odds(1) == parts(fewer, 0.9 * 0.05, more)


def test_numbers_over_range_share_one_output() -> None:
    # 7 expected. By 1: 6 or 8; by 2: 5 or 9; by 3 or more: 0 to 4, or 10 and more.
    fewer = 0.035 * 0.01 + 0.01 * 0.02 + 0.01 * (0.02 + 0.05 + 0.2 + 0.6 + 0.1) / 6
    more = 0.035 * 0.01 + 0.01 * 0.01 + 0.01 * 0.01 / 6

    assert odds(7) == parts(fewer, 0.9 * 0.01, more)


def test_far_over_range_the_direction_of_more_than_the_model_counts_is_unknown() -> None:
    # 900 expected. By 1 and 2: over range. By 3 or more: 0 to 5, or over range in either direction.
    near = (0.035 + 0.01) * 0.01
    fewer = near + 0.01 * (0.99 + 0.01 / 2) / 7
    more = near + 0.01 * (0.01 / 2) / 7

    assert odds(900) == parts(fewer, 0.9 * 0.01, more)


def test_a_probability_of_0_is_a_rounded_one() -> None:
    outputs = dict.fromkeys(range(7), 0.0) | {3: 1.0}

    assert odds(3, outputs).risk < MIN_LIKELIHOOD
    assert odds(900, outputs).fewer > 0.99
    assert odds(900, outputs).equal > 0


outputs = st.lists(st.integers(0, 1000), min_size=7, max_size=7).map(
    lambda weights: {number: weight / max(sum(weights), 1) for number, weight in enumerate(weights)}
)
rates = st.integers(1, 50).map(lambda hundredths: hundredths / 100)


@given(st.one_of(st.integers(0, 12), st.just(1_000_000)), outputs, rates)
def test_odds_are_probabilities(expected: int, given_: dict[int, float], rate: float) -> None:
    found = odds(expected, given_, OrderPrior(rate))

    assert 0 <= found.fewer <= 1
    assert 0 <= found.more <= 1
    assert 0 <= found.risk <= 1
    assert found.equal >= 0
    assert expected > 0 or found.fewer == 0


@given(st.integers(0, 12), outputs, rates, rates)
def test_the_more_orders_are_wrong_the_higher_the_risk(
    expected: int, given_: dict[int, float], one: float, other: float
) -> None:
    lower, higher = sorted([one, other])

    assert odds(expected, given_, OrderPrior(lower)).risk <= odds(expected, given_, OrderPrior(higher)).risk + 1e-6


@given(st.integers(0, 5), outputs, rates)
def test_a_photo_that_shows_what_is_expected_more_clearly_lowers_the_risk(
    expected: int, given_: dict[int, float], rate: float
) -> None:
    clearer = {number: share / 2 + (0.5 if number == expected else 0) for number, share in given_.items()}

    assert odds(expected, clearer, OrderPrior(rate)).risk <= odds(expected, given_, OrderPrior(rate)).risk + 1e-6


@given(st.integers(0, 12), rates)
def test_a_photo_that_says_nothing_leaves_the_risk_as_it_was(expected: int, rate: float) -> None:
    assert odds(expected, dict.fromkeys(range(7), 1 / 7), OrderPrior(rate)).risk == pytest.approx(rate, abs=1e-5)


def test_rounded_parts_never_make_a_risk_above_1() -> None:
    assert (Odds(0.500001, 0.5).risk, Odds(0.500001, 0.5).equal) == (1, 0)


def test_steps_are_read_from_text() -> None:
    assert steps_of("0.7,0.2, 0.1") == (0.7, 0.2, 0.1)
    assert steps_of("1") == (1.0,)


@pytest.mark.parametrize("text", ["", "a", "0.5,0.4", "1,0", "1.2,-0.2", "0.7;0.3", "nan"])
def test_steps_are_shares(text: str) -> None:
    with pytest.raises(ValueError, match=r"shares|could not convert"):
        steps_of(text)
