"""What audits say about a site: exact bounds against textbook values, and which decisions are used."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, comb, log

import pytest
from bintally.domain.decisions import DecidedLine, Decision
from bintally.domain.history import PhotoRecord
from bintally.domain.image import Status
from bintally.domain.quality import (
    Agreement,
    at_most,
    audits_for,
    beta_quantile,
    posterior_rate,
    quality_of,
    upper_bound,
)
from bintally.domain.verdicts import Verdict
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.functions.examples import LATER, NOON, make_image

samples = st.integers(1, 60).flatmap(lambda lines: st.tuples(st.integers(0, lines), st.just(lines)))


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 100))
def test_the_binomial_sum_is_exact(successes: int, trials: int, hundredths: int) -> None:
    chance = Fraction(hundredths, 100)
    terms = (comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(min(successes, trials) + 1))

    assert at_most(successes, trials, hundredths / 100) == pytest.approx(float(sum(terms)), abs=1e-12)


# Clopper and Pearson's 90% intervals in tables: their upper ends are one-sided 95% bounds.
@pytest.mark.parametrize(
    ("wrong", "lines", "bound"),
    [(0, 10, 0.2589), (1, 10, 0.3942), (1, 20, 0.2161), (0, 59, 0.0495), (0, 149, 0.0199), (5, 5, 1.0), (0, 0, 1.0)],
)
def test_bounds_are_those_of_the_tables(wrong: int, lines: int, bound: float) -> None:
    assert upper_bound(wrong, lines) == pytest.approx(bound, abs=5e-5)


def test_the_posterior_is_that_of_the_tables() -> None:
    found = posterior_rate(2, 10)  # Beta(3, 9)

    assert (found.low, found.mean, found.high) == pytest.approx((0.06022, 0.25, 0.51776), abs=5e-5)
    nothing = posterior_rate(0, 0)
    assert (nothing.low, nothing.mean, nothing.high) == pytest.approx((0.025, 0.5, 0.975))
    assert beta_quantile(0.3, 2, 1) == pytest.approx(0.3**0.5)


@given(samples)
def test_a_bound_is_where_so_few_wrong_lines_become_improbable(sample: tuple[int, int]) -> None:
    wrong, lines = sample
    bound = upper_bound(wrong, lines)

    assert wrong / lines <= bound <= 1
    assert wrong == lines or at_most(wrong, lines, bound) == pytest.approx(0.05)
    assert bound >= upper_bound(wrong, lines + 1)


@given(samples)
def test_the_posterior_holds_its_mean_and_shrinks_with_more_audits(sample: tuple[int, int]) -> None:
    wrong, lines = sample
    few, many = posterior_rate(wrong, lines), posterior_rate(10 * wrong, 10 * lines)

    assert 0 < few.low < few.mean < few.high < 1
    assert many.high - many.low < few.high - few.low


@given(st.sampled_from([0.3, 0.05, 0.02, 0.01]), st.integers(0, 5))
def test_so_many_audits_are_enough_and_no_fewer(bound: float, wrong: int) -> None:
    lines = audits_for(bound, wrong)

    assert upper_bound(wrong, lines) <= bound < upper_bound(wrong, lines - 1)
    assert wrong or lines == ceil(log(0.05) / log(1 - bound))


def test_two_percent_needs_149_audits() -> None:
    assert audits_for(0.02, 0) == 149


def decision(number: int, count: int | None = 3, *lines: tuple[int, Verdict, bool], blind: bool = True) -> Decision:
    """About the photo `number`; each line is (expected, verdict, whether it is an audit)."""
    known = tuple(DecidedLine(f"C-{at}", expected, "1", *more) for at, (expected, *more) in enumerate(lines))  # type: ignore[arg-type]
    return Decision(f"bin-{number}", f"d-{number}", f"i-{number}", "ann", NOON, count, blind, lines=known)


def photos(counts: dict[int, int]) -> dict[str, PhotoRecord]:
    return {f"i-{number}": PhotoRecord(make_image(), Status.COUNTED, NOON, count) for number, count in counts.items()}


MATCH, UNSURE = (3, Verdict.MATCH, True), (3, Verdict.UNCERTAIN, True)


def test_only_audits_count() -> None:
    decisions = [
        decision(1, 3, MATCH, (4, Verdict.UNCERTAIN, False)),
        decision(2, 2, MATCH),
        decision(3, 3, UNSURE, (5, Verdict.SHORT, True)),
        decision(4, 2, (3, Verdict.MATCH, False)),
        decision(5, 2, MATCH, blind=False),
        decision(6, None, MATCH),
    ]

    found = quality_of(decisions, photos({1: 3, 2: 3, 3: 3, 4: 2, 5: 2}))

    assert (found.audits, found.wrong, found.matches, found.wrong_matches) == (4, 2, 2, 1)
    assert found.discrepancy_rate == posterior_rate(2, 4)
    assert (found.leak_bound, found.leak_ratio) == (upper_bound(1, 2), 1.0)
    assert found.more_audits[0.02] == audits_for(0.02, 1) - 2
    assert (found.audited_photos, found.all_photos) == (Agreement(3, 2), Agreement(4, 3))
    assert (found.not_blind, found.cannot_tell) == (1, 1)


def test_a_second_persons_count_is_used() -> None:
    again = replace(decision(1, 3, MATCH), decision_id="d-2", decided_at=LATER, who="bob")

    assert quality_of([again, decision(1, 2, MATCH)], {}).wrong == 0
    assert quality_of([replace(again, blind=False), decision(1, 2, MATCH)], {}).wrong == 1


def test_the_first_blind_decision_of_a_person_is_used() -> None:
    first = decision(1, 2, MATCH)
    later = replace(decision(1, 3, MATCH), decision_id="d-0", decided_at=LATER)

    assert quality_of([later, first], {}).wrong == 1
    assert quality_of([later, replace(first, undone_by="ann")], {}).wrong == 0
    assert quality_of([later, replace(first, blind=False)], {}).not_blind == 0


def test_without_audits_nothing_is_known() -> None:
    found = quality_of([decision(1, 2, (3, Verdict.MATCH, False))], {})

    assert (found.audits, found.leak_bound, found.leak_ratio) == (0, 1.0, None)
    assert found.more_audits[0.02] == 149


@pytest.mark.parametrize(("count", "same"), [(5, 0), (6, 1), (9, 1)])
def test_more_than_the_model_counts_is_the_same_as_any_such_number(count: int, same: int) -> None:
    over = {"i-1": PhotoRecord(make_image(), Status.COUNTED, NOON, None, 6)}

    assert quality_of([decision(1, count, MATCH)], over).audited_photos == Agreement(1, same)
    uncounted = {"i-1": PhotoRecord(make_image(), Status.REJECTED, NOON)}
    assert quality_of([decision(1, count, MATCH)], uncounted).audited_photos == Agreement(0, 0)
