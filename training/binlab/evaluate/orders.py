"""The verdicts that orders would have got: how many lines they settle, how many wrong ones they find, and how soon.

Nothing is random. Each photo gets the correct order and every wrong one of `steps`, weighted as often as such orders
are, so the rates are what random orders give on average, without their noise. The general name of the task is object
quantity verification: https://github.com/silverbottlep/abid_challenge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from binlab.evaluate.predictions import Counts, Floats, Mask, Predictions

MATCH, SHORT, OVER, UNCERTAIN = "MATCH", "SHORT", "OVER", "UNCERTAIN"
DISCREPANCY_RATES = (0.02, 0.05, 0.1)
MATCH_RISKS = (0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05)
MIN_LIKELIHOOD = 1e-6
SAMPLES, LEVEL, SEED = 1_000, 0.95, 1
POINTS = 101  # of a lift curve

Verdicts = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Rules:
    """The rules of a verdict, as `VerdictRules` in `functions/bintally/domain/verdicts.py` explains them."""

    match_risk: float = 0.0175
    variance: float = 0.5
    discrepancy_rate: float = 0.05
    steps: tuple[float, ...] = (0.7, 0.2, 0.1)


@dataclass(frozen=True)
class Lines:
    """Order lines; every field is (L,). `photo` is the index of the line's photo.

    `weight` is how often such a line comes, and sums to 1; `offset` is how much more the order expects than the bin
    holds. `fewer` and `more` are the probabilities that the bin holds fewer or more than expected.
    """

    photo: Counts
    expected: Counts
    offset: Counts
    weight: Floats
    fewer: Floats
    more: Floats

    @property
    def wrong(self) -> Mask:
        return np.asarray(self.offset != 0)

    @property
    def risk(self) -> Floats:
        return np.asarray(self.fewer + self.more)


def order_lines(predictions: Predictions, rules: Rules) -> Lines:
    """For each photo the correct line, and those that are off by 1 to the number of steps, never below 0."""
    photos = np.arange(len(predictions))
    parts = []
    for step in range(len(rules.steps) + 1):
        both = predictions.counts >= step
        for sign in (1, -1) if step else (1,):
            chosen = photos[both] if sign < 0 else photos
            share = rules.discrepancy_rate * rules.steps[step - 1] if step else 1 - rules.discrepancy_rate
            halved = np.where(both[chosen], 0.5, 1.0) if step else np.ones(len(chosen))
            parts.append((chosen, np.full(len(chosen), sign * step), share * halved / len(photos)))
    photo, offset, weight = (np.concatenate(part) for part in zip(*parts, strict=True))
    expected = predictions.counts[photo] + offset
    fewer, more = odds(predictions.where(photo), expected, rules)
    return Lines(photo, expected, offset, weight, fewer, more)


def odds(predictions: Predictions, expected: Counts, rules: Rules) -> tuple[Floats, Floats]:
    """The probabilities that each bin holds fewer items than expected, and more; all (N,).

    The same formula as `functions/bintally/domain/risk.py`, restated because training and Lambda share messages, not
    code; tests/unit/training/evaluate/test_orders.py checks that the two agree.
    """
    over_range = predictions.classes[-1] + 1
    outputs = np.column_stack([predictions.empty, predictions.class_probabilities, predictions.over_range])
    likelihoods = np.maximum(outputs, MIN_LIKELIHOOD)
    images = np.arange(len(predictions))

    def likelihood(number: Counts) -> Floats:
        return np.asarray(likelihoods[images, np.clip(number, 0, over_range)])

    equal = (1 - rules.discrepancy_rate) * likelihood(expected)
    fewer, more = np.zeros(len(images)), np.zeros(len(images))
    for step, share in enumerate(rules.steps[:-1], 1):
        each = rules.discrepancy_rate * share / np.where(expected >= step, 2, 1)
        more += each * likelihood(expected + step)
        fewer += np.where(expected >= step, each * likelihood(expected - step), 0)
    far = len(rules.steps)
    numbers = np.arange(over_range)
    below = numbers <= (expected - far)[:, None]
    above = numbers >= (expected + far)[:, None]
    each = rules.discrepancy_rate * rules.steps[-1] / (below.sum(1) + above.sum(1) + 1)
    rest = likelihoods[:, over_range]
    is_open = expected - far >= over_range
    fewer += each * ((likelihoods[:, :-1] * below).sum(1) + np.where(is_open, rest / 2, 0))
    more += each * ((likelihoods[:, :-1] * above).sum(1) + np.where(is_open, rest / 2, rest))
    total = equal + fewer + more
    return fewer / total, more / total


def verdicts(predictions: Predictions, lines: Lines, rules: Rules) -> Verdicts:
    """The verdict (L,) of each line: the rule of `functions/bintally/domain/verdicts.py`, restated as `odds` is."""
    last = predictions.classes[-1]
    count = predictions.predicted[lines.photo]
    low, high = count, count
    if predictions.intervals is not None:
        low, high = predictions.intervals[lines.photo].T
    # One more than the last class stands for "or more", which is never below an order.
    below = (count < lines.expected) & (high < lines.expected) & (count <= last) & (high <= last)
    above = (count > lines.expected) & (low > lines.expected)
    equal = (count == lines.expected) & (count <= last) & (low <= lines.expected) & (lines.expected <= high)
    short, over = lines.fewer >= rules.variance, lines.more >= rules.variance
    match = (lines.risk <= rules.match_risk) & equal
    return np.select([short & below, over & above, match], [SHORT, OVER, MATCH], UNCERTAIN)


def order_figures(predictions: Predictions, rules: Rules) -> dict[str, Any]:
    """The rates with `rules`, and for each of DISCREPANCY_RATES the same with that many wrong orders.

    `predictions` are those of bins in range and out of it.
    """
    by_rate = {}
    for rate in DISCREPANCY_RATES:
        there = replace(rules, discrepancy_rate=rate)
        lines = order_lines(predictions, there)
        grid = [replace(there, match_risk=risk) for risk in MATCH_RISKS]
        by_rate[str(rate)] = {
            **rates(predictions, lines, there),
            "lift_curve": lift_curve(lines),
            "by_match_risk": [{"match_risk": each.match_risk, **settled(predictions, lines, each)} for each in grid],
        }
    return {
        "match_risk": rules.match_risk,
        "variance_threshold": rules.variance,
        "discrepancy_rate": rules.discrepancy_rate,
        "steps": list(rules.steps),
        **rates(predictions, order_lines(predictions, rules), rules),
        "by_rate": by_rate,
    }


def rates(predictions: Predictions, lines: Lines, rules: Rules) -> dict[str, float | None]:
    """`settled`, and how well the rest is found.

    `alerts`: SHORT or OVER; `precision`: of these, in the right direction, None without any. `auc`: how often a wrong
    line has a higher risk than a correct one; `auc_within`: the same among lines that expect the same number, so that
    the orders' own numbers can't give the answer away. `lift_10`, `lift_20`: wrong lines found in the riskiest tenth
    and fifth, as a multiple of what a random choice finds.
    """
    chosen = verdicts(predictions, lines, rules)
    right = ((chosen == SHORT) & (lines.offset > 0)) | ((chosen == OVER) & (lines.offset < 0))
    alerts = float(lines.weight[np.isin(chosen, (SHORT, OVER))].sum())
    curve = lift_curve(lines)
    return {
        **settled(predictions, lines, rules),
        "alerts": alerts,
        "precision": float(lines.weight[right].sum()) / alerts if alerts else None,
        "auc": auc(lines.risk, lines.wrong, lines.weight),
        "auc_within": auc_within(lines),
        "lift_10": curve[10] / 0.1,
        "lift_20": curve[20] / 0.2,
    }


def settled(predictions: Predictions, lines: Lines, rules: Rules) -> dict[str, float]:
    """The four numbers of a verdict's quality.

    `settled`: share of lines that are MATCH, so nobody looks at them. `wrong_settled`: share of these that are wrong,
    and `wrong_settled_bound`, its upper 95% limit by the bootstrap over photos. `wrong_seen`: share of wrong lines that
    reach a person. `leak_ratio`: `wrong_settled` by the share of all lines that are wrong; 1 if photos were no help.
    """
    match = verdicts(predictions, lines, rules) == MATCH
    by_photo = np.bincount(lines.photo, lines.weight * match, len(predictions))
    wrong_by_photo = np.bincount(lines.photo, lines.weight * (match & lines.wrong), len(predictions))
    share, wrong = float(by_photo.sum()), float(wrong_by_photo.sum())
    all_wrong = float(lines.weight[lines.wrong].sum())
    leaked = wrong / share if share else 0.0
    return {
        "settled": share,
        "wrong_settled": leaked,
        "wrong_settled_bound": _upper_limit(wrong_by_photo.astype(float), by_photo.astype(float)),
        "wrong_seen": 1 - wrong / all_wrong,
        "leak_ratio": leaked / all_wrong,
    }


def _upper_limit(numerators: Floats, denominators: Floats) -> float:
    """The upper LEVEL limit of a ratio of sums over photos: percentile bootstrap, with the same draws each time.

    The result does not depend on the order of the photos, because they are sorted first.
    """
    order = np.lexsort((numerators, denominators))
    numerators, denominators = numerators[order], denominators[order]
    draws = _draws(len(numerators))
    sums = draws @ denominators
    ratios = np.divide(draws @ numerators, sums, out=np.zeros(SAMPLES), where=sums > 0)
    return float(np.quantile(ratios, LEVEL))


@lru_cache(maxsize=1)
def _draws(photos: int) -> Floats:
    """How often each photo is in each of SAMPLES bootstrap samples."""
    shares = np.full(photos, 1 / photos)
    return np.random.default_rng(SEED).multinomial(photos, shares, SAMPLES).astype(float)


def auc_within(lines: Lines) -> float:
    """The mean over expected numbers, each weighted by its wrong lines."""
    total, found = 0.0, 0.0
    for number in np.unique(lines.expected):
        here = lines.expected == number
        wrong = lines.wrong[here]
        if wrong.any() and not wrong.all():
            weight = float(lines.weight[here][wrong].sum())
            total += weight
            found += weight * auc(lines.risk[here], wrong, lines.weight[here])
    return found / total if total else 0.5


def auc(scores: Floats, positive: Mask, weights: Floats) -> float:
    """The weighted area under the ROC curve; ties count half. All arguments are (N,)."""
    levels, place = np.unique(scores, return_inverse=True)
    negatives = np.bincount(place, weights * ~positive, len(levels))
    positives = np.bincount(place, weights * positive, len(levels))
    lower = negatives.cumsum() - negatives / 2
    return float((positives * lower).sum() / (positives.sum() * negatives.sum()))


def lift_curve(lines: Lines) -> list[float]:
    """The share of wrong lines among the riskiest 0%, 1%, ... 100% of all lines."""
    order = np.argsort(-lines.risk, kind="stable")
    seen = np.concatenate([[0], lines.weight[order].cumsum()])
    found = np.concatenate([[0], (lines.weight * lines.wrong)[order].cumsum()])
    shares = np.interp(np.linspace(0, 1, POINTS) * seen[-1], seen, found / found[-1])
    return [round(float(share), 6) for share in shares]
