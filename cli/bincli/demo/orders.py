"""Orders for the demo, made from labels. One line in ten is altered, so that there is something to find."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bincli.demo.photos import scattered

LINES_PER_CONSIGNMENT = 20
ALTERED_EVERY = 10


@dataclass(frozen=True)
class OrderLine:
    consignment_id: str
    bin_id: str
    expected: int
    due_at: str


def orders_from_labels(labels: dict[str, int], due_at: datetime) -> list[OrderLine]:
    """One line for each bin, in the order of `labels`. The same bins always give the same lines."""
    altered = set(sorted(labels, key=scattered)[::ALTERED_EVERY]) if len(labels) >= ALTERED_EVERY else set()
    due = due_at.isoformat(timespec="seconds")
    lines = []
    for place, (bin_id, label) in enumerate(labels.items()):
        expected = _altered(label) if bin_id in altered else label
        lines.append(OrderLine(f"DEMO-{place // LINES_PER_CONSIGNMENT + 1:03}", bin_id, expected, due))
    return lines


def _altered(label: int) -> int:
    """One more for odd and one fewer for even numbers: both kinds of mistake, and never below 1."""
    return label + 1 if label % 2 else max(label - 1, 1)


def as_csv(lines: Sequence[OrderLine]) -> bytes:
    """The lines as an order file: UTF-8 CSV with a header."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(("consignment_id", "bin_id", "expected", "due_at"))
    writer.writerows((line.consignment_id, line.bin_id, line.expected, line.due_at) for line in lines)
    return file.getvalue().encode()
