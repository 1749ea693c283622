"""The odds of order lines whose items have a known volume: Bayes' rule with two likelihoods, of count and volume.

The same formula as `functions/bintally/domain/volume_odds.py`, restated because training and Lambda share messages, not
code; tests/unit/training/evaluate/test_volume_odds.py checks that the two agree.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from binlab.evaluate.predictions import Counts, Floats, Predictions, Volumes

MIN_LIKELIHOOD = 1e-6
NO_ITEM = 0.5  # items that an empty bin counts as
MAX_NUMBERS = 50  # that stand for a range of numbers over the model's range


def volume_odds(
    predictions: Predictions, item_logs: Floats, expected: Counts, discrepancy_rate: float, steps: tuple[float, ...]
) -> tuple[Floats, Floats]:
    """The probabilities that each bin holds fewer items than expected, and more; all (N,).

    `item_logs` are the log litres of one item of each line. Raises ValueError for predictions without volumes.
    """
    if predictions.volumes is None:
        raise ValueError("The predictions have no volumes.")
    fewer, more = np.zeros(len(expected)), np.zeros(len(expected))
    for number in np.unique(expected).tolist():
        here = np.asarray(expected == number)
        numbers, before = prior_of(number, predictions.classes[-1] + 1, discrepancy_rate, steps)
        logs = _log_likelihoods(predictions.where(here), predictions.volumes.where(here), item_logs[here], numbers)
        after = before * np.exp(logs - logs.max(1, keepdims=True))
        total = after.sum(1)
        fewer[here] = after[:, numbers < number].sum(1) / total
        more[here] = after[:, numbers > number].sum(1) / total
    return fewer, more


def _log_likelihoods(predictions: Predictions, volumes: Volumes, item_logs: Floats, numbers: Counts) -> Floats:
    """The log likelihood (N, K) of each of the `numbers` (K,), but for a constant."""
    outputs = np.column_stack([predictions.empty, predictions.class_probabilities, predictions.over_range])
    counts = np.log(np.maximum(outputs, MIN_LIKELIHOOD))[:, np.minimum(numbers, outputs.shape[1] - 1)]
    a, b = volumes.weights
    fits = _fits(volumes, item_logs, np.where(numbers == 0, NO_ITEM, numbers))
    best = np.where(numbers == 0, _fits(volumes, item_logs, np.ones(1)), 0.0)  # an empty bin never fits better than one
    return np.asarray(a * counts + b * np.minimum(fits, best))


def _fits(volumes: Volumes, item_logs: Floats, items: npt.NDArray[np.floating]) -> Floats:
    """The log likelihood (N, K) of so many items (K,) by their volume, but for a constant. At most 0."""
    distance = (np.log(items) + item_logs[:, None] - volumes.logs[:, None]) / volumes.log_sd[:, None]
    return np.asarray(-(distance**2) / 2)


def prior_of(
    expected: int, over_range: int, discrepancy_rate: float, steps: tuple[float, ...]
) -> tuple[Counts, Floats]:
    """The numbers (K,) that a bin may hold, and the probability of each (K,) before the photo is seen."""
    found = {expected: 1 - discrepancy_rate}
    for step, share in enumerate(steps[:-1], 1):
        near = [number for number in (expected - step, expected + step) if number >= 0]
        found |= dict.fromkeys(near, discrepancy_rate * share / len(near))
    far = len(steps)
    inside = [number for number in range(over_range) if abs(number - expected) >= far]
    each = discrepancy_rate * steps[-1] / (len(inside) + 1)
    found |= dict.fromkeys(inside, each)
    least = max(over_range, expected + far)
    parts = [part for part in (_spread(over_range, expected - far), _spread(least, 2 * least - 1)) if part]
    for part in parts:
        found |= dict.fromkeys(part, each / len(parts) / len(part))
    return np.array(list(found)), np.array(list(found.values()))


def _spread(first: int, last: int) -> range:
    return range(first, last + 1, max(1, -(-(last + 1 - first) // MAX_NUMBERS)))
