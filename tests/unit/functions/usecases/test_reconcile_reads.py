"""How many order lines reconcile reads while the streams deliver a large consignment in batches."""

from __future__ import annotations

from random import Random

import pytest
from bintally.domain.batches import batched
from bintally.domain.changes import Changes
from bintally.domain.verdicts import Verdict
from bintally.usecases.reconcile import reconcile

from tests.fakes import Fakes
from tests.unit.functions.examples import NOON, NOW, RULES, counted, make_image
from tests.unit.functions.usecases.runs import imported

LINES = 1_000


def with_consignment() -> Fakes:
    """A consignment whose bins are all counted, and none judged."""
    fakes = Fakes()
    rows = [f"C-1,bin-{number:04},3" for number in range(LINES)]
    imported(fakes, "\n".join(["consignment_id,bin_id,expected", *rows]))
    fakes.bins.record([counted(make_image(f"bin-{number:04}/a.jpg")) for number in range(LINES)], NOON)
    fakes.orders.items_read = 0
    return fakes


def deliver(fakes: Fakes, keys: list[tuple[str, str]], size: int) -> int:
    """The stream delivers the imported lines, and then their verdicts, in batches; how many lines are read."""
    for part in batched(keys, size):
        reconcile(fakes, Changes(lines=part), rules=RULES, now=NOW)
        # The verdicts of one batch are in the stream before the next batch is judged.
        judged, fakes.orders.judged[:] = set(fakes.orders.judged), []
        reconcile(fakes, Changes(judged=judged), rules=RULES, now=NOW)
    return fakes.orders.items_read


@pytest.mark.parametrize(("size", "reads"), [(500, 2_100), (100, 2_900)])
def test_a_consignment_is_read_whole_once_it_may_be_complete(size: int, reads: int) -> None:
    """Before, each batch with a verdict read it whole: 3,000 and 11,000 lines."""
    fakes = with_consignment()

    assert deliver(fakes, sorted(fakes.orders.items), size) == reads

    assert {line.verdict for line in fakes.orders.items.values()} == {Verdict.MATCH}
    assert len(fakes.events.of_kind("ConsignmentReconciled")) == 1


def test_lines_that_are_judged_in_any_order_are_read_little_more() -> None:
    fakes = with_consignment()
    keys = sorted(fakes.orders.items)
    Random(4).shuffle(keys)

    assert deliver(fakes, keys, 100) <= 3_300

    assert len(fakes.events.of_kind("ConsignmentReconciled")) == 1


def test_a_consignment_with_a_pending_line_in_the_same_batch_is_not_read_at_all() -> None:
    fakes = with_consignment()
    (first, *_) = keys = sorted(fakes.orders.items)
    reconcile(fakes, Changes(lines=[first]), rules=RULES, now=NOW)
    fakes.orders.items_read = 0

    reconcile(fakes, Changes(lines=keys[1:101], judged=["C-1"]), rules=RULES, now=NOW)

    assert fakes.orders.items_read == 100
