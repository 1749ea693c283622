from __future__ import annotations

import pytest
from bincli.backfill.costs import estimate
from bintally.domain.jobs import EngineName
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("engine", EngineName)
def test_nothing_costs_nothing(engine: EngineName) -> None:
    assert estimate(engine, 0).dollars == 0


@given(st.sampled_from(EngineName), st.integers(1_000, 10**7), st.integers(1, 10**6))
def test_more_photos_never_cost_less(engine: EngineName, number: int, more: int) -> None:
    assert 0 < estimate(engine, number).dollars <= estimate(engine, number + more).dollars


def test_a_million_photos_by_hand() -> None:
    """At 72 photos/s, with 1% counted twice, and two instances that start in 5 and idle for 15 minutes."""
    cost = estimate(EngineName.ASYNC, 1_000_000)

    assert cost.instance_hours == pytest.approx((1.01e6 / 72 + 2 * 1200) / 3600, abs=0.01)
    assert cost.dollars > cost.instance_hours * 0.204


def test_monthly_costs_are_not_included() -> None:
    """One photo wakes one instance for 20 minutes; alarms, keys and storage would be dollars."""
    assert estimate(EngineName.ASYNC, 1).dollars == pytest.approx(0.204 / 3, abs=0.01)
