"""Checks: which are drawn, what they are compared with, and how often people agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bintally.domain.checks import (
    CHECK_DAYS,
    REPEAT_AFTER,
    Basis,
    Check,
    agreement,
    check_id_of,
    in_random_order,
    is_drawn,
    known_count,
    search_from,
)
from bintally.domain.decisions import Decision
from bintally.domain.times import iso
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.examples import NOON, NOW

ANN = Decision("P-17-C", "1", "photo", "ann", NOON, 3, blind=True, bin_revision=2)
BOB = replace(ANN, decision_id="2", who="bob", bin_revision=3)


def test_about_the_wanted_share_is_drawn_and_always_the_same() -> None:
    ids = [check_id_of("ann", str(number)) for number in range(5_000)]
    drawn = [is_drawn(each, 0.04) for each in ids]

    assert 150 < sum(drawn) < 250
    assert drawn == [is_drawn(check_id_of("ann", str(number)), 0.04) for number in range(5_000)]
    assert not any(is_drawn(each, 0) for each in ids)
    assert all(is_drawn(each, 1) for each in ids)


def test_another_person_gets_other_checks() -> None:
    assert check_id_of("ann", "1") != check_id_of("bob", "1") != check_id_of("bob", "2")


@given(st.text(max_size=9))
def test_what_is_checked_is_days_old_at_most_and_minutes_at_least(after: str) -> None:
    begins, ends = search_from(check_id_of("ann", after), NOW)

    assert iso(NOW - timedelta(days=CHECK_DAYS)) <= begins <= ends == iso(NOW - REPEAT_AFTER)


def test_what_was_undone_or_has_no_count_is_not_checked() -> None:
    counts = [replace(ANN, image_id=str(number)) for number in range(20)]
    silent = [replace(ANN, undone_by="ann"), replace(ANN, count=None)]

    found = in_random_order(check_id_of("ann", "1"), [*counts, *silent])
    other = in_random_order(check_id_of("ann", "2"), counts)

    assert sorted(map(str, found)) == sorted(map(str, counts)) == sorted(map(str, other))
    assert found != other


def test_what_it_is_compared_with_depends_on_who_said_it() -> None:
    cid = replace(ANN, decision_id="3", who="cid", bin_revision=4)

    assert known_count([ANN], "photo", "ann") == (3, Basis.OWN)
    assert known_count([ANN], "photo", "bob") == (3, Basis.OTHER)
    assert known_count([ANN, BOB], "photo", "ann") == (3, Basis.OTHER)
    assert known_count([ANN, BOB], "photo", "cid") == (3, Basis.KNOWN)
    assert known_count([ANN, BOB, cid], "photo", "cid") == (3, Basis.KNOWN)


def test_only_what_stands_is_known() -> None:
    assert known_count([], "photo", "bob") is None
    assert known_count([ANN], "another", "bob") is None
    assert known_count([replace(ANN, undone_by="ann")], "photo", "bob") is None
    assert known_count([ANN, replace(BOB, count=None)], "photo", "cid") is None
    assert known_count([ANN, replace(BOB, count=4)], "photo", "cid") == (4, Basis.OTHER)


def test_agreement_leaves_out_those_who_can_not_tell() -> None:
    check = Check("1", "P-17-C", "photo", "ann", NOON, 3, 1.5, 3, Basis.OTHER)

    found = agreement([check, replace(check, count=4), replace(check, count=None)])

    assert (found.answered, found.same, found.cannot_tell) == (2, 1, 1)
    assert agreement([]).answered == 0
