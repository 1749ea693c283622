"""Verdicts as a person reads them: what to look at first, and the colour of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bintally.domain.verdicts import VARIANCES, Verdict

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


def attention(verdict: str, risk: float | None) -> tuple[int, float]:
    """Sorts by what a person should look at first: variances, lines without a count, and then by risk."""
    return 0 if verdict in VARIANCES else urgency(verdict), -(risk or 0.0)


@dataclass(frozen=True)
class FirstLooks:
    """How many of the wrong lines the first `looks` lines hold, and all lines, as far as the model knows."""

    looks: int
    found: float
    wrong: float

    def sentence(self) -> str:
        found = f"an expected {self.found:.1f} of the {self.wrong:.1f} wrong lines"
        if self.looks == 1:
            return f"Look at the first line: it holds {found}."
        return f"Look at the first {self.looks} lines: they hold {found}."


def first_looks(risks: Sequence[float], most: int) -> FirstLooks:
    """`risks` are those of all lines, in the order in which a person looks at them."""
    looks = min(most, len(risks))
    return FirstLooks(looks, round(sum(risks[:looks]), 3), round(sum(risks), 3))


def risk_text(risk: float | None) -> str:
    """`12%`, `under 1%`, or `-` where nothing is known."""
    if risk is None:
        return "-"
    return "under 1%" if risk < 0.01 else f"{risk:.0%}"


def tally(verdicts: Iterable[str]) -> dict[str, int]:
    """How many there are of each verdict, most urgent first."""
    counts = Counter(map(str, verdicts))
    return {verdict: counts[verdict] for verdict in sorted(counts, key=urgency)}


def verdict_text(verdict: str, overdue: bool = False, cancelled: bool = False) -> Styled:
    """The verdict in its colour. MISSING already means overdue."""
    suffix = ", cancelled" if cancelled else ", overdue" if overdue and verdict != "MISSING" else ""
    return Styled(f"{verdict}{suffix}", STYLES.get(verdict, ""))
