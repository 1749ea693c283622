"""reconcile: verdicts follow orders and counts, and each is announced once."""

from __future__ import annotations

import pytest
from bintally.domain.changes import Changes
from bintally.domain.verdicts import Verdict

from tests.fakes import Fakes
from tests.unit.functions.examples import NOON, make_image, unreadable
from tests.unit.functions.usecases.reconciling import (
    LINE_A,
    LINE_B,
    OF_BIN_A,
    OF_BOTH,
    count_in,
    orders,
    two_bins,
    verdicts,
)
from tests.unit.functions.usecases.runs import (
    later,
    reconciled,
)

# ---- What comes when


def test_an_order_before_its_count_is_pending_until_the_count_comes() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,")

    assert reconciled(fakes, Changes(lines=[LINE_A])).verdicts == {}
    assert verdicts(fakes) == {LINE_A: Verdict.PENDING}
    count_in(fakes, "a", 3)
    assert reconciled(fakes, OF_BIN_A).verdicts == {Verdict.MATCH: 1}

    line = fakes.orders.items[LINE_A]
    assert (line.verdict, line.counted, line.bin_revision) == (Verdict.MATCH, 3, 1)


def test_a_bin_over_range_is_published_with_a_minimum_until_counted() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,")
    count_in(fakes, "a", 6)

    assert reconciled(fakes, OF_BIN_A).verdicts == {Verdict.OVER: 1}
    (found,) = fakes.events.of_kind("DiscrepancyFound")
    assert "counted" not in found
    assert found["counted_at_least"] == 6
    count_in(fakes, "a", 5, at=1)
    assert reconciled(fakes, OF_BIN_A).verdicts == {Verdict.OVER: 1}
    line = fakes.orders.items[LINE_A]
    assert (line.counted, line.counted_at_least) == (5, None)


def test_a_count_before_its_order_is_judged_when_the_order_comes() -> None:
    fakes = Fakes()
    count_in(fakes, "a", 2)

    assert reconciled(fakes, OF_BIN_A).lines == 0
    orders(fakes, "C-1,a,3,")
    assert reconciled(fakes, Changes(lines=[LINE_A])).verdicts == {Verdict.SHORT: 1}


def test_an_amended_order_is_judged_again() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,")
    count_in(fakes, "a", 3)
    reconciled(fakes, OF_BIN_A)

    orders(fakes, "C-1,a,1,", at=1)
    reconciled(fakes, Changes(lines=[LINE_A]))

    assert verdicts(fakes) == {LINE_A: Verdict.OVER}


def test_a_new_count_is_judged_again() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,")
    count_in(fakes, "a", 3)
    reconciled(fakes, OF_BIN_A)

    count_in(fakes, "a", 2, at=1)
    reconciled(fakes, OF_BIN_A)

    assert verdicts(fakes) == {LINE_A: Verdict.SHORT}
    assert fakes.orders.items[LINE_A].bin_revision == 2


def test_a_bin_is_judged_for_every_consignment_that_orders_from_it() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,", "C-2,a,5,", "C-3,b,1,")
    count_in(fakes, "a", 3)

    done = reconciled(fakes, OF_BIN_A)

    assert done.lines == 2
    assert verdicts(fakes) == {LINE_A: Verdict.MATCH, ("C-2", "a"): Verdict.SHORT, ("C-3", "b"): Verdict.PENDING}


def test_a_consignment_is_judged_completely_on_request() -> None:
    fakes = two_bins()

    done = reconciled(fakes, Changes(consignments=["C-1"]))

    assert done.verdicts == {Verdict.OVER: 1, Verdict.MATCH: 1}
    assert reconciled(fakes, Changes(consignments=["C-unknown"])).lines == 0


def test_a_line_that_is_named_twice_is_judged_once() -> None:
    fakes = two_bins()

    done = reconciled(fakes, Changes(bins=["a", "b"], lines=[LINE_A, LINE_B], consignments=["C-1"]))

    assert sum(done.verdicts.values()) == 2
    assert done.lines == 2


def test_a_missing_line_is_ignored() -> None:
    assert reconciled(Fakes(), Changes(lines=[LINE_A], bins=["a"])).lines == 0


def test_an_overdue_line_is_missing_once_it_is_judged() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,2026-05-04T12:30:00Z")

    reconciled(fakes, Changes(lines=[LINE_A]))
    assert verdicts(fakes) == {LINE_A: Verdict.PENDING}
    reconciled(fakes, Changes(lines=[LINE_A]), now=later(31))
    assert verdicts(fakes) == {LINE_A: Verdict.MISSING}

    count_in(fakes, "a", 3)
    reconciled(fakes, OF_BIN_A, now=later(60))
    assert verdicts(fakes) == {LINE_A: Verdict.MATCH}


def test_an_unreadable_bin_gives_unreadable_lines() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,")
    fakes.bins.record([unreadable(make_image("a/x.jpg"))], NOON)

    reconciled(fakes, OF_BIN_A)

    assert verdicts(fakes) == {LINE_A: Verdict.UNREADABLE}
    assert fakes.events.of_kind("DiscrepancyFound") == []


# ---- What is announced


def test_a_variance_is_published_with_both_numbers() -> None:
    fakes = two_bins()

    reconciled(fakes, OF_BOTH)

    (found,) = fakes.events.of_kind("DiscrepancyFound")
    del found["event_id"]
    assert found == {
        "consignment_id": "C-1",
        "bin_id": "b",
        "expected": 2,
        "counted": 3,
        "verdict": "OVER",
        "risk": 0.8941,
        "probability_fewer": 0.009078,
        "probability_more": 0.885022,
        "reason": "2 expected, 3 counted: 10.6% as expected, 0.9% fewer, 88.5% more.",
        "source": "model",
    }


@pytest.mark.parametrize(("expected", "announced"), [(1, True), (3, False), (5, True), (7, False)])
def test_only_a_variance_is_a_discrepancy(expected: int, announced: bool) -> None:
    fakes = Fakes()
    orders(fakes, f"C-1,a,{expected},")
    count_in(fakes, "a", 3)

    reconciled(fakes, OF_BIN_A)

    assert bool(fakes.events.of_kind("DiscrepancyFound")) is announced


def test_a_consignment_is_reconciled_when_no_line_is_pending() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,", "C-1,b,2,")
    count_in(fakes, "a", 3)

    reconciled(fakes, OF_BIN_A)
    assert fakes.events.of_kind("ConsignmentReconciled") == []
    count_in(fakes, "b", 3)
    reconciled(fakes, Changes(bins=["b"]))

    (done,) = fakes.events.of_kind("ConsignmentReconciled")
    assert (done["consignment_id"], done["verdict"], done["lines"]) == ("C-1", "OVER", {"OVER": 1, "MATCH": 1})


def test_without_changes_nothing_is_written_or_published() -> None:
    fakes = two_bins()
    reconciled(fakes, OF_BOTH)
    state, published = fakes.state(), list(fakes.events.published)

    for changes in (OF_BOTH, Changes(lines=[LINE_A, LINE_B]), Changes(consignments=["C-1"])):
        again = reconciled(fakes, changes)
        assert again.verdicts == {}

    assert fakes.state() == state
    assert fakes.events.published == published


def test_the_same_finding_on_a_newer_image_is_not_published_again() -> None:
    fakes = two_bins()
    reconciled(fakes, OF_BOTH)
    published = list(fakes.events.published)

    count_in(fakes, "b", 3, at=1)
    reconciled(fakes, OF_BOTH)

    assert fakes.events.published == published


def test_a_recurring_variance_is_published_with_another_id() -> None:
    fakes = two_bins()
    reconciled(fakes, OF_BOTH)
    for at, number in ((1, 2), (2, 3)):
        count_in(fakes, "b", number, at=at)
        reconciled(fakes, OF_BOTH)

    found = fakes.events.of_kind("DiscrepancyFound")
    assert len(found) == 2
    assert len({detail["event_id"] for detail in found}) == 2
