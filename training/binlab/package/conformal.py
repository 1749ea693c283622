"""Intervals of counts that hold the true one as often as they say, and the confidence from which to trust a count.

Intervals: split conformal prediction (Vovk, Gammerman and Shafer, 2005, Algorithmic Learning in a Random World; Romano,
Sesia and Candès, 2020, arXiv:2006.02544) with the ordinal sets of Lu et al. (2022, arXiv:2207.02238), which
`binmodel.intervals` grows. They are nested in the mass that they have to hold, and that mass is what is searched here,
as in conformal risk control (Angelopoulos et al., 2022, arXiv:2208.02814). A count's score, the mass held just before
the interval takes it in, is spread out but for those counts that are the first guess, so coverage is nearly exact.

What is guaranteed: of photographs of which each class is as likely as the next, and which within each class are
exchangeable with those that the mass was fitted on, at least the share `coverage` has its count in its interval. That
is on average over all such photographs and over the draw of those fitted on. It says nothing of one bin, of one class,
of bins out of range, or of photographs of another kind. The probabilities have to be those of a model that did not
learn from the photographs fitted on; a temperature that was fitted on them too moves all scores alike by a little, far
less than their draw does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from binmodel.intervals import growth, interval

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
STARTS = (0.9, 0.8, 0.7, 0.6, 0.5)  # confidences from which `abstention` goes down
STEP = 0.01


def scores(probabilities: Floats, labels: Indices) -> Floats:
    """For each row of probabilities (N, outputs): the mass that its interval holds before it takes in output `label`.

    The interval holds the label where, and only where, the score is at most the mass that it has to hold more than.
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
    """The smallest mass with which intervals are guaranteed `coverage`, every class in `labels` weighing the same.

    With k of the n photographs of a class covered, the class counts as k / (n + 1): as if one more were not covered,
    which is the one still to come. For one class that is the usual quantile, ceil((n + 1) coverage) / n. 1, which is
    every output, where there are too few photographs to guarantee as much.
    """
    found = scores(probabilities, labels)
    shares = {label: 1 / (1 + (labels == label).sum()) for label in np.unique(labels)}
    order = np.argsort(found)
    covered = np.cumsum([shares[label] for label in labels[order]]) / len(shares)
    enough = int(np.searchsorted(covered, coverage - 1e-12))
    return float(found[order][enough]) if enough < len(found) else 1.0


def intervals(probabilities: Floats, mass: float) -> Indices:
    """First and last output (N, 2) of each row's interval."""
    return np.array([interval(row, mass) for row in probabilities.tolist()], dtype=np.int64).reshape(-1, 2)


def coverage_and_width(
    probabilities: Floats, labels: Indices, mass: float, weights: Floats | None = None
) -> tuple[float, float]:
    """The share of photographs whose interval holds their label, and how many counts intervals hold on average."""
    first, last = intervals(probabilities, mass).T
    held = (first <= labels) & (labels <= last)
    return float(np.average(held, weights=weights)), float(np.average(last - first + 1, weights=weights))


def abstention(
    confidence: Floats, right: npt.NDArray[np.bool_], *, risk: float, level: float, starts: Sequence[float] = STARTS
) -> float | None:
    """The smallest confidence from which at most the share `risk` of counts is wrong; None where none is found.

    That holds with probability `level` over the draw of these photographs, for others that are exchangeable with them
    (as they come, classes and bins out of range as frequent as here). Learn Then Test (Angelopoulos et al., 2021,
    arXiv:2110.01052): each confidence is a hypothesis, tested by the binomial tail (Clopper and Pearson, 1934), in
    sequences that go down from each of `starts` until one test fails and that share the error 1 - `level` evenly.
    """
    passed = []
    for start in starts:
        for step in range(round(start / STEP)):
            threshold = round(start - step * STEP, 6)
            wrong = ~right[confidence >= threshold]
            if binomial_tail(int(wrong.sum()), len(wrong), risk) > (1 - level) / len(starts):
                break
            passed.append(threshold)
    return min(passed, default=None)


def binomial_tail(most: int, trials: int, chance: float) -> float:
    """The probability of at most so many successes in `trials` of `chance` (between 0 and 1) each."""
    logs = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(chance) + (trials - k) * math.log1p(-chance)
        for k in range(most + 1)
    ]  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, logs)))
