"""The figures of a day at the desk, from its decisions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import combinations
from statistics import median

from bintally.domain.decisions import Decision
from bintally.domain.times import iso


@dataclass(frozen=True)
class Person:
    """How often somebody looked, and the median of the seconds that it took; None without times."""

    who: str
    done: int
    seconds_median: float | None


@dataclass(frozen=True)
class Figures:
    """`done` are all looks, also those undone. The others are about those that stand.

    `differ_from_order`: at least one line expects another number. `pairs` are two people who looked at the same photo,
    and in `agree` of them they said the same. `early_looks` are the first half of the looks that stand, and
    `early_differences` those of them that differ from an order: the riskiest lines come first, so they find more.
    """

    done: int
    undone: int
    cannot_tell: int
    differ_from_order: int
    seconds_median: float | None
    people: tuple[Person, ...]
    pairs: int
    agree: int
    early_looks: int
    early_differences: int


def figures(decisions: Sequence[Decision]) -> Figures:
    """The figures of these decisions."""
    standing = [each for each in decisions if not each.undone_by]
    pairs = list(_pairs(standing))
    early = sorted(standing, key=lambda each: (each.decided_at, each.decision_id))[: -(-len(standing) // 2)]
    return Figures(
        done=len(decisions),
        undone=len(decisions) - len(standing),
        cannot_tell=sum(each.cannot_tell for each in standing),
        differ_from_order=sum(_differs(each) for each in standing),
        seconds_median=_seconds(decisions),
        people=tuple(_people(decisions)),
        pairs=len(pairs),
        agree=sum(one.count == other.count for one, other in pairs),
        early_looks=len(early),
        early_differences=sum(map(_differs, early)),
    )


def _differs(decision: Decision) -> bool:
    return decision.count is not None and any(line.expected != decision.count for line in decision.lines)


def _seconds(decisions: Iterable[Decision]) -> float | None:
    known = [each.seconds for each in decisions if each.seconds is not None]
    return round(median(known), 2) if known else None


def _people(decisions: Sequence[Decision]) -> Iterable[Person]:
    """Who looked most comes first."""
    for who, done in sorted(Counter(each.who for each in decisions).items(), key=lambda item: (-item[1], item[0])):
        yield Person(who, done, _seconds(each for each in decisions if each.who == who))


def _pairs(decisions: Iterable[Decision]) -> Iterable[tuple[Decision, Decision]]:
    """Pairs of decisions of different people about the same photo, each person's last one."""
    by_image: dict[str, dict[str, Decision]] = defaultdict(dict)
    for each in sorted(decisions, key=lambda each: (each.decided_at, each.decision_id)):
        by_image[each.image_id][each.who] = each
    for of_people in by_image.values():
        yield from combinations(of_people.values(), 2)


def bounds_of(day: date, zone: tzinfo) -> tuple[str, str]:
    """When a day of `zone` begins and when the next one does (ISO 8601, UTC)."""
    begins, ends = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    return iso(begins), iso(ends)
