"""Drawing some of many so that the same ones come again, whoever else is there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def shuffled(names: Iterable[str], seed: int) -> list[str]:
    """In an order that depends on the seed and on each name alone: more names change nothing between the others."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def even_shares(number: int, classes: Sequence[int]) -> dict[int, int]:
    """How many of each class make `number` in all; the first classes get what can't be divided."""
    return {label: number // len(classes) + (place < number % len(classes)) for place, label in enumerate(classes)}


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
