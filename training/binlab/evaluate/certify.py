"""The highest match risk for which few enough wrong orders are settled without a person, with a certificate.

For each of DISCREPANCY_RATES and ALPHAS, thresholds are tested one after the other, from strict to lax, and the walk
ends before the first that fails: fixed-sequence testing needs no correction for the number of tests (Learn then Test,
https://arxiv.org/abs/2110.01052). With probability LEVEL over the choice of photos, at most alpha of what the threshold
settles is wrong, for photos exchangeable with these and orders that are wrong as often, and by as much, as assumed.

Each photo stands for all its order lines, weighted. What it adds to the settled and to the wrong ones is a number and
no count, so Clopper-Pearson bounds do not apply. The test is a bet against "more than alpha are wrong": the capital
1 - b (wrong - alpha settled), multiplied over the photos, grows by no more than chance if that is true, and exceeds
1 / (1 - LEVEL) with a probability of at most 1 - LEVEL (Ville's inequality; https://arxiv.org/abs/2010.09686). The
capital is shared among BETS sizes of b, so that none has to be chosen and the photos' order does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from binlab.evaluate.orders import DISCREPANCY_RATES, MATCH, Lines, Rules, order_lines, verdicts
from binlab.evaluate.predictions import Floats, Predictions

ALPHAS = (0.01, 0.02, 0.05)
LEVEL = 0.95
BETS = 100
STEP, MOST = 0.0025, 0.1  # of the thresholds that are tested
# A stricter threshold settles too few photos for any certificate. Fixed before anything was seen, as it has to be.
FIRST = 0.2  # of the discrepancy rate
PRECISION = 1e-5  # of a bound


def certify(predictions: Predictions, rules: Rules) -> list[dict[str, float | None]]:
    """One row for each rate and alpha. `match_risk`, `settled` and `bound` are None where no threshold passes.

    `match_risk` is the strictest that settles as many lines as the last one that passes. `bound` is the upper LEVEL
    limit of the share of wrong lines among those settled.
    """
    return [row for rate in DISCREPANCY_RATES for row in _rows(predictions, replace(rules, discrepancy_rate=rate))]


def _rows(predictions: Predictions, rules: Rules) -> list[dict[str, float | None]]:
    lines, rate = order_lines(predictions, rules), rules.discrepancy_rate
    walk = [(risk, *by_photo(predictions, lines, replace(rules, match_risk=risk))) for risk in thresholds(rate)]
    return [{"discrepancy_rate": rate, "alpha": alpha, **_last_passed(walk, alpha, rate)} for alpha in ALPHAS]


def _last_passed(walk: Sequence[tuple[float, Floats, Floats]], alpha: float, rate: float) -> dict[str, float | None]:
    passed: dict[str, float | None] = {"match_risk": None, "settled": None, "bound": None}
    most = 0.0
    for risk, settled, wrong in walk:
        if settled.mean() == most:
            continue
        if not is_certified(settled, wrong, alpha, rate):
            break
        most = float(settled.mean())
        passed = {"match_risk": risk, "settled": most, "bound": upper_limit(settled, wrong, rate)}
    return passed


def thresholds(rate: float) -> list[float]:
    """The match risks that are tested, in order."""
    steps = range(round(FIRST * rate / STEP), round(MOST / STEP) + 1)
    return [round(step * STEP, 4) for step in steps if step]


def by_photo(predictions: Predictions, lines: Lines, rules: Rules) -> tuple[Floats, Floats]:
    """The share of each photo's lines that is settled, and that is settled and wrong; both (N,).

    Their means are those of all lines. The second is at most the discrepancy rate.
    """
    match = verdicts(predictions, lines, rules) == MATCH
    photos = len(predictions)
    settled = np.bincount(lines.photo, lines.weight * match, photos)
    wrong = np.bincount(lines.photo, lines.weight * (match & lines.wrong), photos)
    return np.asarray(settled * photos, float), np.asarray(wrong * photos, float)


def is_certified(settled: Floats, wrong: Floats, alpha: float, most_wrong: float) -> bool:
    """Whether the photos show, at LEVEL, that at most `alpha` of the settled lines are wrong.

    `settled` and `wrong` (N,) are those of `by_photo`; no element of `wrong` exceeds `most_wrong`.
    """
    return bool(_log_capital(wrong - alpha * settled, most_wrong) >= -np.log(1 - LEVEL))


def _log_capital(losses: Floats, most: float) -> float:
    """The logarithm of the final capital of a bet that the mean loss is below 0. No loss (N,) exceeds `most`."""
    bets = np.arange(1, BETS + 1) / (BETS + 1) / most  # no bet can lose everything
    logs = np.log1p(-bets[:, None] * losses).sum(1)
    return float(np.logaddexp.reduce(logs) - np.log(BETS))


def upper_limit(settled: Floats, wrong: Floats, most_wrong: float) -> float:
    """The lowest alpha that is certified: the upper LEVEL limit of the share of wrong lines among those settled."""
    low, high = 0.0, 1.0
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if is_certified(settled, wrong, middle, most_wrong) else (middle, high)
    return high


def check(
    rows: Iterable[Mapping[str, float | None]], predictions: Predictions, rules: Rules, seeds: int = 5
) -> list[dict[str, Any]]:
    """The certified rows with what other photos show: shares, and for each seed one drawn order for each photo.

    `drawn` are the (wrong, settled) lines of each seed.
    """
    found = []
    for row in rows:
        risk, rate = row["match_risk"], row["discrepancy_rate"]
        if risk is None or rate is None:
            continue
        here = replace(rules, match_risk=risk, discrepancy_rate=rate)
        lines = order_lines(predictions, here)
        settled, wrong = by_photo(predictions, lines, here)
        share = float(settled.mean())
        seen = {"test_settled": share, "test_wrong": float(wrong.mean()) / share if share else 0.0}
        found.append({**row, **seen, "drawn": [drawn(predictions, lines, here, seed) for seed in range(1, seeds + 1)]})
    return found


def drawn(predictions: Predictions, lines: Lines, rules: Rules, seed: int) -> tuple[int, int]:
    """The wrong and the settled lines if each photo gets one order, drawn as often as such orders are."""
    # The largest of -log(u) / weight, negated, of a photo's lines is drawn with a probability in proportion to weight.
    times = np.random.default_rng(seed).exponential(size=len(lines.weight)) / lines.weight
    order = np.lexsort((times, lines.photo))
    _, first = np.unique(lines.photo[order], return_index=True)
    chosen = order[first]
    match = (verdicts(predictions, lines, rules) == MATCH)[chosen]
    return int((match & lines.wrong[chosen]).sum()), int(match.sum())
