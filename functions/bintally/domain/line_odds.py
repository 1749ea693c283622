"""What a count says about an order line: its odds, and the reason in words."""

from __future__ import annotations

from bintally.domain.bins import BinCount
from bintally.domain.intervals import number_text
from bintally.domain.risk import Odds, OrderPrior, posterior
from bintally.domain.volume import litres_text
from bintally.domain.volume_odds import volume_posterior


def odds_of(expected: int, count: BinCount, prior: OrderPrior, item_litres: float | None) -> Odds | None:
    """None if the model has no output for the expected number.

    A model that can't tell empty bins, or those over its range, assumes that there are none. The volume has a say if
    the model estimated it and the order knows that of one item.
    """
    classes = count.class_probabilities
    if not classes:
        return None
    first, last = min(classes), max(classes)

    def output(number: int) -> float | None:
        if number > last:
            return count.over_range
        return count.empty if number < first else classes.get(number)

    def probability(number: int) -> float:
        return output(number) or 0.0

    if output(expected) is None:
        return None
    if count.volume and item_litres:
        return volume_posterior(expected, probability, last + 1, prior, count.volume, item_litres)
    return posterior(expected, probability, last + 1, prior)


def reason_of(expected: int, count: BinCount, odds: Odds, item_litres: float | None) -> str:
    most, interval = max(count.probabilities), count.interval
    counted = number_text(count.count, count.at_least)
    number = f"{interval.words()} counted ({interval.coverage:.0%})" if interval else f"{counted} counted"
    chances = f"{odds.equal:.1%} as expected, {odds.fewer:.1%} fewer, {odds.more:.1%} more."
    unknown = f" The model can't distinguish numbers above {most}." if expected > most else ""
    return f"{expected} expected, {number}: {chances}{unknown}{_volume_words(expected, count, item_litres)}"


def _volume_words(expected: int, count: BinCount, item_litres: float | None) -> str:
    """What the volume says, if it had a say in the odds."""
    if not (count.volume and item_litres):
        return ""
    shown = f" The photo shows about {litres_text(count.volume.litres)}"
    items = "1 item" if expected == 1 else f"{expected:,} items"
    return f"{shown}; {items} would be {litres_text(expected * item_litres)}." if expected else f"{shown}."
