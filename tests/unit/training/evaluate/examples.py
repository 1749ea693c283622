"""Predictions and prediction lines made up for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from binlab.data.dataset import LabelledImage
from binlab.evaluate.evaluation import evaluation
from binlab.evaluate.orders import Rules
from binlab.evaluate.predictions import Predictions

CLASSES = (1, 2, 3, 4, 5)
NAMED = {"model": "m@1 <i>", "backend": "onnx", "split": "test", "unreadable": [], "split_as_in_training": True}


def predictions_of(
    counts: Sequence[int],
    probabilities: Sequence[Sequence[float]],
    *,
    empty: Sequence[float] | None = None,
    over_range: Sequence[float] | None = None,
    intervals: Sequence[tuple[int, int]] | None = None,
) -> Predictions:
    """Predictions of a model with these outputs; the classes are 1, 2 and so on."""
    rows = np.array(probabilities, float)
    below, above = (np.zeros(len(rows)) if given is None else np.array(given, float) for given in (empty, over_range))
    outputs = np.hstack([below[:, None], rows * (1 - below - above)[:, None], above[:, None]])
    return Predictions(
        classes=tuple(range(1, rows.shape[1] + 1)),
        counts=np.array(counts),
        predicted=outputs.argmax(1),
        confidence=outputs.max(1),
        probabilities=rows,
        empty=below,
        over_range=above,
        intervals=None if intervals is None else np.array(intervals),
        nominal_coverage=None if intervals is None else 0.9,
    )


def image(number: int, count: int, folder: Path = Path()) -> LabelledImage:
    return LabelledImage(str(number), folder / f"{number}.jpg", count, ())


def line(rows: Sequence[float], **rest: Any) -> dict[str, Any]:
    """A prediction line for probabilities of 1, 2 and so on; `rest` are the fields that it has beside them."""
    empty, over = rest.get("empty", 0), rest.get("over_range", 0)
    outputs = [empty, *(share * (1 - empty - over) for share in rows), over]
    best = int(np.argmax(outputs))
    answer = {"count": best} if best <= len(rows) else {"count": None, "at_least": best}
    shares = {str(place + 1): share for place, share in enumerate(rows)}
    return {**answer, "confidence": outputs[best], "probabilities": shares, "model": "m@1", **rest}


def numbers(figures: Any) -> list[float]:
    """Every number in figures, however nested, in order."""
    if isinstance(figures, dict):
        return [each for value in figures.values() for each in numbers(value)]
    if isinstance(figures, list | tuple):
        return [each for value in figures for each in numbers(value)]
    return [figures] if isinstance(figures, int | float) else []


def guesses(seed: int, number: int, *, outside: bool = True) -> Predictions:
    """Predictions of a model that is better than chance, for counts of 1 to 5, or 0 to 6 and more."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, 8, number) if outside else random.integers(1, 6, number)
    logits = random.normal(0, 1, (number, 7)) - 0.8 * abs(np.arange(7)[None, :] - counts[:, None])
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    inside = shares[:, 1:6] / shares[:, 1:6].sum(1, keepdims=True)
    intervals = [(max(0, int(row.argmax()) - 1), min(6, int(row.argmax()) + 1)) for row in shares]
    return predictions_of(
        list(counts), inside.tolist(), empty=shares[:, 0], over_range=shares[:, 6], intervals=intervals
    )


def figures_of(predictions: Predictions, **named: object) -> dict:  # type: ignore[type-arg]
    training_counts = np.array([1, 2, 3, 3, 4, 5])
    return {**NAMED, "rekognition": None, "volume": None, **evaluation(predictions, training_counts, Rules()), **named}
