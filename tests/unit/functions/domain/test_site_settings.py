from __future__ import annotations

import json
from typing import Any

import pytest
from bintally.domain.risk import MAX_RATE, MIN_RATE, OrderPrior
from bintally.domain.site_settings import NAMES, value_of, values_of, with_changes
from bintally.domain.verdicts import MAX_AUDIT_SHARE, MAX_MATCH_RISK, MIN_VARIANCE, VerdictRules
from hypothesis import given
from hypothesis import strategies as st

from tests.template.deployed import source

START = VerdictRules(0.02, 0.5)


def test_without_changes_the_rules_are_those_of_the_template() -> None:
    assert with_changes(START, {}) == START


def test_only_what_was_changed_differs() -> None:
    assert with_changes(START, {"match_risk": 0.1, "discrepancy_steps": [0.5, 0.5]}) == VerdictRules(
        0.1, 0.5, OrderPrior(0.05, (0.5, 0.5))
    )


def test_names_of_a_later_version_are_ignored() -> None:
    assert with_changes(START, {"colour": "red", "match_risk": 0}) == VerdictRules(0, 0.5)


@pytest.mark.parametrize(
    "changes",
    [
        {"match_risk": 0.5},
        {"match_risk": -0.1},
        {"match_risk": float("nan")},
        {"match_risk": "0.1"},
        {"match_risk": True},
        {"match_risk": None},
        {"variance_threshold": 0.49},
        {"variance_threshold": 1.01},
        {"audit_share": -0.01},
        {"audit_share": 0.51},
        {"discrepancy_rate": 0},
        {"discrepancy_rate": 0.51},
        {"discrepancy_steps": []},
        {"discrepancy_steps": [0.5]},
        {"discrepancy_steps": [1.5, -0.5]},
        {"discrepancy_steps": [float("inf")]},
        {"discrepancy_steps": [0.2] * 4 + [0.1] * 2},
        {"discrepancy_steps": "0.7,0.3"},
        {"discrepancy_steps": ["0.7", 0.3]},
        {"discrepancy_steps": 1},
    ],
    ids=str,
)
def test_what_the_template_would_refuse_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is not|are not|not a|more than"):
        with_changes(START, changes)


@given(
    st.dictionaries(st.sampled_from(NAMES), st.recursive(st.none() | st.floats() | st.text() | st.booleans(), st.lists))
)
def test_whatever_a_person_wrote_gives_rules_or_a_value_error(changes: dict[str, Any]) -> None:
    try:
        rules = with_changes(START, changes)
    except ValueError:
        return
    assert with_changes(START, json.loads(json.dumps(values_of(rules)))) == rules


def test_the_limits_are_those_of_the_template() -> None:
    def limits(name: str) -> tuple[float, float]:
        return source()["Parameters"][name]["MinValue"], source()["Parameters"][name]["MaxValue"]

    assert limits("DiscrepancyRate") == (MIN_RATE, MAX_RATE)
    assert limits("MatchRisk") == (0, MAX_MATCH_RISK)
    assert limits("VarianceThreshold") == (MIN_VARIANCE, 1)
    assert limits("AuditShare") == (0, MAX_AUDIT_SHARE)


def test_values_are_read_as_people_write_them() -> None:
    assert value_of("match_risk", "3e-2") == 0.03
    assert value_of("discrepancy_steps", "0.8, 0.2") == [0.8, 0.2]
    with pytest.raises(ValueError, match=r"match_risk is '3%': could not convert"):
        value_of("match_risk", "3%")
