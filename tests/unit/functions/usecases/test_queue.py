"""The queue of the desk: what comes next, for one person and for several."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from bintally.domain.attention import Attention, Group
from bintally.domain.changes import Changes
from bintally.domain.decisions import Decision
from bintally.domain.errors import ChangedError
from bintally.domain.queue import LEASE
from bintally.domain.risk import Odds
from bintally.domain.times import iso
from bintally.domain.verdicts import Finding, Verdict
from bintally.usecases import queue
from bintally.usecases.decide import decide, undo
from bintally.usecases.queue import next_bins, probable_bins
from bintally.usecases.reconcile import reconcile

from tests.fakes import Fakes
from tests.unit.functions.examples import NOON, NOW, RULES, counted, make_images, order_line
from tests.unit.functions.usecases.runs import reconciled

AFTER = NOW + LEASE + timedelta(milliseconds=1)


def waiting(number: int, lines_each: int = 1) -> Fakes:
    """So many bins wait, the first ones first."""
    fakes = Fakes()
    for place, image in enumerate(make_images(number)):
        fakes.bins.record([counted(image)], NOON)
        for line in range(lines_each):
            ordered = order_line(3, bin_id=image.bin_id, consignment=f"C-{line}")
            fakes.orders.put([ordered], NOON)
            found = Finding(Verdict.UNCERTAIN, "?", 3, attention=Attention(Group.LOOK, f"{place:04}"))
            fakes.orders.judge([(ordered, found, 1)], NOON)
    return fakes


def taken(fakes: Fakes, who: str, limit: int = 2, now: object = NOW) -> list[int]:
    found = next_bins(fakes, who, limit, now=now)  # type: ignore[arg-type]
    return [int(count.bin_id.removeprefix("bin-")) for count in found.counts]


def test_each_person_gets_the_next_bins_and_keeps_them() -> None:
    fakes = waiting(5)

    assert [taken(fakes, who) for who in ("ann", "bob", "ann", "cid", "dan")] == [[0, 1], [2, 3], [0, 1], [4], []]


def test_it_says_whether_more_waits_or_others_have_it() -> None:
    fakes = waiting(1)

    assert next_bins(fakes, "ann", 1, now=NOW).until == iso(NOW + LEASE)
    assert next_bins(fakes, "bob", 1, now=NOW).more
    assert not next_bins(fakes, "ann", 2, now=NOW).more
    assert not next_bins(Fakes(), "ann", 2, now=NOW).more


def test_a_lease_ends_and_another_person_gets_the_bin() -> None:
    fakes = waiting(2)
    taken(fakes, "ann")

    assert taken(fakes, "bob", now=NOW + LEASE) == []
    assert taken(fakes, "bob", now=AFTER) == [0, 1]
    assert taken(fakes, "ann", now=AFTER) == []


def test_a_bin_with_several_lines_comes_once() -> None:
    assert taken(waiting(3, lines_each=2), "ann", limit=5) == [0, 1, 2]


def test_a_bin_that_was_just_decided_about_does_not_come_again_until_that_is_undone() -> None:
    fakes = waiting(2)
    taken(fakes, "ann")
    decide(fakes, Decision("bin-0000", "d-1", "", "ann", "", 3), now=NOW)  # the stream has not brought it to the line

    assert taken(fakes, "ann") == [1]
    assert "bin-0000" not in fakes.leases.items

    undo(fakes, "bin-0000", "d-1", who="ann", now=NOW)
    assert taken(fakes, "bob") == [0]


def test_a_decision_moves_the_line_to_those_who_act_and_undo_moves_it_back() -> None:
    fakes = waiting(1)
    decide(fakes, Decision("bin-0000", "d-1", "", "ann", "", 2), now=NOW)
    reconciled(fakes, Changes(bins={"bin-0000"}))
    assert [*fakes.orders.queued(Group.ACT)] == [("C-0", "bin-0000")]

    undo(fakes, "bin-0000", "d-1", who="ann", now=NOW)
    (line,) = fakes.orders.items.values()
    fakes.orders.items[line.key] = replace(line, attention=None)  # as in a table that is older than the queue
    reconciled(fakes, Changes(bins={"bin-0000"}))
    assert [*fakes.orders.queued(Group.LOOK)] == []  # three are as expected
    decide(fakes, Decision("bin-0000", "d-2", "", "ann", "", None), now=NOW)
    reconciled(fakes, Changes(bins={"bin-0000"}))
    assert [*fakes.orders.queued(Group.ACT)] == [("C-0", "bin-0000")]


def test_the_queue_is_read_page_by_page() -> None:
    fakes = waiting(queue.PER_PAGE + 3)
    for number in range(queue.PER_PAGE // 20):
        taken(fakes, f"person-{number}", limit=20)

    assert taken(fakes, "ann", limit=5) == [queue.PER_PAGE, queue.PER_PAGE + 1, queue.PER_PAGE + 2]


def test_a_decision_about_a_bin_that_has_changed_is_refused_but_not_its_repetition() -> None:
    fakes = waiting(1)
    wanted = Decision("bin-0000", "d-1", "", "ann", "", 3)
    with pytest.raises(ChangedError, match="Bin bin-0000 has changed since you saw it"):
        decide(fakes, wanted, now=NOW, seen_revision=7)

    stored = decide(fakes, wanted, now=NOW, seen_revision=1)

    assert decide(fakes, wanted, now=NOW, seen_revision=1) == stored
    with pytest.raises(ChangedError):
        decide(fakes, replace(wanted, decision_id="d-2"), now=NOW, seen_revision=1)


def test_where_a_second_look_is_wanted_two_people_have_to_agree() -> None:
    fakes = waiting(1)

    def offered(who: str) -> bool:
        reconcile(fakes, Changes(bins={"bin-0000"}), rules=RULES, now=NOW, second_look=True)
        found = next_bins(fakes, who, 1, now=NOW, second_look=True).counts
        fakes.leases.release(["bin-0000"], who)
        return bool(found)

    def count(who: str, number: int) -> None:
        decide(fakes, Decision("bin-0000", f"{who}-{number}", "", who, "", number), now=NOW)

    count("ann", 2)
    assert (offered("ann"), offered("bob")) == (False, True)
    count("bob", 1)
    assert (offered("bob"), offered("cid")) == (False, True), "they do not agree"
    count("cid", 2)
    assert (offered("bob"), offered("dan")) == (False, False), "ann and cid do"
    assert [*fakes.orders.queued(Group.ACT)] == [("C-0", "bin-0000")]
    undo(fakes, "bin-0000", "ann-2", who="ann", now=NOW)
    assert offered("dan")


def probable(places: dict[int, Finding | None]) -> Fakes:
    """Bins whose lines wait with these findings, None for one that probably matches."""
    fakes = waiting(len(places))
    for place, found in places.items():
        line = fakes.orders.items["C-0", f"bin-{place:04}"]
        finding = found or Finding(Verdict.UNCERTAIN, "?", 3, odds=Odds(0.2, 0.1))
        fakes.orders.judge([(line, replace(finding, attention=line.attention), 1)], NOON)
    return fakes


def confirmable(fakes: Fakes, who: str = "ann", limit: int = 12, **more: object) -> list[int]:
    found = probable_bins(fakes, who, limit, now=NOW, **more)  # type: ignore[arg-type]
    return [int(count.bin_id.removeprefix("bin-")) for count in found.counts]


def test_only_what_is_rather_right_than_wrong_can_be_confirmed() -> None:
    short = Finding(Verdict.SHORT, "?", 3, odds=Odds(0.3, 0.2))
    unlikely = Finding(Verdict.UNCERTAIN, "?", 3, odds=Odds(0.4, 0.2))
    unknown = Finding(Verdict.UNCERTAIN, "?", 3)
    audit = Finding(Verdict.UNCERTAIN, "?", 3, odds=Odds(0.1, 0.1), audit_share=0.03)
    far = Finding(Verdict.UNCERTAIN, "?", 1, odds=Odds(0.02, 0.02))
    over = Finding(Verdict.UNCERTAIN, "?", None, 6, odds=Odds(0.02, 0.02))

    findings = [None, short, unlikely, unknown, audit, far, over, None]
    assert confirmable(probable(dict(enumerate(findings)))) == [0, 7]


def test_a_bin_with_another_order_that_differs_can_not_be_confirmed_and_is_given_back() -> None:
    fakes = probable({0: None, 1: None})
    other = order_line(4, bin_id="bin-0000", consignment="C-9")
    fakes.orders.put([other], NOON)
    also = Finding(Verdict.UNCERTAIN, "?", 3, odds=Odds(0.2, 0.1), attention=Attention(Group.LOOK, "9999"))
    fakes.orders.judge([(other, also, 1)], NOON)

    assert confirmable(fakes) == [1]
    assert taken(fakes, "bob") == [0]


def test_what_is_to_be_confirmed_belongs_to_one_person() -> None:
    fakes = probable(dict.fromkeys(range(4)))

    assert confirmable(fakes, "ann", 2) == [0, 1]
    assert confirmable(fakes, "bob") == [2, 3]
    assert taken(fakes, "cid") == []
    assert confirmable(fakes, "ann", 2, without={"bin-0000"}) == [1]


def test_what_somebody_has_decided_about_is_not_to_be_confirmed() -> None:
    fakes = probable({0: None, 1: None})
    decide(fakes, Decision("bin-0000", "d", "", "bob", "", 3), now=NOW)

    assert confirmable(fakes) == [1]


def test_a_bin_with_lines_on_two_pages_of_the_queue_is_to_be_confirmed_once() -> None:
    fakes = probable(dict.fromkeys(range(queue.PER_PAGE)))
    last = order_line(3, bin_id="bin-0000", consignment="C-9")
    fakes.orders.put([last], NOON)
    again = Finding(Verdict.UNCERTAIN, "?", 3, odds=Odds(0.2, 0.1), attention=Attention(Group.LOOK, "9999"))
    fakes.orders.judge([(last, again, 1)], NOON)

    assert confirmable(fakes, limit=queue.PER_PAGE + 1) == [*range(queue.PER_PAGE)]
