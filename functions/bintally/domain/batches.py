"""Batches of a bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def batched(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Split `items` into consecutive batches of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]
