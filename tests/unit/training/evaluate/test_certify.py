from __future__ import annotations

import numpy as np
import pytest
from binlab.evaluate.certify import by_photo, certify, check, drawn, is_certified, thresholds, upper_limit
from binlab.evaluate.orders import Rules, order_lines, settled

from tests.unit.training.evaluate.examples import predictions_of

RATE = 0.05


def photos(number: int, sure: float, seed: int = 0):
    """Photos of 1 to 5 items; the model is right about a share `sure`, and as sure as that."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, 6, number)
    said = np.where(random.random(number) < sure, counts, random.integers(1, 6, number))
    rest = (1 - sure) / 4
    return predictions_of(counts.tolist(), [np.where(np.arange(1, 6) == count, sure, rest) for count in said])


def test_the_means_over_photos_are_the_shares_of_all_lines() -> None:
    predictions, rules = photos(200, 0.9), Rules()
    lines = order_lines(predictions, rules)

    settled_by_photo, wrong_by_photo = by_photo(predictions, lines, rules)

    figures = settled(predictions, lines, rules)
    assert settled_by_photo.mean() == pytest.approx(figures["settled"])
    assert wrong_by_photo.sum() / settled_by_photo.sum() == pytest.approx(figures["wrong_settled"])
    assert wrong_by_photo.max() <= rules.discrepancy_rate + 1e-9


@pytest.mark.parametrize("photos_of_a_site", [100, 1_000])
def test_a_threshold_that_leaks_too_much_is_seldom_certified(photos_of_a_site: int) -> None:
    """Of 400 sites where exactly alpha of the settled lines is wrong, at most 1 in 20 may be certified."""
    alpha, random = 0.02, np.random.default_rng(1)
    certified = 0
    for _ in range(400):
        is_settled = random.random(photos_of_a_site) < 0.4
        # A share alpha / RATE of the settled photos has all of its wrong lines settled.
        leaks = is_settled & (random.random(photos_of_a_site) < alpha / RATE)
        certified += is_certified(is_settled.astype(float), leaks * RATE, alpha, RATE)

    assert certified <= 0.05 * 400 + 3 * np.sqrt(400 * 0.05 * 0.95)


def test_many_photos_without_a_leak_certify_and_few_do_not() -> None:
    none, some = np.zeros(2_000), np.ones(2_000)

    assert is_certified(some, none, 0.01, RATE)
    assert not is_certified(some[:5], none[:5], 0.01, RATE)
    assert not is_certified(none, none, 0.01, RATE)


def test_the_limit_is_where_certification_ends() -> None:
    is_settled = np.ones(1_000)
    leaks = np.repeat([RATE, 0.0], [200, 800])

    limit = upper_limit(is_settled, leaks, RATE)

    assert 0.01 < limit < 0.02
    assert is_certified(is_settled, leaks, limit, RATE)
    assert not is_certified(is_settled, leaks, limit - 1e-4, RATE)


def test_the_walk_ends_before_the_first_threshold_that_fails() -> None:
    for row in certify(photos(400, 0.97), Rules()):
        rate, risk = row["discrepancy_rate"], row["match_risk"]
        assert rate is not None
        if risk is not None:
            assert risk in thresholds(rate)
            assert row["bound"] is not None and row["bound"] <= row["alpha"]  # type: ignore[operator]
            assert row["settled"]


def test_photos_that_are_no_help_certify_no_fewer_wrong_lines_than_there_are() -> None:
    every = np.ones(5_000)

    assert not is_certified(every, RATE * every, RATE - 0.001, RATE)
    assert check([{"discrepancy_rate": RATE, "alpha": 0.01, "match_risk": None}], photos(5, 0.9), Rules()) == []


def test_the_walk_starts_at_a_fifth_of_the_rate_and_is_never_free() -> None:
    assert thresholds(0.05)[:2] == [0.01, 0.0125]
    assert thresholds(0.001)[0] > 0


def test_drawn_orders_come_as_often_as_their_weights_say() -> None:
    predictions, rules = photos(2_000, 0.9), Rules(match_risk=0.3)
    lines = order_lines(predictions, rules)
    expected = settled(predictions, lines, rules)["settled"]

    counts = [drawn(predictions, lines, rules, seed) for seed in range(5)]

    assert all(wrong <= chosen for wrong, chosen in counts)
    assert np.mean([chosen for _, chosen in counts]) / 2_000 == pytest.approx(expected, abs=0.02)


def test_the_certificate_is_compared_with_other_photos() -> None:
    rows = certify(photos(1_000, 0.97), Rules())
    found = check(rows, photos(500, 0.97, seed=1), Rules())

    assert found
    for row in found:
        assert row["test_wrong"] <= row["alpha"] + 0.01
        assert len(row["drawn"]) == 5
