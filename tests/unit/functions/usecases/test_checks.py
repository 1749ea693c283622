"""Checks in the queue: who is asked about what, and that the answers change nothing else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest
from bintally.domain.attention import Attention, Group
from bintally.domain.checks import CHECK_DAYS, REPEAT_AFTER, Basis, Check
from bintally.domain.decisions import Decision
from bintally.domain.errors import DecisionError, NotFoundError
from bintally.domain.verdicts import Finding, Verdict
from bintally.usecases.checks import Asked, answer_check, recent_checks, with_checks
from bintally.usecases.decide import decide, undo

from tests.fakes import Fakes
from tests.unit.functions.examples import NOON, NOW, counted, make_images, order_line

LATER = NOW + timedelta(hours=1)
DECIDED, QUEUED = make_images(40), make_images(60)[40:]
ALWAYS, NEVER = 1.0, 0.0


def decided(number: int = len(DECIDED), who: str = "ann") -> Fakes:
    """So many bins that somebody has counted, each with a line that waits for nobody."""
    fakes = Fakes()
    for image in DECIDED[:number]:
        fakes.bins.record([counted(image)], NOON)
        decide(fakes, said(image.image_id, image.bin_id, who), now=NOW)
    return fakes


def said(image_id: str, bin_id: str, who: str = "bob", count: int | None = 3) -> Decision:
    return Decision(bin_id, f"{who}-{image_id}", image_id, who, "", count, blind=True, seconds=2.0)


def asked(fakes: Fakes, share: float = ALWAYS, who: str = "bob", number: int = 5) -> list[Asked]:
    counts = [counted(image) for image in QUEUED[:number]]
    return [*with_checks(fakes, counts, who, share=share, now=LATER)]


def answered(fakes: Fakes, given: Asked, count: int | None = 3, who: str = "bob") -> Check:
    answer = said(given.count.image.image_id, given.count.bin_id, who, count)
    return answer_check(fakes, answer, given.after, share=ALWAYS, now=LATER)


def test_bins_of_the_queue_come_in_their_order_and_checks_between_them() -> None:
    found = asked(decided())

    assert [each.count.image for each in found if not each.after] == QUEUED[:5]
    assert [each.after for each in found if each.after] == [image.image_id for image in QUEUED[:5]]
    assert {each.count.bin_id for each in found if each.after} <= {image.bin_id for image in DECIDED}


def test_without_a_share_or_a_decision_nothing_is_checked() -> None:
    assert not [each for each in asked(decided(), NEVER) if each.after]
    assert not [each for each in asked(Fakes()) if each.after]


def test_who_asks_again_gets_the_same_checks() -> None:
    fakes = decided()

    assert asked(fakes) == asked(fakes)
    assert asked(fakes) != asked(fakes, who="cid")


def test_a_fresh_decision_is_not_checked() -> None:
    fakes = decided()
    counts, soon = [counted(QUEUED[0])], NOW + REPEAT_AFTER

    assert len([*with_checks(fakes, counts, "bob", share=ALWAYS, now=soon)]) == 1
    assert len([*with_checks(fakes, counts, "bob", share=ALWAYS, now=soon + timedelta(seconds=1))]) == 2


def test_an_old_decision_is_not_checked() -> None:
    fakes = decided()
    late = NOW + timedelta(days=CHECK_DAYS, seconds=1)

    assert len([*with_checks(fakes, [counted(QUEUED[0])], "bob", share=ALWAYS, now=late)]) == 1


def test_a_bin_that_waits_or_changed_or_was_undone_is_not_checked() -> None:
    fakes = decided(3)
    waits, newer, undone = DECIDED[:3]
    line = order_line(9, bin_id=waits.bin_id)
    fakes.orders.put([line], NOON)
    fakes.orders.judge([(line, Finding(Verdict.SHORT, "?", 3, attention=Attention(Group.LOOK, "0")), 2)], NOON)
    other = replace(newer, version_id="newer", sequencer="9")
    fakes.bins.record([counted(other)], NOON)
    undo(fakes, undone.bin_id, f"ann-{undone.image_id}", who="ann", now=NOW)

    assert not [each for each in asked(fakes) if each.after]


def test_a_bin_that_the_person_has_open_is_not_checked() -> None:
    fakes = decided(1)
    counts = [fakes.bins.items[DECIDED[0].bin_id]]

    assert [*with_checks(fakes, counts, "bob", share=ALWAYS, now=LATER)] == [Asked(counts[0])]


@pytest.mark.parametrize(("who", "basis"), [("bob", Basis.OTHER), ("ann", Basis.OWN)])
def test_an_answer_is_compared_with_the_count_that_stands(who: str, basis: Basis) -> None:
    fakes = decided()
    check = next(each for each in asked(fakes, who=who) if each.after)

    found = answered(fakes, check, count=4, who=who)

    assert (found.known, found.basis, found.count, found.is_same) == (3, basis, 4, False)
    assert recent_checks(fakes.checks, now=LATER) == [found]


def test_an_answer_changes_no_table_but_that_of_the_checks() -> None:
    fakes = decided()
    check = next(each for each in asked(fakes) if each.after)
    tables = (fakes.bins, fakes.decisions, fakes.orders, fakes.leases, fakes.ledger)
    before = deepcopy([table.items for table in tables])

    answered(fakes, check, count=5)

    assert [table.items for table in tables] == before


def test_an_answer_sent_twice_is_stored_once_and_the_last_one_counts() -> None:
    fakes = decided()
    check = next(each for each in asked(fakes) if each.after)

    for count in (4, 4, None, 3):
        answered(fakes, check, count)

    assert [each.count for each in recent_checks(fakes.checks, now=LATER)] == [3]


def test_what_nobody_was_asked_is_refused() -> None:
    fakes = decided()
    image = DECIDED[0]
    answer = said(image.image_id, image.bin_id)

    with pytest.raises(NotFoundError, match="Nobody asked"):
        answer_check(fakes, answer, "photo", share=NEVER, now=LATER)
    with pytest.raises(DecisionError, match="is not from 0"):
        answer_check(fakes, replace(answer, count=-1), "photo", share=ALWAYS, now=LATER)
    undo(fakes, image.bin_id, f"ann-{image.image_id}", who="ann", now=NOW)
    with pytest.raises(NotFoundError, match="stands any more"):
        answer_check(fakes, answer, "photo", share=ALWAYS, now=LATER)
    assert not fakes.checks.items
