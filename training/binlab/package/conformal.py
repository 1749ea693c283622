"""Prediction intervals that hold the true count as often as they claim, and the confidence above which to trust one.

Intervals: split conformal prediction (Vovk, Gammerman and Shafer, 2005, Algorithmic Learning in a Random World; Romano,
Sesia and Candès, 2020, arXiv:2006.02544) with the ordinal sets of Lu et al. (2022, arXiv:2207.02238), which
`binmodel.intervals` grows. They are nested in the mass they must exceed, and that mass is fitted here, as in conformal
risk control (Angelopoulos et al., 2022, arXiv:2208.02814). The score of a count is the mass held just before the
interval takes it in. Scores are continuous except for counts that are the first guess, so coverage is nearly exact.

The guarantee: of images for which every class is equally likely, and which within each class are exchangeable with the
images that the mass was fitted on, at least the share `coverage` has its count in its interval. It is an average over
all such images and over the choice of the fitting images. It says nothing about one bin, one class, bins out of range,
or images of another kind. The model must not have learned from the fitting images. Fitting the temperature on them too
is harmless: it shifts all scores together, by far less than their sampling noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from binmodel.intervals import growth, interval

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
STARTS = (0.9, 0.8, 0.7, 0.6, 0.5)  # where `abstention_threshold` starts to search downwards
STEP = 0.01


def scores(probabilities: Floats, labels: Indices) -> Floats:
    """For each row of probabilities (N, outputs): the mass of its interval just before it takes in output `label`.

    The interval of mass m holds the label if and only if the score is at most m.
    """
    return np.array([_score(row, label) for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True)])


def _score(row: list[float], label: int) -> float:
    before = 0.0
    for first, last, held in growth(row):
        if first <= label <= last:
            break
        before = held
    return before


def fit_mass(probabilities: Floats, labels: Indices, *, coverage: float) -> float:
    """The smallest mass whose intervals guarantee `coverage`, with every class in `labels` weighing the same.

    If k of the n images of a class are covered, it counts as k / (n + 1), as if the next image were not covered. For
    one class that is the usual quantile, ceil((n + 1) coverage) / n. Returns 1 (every output) if there are too few
    images for the guarantee.
    """
    found = scores(probabilities, labels)
    shares = {label: 1 / (1 + (labels == label).sum()) for label in np.unique(labels)}
    order = np.argsort(found)
    covered = np.cumsum([shares[label] for label in labels[order]]) / len(shares)
    enough = int(np.searchsorted(covered, coverage - 1e-12))  # 1e-12: rounding of the cumulated shares
    return float(found[order][enough]) if enough < len(found) else 1.0


def intervals(probabilities: Floats, mass: float) -> Indices:
    """The first and last output (N, 2) of the interval of each row."""
    return np.array([interval(row, mass) for row in probabilities.tolist()], dtype=np.int64).reshape(-1, 2)


def coverage_and_width(
    probabilities: Floats, labels: Indices, mass: float, weights: Floats | None = None
) -> tuple[float, float]:
    """The share of images whose interval holds their label, and the mean number of counts in an interval."""
    first, last = intervals(probabilities, mass).T
    held = (first <= labels) & (labels <= last)
    return float(np.average(held, weights=weights)), float(np.average(last - first + 1, weights=weights))


def abstention_threshold(
    confidence: Floats, correct: npt.NDArray[np.bool_], *, risk: float, level: float, starts: Sequence[float] = STARTS
) -> float | None:
    """The lowest confidence above which at most the share `risk` of counts is wrong; None if there is none.

    Holds with probability `level` over the choice of these images, for images exchangeable with them (with the same
    frequency of classes and of bins out of range). Learn Then Test (Angelopoulos et al., 2021, arXiv:2110.01052): each
    confidence is a hypothesis, tested by the binomial tail (Clopper and Pearson, 1934), in sequences that go down from
    each of `starts` until a test fails. The sequences share the error 1 - `level` evenly.
    """
    passed = []
    for start in starts:
        for step in range(round(start / STEP)):
            threshold = round(start - step * STEP, 6)
            wrong = ~correct[confidence >= threshold]
            if binomial_tail(int(wrong.sum()), len(wrong), risk) > (1 - level) / len(starts):
                break
            passed.append(threshold)
    return min(passed, default=None)


def binomial_tail(most: int, trials: int, chance: float) -> float:
    """P(at most `most` successes in `trials`, each with probability 0 < `chance` < 1)."""
    # Logarithms: the binomial coefficients overflow a float from about a thousand trials on.
    logs = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(chance) + (trials - k) * math.log1p(-chance)
        for k in range(most + 1)
    ]  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, logs)))
