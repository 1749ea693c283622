"""What checks may rely on: answers are kept by day, and decisions are found by time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bintally.domain.checks import Basis, Check
from bintally.domain.decisions import Decision

from tests.unit.functions.examples import EARLIER, LATER, NOON

CHECK = Check("c" * 32, "P-17-C", "photo", "ann", NOON, 3, 2.5, 3, Basis.KNOWN)


def test_answers_are_read_by_time_the_oldest_first(ports: Any) -> None:
    unsure = replace(CHECK, check_id="a" * 32, at=EARLIER, count=None, seconds=None, basis=Basis.OWN)
    other_day = replace(CHECK, check_id="b" * 32, at="2026-05-03T23:59:59.999Z", basis=Basis.OTHER)
    for check in (CHECK, unsure, other_day):
        ports.checks.put(check)

    assert ports.checks.between("2026-05-01T00:00:00.000Z", LATER) == [other_day, unsure, CHECK]
    assert ports.checks.between(EARLIER, NOON) == [unsure], "from the first time to before the second"


def test_a_later_answer_to_a_check_replaces_the_earlier_one(ports: Any) -> None:
    for check in (CHECK, replace(CHECK, count=4, at=LATER)):
        ports.checks.put(check)

    assert [each.count for each in ports.checks.between(EARLIER, "2026-05-05T00:00:00.000Z")] == [4]


def test_the_first_decisions_after_a_time(ports: Any) -> None:
    times = ["2026-05-02T10:00:00.000Z", "2026-05-04T08:00:00.000Z", "2026-05-04T09:00:00.000Z", NOON]
    for number, time in enumerate(times):
        ports.decisions.add(Decision("P-17-C", str(number), "photo", "ann", time, 3, bin_revision=number), None)

    assert [each.decision_id for each in ports.decisions.first(times[0], NOON, 2)] == ["0", "1"]
    assert [each.decision_id for each in ports.decisions.first(times[1], NOON, 9)] == ["1", "2"]
    assert ports.decisions.first("2026-05-03T00:00:00.000Z", times[1], 1) == []
