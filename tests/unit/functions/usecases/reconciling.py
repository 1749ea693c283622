"""Orders and counts to reconcile, and the verdicts on them."""

from __future__ import annotations

from bintally.domain.changes import Changes
from bintally.domain.verdicts import Verdict, line_verdict

from tests.fakes import Fakes
from tests.unit.functions.examples import NOON, RULES, counted, make_image, order_file
from tests.unit.functions.usecases.runs import (
    imported,
)

HEADER = "consignment_id,bin_id,expected,due_at"


LINE_A, LINE_B = ("C-1", "a"), ("C-1", "b")
OF_BIN_A = Changes(bins=["a"])
OF_BOTH = Changes(bins=["a", "b"])
SURE = {number: {each: 0.96 if each == number else 0.01 for each in range(1, 6)} for number in range(1, 6)}
OVER_RANGE = {"at_least": 6, "empty": 0.0, "over_range": 0.95}


def orders(fakes: Fakes, *rows: str, at: int = 0) -> None:
    """Import rows such as `C-1,a,3`, `at` so many seconds."""
    source = order_file(f"{at}.csv", at=f"2026-05-04T08:00:{at:02}.000Z")
    imported(fakes, "\n".join([HEADER, *rows]), source)


def count_in(fakes: Fakes, bin_id: str, number: int, at: int = 0) -> None:
    """A photo of a bin, taken `at` so many seconds, is counted; 6 is more than the model counts."""
    image = make_image(f"{bin_id}/{at}.jpg", at=f"2026-05-04T08:00:{at:02}.000Z")
    count = counted(image, number, SURE[number]) if number in SURE else counted(image, None, SURE[5], **OVER_RANGE)
    fakes.bins.record([count], NOON)


def verdicts(fakes: Fakes) -> dict[tuple[str, str], Verdict]:
    return {key: line.verdict for key, line in fakes.orders.items.items()}


def assert_settled(fakes: Fakes) -> None:
    """Every verdict of a line that is still ordered matches the current order and count."""
    for line in fakes.orders.items.values():
        if line.verdict is Verdict.WITHDRAWN:
            continue
        finding = line_verdict(line, fakes.bins.items.get(line.bin_id), now=NOON, rules=RULES)
        assert (line.verdict, line.reason) == (finding.verdict, finding.reason)
        assert (line.counted, line.counted_at_least) == (finding.counted, finding.counted_at_least)


def two_bins() -> Fakes:
    """Consignment C-1 expects 3 in bin a and 2 in bin b; both have 3, and nothing is judged yet."""
    fakes = Fakes()
    orders(fakes, "C-1,a,3,", "C-1,b,2,")
    count_in(fakes, "a", 3)
    count_in(fakes, "b", 3)
    return fakes
