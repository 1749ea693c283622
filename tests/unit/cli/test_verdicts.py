from __future__ import annotations

import pytest
from bincli.verdicts import NOT_ORDERED, STYLES, URGENCY, attention, first_looks, risk_text, tally, verdict_text


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


def test_variances_come_before_lines_without_a_count_and_these_before_risks() -> None:
    lines = [("MATCH", 0.01), ("UNCERTAIN", 0.4), ("MISSING", None), ("SHORT", 0.6), ("OVER", 0.9), ("NEW", None)]

    ordered = sorted(lines, key=lambda line: attention(*line))

    assert [verdict for verdict, _ in ordered] == ["NEW", "OVER", "SHORT", "MISSING", "UNCERTAIN", "MATCH"]


def test_the_first_looks_say_how_many_wrong_lines_to_expect() -> None:
    looks = first_looks([0.9, 0.5, 0.2, 0.2, 0.2], 2)

    assert looks.sentence() == "Look at the first 2 lines: they hold an expected 1.4 of the 2.0 wrong lines."
    assert first_looks([0.5], 20).looks == 1


@pytest.mark.parametrize(
    ("risk", "text"), [(None, "-"), (0.0, "under 1%"), (0.0099, "under 1%"), (0.125, "12%"), (1, "100%")]
)
def test_a_risk_is_never_shown_as_none(risk: float | None, text: str) -> None:
    assert risk_text(risk) == text
