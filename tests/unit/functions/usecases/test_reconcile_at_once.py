"""reconcile: crashes, concurrent runs, and any sequence of orders and counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from bintally.domain.changes import Changes
from bintally.domain.verdicts import Verdict, consignment_verdict
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes import Fakes
from tests.unit.functions.examples import NOW
from tests.unit.functions.usecases.reconciling import (
    LINE_A,
    LINE_B,
    OF_BIN_A,
    OF_BOTH,
    assert_settled,
    count_in,
    orders,
    two_bins,
    verdicts,
)
from tests.unit.functions.usecases.runs import (
    after_each_crash,
    reconciled,
    with_each_interruption,
)

# ---- Crashes, and two at once


@pytest.mark.parametrize("batch_size", [100, 1])
def test_a_crash_loses_no_verdict_and_no_event(batch_size: int) -> None:
    def prepared() -> Fakes:
        fakes = two_bins()
        for fake in (fakes.orders, fakes.events):
            fake.batch_size = batch_size
        return fakes

    calm = prepared()
    reconciled(calm, OF_BOTH)

    for fakes in after_each_crash(prepared, lambda fakes: reconciled(fakes, OF_BOTH)):
        assert fakes.state() == calm.state()
        published = {(kind, detail["consignment_id"], detail["verdict"]) for kind, detail in fakes.events.published}
        assert published == {("DiscrepancyFound", "C-1", "OVER"), ("ConsignmentReconciled", "C-1", "OVER")}


def test_a_repeated_event_has_the_same_id() -> None:
    for fakes in after_each_crash(two_bins, lambda fakes: reconciled(fakes, OF_BOTH)):
        assert len({d["event_id"] for d in fakes.events.of_kind("DiscrepancyFound")}) == 1
        assert len({d["event_id"] for d in fakes.events.of_kind("ConsignmentReconciled")}) == 1


def test_two_runs_at_once_end_with_the_last_count() -> None:
    """The streams of bins and of lines call the function side by side."""

    def newer_count(fakes: Fakes) -> None:
        count_in(fakes, "b", 2, at=1)
        reconciled(fakes, OF_BOTH)

    all_fakes = with_each_interruption(two_bins, lambda fakes: reconciled(fakes, OF_BOTH), newer_count)

    for number, fakes in enumerate(all_fakes, 1):
        assert verdicts(fakes) == {LINE_A: Verdict.MATCH, LINE_B: Verdict.MATCH}, f"at step {number}"


def test_a_slower_run_does_not_overwrite_a_correct_verdict() -> None:
    """The verdict is OVER; the slow run reads the bin at 2, and before it writes MATCH the bin is at 3 again."""

    def judged_once_then_2() -> Fakes:
        fakes = two_bins()
        reconciled(fakes, OF_BOTH)
        count_in(fakes, "b", 2, at=1)
        return fakes

    def three_again(fakes: Fakes) -> None:
        count_in(fakes, "b", 3, at=2)
        reconciled(fakes, OF_BOTH)

    for fakes in with_each_interruption(judged_once_then_2, lambda fakes: reconciled(fakes, OF_BOTH), three_again):
        assert_settled(fakes)


def test_an_amendment_at_any_moment_wins() -> None:
    def amend(fakes: Fakes) -> None:
        orders(fakes, "C-1,a,3,", "C-1,b,3,", at=1)
        reconciled(fakes, Changes(lines=[LINE_B]))

    for fakes in with_each_interruption(two_bins, lambda fakes: reconciled(fakes, OF_BOTH), amend):
        assert verdicts(fakes) == {LINE_A: Verdict.MATCH, LINE_B: Verdict.MATCH}


def test_the_same_orders_imported_at_any_moment_lose_no_verdict() -> None:
    """Nothing else follows such an import: the stream hands on only lines that are pending."""

    def judged_then_a_new_count() -> Fakes:
        fakes = two_bins()
        reconciled(fakes, OF_BOTH)
        count_in(fakes, "b", 2, at=1)
        return fakes

    def import_again(fakes: Fakes) -> None:
        orders(fakes, "C-1,a,3,", "C-1,b,2,", at=1)
        pending = [key for key, line in fakes.orders.items.items() if line.verdict is Verdict.PENDING]
        reconciled(fakes, Changes(lines=pending))

    for fakes in with_each_interruption(judged_then_a_new_count, lambda w: reconciled(w, OF_BOTH), import_again):
        assert_settled(fakes)


def test_two_concurrent_runs_publish_that_the_consignment_is_reconciled() -> None:
    """Each judges one of the two lines, and sees the other one pending."""
    all_fakes = with_each_interruption(
        two_bins, lambda fakes: reconciled(fakes, OF_BIN_A), lambda fakes: reconciled(fakes, Changes(bins=["b"]))
    )

    for number, fakes in enumerate(all_fakes, 1):
        published = fakes.events.of_kind("ConsignmentReconciled")
        assert [detail["verdict"] for detail in published][-1:] == ["OVER"], f"at step {number}"


# ---- Whatever happens, in whatever order


happenings = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.sampled_from("ab"), st.integers(1, 5)),
        st.tuples(st.just("count"), st.sampled_from("ab"), st.integers(1, 6)),
        st.tuples(st.just("late order"), st.sampled_from("ab"), st.integers(1, 5)),
        st.tuples(st.just("ask"), st.just(""), st.just(0)),
    ),
    max_size=12,
)


@example([("order", "a", 1), ("count", "a", 1), ("count", "b", 1), ("late order", "b", 1), ("late order", "b", 2)])
@settings(max_examples=settings.default.max_examples * 3 // 2)
@given(happenings)
def test_after_any_sequence_verdicts_and_events_match_orders_and_counts(story: list[tuple[str, str, int]]) -> None:
    fakes = Fakes()
    clock, past = count(30), count(1)
    for what, bin_id, number in story:
        match what:
            case "order" | "late order":
                orders(fakes, f"C-1,{bin_id},{number},", at=next(clock if what == "order" else past))
                pending = [key for key, line in fakes.orders.items.items() if line.verdict is Verdict.PENDING]
                reconciled(fakes, Changes(lines=pending))
            case "count":
                count_in(fakes, bin_id, number, at=next(clock))
                reconciled(fakes, Changes(bins=[bin_id]))
            case "ask":
                reconciled(fakes, Changes(consignments=["C-1"]))

    assert_settled(fakes)
    assert_announced(fakes)


def assert_announced(fakes: Fakes) -> None:
    """The last announcement of each thing is true, and no two with the same id differ."""
    ids: dict[str, object] = {}
    for kind, detail in fakes.events.published:
        assert ids.setdefault(f"{kind} {detail['event_id']}", detail) == detail
    lines = fakes.orders.of_consignment("C-1")
    found = [line.verdict for line in lines]
    if lines and Verdict.PENDING not in found:
        last = fakes.events.of_kind("ConsignmentReconciled")[-1]
        assert last["verdict"] == consignment_verdict(found)
        assert last["lines"] == {verdict: found.count(verdict) for verdict in set(found)}
    for line in lines:
        if line.verdict in (Verdict.SHORT, Verdict.OVER):
            last = [d for d in fakes.events.of_kind("DiscrepancyFound") if d["bin_id"] == line.bin_id][-1]
            assert (last["verdict"], last["expected"]) == (line.verdict, line.expected)
            assert (last.get("counted"), last.get("counted_at_least")) == (line.counted, line.counted_at_least)


def test_the_verdict_of_a_consignment_does_not_depend_on_the_trigger() -> None:
    by_bins, by_request = two_bins(), two_bins()

    reconciled(by_bins, OF_BOTH)
    reconciled(by_request, Changes(consignments=["C-1"]), now=NOW)

    assert by_bins.state() == by_request.state()
    assert replace(by_bins.orders.items[LINE_A]) == by_request.orders.items[LINE_A]
