"""How probable it is that an order line is wrong: what the photo shows, weighed with how often orders are wrong.

Bayes' rule over the actual number n of items: P(n | photo, order) is proportional to P(photo | n) P(n | order).

P(photo | n) is the model's probability of n. For the classes it is proportional to the likelihood, because the model
learned from as many photos of each class. The outputs for an empty bin and for more than the last class keep the share
of such bins in the training photos, 2% and 3%: so they also carry how rare these bins are. Dividing by these shares
found fewer wrong lines (docs/model.md).

P(n | order) is the prior below. The expected number is used for verdicts alone: never for the count that is stored, and
never for labels, or the model would learn to agree with the orders that it should check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MIN_LIKELIHOOD = 1e-6  # predictions are rounded to six decimals, so 0 does not mean impossible
DECIMALS = 6
TOLERANCE = 0.001  # of shares that people round
MIN_RATE, MAX_RATE = 0.001, 0.5
MAX_STEPS = 5


@dataclass(frozen=True)
class OrderPrior:
    """How order lines are wrong, before a photo is seen. Both parts are shares above 0; `steps` sum to 1.

    `discrepancy_rate` of the lines are wrong: `steps[0]` of these by 1, `steps[1]` by 2, and the last by that many or
    more. Too many and too few are equally probable, except that no bin holds fewer than 0.
    """

    discrepancy_rate: float = 0.05
    steps: tuple[float, ...] = (0.7, 0.2, 0.1)

    def __post_init__(self) -> None:
        """Raises ValueError for what template.yaml refuses too."""
        if not MIN_RATE <= self.discrepancy_rate <= MAX_RATE:  # nor is NaN
            raise ValueError(f"a discrepancy rate of {self.discrepancy_rate} is not from {MIN_RATE} to {MAX_RATE}")
        if len(self.steps) > MAX_STEPS:
            raise ValueError(f"{len(self.steps)} discrepancy steps are more than {MAX_STEPS}")
        _check_steps(self.steps)


@dataclass(frozen=True)
class Odds:
    """The probabilities that a bin holds fewer items than expected, and more, given its photo and the order."""

    fewer: float
    more: float

    @property
    def risk(self) -> float:
        """The probability that the order line is wrong."""
        return min(1.0, round(self.fewer + self.more, DECIMALS))  # both are rounded, and may add up to more

    @property
    def equal(self) -> float:
        return round(1 - self.risk, DECIMALS)


def steps_of(text: str) -> tuple[float, ...]:
    """The steps of a prior from text such as `0.7,0.2,0.1`. Raises ValueError."""
    shares = tuple(float(part) for part in text.split(","))
    _check_steps(shares)
    return shares


def _check_steps(shares: tuple[float, ...]) -> None:
    if not (shares and min(shares) > 0 and abs(sum(shares) - 1) <= TOLERANCE):  # nor is NaN
        text = ",".join(f"{share:g}" for share in shares)
        raise ValueError(f"{text!r} are not shares above 0 that sum to 1")


def odds_facts(odds: Odds | None) -> dict[str, float | None]:
    """As messages and tables hold them; None for odds that are not known."""
    if odds is None:
        return dict.fromkeys(("risk", "probability_fewer", "probability_more"))
    return {"risk": odds.risk, "probability_fewer": odds.fewer, "probability_more": odds.more}


def posterior(expected: int, probability: Callable[[int], float], over_range: int, prior: OrderPrior) -> Odds:
    """The odds of a line. `probability` is the model's for each number; all from `over_range` on share one output."""

    def likelihood(number: int) -> float:
        return max(probability(number), MIN_LIKELIHOOD)

    equal = (1 - prior.discrepancy_rate) * likelihood(expected)
    fewer = more = 0.0
    for step, share in enumerate(prior.steps[:-1], 1):
        each = prior.discrepancy_rate * share / (2 if expected >= step else 1)
        more += each * likelihood(expected + step)
        fewer += each * likelihood(expected - step) if expected >= step else 0.0
    far_fewer, far_more = _far(expected, likelihood, over_range, len(prior.steps))
    fewer += prior.discrepancy_rate * prior.steps[-1] * far_fewer
    more += prior.discrepancy_rate * prior.steps[-1] * far_more
    total = equal + fewer + more
    return Odds(round(fewer / total, DECIMALS), round(more / total, DECIMALS))


def _far(expected: int, likelihood: Callable[[int], float], over_range: int, step: int) -> tuple[float, float]:
    """The mean likelihoods, in both directions, of what the model can tell apart at least `step` from `expected`.

    Every such number counts the same. Of the numbers from `over_range` on, the direction may be unknown: then half of
    them count as fewer.
    """
    below = range(min(over_range, expected - step + 1))
    above = range(expected + step, over_range)
    rest = likelihood(over_range)
    is_open = expected - step >= over_range
    fewer = sum(map(likelihood, below)) + (rest / 2 if is_open else 0.0)
    more = sum(map(likelihood, above)) + (rest / 2 if is_open else rest)
    outcomes = len(below) + len(above) + 1
    return fewer / outcomes, more / outcomes
