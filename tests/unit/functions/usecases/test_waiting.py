"""The lines that wait, page by page, and the figures of the day."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from bintally.domain.attention import Attention, Group
from bintally.domain.decisions import Decision
from bintally.domain.verdicts import Finding, Verdict
from bintally.usecases.decide import decide
from bintally.usecases.today import today
from bintally.usecases.waiting import waiting_consignments, waiting_lines

from tests.fakes import Fakes
from tests.unit.functions.examples import NOON, NOW, counted, make_images, order_line

NUMBER = 230


def waiting(number: int = NUMBER) -> Fakes:
    fakes = Fakes()
    for place, image in enumerate(make_images(number)):
        line = order_line(3, bin_id=image.bin_id)
        fakes.orders.put([line], NOON)
        found = Finding(Verdict.SHORT if place % 2 else Verdict.OVER, "?", 3, attention=Attention(Group.LOOK, "same"))
        fakes.orders.judge([(line, found, 1)], NOON)
    return fakes


def test_every_line_is_on_one_page() -> None:
    fakes = waiting()
    seen, place = [], None
    for _ in range(NUMBER):
        page = waiting_lines(fakes.orders, Group.LOOK, lambda _: True, 50, place)
        seen += [line.bin_id for line in page.lines]
        if (place := page.end) is None:
            break

    assert seen == [f"bin-{number:04}" for number in range(NUMBER)]


def test_a_page_is_full_of_lines_that_are_wanted() -> None:
    page = waiting_lines(waiting().orders, Group.LOOK, lambda line: line.verdict is Verdict.SHORT, 60)

    assert len(page.lines) == 60
    assert page.end == ("same", "C-1", "bin-0119")
    assert waiting_lines(waiting(3).orders, Group.ACT, lambda _: True, 60).lines == ()


def test_consignments_come_by_their_first_due_day_and_their_riskiest_line() -> None:
    fakes = Fakes()
    places = [
        ("C-1", "2026-05-05#0009"),
        ("C-2", "2026-05-04#0500"),
        ("C-3", "2026-05-05#0001"),
        ("C-1", "2026-06-01#1"),
    ]
    for number, (consignment, rank) in enumerate(places):
        line = order_line(3, bin_id=f"B-{number}", consignment=consignment)
        group, verdict = (Group.ACT, Verdict.SHORT) if number % 2 else (Group.LOOK, Verdict.UNCERTAIN)
        fakes.orders.put([line], NOON)
        fakes.orders.judge([(line, Finding(verdict, "?", 3, attention=Attention(group, rank)), 1)], NOON)

    found, is_complete = waiting_consignments(fakes.orders, 10)

    assert [each.consignment_id for each in found] == ["C-2", "C-3", "C-1"]
    assert (found[2].verdict, found[2].look, found[2].act, found[2].risk) == (Verdict.SHORT, 1, 1, 1.0)
    assert is_complete
    assert not waiting_consignments(fakes.orders, 1)[1], "only one line of each group was read"


def test_a_line_that_has_just_left_is_left_out() -> None:
    fakes = waiting(2)
    queued = list(fakes.orders.queued(Group.LOOK))
    key = queued[0]
    fakes.orders.items[key] = replace(fakes.orders.items[key], attention=None)
    fakes.orders.queued = lambda *_: iter(queued)  # type: ignore[method-assign]  # an index that is seconds old

    assert [line.key for line in waiting_lines(fakes.orders, Group.LOOK, lambda _: True, 9).lines] == queued[1:]


def test_today_says_how_long_the_rest_will_take() -> None:
    fakes = waiting(6)
    assert today(fakes, now=NOW, zone=ZoneInfo("UTC")).minutes is None
    fakes.bins.record([counted()], NOON)
    fakes.ledger.receive(make_images(2), NOON)
    decide(fakes, Decision("P-17-C", "1", "", "ann", "", 3, seconds=20), now=NOW)

    found = today(fakes, now=NOW, zone=ZoneInfo("Asia/Tokyo"))

    assert (found.day, found.look, found.act, found.pending, found.in_flight) == ("2026-05-04", 6, 0, 2, 0)
    assert (found.figures.done, found.minutes) == (1, 2.0)
