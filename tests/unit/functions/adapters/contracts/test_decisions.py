"""What the use cases may rely on: the decisions table, and the bins that show what people decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bintally.domain.bins import HumanCount
from bintally.domain.decisions import DecidedLine, Decision, with_decisions
from bintally.domain.verdicts import Verdict

from tests.unit.functions.examples import LATER, NOON, counted, make_image, unseen

LINES = DecidedLine("C-1", 3, "1", Verdict.UNCERTAIN), DecidedLine("C-2", 4, "1", Verdict.MATCH, audit=True)
FIRST = Decision("P-17-C", "d-1", make_image().image_id, "ann", NOON, 4, True, 2.5, "damaged", 0.03, LINES, 2)
NEWER = make_image(sequencer="0055AED6DCD90281E6")


@pytest.fixture
def shown(ports: Any) -> Any:
    """A bin with its count, read back."""
    ports.bins.record([counted()], NOON)
    return ports.bins.read(["P-17-C"])["P-17-C"]


@pytest.mark.parametrize("decision", [FIRST, Decision("P-17-C", "d-2", "x", "bob", NOON, None)])
def test_a_decision_is_stored_as_it_is(ports: Any, decision: Decision) -> None:
    assert ports.decisions.add(decision, None)

    assert ports.decisions.of_bin("P-17-C") == list(ports.decisions.all()) == [decision]
    assert ports.decisions.of_bin("P-18-A") == []


def test_a_decision_and_its_bin_are_written_together(ports: Any, shown: Any) -> None:
    assert ports.decisions.add(FIRST, with_decisions(shown, [FIRST]))

    held = ports.bins.read(["P-17-C"])["P-17-C"]
    assert held == replace(shown, human=HumanCount("d-1", 4, "ann", NOON), source="human", revision=2)
    assert held.count == 3


def test_nothing_is_written_if_the_bin_has_changed(ports: Any, shown: Any) -> None:
    ports.bins.record([counted(NEWER)], NOON)

    assert not ports.decisions.add(FIRST, with_decisions(shown, [FIRST]))

    assert ports.decisions.of_bin("P-17-C") == []
    assert ports.bins.read(["P-17-C"])["P-17-C"] == replace(counted(NEWER), revision=2)


def test_an_id_is_taken_once(ports: Any, shown: Any) -> None:
    ports.decisions.add(FIRST, None)

    assert not ports.decisions.add(replace(FIRST, count=5), with_decisions(shown, [FIRST]))

    assert ports.decisions.of_bin("P-17-C") == [FIRST]
    assert ports.bins.read(["P-17-C"])["P-17-C"] == shown


def test_a_decision_is_undone_once(ports: Any, shown: Any) -> None:
    undone = replace(FIRST, undone_by="bob", undone_at=LATER)
    assert not ports.decisions.mark_undone(undone, None)
    ports.decisions.add(FIRST, with_decisions(shown, [FIRST]))
    decided = ports.bins.read(["P-17-C"])["P-17-C"]

    assert ports.decisions.mark_undone(undone, with_decisions(decided, []))
    assert not ports.decisions.mark_undone(replace(undone, undone_by="cid"), None)

    assert ports.decisions.of_bin("P-17-C") == [undone]
    assert ports.bins.read(["P-17-C"])["P-17-C"] == replace(shown, revision=3)


def test_a_newer_image_removes_what_a_person_decided(ports: Any, shown: Any) -> None:
    ports.decisions.add(FIRST, with_decisions(shown, [FIRST]))

    ports.bins.record([counted(NEWER)], LATER)

    assert ports.bins.read(["P-17-C"])["P-17-C"] == replace(counted(NEWER), revision=3)


@pytest.mark.parametrize(("held", "offered"), [(unseen(), counted()), (counted(), replace(counted(), recounts=1))])
def test_another_result_for_the_same_image_keeps_it(ports: Any, held: Any, offered: Any) -> None:
    ports.bins.record([held], NOON)
    shown = ports.bins.read(["P-17-C"])["P-17-C"]
    ports.decisions.add(FIRST, with_decisions(shown, [FIRST]))

    ports.bins.record([offered], LATER)

    human = HumanCount("d-1", 4, "ann", NOON)
    assert ports.bins.read(["P-17-C"])["P-17-C"] == replace(offered, human=human, source="human", revision=3)


def test_the_decisions_of_a_time_are_found_across_days(ports: Any) -> None:
    times = [
        "2026-05-03T23:59:59.999Z",
        "2026-05-04T00:00:00.000Z",
        "2026-05-05T01:00:00.000Z",
        "2026-05-05T02:00:00.000Z",
    ]
    for number, at in enumerate(times):
        ports.decisions.add(replace(FIRST, bin_id=f"b-{3 - number}", decision_id=str(number), decided_at=at), None)

    def found(begins: str, ends: str) -> list[str]:
        return [each.decision_id for each in ports.decisions.between(begins, ends)]

    assert found(times[0], times[3]) == ["0", "1", "2"]
    assert found(times[1], "2026-05-05T00:00:00.000Z") == ["1"]
    assert found("2026-05-06T00:00:00.000Z", "2026-05-07T00:00:00.000Z") == []
