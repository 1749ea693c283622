"""The verdict on an order, as `functions/bintally/domain/verdicts.py` gives it.

Restated, not imported: training and Lambda share messages, not code. tests/unit/training/test_verdicts.py holds the two
to the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from binlab.evaluate.answers import Answers, Floats, Mask

MATCH, SHORT, OVER, UNCERTAIN = "MATCH", "SHORT", "OVER", "UNCERTAIN"


@dataclass(frozen=True)
class Thresholds:
    """How sure the model has to be: `match` for MATCH, `variance` for SHORT and OVER. Both at least 0.5."""

    match: float = 0.6
    variance: float = 0.9


@dataclass(frozen=True)
class Comparison:
    """Each photograph against each class as the expected number: everything is (N, C).

    `fewer`, `equal` and `more` are probabilities of what is in the bin; `counted` is whether the model's count is the
    expected number, and `below` and `above` whether the count and its interval are below it, or above it; `within` is
    whether the interval holds it. Without intervals the count decides alone.
    """

    fewer: Floats
    equal: Floats
    more: Floats
    counted: Mask
    below: Mask
    within: Mask
    above: Mask


def compare(answers: Answers) -> Comparison:
    """An empty bin holds fewer than any class, a fuller one more."""
    equal, none, expected = answers.shares, np.zeros((len(answers), 1)), np.array(answers.classes)
    before = np.hstack([none, equal.cumsum(1)[:, :-1]])
    after = np.hstack([equal[:, ::-1].cumsum(1)[:, ::-1][:, 1:], none])
    guess = answers.guess[:, None]
    low, high = (guess, guess) if answers.spans is None else (answers.spans[:, :1], answers.spans[:, 1:])
    return Comparison(
        fewer=before + answers.empty[:, None],
        equal=equal,
        more=after + answers.fuller[:, None],
        counted=guess == expected,
        below=(guess < expected) & (high < expected),
        within=(low <= expected) & (expected <= high),
        above=(guess > expected) & (low > expected),
    )


def verdicts(found: Comparison, thresholds: Thresholds) -> npt.NDArray[np.str_]:
    """The verdict (N, C) for each photograph and each class as the expected number."""
    short, over = found.fewer >= thresholds.variance, found.more >= thresholds.variance
    match = (found.equal >= thresholds.match) & found.counted
    return np.select([short & found.below, over & found.above, match & found.within], [SHORT, OVER, MATCH], UNCERTAIN)
