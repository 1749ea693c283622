"""Verdicts as a person reads them: how urgent each is, and its colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bintally.domain.verdicts import Verdict

from bincli.text import Styled

NOT_ORDERED = "NOT ORDERED"  # the bin has a photo, but no order
URGENCY = (*Verdict, NOT_ORDERED)
STYLES = {
    "SHORT": "bold red",
    "OVER": "bold magenta",
    "MISSING": "bold",
    "UNREADABLE": "bold bright_black",
    "UNCERTAIN": "yellow",
    "PENDING": "cyan",
    "MATCH": "green",
    "WITHDRAWN": "dim",
}


def urgency(verdict: str) -> int:
    """The position of a verdict in `URGENCY`. An unknown one comes first, to be seen."""
    return URGENCY.index(verdict) if verdict in URGENCY else -1


def tally(verdicts: Iterable[str]) -> dict[str, int]:
    """How many there are of each verdict, most urgent first."""
    counts = Counter(map(str, verdicts))
    return {verdict: counts[verdict] for verdict in sorted(counts, key=urgency)}


def verdict_text(verdict: str, overdue: bool = False) -> Styled:
    """The verdict in its colour. MISSING already means overdue."""
    suffix = ", overdue" if overdue and verdict != "MISSING" else ""
    return Styled(f"{verdict}{suffix}", STYLES.get(verdict, ""))
