"""What a model answered for photographs whose record is known, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from binlab.data.dataset import Photo

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """Of N photographs the recorded `counts` (N,), and what the prediction lines say, in the same order.

    `guess` (N,) is the line's count, one more than the last class for "more than that", and `confidence` (N,) the
    probability that it is right. `probabilities` (N, C)
    over `classes` sum to 1 and hold given that the count is one of them; `empty` and `fuller` (N,) are the
    probabilities of no item and of more than the last class, both 0 for a model that does not know them. `spans` (N, 2)
    are the intervals' low and high ends, one more than the last class for no upper end, and `promised` the coverage
    that they promise; None where lines carry none.
    """

    classes: tuple[int, ...]
    counts: Counts
    guess: Counts
    confidence: Floats
    probabilities: Floats
    empty: Floats
    fuller: Floats
    spans: Counts | None = None
    promised: float | None = None

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def expected(self) -> Floats:
        """The expected count (N,), given that it is one of the classes."""
        return np.asarray(self.probabilities @ np.array(self.classes))

    @property
    def shares(self) -> Floats:
        """The probability of each class (N, C) with `empty` and `fuller` taken off: all together they sum to 1."""
        return self.probabilities * (1 - self.empty - self.fuller)[:, None]

    @property
    def right(self) -> Mask:
        return np.asarray(self.guess == np.minimum(self.counts, self.classes[-1] + 1))

    @property
    def in_range(self) -> Mask:
        return np.isin(self.counts, self.classes)

    def where(self, chosen: Mask) -> Answers:
        """The answers for the photographs that the mask (N,) chooses."""
        names = ("counts", "guess", "confidence", "probabilities", "empty", "fuller")
        parts: dict[str, Any] = {name: getattr(self, name)[chosen] for name in names}
        return replace(self, **parts, spans=None if self.spans is None else self.spans[chosen])


def read_answers(lines: Iterable[dict[str, Any]], photos: list[Photo]) -> tuple[Answers, list[Photo], list[Any]]:
    """The answers, the photographs that they are about, and what could not be counted: `{"id", "code", "message"}`.

    `lines` are prediction lines, one for each of `photos` in their order. Those of a model that does not know `empty`,
    `over_range` or `interval` are without them. Raises ValueError when nothing could be counted.
    """
    pairs = list(zip(photos, lines, strict=True))
    errors = [{"id": photo.id, **line["error"]} for photo, line in pairs if "error" in line]
    counted = [(photo, line) for photo, line in pairs if "error" not in line]
    if not counted:
        raise ValueError(f"None of the {len(pairs)} photographs could be counted: {errors[:1]}")
    read = [line for _, line in counted]
    classes = tuple(int(count) for count in read[0]["probabilities"])
    intervals = [line["interval"] for line in read if line.get("interval")]
    ends = [[each["low"], classes[-1] + 1 if each["high"] is None else each["high"]] for each in intervals]
    answers = Answers(
        classes=classes,
        counts=np.array([photo.count for photo, _ in counted]),
        guess=np.array([line["at_least"] if line["count"] is None else line["count"] for line in read]),
        confidence=np.array([line["confidence"] for line in read], float),
        probabilities=np.array([list(line["probabilities"].values()) for line in read], float),
        empty=np.array([line.get("empty") or 0.0 for line in read], float),
        fuller=np.array([line.get("over_range") or 0.0 for line in read], float),
        spans=np.array(ends) if len(intervals) == len(read) else None,
        promised=intervals[0]["coverage"] if len(intervals) == len(read) else None,
    )
    return answers, [photo for photo, _ in counted], errors
