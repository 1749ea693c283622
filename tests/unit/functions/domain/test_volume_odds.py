from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import pytest
from bintally.domain.risk import Odds, OrderPrior, posterior
from bintally.domain.volume import MAX_LITRES, MAX_SD, MAX_WEIGHT, MIN_LITRES, MIN_SD, Volume
from bintally.domain.volume_odds import prior_of, volume_posterior
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.domain.test_risk import ONE_IN_TEN, OUTPUTS, outputs, rates
from tests.unit.functions.examples import TWO_LITRES

COUNT_ONLY = replace(TWO_LITRES, count_weight=1.0, volume_weight=0.0)
numbers = st.one_of(st.integers(0, 30), st.sampled_from([100, 999, 1_000_000]))
litres = st.floats(0.01, 100)
priors = st.builds(OrderPrior, rates, st.sampled_from([(1.0,), (0.5, 0.5), (0.7, 0.2, 0.1)]))
volumes = st.builds(
    Volume,
    litres=litres,
    low=st.just(0.0),
    high=st.just(100.0),
    coverage=st.just(0.9),
    log_sd=st.floats(0.1, 2),
    count_weight=st.floats(0, 2),
    volume_weight=st.floats(0, 2),
)


def odds(
    expected: int,
    volume: Volume = TWO_LITRES,
    item: float = 0.5,
    outputs: dict[int, float] = OUTPUTS,
    prior: OrderPrior = ONE_IN_TEN,
) -> Odds:
    return volume_posterior(expected, lambda number: outputs[min(number, 6)], 6, prior, volume, item)


def test_odds_are_those_of_bayes() -> None:
    """3 expected. By 1: 2 or 4; by 2: 1 or 5; by 3 or more: 0 (as half an item), or one of 6 to 11."""
    before = {3: 0.9, 2: 0.035, 4: 0.035, 1: 0.01, 5: 0.01, 0: 0.005} | dict.fromkeys(range(6, 12), 0.005 / 6)
    fit = NormalDist(math.log(2.0), 0.5)
    after = {
        number: share * OUTPUTS[min(number, 6)] ** 0.8 * fit.pdf(math.log((number or 0.5) * 0.5)) ** 0.6
        for number, share in before.items()
    }
    total = sum(after.values())

    found = odds(3)

    assert found.fewer == pytest.approx(sum(after[number] for number in range(3)) / total, abs=1e-6)
    assert found.more == pytest.approx(sum(after[number] for number in range(4, 12)) / total, abs=1e-6)


@pytest.mark.parametrize(("actual", "most"), [(8, "equal"), (6, "fewer"), (11, "more")])
def test_volumes_tell_numbers_apart_that_share_one_output(actual: int, most: str) -> None:
    large = dict.fromkeys(range(6), 0.0) | {6: 1.0}
    exact = replace(TWO_LITRES, litres=actual * 0.5, log_sd=0.05)

    found = odds(8, exact, outputs=large)

    assert getattr(found, most) > 0.9


@given(numbers, priors)
def test_the_prior_is_a_distribution_with_the_rate_of_wrong_orders(expected: int, prior: OrderPrior) -> None:
    before = prior_of(expected, 6, prior)

    assert sum(before.values()) == pytest.approx(1, abs=0.001)  # as far as the steps do
    assert before[expected] == 1 - prior.discrepancy_rate
    assert min(before) >= 0
    assert len(before) < 150


@given(numbers, outputs, priors, litres)
def test_a_volume_without_weight_changes_nothing(
    expected: int, given_: dict[int, float], prior: OrderPrior, item: float
) -> None:
    found = odds(expected, COUNT_ONLY, item, given_, prior)

    alone = posterior(expected, lambda number: given_[min(number, 6)], 6, prior)
    assert (found.fewer, found.more) == pytest.approx((alone.fewer, alone.more), abs=2e-6)


@given(numbers, volumes, litres, outputs, priors, st.floats(1.001, 10))
def test_a_larger_volume_means_more_and_larger_items_mean_fewer(
    expected: int, volume: Volume, item: float, given_: dict[int, float], prior: OrderPrior, factor: float
) -> None:
    found = odds(expected, volume, item, given_, prior)
    larger = odds(expected, replace(volume, litres=volume.litres * factor), item, given_, prior)
    smaller = odds(expected, volume, item * factor, given_, prior)

    for one, other in ((smaller, found), (found, larger)):
        assert other.more >= one.more - 2e-6
        assert other.fewer <= one.fewer + 2e-6


@given(
    numbers,
    st.sampled_from([MIN_LITRES, 1.0, MAX_LITRES]),
    st.sampled_from([MIN_SD, MAX_SD]),
    st.sampled_from([0.0, MAX_WEIGHT]),
    st.sampled_from([0.0, MAX_WEIGHT]),
    st.sampled_from([0.001, 1_000.0]),
    outputs,
)
def test_the_most_extreme_volumes_still_give_probabilities(
    expected: int, litres: float, sd: float, a: float, b: float, item: float, given_: dict[int, float]
) -> None:
    found = odds(expected, Volume(litres, 0.0, litres, 0.9, sd, a, b), item, given_)

    assert 0 <= found.fewer <= 1
    assert 0 <= found.more <= 1
    assert 0 <= found.risk <= 1
    assert expected > 0 or found.fewer == 0


@pytest.mark.parametrize("litres", [0.001, 0.1, 0.4, 0.5, 1.0, 20.0])
def test_a_volume_never_makes_an_empty_bin_more_probable_than_the_count_does(litres: float) -> None:
    """The model has not learned volumes of empty bins."""
    outputs = {0: 0.5, 1: 0.5} | dict.fromkeys(range(2, 7), 0.0)
    seen = replace(TWO_LITRES, litres=litres, count_weight=1.0)
    one_or_none = OrderPrior(0.5, (1.0,))

    found, alone = (odds(1, volume, outputs=outputs, prior=one_or_none) for volume in (seen, COUNT_ONLY))

    ratio = found.fewer / found.equal, alone.fewer / alone.equal
    assert ratio[0] == pytest.approx(ratio[1], abs=1e-4) if litres < 0.35 else ratio[0] < ratio[1]
