"""Prediction intervals from the probability of each count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def growth(row: Sequence[float]) -> Iterator[tuple[int, int, float]]:
    """Growing intervals (first index, last index, probability) around the most probable index, up to the whole row.

    Each interval adds the more probable neighbour, or the left one of two equal ones: the ordinal adaptive prediction
    sets of Lu et al. (2022, arXiv:2207.02238). The probability is at most 1.
    """
    first = last = max(range(len(row)), key=row.__getitem__)
    probability = row[first]
    yield first, last, min(probability, 1.0)
    while last - first + 1 < len(row):
        left = row[first - 1] if first > 0 else -1.0
        right = row[last + 1] if last + 1 < len(row) else -1.0
        if right > left:
            last += 1
        else:
            first -= 1
        probability += max(left, right)
        yield first, last, min(probability, 1.0)


def interval(row: Sequence[float], mass: float) -> tuple[int, int]:
    """The first and last index of the shortest interval of `growth` with more than `mass`, or of the whole row.

    A larger `mass` (0 to 1) never gives an interval that lacks an index of the interval for a smaller one.
    """
    return next(((first, last) for first, last, probability in growth(row) if probability > mass), (0, len(row) - 1))
