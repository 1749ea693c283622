"""The verdicts that orders would have got: correct orders, orders altered by one or two, and bins out of range.

Nothing is random. Every alteration within the classes is tried on each image, and they share the image's weight, so
the rates are what a random alteration gives on average, without the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from binlab.evaluate.predictions import Floats, Mask, Predictions

MATCH, SHORT, OVER, UNCERTAIN = "MATCH", "SHORT", "OVER", "UNCERTAIN"
STEPS = (1, 2)
WRONG_SHARE = 0.1  # of the orders in a stream, for the share that goes to a person
MATCHES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
VARIANCES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)

Verdicts = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Thresholds:
    """The probability needed for a verdict: `match` for MATCH, `variance` for SHORT and OVER. Both at least 0.5."""

    match: float = 0.6
    variance: float = 0.9


@dataclass(frozen=True)
class Comparison:
    """Each image against each class as the expected number; all fields are (N, C).

    `fewer`, `equal` and `more` are the probabilities that the bin holds fewer, as many, or more. `counted`: the count
    is the expected number. `below`, `above`: the count and its interval are below it, or above it. `within`: the
    interval contains it. Without intervals the count decides alone.
    """

    fewer: Floats
    equal: Floats
    more: Floats
    counted: Mask
    below: Mask
    within: Mask
    above: Mask


def compare(predictions: Predictions) -> Comparison:
    """An empty bin holds fewer than any class, and a bin over the range more."""
    equal, none = predictions.class_probabilities, np.zeros((len(predictions), 1))
    expected = np.array(predictions.classes)
    before = np.hstack([none, equal.cumsum(1)[:, :-1]])
    # Summed from the right, not 1 - before - equal: that would lose small probabilities to rounding.
    after = np.hstack([equal[:, ::-1].cumsum(1)[:, ::-1][:, 1:], none])
    count = predictions.predicted[:, None]
    low, high = (count, count)
    if predictions.intervals is not None:
        low, high = predictions.intervals[:, :1], predictions.intervals[:, 1:]
    return Comparison(
        fewer=before + predictions.empty[:, None],
        equal=equal,
        more=after + predictions.over_range[:, None],
        counted=count == expected,
        below=(count < expected) & (high < expected),
        within=(low <= expected) & (expected <= high),
        above=(count > expected) & (low > expected),
    )


def verdicts(found: Comparison, thresholds: Thresholds) -> Verdicts:
    """The verdict (N, C) of each image for each class as the expected number.

    The same rule as `functions/bintally/domain/verdicts.py`, restated because training and Lambda share messages, not
    code; tests/unit/training/evaluate/test_orders.py checks that the two agree.
    """
    short, over = found.fewer >= thresholds.variance, found.more >= thresholds.variance
    match = (found.equal >= thresholds.match) & found.counted
    return np.select([short & found.below, over & found.above, match & found.within], [SHORT, OVER, MATCH], UNCERTAIN)


def order_figures(predictions: Predictions, outside: Predictions | None, thresholds: Thresholds) -> dict[str, Any]:
    """The rates at `thresholds`, over a grid of thresholds, and of rules that need no model.

    `predictions` are in range; `outside` are those of bins out of range, if there are any.
    """
    found, (correct, altered) = compare(predictions), order_weights(predictions)
    chosen = verdicts(found, thresholds)
    by_step = {str(step): verdict_shares(chosen, order_weights(predictions, (step,))[1]) for step in STEPS}
    grid = [Thresholds(match, variance) for match in MATCHES for variance in VARIANCES]
    return {
        "match_threshold": thresholds.match,
        "variance_threshold": thresholds.variance,
        "wrong_share": WRONG_SHARE,
        **rates(chosen, correct, altered),
        "miss_rate_by_step": {step: share[MATCH] for step, share in by_step.items()},
        "grid": [
            {"match": t.match, "variance": t.variance, **rates(verdicts(found, t), correct, altered)} for t in grid
        ],
        "without_thresholds": rates(verdicts_by_count(found), correct, altered),
        "always_match": rates(np.full_like(chosen, MATCH), correct, altered),
        "always_a_person": rates(np.full_like(chosen, UNCERTAIN), correct, altered),
        "out_of_range": {} if outside is None else out_of_range_rates(outside, thresholds),
    }


def order_weights(predictions: Predictions, steps: tuple[int, ...] = STEPS) -> tuple[Floats, Floats]:
    """Weights (N, C) over images and expected numbers: of correct orders, and of altered ones.

    Correct ones sum to 1, and so do the absolute values of altered ones. Their sign is the direction: above 0 if the
    order expects more than the record.
    """
    off = np.array(predictions.classes)[None, :] - predictions.counts[:, None]
    correct = (off == 0).astype(float)
    changed = np.isin(abs(off), steps).astype(float)
    each = changed / np.maximum(changed.sum(1, keepdims=True), 1)
    return correct / correct.sum(), np.sign(off) * each / each.sum()


def verdict_shares(chosen: Verdicts, weights: Floats) -> dict[str, float]:
    """The share of the weight that got each verdict."""
    return {verdict: float(abs(weights)[chosen == verdict].sum()) for verdict in (MATCH, SHORT, OVER, UNCERTAIN)}


def verdicts_by_count(found: Comparison) -> Verdicts:
    """A rule without thresholds: MATCH if the count is the expected number, else SHORT or OVER."""
    return np.where(found.counted, MATCH, np.where(found.fewer >= found.more, SHORT, OVER))


def rates(chosen: Verdicts, correct: Floats, altered: Floats) -> dict[str, float]:
    """Shares of the correct orders, or of the altered ones.

    `miss_rate`: altered, yet MATCH. `found`: altered, SHORT or OVER in the right direction; `wrong_way`: in the wrong
    one. `false_alarm_rate`: correct, yet SHORT or OVER. `to_person`: UNCERTAIN in a stream with WRONG_SHARE altered.
    """
    of_correct, of_altered = verdict_shares(chosen, correct), verdict_shares(chosen, altered)
    too_many = verdict_shares(chosen, np.maximum(altered, 0))
    too_few = verdict_shares(chosen, np.minimum(altered, 0))
    return {
        "miss_rate": of_altered[MATCH],
        "found": too_many[SHORT] + too_few[OVER],
        "wrong_way": too_many[OVER] + too_few[SHORT],
        "altered_to_person": of_altered[UNCERTAIN],
        "false_alarm_rate": of_correct[SHORT] + of_correct[OVER],
        "matched": of_correct[MATCH],
        "correct_to_person": of_correct[UNCERTAIN],
        "to_person": (1 - WRONG_SHARE) * of_correct[UNCERTAIN] + WRONG_SHARE * of_altered[UNCERTAIN],
    }


def out_of_range_rates(outside: Predictions, thresholds: Thresholds) -> dict[str, dict[str, float]]:
    """Empty bins and bins over the range, each against orders of every class: missed, found, or to a person."""
    chosen = verdicts(compare(outside), thresholds)
    empty = outside.counts < outside.classes[0]
    found = {}
    for name, mask, truth in (("empty", empty, SHORT), ("over_range", ~empty, OVER)):
        if mask.any():
            here = chosen[mask]
            found[name] = {
                "miss_rate": float((here == MATCH).mean()),
                "found": float((here == truth).mean()),
                "to_person": float((here == UNCERTAIN).mean()),
            }
    return found
