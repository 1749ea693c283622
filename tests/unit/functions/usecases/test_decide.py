"""decide and undo: what they refuse, crashes, and two people at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.audits import draw
from bintally.domain.changes import Changes
from bintally.domain.decisions import Decision
from bintally.domain.errors import DecisionError, StoreError
from bintally.domain.verdicts import CANNOT_TELL, Verdict
from bintally.usecases.decide import decide, undo
from bintally.usecases.reconcile import reconcile

from tests.fakes import Fakes
from tests.unit.functions.examples import NOON, NOW, RULES, counted, make_image, order_line, unreadable
from tests.unit.functions.usecases.runs import after_each_crash, reconciled, with_each_interruption

IMAGE, NEWER = make_image(), make_image(sequencer="0055AED6DCD90281E6")
WANTED = Decision("P-17-C", "d-1", "", "ann", "", 2)
OF_BIN = Changes(bins={"P-17-C"})


def stack() -> Fakes:
    fakes = Fakes()
    fakes.bins.record([counted()], NOON)
    fakes.ledger.register([IMAGE, NEWER], "job", NOON)
    fakes.orders.put([order_line(3)], NOON)
    reconciled(fakes, OF_BIN)
    return fakes


def line(fakes: Fakes) -> Any:
    reconciled(fakes, OF_BIN)
    (found,) = fakes.orders.items.values()
    return found


@pytest.mark.parametrize(("count", "verdict"), [(2, Verdict.SHORT), (3, Verdict.MATCH), (9, Verdict.OVER)])
def test_a_persons_count_decides_the_verdict(count: int, verdict: Verdict) -> None:
    fakes = stack()

    stored = decide(fakes, replace(WANTED, count=count), now=NOW)

    found = line(fakes)
    assert (found.verdict, found.counted, found.risk) == (verdict, count, float(count != 3))
    assert found.reason == f"3 expected, {count} counted by a person."
    assert stored.image_id == IMAGE.image_id
    assert [(each.consignment_id, each.expected, each.verdict) for each in stored.lines] == [("C-1", 3, Verdict.MATCH)]
    assert fakes.bins.items["P-17-C"].count == 3


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_an_audit_changes_no_verdict_and_is_recorded_with_its_probability(share: float) -> None:
    fakes = stack()
    bins = [counted(make_image(f"{number}/a.jpg")) for number in range(20)]
    fakes.bins.record(bins, NOON)
    fakes.orders.put([order_line(3, bin_id=each.bin_id) for each in bins], NOON)
    changes, rules = Changes(bins={each.bin_id for each in bins}), replace(RULES, audit_share=share)
    reconcile(fakes, changes, rules=rules, now=NOW)

    lines = [fakes.orders.items["C-1", each.bin_id] for each in bins]
    stored = [decide(fakes, replace(WANTED, bin_id=each.bin_id), now=NOW) for each in bins]

    assert {each.verdict for each in lines} == {Verdict.MATCH}
    drawn = [each.audit for each in lines]
    assert 2 < sum(drawn) < 18 if share else not any(drawn)
    assert [each.lines[0].audit for each in stored] == [each.attention is not None for each in lines] == drawn
    assert [each.selection_probability for each in stored] == [share if each else None for each in drawn]
    reconcile(fakes, changes, rules=rules, now=NOW)
    assert [fakes.orders.items["C-1", each.bin_id].audit for each in bins] == drawn


def test_a_changed_share_reaches_lines_that_are_judged_again_without_a_new_verdict() -> None:
    fakes = stack()

    done = reconcile(fakes, OF_BIN, rules=replace(RULES, audit_share=0.5), now=NOW)

    (found,) = fakes.orders.items.values()
    assert (found.audit, done.verdicts) == (draw(found, IMAGE.image_id) < 0.5, {})


def test_who_cannot_tell_leaves_the_line_to_another_photo() -> None:
    fakes = stack()

    decide(fakes, replace(WANTED, count=None), now=NOW)

    found = line(fakes)
    assert (found.verdict, found.reason) == (Verdict.UNCERTAIN, CANNOT_TELL)
    assert fakes.bins.items["P-17-C"].source == "model"


def test_a_person_can_count_what_the_model_could_not() -> None:
    fakes = Fakes()
    fakes.bins.record([unreadable()], NOON)
    fakes.orders.put([order_line(3)], NOON)

    decide(fakes, replace(WANTED, count=3), now=NOW)

    assert line(fakes).verdict is Verdict.MATCH


def test_a_decision_on_an_older_photo_is_kept_and_changes_no_count() -> None:
    fakes = stack()
    fakes.bins.record([counted(NEWER)], NOON)
    before = fakes.bins.items["P-17-C"]

    stored = decide(fakes, replace(WANTED, image_id=IMAGE.image_id), now=NOW)

    assert stored.bin_revision == 0
    assert fakes.bins.items["P-17-C"] == before
    assert list(fakes.decisions.items.values()) == [stored]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bin_id": "P-18-A"}, "Bin P-18-A has no counted photo"),
        ({"count": -1}, "A count of -1"),
        ({"count": 1_000_001}, "A count of 1000001"),
        ({"seconds": float("nan")}, "nan seconds"),
        ({"who": ""}, "name of the person"),
        ({"decision_id": "x" * 101}, "id of the decision"),
        ({"reason_code": "a\x1b[31m"}, "reason code"),
        ({"image_id": "0" * 32}, "has no photo"),
        ({"image_id": NEWER.image_id}, "is not counted yet"),
    ],
)
def test_what_can_not_be_stored_is_refused(changes: dict[str, Any], message: str) -> None:
    fakes = stack()

    with pytest.raises(DecisionError, match=message):
        decide(fakes, replace(WANTED, **changes), now=NOW)

    assert fakes.decisions.items == {}


def test_an_id_names_one_decision() -> None:
    fakes = stack()
    wanted = replace(WANTED, image_id=IMAGE.image_id)
    stored = decide(fakes, wanted, now=NOW)

    assert decide(fakes, wanted, now=NOW) == decide(fakes, WANTED, now=NOW) == stored
    with pytest.raises(DecisionError, match="has the id d-1"):
        decide(fakes, replace(wanted, count=5), now=NOW)


def test_only_a_known_decision_is_undone() -> None:
    fakes = stack()

    with pytest.raises(DecisionError, match="has no decision d-1"):
        undo(fakes, "P-17-C", "d-1", who="ann", now=NOW)
    decide(fakes, WANTED, now=NOW)
    with pytest.raises(DecisionError, match="name of the person"):
        undo(fakes, "P-17-C", "d-1", who="", now=NOW)


def both(fakes: Fakes) -> None:
    decide(fakes, WANTED, now=NOW)
    undo(fakes, "P-17-C", "d-1", who="bob", now=NOW)
    decide(fakes, replace(WANTED, decision_id="d-2"), now=NOW)


def test_a_crash_and_a_repetition_store_each_decision_once() -> None:
    calm = stack()
    both(calm)

    for fakes in after_each_crash(stack, both):
        assert fakes.state() == calm.state()


def test_two_people_at_once_lose_and_double_nothing() -> None:
    """The other decides, or undoes, before each step of the one."""

    def other(fakes: Fakes) -> None:
        decide(fakes, replace(WANTED, decision_id="other", count=4), now=NOW)

    def twice(fakes: Fakes) -> None:
        other(fakes)
        undo(fakes, "P-17-C", "other", who="bob", now=NOW)

    for interruption, numbers in ((other, {2, 4}), (twice, {2})):
        for fakes in with_each_interruption(stack, lambda fakes: decide(fakes, WANTED, now=NOW), interruption):
            assert {each.decision_id for each in fakes.decisions.items.values()} == {"d-1", "other"}
            last = max(
                (each for each in fakes.decisions.items.values() if not each.undone_by), key=lambda d: d.bin_revision
            )
            human = fakes.bins.items["P-17-C"].human
            assert human is not None
            assert (human.count, human.decision_id) == (last.count, last.decision_id)
            assert human.count in numbers


def test_an_undo_keeps_what_another_decides_meanwhile() -> None:
    def decided() -> Fakes:
        fakes = stack()
        decide(fakes, WANTED, now=NOW)
        return fakes

    def other(fakes: Fakes) -> None:
        decide(fakes, replace(WANTED, decision_id="other", count=4), now=NOW)

    def work(fakes: Fakes) -> None:
        undo(fakes, "P-17-C", "d-1", who="ann", now=NOW)

    for fakes in with_each_interruption(decided, work, other):
        human = fakes.bins.items["P-17-C"].human
        assert human is not None
        assert human.decision_id == "other"


def test_it_gives_up_on_a_bin_that_never_rests() -> None:
    fakes = stack()
    fakes.decisions.add = lambda *_: False  # type: ignore[method-assign]

    with pytest.raises(StoreError, match="Others changed bin P-17-C"):
        decide(fakes, WANTED, now=NOW)


def test_a_difference_that_a_person_counted_is_published_as_a_humans() -> None:
    fakes = stack()
    decide(fakes, WANTED, now=NOW)
    reconciled(fakes, OF_BIN)

    (found,) = fakes.events.of_kind("DiscrepancyFound")
    assert (found["counted"], found["expected"], found["source"]) == (2, 3, "human")
