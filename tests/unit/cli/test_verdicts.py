from __future__ import annotations

import pytest
from bincli.verdicts import NOT_ORDERED, STYLES, URGENCY, tally, verdict_text


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("UNCERTAIN", "UNCERTAIN, overdue"), ("UNREADABLE", "UNREADABLE, overdue"), ("MISSING", "MISSING")],
)
def test_an_overdue_line_mentions_it_once(verdict: str, words: str) -> None:
    assert verdict_text(verdict, overdue=True).text == words
    assert verdict_text(verdict).text == verdict


def test_every_verdict_has_a_style() -> None:
    assert set(STYLES) == {str(verdict) for verdict in URGENCY} - {NOT_ORDERED}


def test_verdicts_are_tallied_most_urgent_first_and_an_unknown_one_before_all() -> None:
    assert list(tally(["MATCH", "SHORT", "MATCH", "NEW"]).items()) == [("NEW", 1), ("SHORT", 1), ("MATCH", 2)]
