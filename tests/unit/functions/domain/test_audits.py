"""Random audits: who is drawn, where the line waits, and what a decision about it records."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from bintally.domain.attention import Group
from bintally.domain.audits import draw, drawn_share, is_audit_of
from bintally.domain.bins import HumanCount
from bintally.domain.canary import CONSIGNMENT
from bintally.domain.decisions import DecidedLine, Decision, decided_lines, selection_of
from bintally.domain.queue import attention_of
from bintally.domain.risk import Odds
from bintally.domain.verdicts import Finding, OrderLine, Verdict
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.examples import NOON, counted, make_image, order_line

UTC = ZoneInfo("UTC")
IMAGE = make_image()
COUNT = counted(IMAGE)


def test_each_share_of_the_lines_is_drawn() -> None:
    draws = [draw(order_line(bin_id=f"bin-{number}"), IMAGE.image_id) for number in range(4_000)]

    for share in (0.03, 0.25, 0.5):  # four standard errors
        drawn = sum(each < share for each in draws) / len(draws)
        assert abs(drawn - share) < 4 * (share * (1 - share) / len(draws)) ** 0.5


def test_a_draw_is_the_same_for_the_same_line_and_photo_and_no_other() -> None:
    line = order_line(3)

    assert draw(line, "a") == draw(replace(line, expected=5, order_version="9", verdict=Verdict.SHORT), "a")
    others = [draw(line, "b"), draw(order_line(bin_id="x"), "a"), draw(order_line(consignment="C-2"), "a")]
    assert len({draw(line, "a"), *others}) == 4


@given(st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_larger_share_draws_the_same_lines_and_more(one: float, other: float) -> None:
    few, many = sorted((one, other))

    assert drawn_share(order_line(), COUNT, few) is None or drawn_share(order_line(), COUNT, many) == many


def test_without_a_photo_or_of_the_canary_nothing_is_drawn() -> None:
    assert drawn_share(order_line(), None, 1.0) is None
    assert drawn_share(order_line(consignment=CONSIGNMENT), COUNT, 1.0) is None
    assert drawn_share(order_line(), COUNT, 0.0) is None


def drawn_line(verdict: Verdict = Verdict.MATCH, consignment: str = "C-1", share: float = 1.0) -> OrderLine:
    """A line that was drawn with a share at which its draw is always below."""
    return replace(order_line(consignment=consignment), verdict=verdict, audit_share=share)


@pytest.mark.parametrize("verdict", [Verdict.MATCH, Verdict.UNCERTAIN, Verdict.SHORT])
def test_an_audit_waits_at_a_random_place_until_somebody_decides(verdict: Verdict) -> None:
    def place(risk: float, human: HumanCount | None = None) -> object:
        finding = Finding(verdict, "", odds=Odds(risk, 0.0), audit_share=1.0)
        return attention_of(order_line(), finding, replace(COUNT, human=human), UTC)

    assert place(0.001) is not None
    assert place(0.001) == place(0.999)
    decided = place(0.001, HumanCount("d", 3, "ann", NOON))
    assert decided is None if verdict is Verdict.MATCH else decided.group is Group.ACT  # type: ignore[attr-defined]


def test_a_decision_records_the_first_verdict_and_the_audit() -> None:
    first = decided_lines([drawn_line()], IMAGE.image_id, ())
    assert first == (DecidedLine("C-1", 3, "1", Verdict.MATCH, audit=True),)

    earlier = Decision("P-17-C", "d-1", IMAGE.image_id, "ann", NOON, 2, lines=first, undone_by="ann")
    now = replace(drawn_line(Verdict.SHORT), order_version="2")
    assert decided_lines([now], IMAGE.image_id, [earlier]) == (replace(first[0], order_version="2"),)
    assert decided_lines([replace(now, expected=4)], IMAGE.image_id, [earlier])[0].verdict is Verdict.SHORT


def test_an_audit_is_one_of_its_own_photo() -> None:
    line = replace(order_line(), audit_share=0.5)
    images = {is_audit_of(line, str(number)): str(number) for number in range(50)}

    assert decided_lines([line], images[True], ())[0].audit
    assert not decided_lines([line], images[False], ())[0].audit
    assert not is_audit_of(order_line(), images[True])


@pytest.mark.parametrize(
    ("lines", "probability"),
    [
        ([], None),
        ([order_line()], None),
        ([replace(order_line(), verdict=Verdict.MATCH)], None),
        ([drawn_line()], 1.0),
        ([drawn_line(Verdict.UNCERTAIN)], 1.0),
        ([replace(order_line(), verdict=Verdict.SHORT), replace(order_line(), verdict=Verdict.MATCH)], 1.0),
        ([replace(order_line(consignment=CONSIGNMENT), verdict=Verdict.SHORT)], None),
        ([drawn_line(Verdict.WITHDRAWN)], None),
    ],
)
def test_how_probable_it_was_that_a_person_is_asked(lines: list[OrderLine], probability: float | None) -> None:
    assert selection_of(lines, IMAGE.image_id, ()) == probability


def test_one_of_several_matches_is_drawn_more_often_and_a_second_decision_changes_nothing() -> None:
    share = 0.5
    names = (f"C-{number}" for number in range(50))
    drawn = next(each for each in names if is_audit_of(drawn_line(consignment=each, share=share), IMAGE.image_id))
    match = replace(order_line(consignment="other"), verdict=Verdict.MATCH)

    assert selection_of([drawn_line(consignment=drawn, share=share)], IMAGE.image_id, ()) == share
    assert selection_of([drawn_line(consignment=drawn, share=share), match], IMAGE.image_id, ()) == 0.75
    first = Decision("P-17-C", "d-1", IMAGE.image_id, "ann", NOON, 2, selection_probability=0.03)
    assert selection_of([drawn_line(Verdict.SHORT)], IMAGE.image_id, [first]) == 0.03
