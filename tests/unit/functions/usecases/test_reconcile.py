from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from bintally.domain.changes import Changes
from bintally.domain.verdicts import Verdict, consignment_verdict, line_verdict
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes import Fakes
from tests.unit.functions.examples import NOON, NOW, THRESHOLDS, counted, make_image, order_file, unreadable
from tests.unit.functions.usecases.runs import (
    after_each_crash,
    imported,
    later,
    reconciled,
    with_each_interruption,
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
    """Every verdict is that of the order and the count as they stand now, of lines that are still ordered."""
    for line in fakes.orders.items.values():
        if line.verdict is Verdict.WITHDRAWN:
            continue
        finding = line_verdict(line, fakes.bins.items.get(line.bin_id), now=NOON, thresholds=THRESHOLDS)
        assert (line.verdict, line.reason) == (finding.verdict, finding.reason)
        assert (line.counted, line.counted_at_least) == (finding.counted, finding.counted_at_least)


def two_bins() -> Fakes:
    """Consignment C-1 expects 3 in bin a and 2 in bin b; both bins hold 3, and nothing is judged yet."""
    fakes = Fakes()
    orders(fakes, "C-1,a,3,", "C-1,b,2,")
    count_in(fakes, "a", 3)
    count_in(fakes, "b", 3)
    return fakes


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


def test_a_bin_over_range_is_announced_without_a_number_and_gives_way_to_one() -> None:
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


def test_an_amended_order_is_judged_anew() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,")
    count_in(fakes, "a", 3)
    reconciled(fakes, OF_BIN_A)

    orders(fakes, "C-1,a,1,", at=1)
    reconciled(fakes, Changes(lines=[LINE_A]))

    assert verdicts(fakes) == {LINE_A: Verdict.OVER}


def test_a_new_count_is_judged_anew() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,")
    count_in(fakes, "a", 3)
    reconciled(fakes, OF_BIN_A)

    count_in(fakes, "a", 2, at=1)
    reconciled(fakes, OF_BIN_A)

    assert verdicts(fakes) == {LINE_A: Verdict.SHORT}
    assert fakes.orders.items[LINE_A].bin_revision == 2


def test_a_bin_is_judged_for_every_consignment_that_expects_something_of_it() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,", "C-2,a,5,", "C-3,b,1,")
    count_in(fakes, "a", 3)

    done = reconciled(fakes, OF_BIN_A)

    assert done.lines == 2
    assert verdicts(fakes) == {LINE_A: Verdict.MATCH, ("C-2", "a"): Verdict.SHORT, ("C-3", "b"): Verdict.PENDING}


def test_a_consignment_is_judged_whole_on_request() -> None:
    fakes = two_bins()

    done = reconciled(fakes, Changes(consignments=["C-1"]))

    assert done.verdicts == {Verdict.OVER: 1, Verdict.MATCH: 1}
    assert reconciled(fakes, Changes(consignments=["C-unknown"])).lines == 0


def test_a_line_that_is_named_twice_is_judged_once() -> None:
    fakes = two_bins()

    done = reconciled(fakes, Changes(bins=["a", "b"], lines=[LINE_A, LINE_B], consignments=["C-1"]))

    assert sum(done.verdicts.values()) == 2
    assert done.lines == 2


def test_a_line_that_is_gone_is_no_harm() -> None:
    assert reconciled(Fakes(), Changes(lines=[LINE_A], bins=["a"])).lines == 0


def test_what_was_due_is_missing_when_it_is_looked_at() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,2026-05-04T12:30:00Z")

    reconciled(fakes, Changes(lines=[LINE_A]))
    assert verdicts(fakes) == {LINE_A: Verdict.PENDING}
    reconciled(fakes, Changes(lines=[LINE_A]), now=later(31))
    assert verdicts(fakes) == {LINE_A: Verdict.MISSING}

    count_in(fakes, "a", 3)
    reconciled(fakes, OF_BIN_A, now=later(60))
    assert verdicts(fakes) == {LINE_A: Verdict.MATCH}


def test_a_bin_that_is_unreadable_says_so() -> None:
    fakes = Fakes()
    orders(fakes, "C-1,a,3,")
    fakes.bins.record([unreadable(make_image("a/x.jpg"))], NOON)

    reconciled(fakes, OF_BIN_A)

    assert verdicts(fakes) == {LINE_A: Verdict.UNREADABLE}
    assert fakes.events.of_kind("DiscrepancyFound") == []


# ---- What is announced


def test_a_variance_is_announced_with_both_numbers() -> None:
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
        "reason": "2 expected, 3 counted: 1% as expected, 1% fewer, 98% more.",
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


def test_nothing_new_is_neither_written_nor_announced() -> None:
    fakes = two_bins()
    reconciled(fakes, OF_BOTH)
    state, told = fakes.state(), list(fakes.events.published)

    for changes in (OF_BOTH, Changes(lines=[LINE_A, LINE_B]), Changes(consignments=["C-1"])):
        again = reconciled(fakes, changes)
        assert again.verdicts == {}

    assert fakes.state() == state
    assert fakes.events.published == told


def test_the_same_finding_on_a_newer_image_is_not_announced_again() -> None:
    fakes = two_bins()
    reconciled(fakes, OF_BOTH)
    told = list(fakes.events.published)

    count_in(fakes, "b", 3, at=1)
    reconciled(fakes, OF_BOTH)

    assert fakes.events.published == told


def test_a_variance_that_comes_back_is_announced_again_under_another_id() -> None:
    fakes = two_bins()
    reconciled(fakes, OF_BOTH)
    for at, number in ((1, 2), (2, 3)):
        count_in(fakes, "b", number, at=at)
        reconciled(fakes, OF_BOTH)

    found = fakes.events.of_kind("DiscrepancyFound")
    assert len(found) == 2
    assert len({detail["event_id"] for detail in found}) == 2


# ---- Crashes, and two at once


@pytest.mark.parametrize("batch_size", [100, 1])
def test_a_crash_anywhere_loses_no_verdict_and_no_announcement(batch_size: int) -> None:
    def prepared() -> Fakes:
        fakes = two_bins()
        for fake in (fakes.orders, fakes.events):
            fake.batch_size = batch_size
        return fakes

    calm = prepared()
    reconciled(calm, OF_BOTH)

    for fakes in after_each_crash(prepared, lambda fakes: reconciled(fakes, OF_BOTH)):
        assert fakes.state() == calm.state()
        told = {(kind, detail["consignment_id"], detail["verdict"]) for kind, detail in fakes.events.published}
        assert told == {("DiscrepancyFound", "C-1", "OVER"), ("ConsignmentReconciled", "C-1", "OVER")}


def test_a_repeated_announcement_has_the_same_id() -> None:
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


def test_a_verdict_that_was_right_all_along_is_not_overwritten_by_a_slower_run() -> None:
    """OVER stands; the slow run looks when the bin holds 2, and before it writes MATCH the bin holds 3 again."""

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


def test_an_amendment_at_any_moment_is_what_counts() -> None:
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


def test_two_runs_at_once_announce_that_the_consignment_is_reconciled() -> None:
    """Each judges one of the two lines, and sees the other one pending."""
    all_fakes = with_each_interruption(
        two_bins, lambda fakes: reconciled(fakes, OF_BIN_A), lambda fakes: reconciled(fakes, Changes(bins=["b"]))
    )

    for number, fakes in enumerate(all_fakes, 1):
        told = fakes.events.of_kind("ConsignmentReconciled")
        assert [detail["verdict"] for detail in told][-1:] == ["OVER"], f"at step {number}"


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
def test_after_any_story_verdicts_and_announcements_are_those_of_the_facts(story: list[tuple[str, str, int]]) -> None:
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


def test_the_verdict_of_a_consignment_does_not_depend_on_who_asks() -> None:
    by_bins, by_request = two_bins(), two_bins()

    reconciled(by_bins, OF_BOTH)
    reconciled(by_request, Changes(consignments=["C-1"]), now=NOW)

    assert by_bins.state() == by_request.state()
    assert replace(by_bins.orders.items[LINE_A]) == by_request.orders.items[LINE_A]
