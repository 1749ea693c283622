"""Answers and prediction lines made up for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from binlab.data.dataset import Photo
from binlab.evaluate.answers import Answers

CLASSES = (1, 2, 3, 4, 5)


def answers_of(
    counts: Sequence[int],
    probabilities: Sequence[Sequence[float]],
    *,
    empty: Sequence[float] | None = None,
    fuller: Sequence[float] | None = None,
    spans: Sequence[tuple[int, int]] | None = None,
) -> Answers:
    """Answers as a model with these outputs gives them; the classes are 1, 2 and so on."""
    rows = np.array(probabilities, float)
    below, above = (np.zeros(len(rows)) if given is None else np.array(given, float) for given in (empty, fuller))
    outputs = np.hstack([below[:, None], rows * (1 - below - above)[:, None], above[:, None]])
    return Answers(
        classes=tuple(range(1, rows.shape[1] + 1)),
        counts=np.array(counts),
        guess=outputs.argmax(1),
        confidence=outputs.max(1),
        probabilities=rows,
        empty=below,
        fuller=above,
        spans=None if spans is None else np.array(spans),
        promised=None if spans is None else 0.9,
    )


def photo(number: int, count: int, folder: Path = Path()) -> Photo:
    return Photo(str(number), folder / f"{number}.jpg", count, ())


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


def guesses(seed: int, number: int, *, outside: bool = True) -> Answers:
    """Answers of a model that is right more often than chance, for counts of 1 to 5, or 0 to 6 and more."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, 8, number) if outside else random.integers(1, 6, number)
    logits = random.normal(0, 1, (number, 7)) - 0.8 * abs(np.arange(7)[None, :] - counts[:, None])
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    inside = shares[:, 1:6] / shares[:, 1:6].sum(1, keepdims=True)
    spans = [(max(0, int(row.argmax()) - 1), min(6, int(row.argmax()) + 1)) for row in shares]
    return answers_of(list(counts), inside.tolist(), empty=shares[:, 0], fuller=shares[:, 6], spans=spans)
