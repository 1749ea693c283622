"""What the verdicts on orders would have been: right orders, orders altered by one or two, and bins out of range.

Nothing is drawn at random. Of each photograph every alteration within the classes is tried, and they share one weight;
so the figures are what a random alteration gives on average, without its noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from binlab.evaluate.answers import Answers, Floats
from binlab.evaluate.verdicts import MATCH, OVER, SHORT, UNCERTAIN, Comparison, Thresholds, compare, verdicts

STEPS = (1, 2)
WRONG_SHARE = 0.1  # of the orders of a stream, for the share that goes to a person
MATCHES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
VARIANCES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)


def order_figures(answers: Answers, outside: Answers | None, thresholds: Thresholds) -> dict[str, Any]:
    """The figures of `rates` at `thresholds`, over a grid of them, and of what needs no model.

    `answers` are in range; `outside` are those for empty and fuller bins, if there are any.
    """
    found, (right, altered) = compare(answers), weights_of(answers)
    chosen = verdicts(found, thresholds)
    by_step = {str(step): shares(chosen, weights_of(answers, (step,))[1]) for step in STEPS}
    grid = [Thresholds(match, variance) for match in MATCHES for variance in VARIANCES]
    return {
        "match_threshold": thresholds.match,
        "variance_threshold": thresholds.variance,
        "wrong_share": WRONG_SHARE,
        **rates(chosen, right, altered),
        "miss_rate_by_step": {step: share[MATCH] for step, share in by_step.items()},
        "grid": [{"match": t.match, "variance": t.variance, **rates(verdicts(found, t), right, altered)} for t in grid],
        "without_thresholds": rates(by_count(found), right, altered),
        "always_as_expected": rates(np.full_like(chosen, MATCH), right, altered),
        "always_a_person": rates(np.full_like(chosen, UNCERTAIN), right, altered),
        "outside": {} if outside is None else outside_rates(outside, thresholds),
    }


def weights_of(answers: Answers, steps: tuple[int, ...] = STEPS) -> tuple[Floats, Floats]:
    """Weights (N, C) over photographs and expected numbers: of right orders, and of altered ones.

    Those of right orders sum to 1, and so do the sizes of those of altered ones, whose sign says in which direction:
    above 0 where more is expected than recorded.
    """
    off = np.array(answers.classes)[None, :] - answers.counts[:, None]
    right = (off == 0).astype(float)
    changed = np.isin(abs(off), steps).astype(float)
    each = changed / np.maximum(changed.sum(1, keepdims=True), 1)
    return right / right.sum(), np.sign(off) * each / each.sum()


def shares(chosen: np.ndarray, weights: Floats) -> dict[str, float]:
    """The share of the weight that each verdict has."""
    return {verdict: float(abs(weights)[chosen == verdict].sum()) for verdict in (MATCH, SHORT, OVER, UNCERTAIN)}


def by_count(found: Comparison) -> np.ndarray:
    """Verdicts of a rule without thresholds: MATCH where the count is the expected number, else SHORT or OVER."""
    return np.where(found.counted, MATCH, np.where(found.fewer >= found.more, SHORT, OVER))


def rates(chosen: np.ndarray, right: Floats, altered: Floats) -> dict[str, float]:
    """The figures of the verdicts (N, C), each a share of the right orders, or of the altered ones.

    `miss_rate`: altered, and let pass as MATCH. `found`: altered, and the variance named in the right direction;
    `wrong_way`: in the other one. `false_alarm_rate`: right, and yet SHORT or OVER. `to_person`: UNCERTAIN, in a stream
    with WRONG_SHARE altered orders.
    """
    of_right, of_altered = shares(chosen, right), shares(chosen, altered)
    too_many, too_few = shares(chosen, np.maximum(altered, 0)), shares(chosen, np.minimum(altered, 0))
    return {
        "miss_rate": of_altered[MATCH],
        "found": too_many[SHORT] + too_few[OVER],
        "wrong_way": too_many[OVER] + too_few[SHORT],
        "altered_to_person": of_altered[UNCERTAIN],
        "false_alarm_rate": of_right[SHORT] + of_right[OVER],
        "matched": of_right[MATCH],
        "right_to_person": of_right[UNCERTAIN],
        "to_person": (1 - WRONG_SHARE) * of_right[UNCERTAIN] + WRONG_SHARE * of_altered[UNCERTAIN],
    }


def outside_rates(outside: Answers, thresholds: Thresholds) -> dict[str, dict[str, float]]:
    """For empty bins and for fuller ones, against orders of every class: let pass as MATCH, found, or to a person."""
    chosen = verdicts(compare(outside), thresholds)
    empty = outside.counts < outside.classes[0]
    found = {}
    for name, inside, truth in (("empty", empty, SHORT), ("fuller", ~empty, OVER)):
        if inside.any():
            here = chosen[inside]
            found[name] = {
                "miss_rate": float((here == MATCH).mean()),
                "found": float((here == truth).mean()),
                "to_person": float((here == UNCERTAIN).mean()),
            }
    return found
