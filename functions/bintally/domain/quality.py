"""How often orders and verdicts are wrong at a site, from audits: the only lines that are drawn at random.

People also look at lines because a verdict asks them to, or because they choose to. Those are wrong more often, so they
say nothing about all lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import exp, fsum, lgamma, log, log1p

from bintally.domain.decisions import Decision
from bintally.domain.history import PhotoRecord
from bintally.domain.verdicts import Verdict

CONFIDENCE = 0.95
TARGETS = (0.05, 0.02, 0.01)  # bounds on the wrong lines among those that are MATCH
BISECTIONS = 60  # a quantile is as exact as a float
MAX_AUDITS = 10**7


@dataclass(frozen=True)
class Estimate:
    """A share: the mean of its posterior, and the 95% interval with 2.5% on either side."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """Photos that people counted blind, and how many of these the model counted the same."""

    photos: int
    same: int


@dataclass(frozen=True)
class Quality:
    """What audits say. `audits` are lines whose photo a person counted blind, `matches` those whose verdict was MATCH.

    `discrepancy_rate` is pi, the share of lines that are wrong. `leak_bound` is the upper 95% bound of the wrong lines
    among those that are MATCH, 1 without an audit. `leak_ratio` compares their share with that of all lines: 1 means
    that the photo was no help; None if it is unknown. `more_audits` are MATCH audits without a wrong line that each of
    `TARGETS` needs as bound. `not_blind` and `cannot_tell` are audits that tell nothing.
    """

    audits: int
    wrong: int
    discrepancy_rate: Estimate
    matches: int
    wrong_matches: int
    leak_bound: float
    leak_ratio: float | None
    more_audits: Mapping[float, int]
    audited_photos: Agreement
    all_photos: Agreement
    not_blind: int
    cannot_tell: int


def quality_of(decisions: Iterable[Decision], photos: Mapping[str, PhotoRecord]) -> Quality:
    """The quality of a site. `photos` are what the ledger says about photos, by image id.

    Of a person's decisions about a photo, the first blind one that stands is used: after it they have seen the order.
    Of several people, the last one counts, whom a second look asked because the first count differed from the order.
    """
    standing = sorted(_standing(decisions), key=lambda each: (each.decided_at, each.decision_id))
    blind = _last_person(each for each in standing if each.blind and not each.cannot_tell)
    audited = {image_id for image_id, each in blind.items() if any(line.audit for line in each.lines)}
    lines = [(line, each.count) for each in blind.values() for line in each.lines if line.audit]
    wrong = sum(line.expected != count for line, count in lines)
    matches = [line.expected != count for line, count in lines if line.verdict is Verdict.MATCH]
    others = _by_photo(each for each in standing if each.image_id not in blind)
    untold = [each for each in others.values() for line in each.lines if line.audit]
    return Quality(
        audits=len(lines),
        wrong=wrong,
        discrepancy_rate=posterior_rate(wrong, len(lines)),
        matches=len(matches),
        wrong_matches=sum(matches),
        leak_bound=upper_bound(sum(matches), len(matches)),
        leak_ratio=(sum(matches) / len(matches)) / (wrong / len(lines)) if matches and wrong else None,
        more_audits={target: audits_for(target, sum(matches)) - len(matches) for target in TARGETS},
        audited_photos=_agreement(blind, photos, audited),
        all_photos=_agreement(blind, photos, set(blind)),
        not_blind=sum(not each.cannot_tell for each in untold),
        cannot_tell=sum(each.cannot_tell for each in untold),
    )


def posterior_rate(wrong: int, lines: int) -> Estimate:
    """The share of wrong lines after `wrong` of `lines` were, from a uniform prior: Beta(wrong + 1, right + 1)."""
    parameters = wrong + 1, lines - wrong + 1
    tail = (1 - CONFIDENCE) / 2
    return Estimate((wrong + 1) / (lines + 2), beta_quantile(tail, *parameters), beta_quantile(1 - tail, *parameters))


def upper_bound(wrong: int, lines: int) -> float:
    """The exact one-sided 95% bound of a share (Clopper and Pearson, Biometrika 26, 1934), 1 without any lines."""
    return beta_quantile(CONFIDENCE, wrong + 1, lines - wrong) if wrong < lines else 1.0


def audits_for(bound: float, wrong: int) -> int:
    """The smallest number of lines with an `upper_bound` of at most `bound` if `wrong` of them are wrong.

    Without a wrong line that is ln(0.05) / ln(1 - bound), rounded up: 149 for 2%.
    """
    return _first(lambda lines: at_most(wrong, lines, bound) <= 1 - CONFIDENCE, wrong + 1)


def beta_quantile(probability: float, one: int, other: int) -> float:
    """The quantile of Beta(one, other), both at least 1, by bisection.

    Its distribution function at x is the probability that `one` or more of `one + other - 1` trials succeed.
    """
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if 1 - at_most(one - 1, one + other - 1, middle) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def at_most(successes: int, trials: int, chance: float) -> float:
    """The probability of at most so many successes in independent trials."""
    if successes >= trials or not 0 < chance < 1:
        return float(successes >= trials or chance <= 0)
    if 2 * successes > trials:  # fewer terms
        return 1 - at_most(trials - successes - 1, trials, 1 - chance)
    odds, nothing = log(chance) - log1p(-chance), trials * log1p(-chance)
    ways = (lgamma(trials + 1) - lgamma(each + 1) - lgamma(trials - each + 1) for each in range(successes + 1))
    return min(1.0, fsum(exp(way + each * odds + nothing) for each, way in enumerate(ways)))


def _first(holds: Callable[[int], bool], start: int) -> int:
    """The smallest number from `start` on for which `holds`; it holds for all larger ones too."""
    low, step = start, 1
    while not holds(low + step - 1) and step < MAX_AUDITS:
        step *= 2
    high = low + step - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _standing(decisions: Iterable[Decision]) -> Iterator[Decision]:
    return (each for each in decisions if not each.undone_by)


def _last_person(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The first decision of the last person about each photo, by image id."""
    firsts: dict[tuple[str, str], Decision] = {}
    for each in decisions:
        firsts.setdefault((each.image_id, each.who), each)
    return {each.image_id: each for each in firsts.values()}


def _by_photo(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The first decision about each photo, by image id."""
    found: dict[str, Decision] = {}
    for each in decisions:
        found.setdefault(each.image_id, each)
    return found


def _agreement(blind: Mapping[str, Decision], photos: Mapping[str, PhotoRecord], images: Iterable[str]) -> Agreement:
    known = [_is_same(blind[each].count, photos[each]) for each in images if each in photos]
    same = [each for each in known if each is not None]
    return Agreement(len(same), sum(same))


def _is_same(count: int | None, photo: PhotoRecord) -> bool | None:
    """Whether a person and the model agree, "6 or more" with each number from 6 on; None if the model gave none."""
    if photo.count is None and photo.at_least is not None:
        return count is not None and count >= photo.at_least
    return None if photo.count is None else photo.count == count
