"""From the probability of each count to the interval of counts that is worth stating."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def growth(row: Sequence[float]) -> Iterator[tuple[int, int, float]]:
    """The intervals (first place, last place, probability held) around the most probable place, each one place longer.

    An interval grows towards its more probable neighbour, to the left of two that are equal, until it is the whole row:
    the ordinal adaptive prediction sets of Lu et al. (2022, arXiv:2207.02238). What is held is at most 1.
    """
    first = last = max(range(len(row)), key=row.__getitem__)
    held = row[first]
    yield first, last, min(held, 1.0)
    while last - first + 1 < len(row):
        left = row[first - 1] if first > 0 else -1.0
        right = row[last + 1] if last + 1 < len(row) else -1.0
        if right > left:
            last += 1
        else:
            first -= 1
        held += max(left, right)
        yield first, last, min(held, 1.0)


def interval(row: Sequence[float], mass: float) -> tuple[int, int]:
    """First and last place of the shortest interval of `growth` that holds more than `mass`; of the whole row if none.

    `mass` is in 0..1. A larger one never gives an interval that leaves out a place of a smaller one's.
    """
    return next(((first, last) for first, last, held in growth(row) if held > mass), (0, len(row) - 1))
