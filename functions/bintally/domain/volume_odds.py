"""The odds of an order line whose items have a known volume: Bayes' rule with two likelihoods, of count and volume.

P(photo | n) is proportional to p_n^a N(log(n u); log(litres), sd)^b. `p_n` is the model's probability of n, `u` the
mean volume of the line's items, `litres` and `sd` what the model says of the volume, and a and b are its `count_weight`
and `volume_weight`. They are below 1 where a likelihood is surer than it should be, or where both say the same.

The outputs of a model end at "more than 5", but volumes do not: 6 items and 9 items have the same p_n and different
volumes. So each number has a likelihood of its own here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from bintally.domain.risk import DECIMALS, MIN_LIKELIHOOD, Odds, OrderPrior
from bintally.domain.volume import Volume

NO_ITEM = 0.5  # items that an empty bin counts as, because nothing has no logarithm
MAX_NUMBERS = 50  # that stand for a range of numbers over the model's range


def volume_posterior(
    expected: int,
    probability: Callable[[int], float],
    over_range: int,
    prior: OrderPrior,
    volume: Volume,
    item_litres: float,
) -> Odds:
    """The odds of a line, as `risk.posterior`, which gives the same if the weights are 1 and 0."""

    def log_likelihood(number: int) -> float:
        count = math.log(max(probability(number), MIN_LIKELIHOOD))
        return volume.count_weight * count + volume.volume_weight * log_fit(number * item_litres, volume, item_litres)

    before = prior_of(expected, over_range, prior)
    logs = {number: log_likelihood(number) for number in before}
    peak = max(logs.values())  # the largest becomes 1, so they can't all become 0
    after = {number: share * math.exp(logs[number] - peak) for number, share in before.items()}
    total = math.fsum(after.values())
    fewer = math.fsum(share for number, share in after.items() if number < expected)
    more = math.fsum(share for number, share in after.items() if number > expected)
    return Odds(round(fewer / total, DECIMALS), round(more / total, DECIMALS))


def log_fit(litres: float, volume: Volume, item_litres: float) -> float:
    """The log likelihood of items of `litres` in all, but for a constant. At most 0.

    An empty bin counts as half an item, but never fits better than one item. The model has not learned volumes of empty
    bins, so a small volume is no evidence for one; a large volume is evidence against it.
    """
    if litres:
        return -((math.log(litres / volume.litres) / volume.log_sd) ** 2) / 2
    return min(log_fit(items * item_litres, volume, item_litres) for items in (NO_ITEM, 1))


def prior_of(expected: int, over_range: int, prior: OrderPrior) -> dict[int, float]:
    """P(n | order) of each number n that counts. They sum to 1, and are those that `risk.posterior` weighs with.

    The numbers from `over_range` on that are far from `expected` share what `risk.posterior` gives to their one output:
    half is below `expected` if there are such numbers. Above, they end before the double, which is more than one
    standard deviation of a volume.
    """
    found = {expected: 1 - prior.discrepancy_rate}
    for step, share in enumerate(prior.steps[:-1], 1):
        numbers = [number for number in (expected - step, expected + step) if number >= 0]
        found |= dict.fromkeys(numbers, prior.discrepancy_rate * share / len(numbers))
    step = len(prior.steps)
    inside = [number for number in range(over_range) if abs(number - expected) >= step]
    each = prior.discrepancy_rate * prior.steps[-1] / (len(inside) + 1)
    found |= dict.fromkeys(inside, each)
    least = max(over_range, expected + step)
    parts = [part for part in (_spread(over_range, expected - step), _spread(least, 2 * least - 1)) if part]
    for part in parts:
        found |= dict.fromkeys(part, each / len(parts) / len(part))
    return found


def _spread(first: int, last: int) -> Sequence[int]:
    """The numbers from `first` to `last`, or MAX_NUMBERS evenly among them, which suffices: each holds for many."""
    return range(first, last + 1, max(1, -(-(last + 1 - first) // MAX_NUMBERS)))
