"""What the queue of the desk may rely on: the lines that wait, and leases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bintally.domain.attention import Acceptance, Attention, Group
from bintally.domain.queue import Lease
from bintally.domain.verdicts import Finding, Verdict

from tests.unit.functions.examples import EARLIER, LATER, NOON, order_line

ANN, BOB = Lease("P-17-C", "ann", LATER), Lease("P-17-C", "bob", LATER)


def waiting(rank: str, group: Group = Group.LOOK) -> Finding:
    return Finding(Verdict.UNCERTAIN, "?", 3, attention=Attention(group, rank))


def test_lines_wait_in_the_order_of_their_rank(ports: Any) -> None:
    lines = [order_line(3, bin_id=name) for name in "abcd"]
    ports.orders.put(lines, NOON)
    ranks = {"a": "2026-05-05#0", "b": "2026-05-04#2", "c": "2026-05-04#1"}
    ports.orders.judge([(line, waiting(ranks[line.bin_id]), 1) for line in lines[:3]], NOON)
    ports.orders.judge([(lines[3], waiting("0", Group.ACT), 1)], NOON)

    assert [*ports.orders.queued(Group.LOOK)] == [("C-1", "c"), ("C-1", "b"), ("C-1", "a")]
    assert [*ports.orders.queued(Group.ACT)] == [("C-1", "d")]
    assert ports.orders.of_consignment("C-1")[0].attention == Attention(Group.LOOK, ranks["a"])


def test_a_settled_replaced_or_withdrawn_line_waits_no_longer(ports: Any) -> None:
    settled, replaced, withdrawn = lines = [order_line(3, bin_id=name) for name in "abc"]
    ports.orders.put(lines, NOON)
    ports.orders.judge([(line, waiting("1"), 1) for line in lines], NOON)

    ports.orders.judge([(settled, Finding(Verdict.MATCH, "As expected.", 3), 2)], NOON)
    ports.orders.put([replace(replaced, expected=4, order_version="2")], NOON)
    ports.orders.withdraw([(withdrawn, "2")], NOON)

    assert [*ports.orders.queued(Group.LOOK)] == []
    assert {line.attention for line in ports.orders.of_consignment("C-1")} == {None}


def test_one_of_two_people_gets_a_bin(ports: Any) -> None:
    assert ports.leases.take([ANN, Lease("free", "ann", LATER)], NOON) == {"P-17-C", "free"}
    assert ports.leases.take([BOB, Lease("other", "bob", LATER)], NOON) == {"other"}

    held = ports.leases.read(["P-17-C", "other", "unknown"])
    assert held == {"P-17-C": ANN, "other": Lease("other", "bob", LATER)}


def test_a_lease_is_renewed_and_ends(ports: Any) -> None:
    ports.leases.take([replace(ANN, until=NOON)], EARLIER)

    assert ports.leases.take([ANN], NOON) == {"P-17-C"}
    assert ports.leases.take([BOB], LATER) == set()  # until then, inclusive
    assert ports.leases.take([replace(BOB, until="2026-05-05")], "2026-05-04T16:00:00.001Z") == {"P-17-C"}


def test_a_person_releases_only_their_own_leases(ports: Any) -> None:
    ports.leases.take([ANN], NOON)

    assert ports.leases.release(["P-17-C", "unknown"], "bob") == set()
    assert ports.leases.take([BOB], NOON) == set()
    assert ports.leases.release(["P-17-C"], "ann") == {"P-17-C"}
    assert ports.leases.take([BOB], NOON) == {"P-17-C"}
    assert ports.leases.take([], NOON) == ports.leases.release([], "ann") == set()


def test_a_page_begins_behind_a_line_also_if_that_is_gone(ports: Any) -> None:
    lines = [order_line(3, bin_id=name) for name in "abc"]
    ports.orders.put(lines, NOON)
    ports.orders.judge([(line, waiting("same"), 1) for line in lines], NOON)
    behind = ("same", "C-1", "a")

    assert len([*ports.orders.queued(Group.LOOK)]) == ports.orders.count_queued(Group.LOOK, 9) == 3
    rest = [*ports.orders.queued(Group.LOOK, behind)]
    assert ("C-1", "a") not in rest
    ports.orders.withdraw([(lines[0], "2")], NOON)
    assert [*ports.orders.queued(Group.LOOK, behind)] == rest
    assert (ports.orders.count_queued(Group.LOOK, 1), ports.orders.count_queued(Group.ACT, 1)) == (1, 0)


def test_a_line_whose_verdict_is_accepted_waits_no_longer(ports: Any) -> None:
    line = order_line(3)
    ports.orders.put([line], NOON)
    accepted = Acceptance("ann", NOON, "damaged", 1)
    assert not ports.orders.accept(line, accepted), "it does not wait"
    ports.orders.judge([(line, waiting("1", Group.ACT), 1)], NOON)

    assert not ports.orders.accept(line, replace(accepted, bin_revision=2))
    assert not ports.orders.accept(replace(line, expected=4), accepted)
    assert ports.orders.accept(line, accepted)

    (held,) = ports.orders.of_consignment("C-1")
    assert (held.accepted, held.attention) == (accepted, None)
    assert [*ports.orders.queued(Group.ACT)] == []
    ports.orders.put([replace(line, expected=4, order_version="2")], NOON)
    assert ports.orders.of_consignment("C-1")[0].accepted is None
