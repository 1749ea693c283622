from __future__ import annotations

import pytest
from bincli.backfill.costs import estimate
from bintally.domain.jobs import EngineName
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("engine", EngineName)
def test_nothing_costs_nothing(engine: EngineName) -> None:
    assert estimate(engine, 0).dollars == 0


@given(st.sampled_from(EngineName), st.integers(1, 10**7), st.integers(1, 10**6))
def test_more_photos_never_cost_less(engine: EngineName, number: int, more: int) -> None:
    assert 0 < estimate(engine, number).dollars <= estimate(engine, number + more).dollars


def test_a_million_photos_by_hand() -> None:
    """Counting takes 11.1 hours of an instance, and each engine adds its idle time and its requests."""
    cost = estimate(EngineName.ASYNC, 1_000_000)

    assert cost.instance_hours == pytest.approx(1e6 / 25 / 3600 + 2 * 1200 / 3600, abs=0.01)
    assert cost.dollars == pytest.approx(cost.instance_hours * 0.204 + 6.88 + 7 * 0.625, abs=0.01)
