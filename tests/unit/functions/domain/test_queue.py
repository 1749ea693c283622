"""Which order lines wait for people, and in which order."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from bintally.domain.attention import Acceptance, Attention, Group
from bintally.domain.bins import BinCount, HumanCount
from bintally.domain.canary import CONSIGNMENT
from bintally.domain.queue import attention_of
from bintally.domain.risk import Odds
from bintally.domain.verdicts import Finding, Verdict

from tests.unit.functions.examples import LATER, NOON, counted, order_line

UTC = ZoneInfo("UTC")
LINE = order_line(3, due=LATER)
DECIDED = replace(counted(), human=HumanCount("d-1", 2, "ann", NOON))


@pytest.mark.parametrize(
    ("verdict", "by_the_model", "by_a_person"),
    [
        (Verdict.MATCH, None, None),
        (Verdict.SHORT, Group.LOOK, Group.ACT),
        (Verdict.OVER, Group.LOOK, Group.ACT),
        (Verdict.UNCERTAIN, Group.LOOK, Group.ACT),
        (Verdict.UNREADABLE, Group.ACT, Group.ACT),
        (Verdict.MISSING, Group.ACT, Group.ACT),
        (Verdict.PENDING, None, None),
        (Verdict.WITHDRAWN, None, None),
    ],
)
def test_who_has_to_do_something(verdict: Verdict, by_the_model: Group | None, by_a_person: Group | None) -> None:
    def group(count: object) -> Group | None:
        found = attention_of(LINE, Finding(verdict, ""), count, UTC)  # type: ignore[arg-type]
        return found and found.group

    assert (group(counted()), group(DECIDED)) == (by_the_model, by_a_person)


def rank(risk: float | None, due: str | None = LATER, zone: str = "UTC") -> str:
    odds = None if risk is None else Odds(risk, 0.0)
    found = attention_of(order_line(3, due=due), Finding(Verdict.UNCERTAIN, "", odds=odds), counted(), ZoneInfo(zone))
    assert found
    return found.rank


def test_the_first_due_day_comes_first_and_then_the_riskiest() -> None:
    ranks = [rank(None), rank(1.0), rank(0.5), rank(0.01), rank(0.0)]

    assert ranks == sorted(ranks)
    assert rank(0.0) < rank(0.9, due="2026-05-05T00:00:00.000Z") < rank(1.0, due=None)
    assert rank(0.9, due="2026-05-04T23:00:00.000Z") < rank(0.1, due="2026-05-04T01:00:00.000Z")


def test_days_are_those_of_the_site() -> None:
    assert rank(1.0, due="2026-05-04T23:00:00.000Z", zone="Europe/Berlin") == "2026-05-05#0000"
    assert attention_of(LINE, Finding(Verdict.SHORT, ""), None, UTC) == Attention(Group.LOOK, "2026-05-04#0000")


def test_nobody_looks_at_the_canary() -> None:
    line = order_line(3, consignment=CONSIGNMENT)

    assert attention_of(line, Finding(Verdict.UNCERTAIN, ""), counted(), UTC) is None


def test_an_accepted_line_waits_again_when_its_bin_changes() -> None:
    line = replace(LINE, accepted=Acceptance("ann", NOON, "damaged", DECIDED.revision))

    assert attention_of(line, Finding(Verdict.SHORT, ""), DECIDED, UTC) is None
    assert attention_of(line, Finding(Verdict.SHORT, ""), replace(DECIDED, revision=9), UTC)


@pytest.mark.parametrize(
    ("verdict", "waits"), [(Verdict.SHORT, True), (Verdict.OVER, True), (Verdict.UNCERTAIN, False)]
)
def test_a_difference_waits_for_a_second_look_where_that_is_wanted(verdict: Verdict, waits: bool) -> None:
    def group(count: BinCount) -> Group | None:
        found = attention_of(LINE, Finding(verdict, ""), count, UTC, second_look=True)
        return found and found.group

    human = HumanCount("d-1", 2, "ann", NOON)
    assert group(replace(counted(), human=human)) is (Group.ACT if verdict is Verdict.UNCERTAIN else Group.LOOK)
    assert group(replace(counted(), human=replace(human, people=2))) is Group.ACT
    assert group(replace(counted(), human=replace(human, count=None))) is Group.ACT
