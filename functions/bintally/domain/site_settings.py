"""Settings that people change while a stack runs, without a deployment: the rules of verdicts.

The template's parameters are the start. What people changed is kept apart from them, by name, so that a deployment
neither overwrites it nor is needed for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bintally.domain.risk import OrderPrior, steps_of
from bintally.domain.verdicts import VerdictRules

RATE, STEPS, MATCH_RISK, VARIANCE = "discrepancy_rate", "discrepancy_steps", "match_risk", "variance_threshold"
AUDIT_SHARE = "audit_share"
NAMES = (RATE, STEPS, MATCH_RISK, VARIANCE, AUDIT_SHARE)
Value = float | list[float]


def parameter_name(stack: str) -> str:
    """The name of the SSM parameter with the settings that people changed in a stack, as in template.yaml."""
    return f"/bintally/{stack}/settings"


def values_of(rules: VerdictRules) -> dict[str, Value]:
    """The settings by name, as JSON holds them."""
    return {
        RATE: rules.prior.discrepancy_rate,
        STEPS: list(rules.prior.steps),
        MATCH_RISK: rules.match_risk,
        VARIANCE: rules.variance,
        AUDIT_SHARE: rules.audit_share,
    }


def with_changes(rules: VerdictRules, changes: Mapping[str, object]) -> VerdictRules:
    """`rules` with the settings that `changes` name. Names that this version does not know are ignored.

    Raises ValueError for a value that is out of range or of the wrong type.
    """
    values = {**values_of(rules), **changes}
    steps = values[STEPS]
    if not isinstance(steps, list):
        raise ValueError(f"{STEPS} is {steps!r}, not a list of numbers")
    prior = OrderPrior(_number(RATE, values[RATE]), tuple(_number(STEPS, step) for step in steps))
    return replace(
        rules,
        match_risk=_number(MATCH_RISK, values[MATCH_RISK]),
        variance=_number(VARIANCE, values[VARIANCE]),
        prior=prior,
        audit_share=_number(AUDIT_SHARE, values[AUDIT_SHARE]),
    )


def value_of(name: str, text: str) -> Value:
    """The value that a person gives, such as `0.03`, or `0.7,0.2,0.1` for the steps. Raises ValueError."""
    try:
        return list(steps_of(text)) if name == STEPS else float(text)
    except ValueError as error:
        raise ValueError(f"{name} is {text!r}: {error}") from error


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is {value!r}, not a number")
    return float(value)
