"""The rules of a stack's verdicts: the template's values, and what people changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bintally.domain.risk import OrderPrior, steps_of
from bintally.domain.site_settings import NAMES, Value, value_of, values_of, with_changes
from bintally.domain.verdicts import VerdictRules

from bincli.deployment import Deployment
from bincli.errors import CommandError

if TYPE_CHECKING:
    from bintally.adapters.site_settings import SettingsVersion


@dataclass(frozen=True)
class Setting:
    """A setting, its value, that of the template, and who changed it when; both "" if nobody has."""

    name: str
    value: object
    template: Value
    changed_at: str = ""
    changed_by: str = ""


def variables_of(deployment: Deployment) -> Mapping[str, str]:
    """The environment variables of reconcile, with the template's values."""
    name = deployment.output("ReconcileFunction")
    configuration = deployment.functions.get_function_configuration(FunctionName=name)
    found: Mapping[str, str] = configuration["Environment"]["Variables"]
    return found


def template_rules(variables: Mapping[str, str]) -> VerdictRules:
    """The rules by the template's values."""
    prior = OrderPrior(float(variables["DISCREPANCY_RATE"]), steps_of(variables["DISCREPANCY_STEPS"]))
    match_risk, variance = float(variables["MATCH_RISK"]), float(variables["VARIANCE_THRESHOLD"])
    # A stack of an older template draws no audits.
    return VerdictRules(match_risk, variance, prior, float(variables.get("AUDIT_SHARE", 0)))


def rules_in_use(deployment: Deployment, variables: Mapping[str, str]) -> VerdictRules:
    """The rules that verdicts follow now, by the same code as reconcile."""
    from bintally.usecases.site_settings import current_rules

    rules, _ = current_rules(deployment.site_settings, template_rules(variables))
    return rules


def settings_of(start: VerdictRules, versions: Sequence[SettingsVersion]) -> list[Setting]:
    """Every setting. `versions` are those of SSM, the newest last."""
    return [_setting(name, template, versions) for name, template in values_of(start).items()]


def _setting(name: str, template: Value, versions: Sequence[SettingsVersion]) -> Setting:
    if not versions or name not in versions[-1].changes:
        return Setting(name, template, template)
    value = versions[-1].changes[name]
    first = versions[-1]
    for version in reversed(versions):
        if version.changes.get(name) != value:
            break
        first = version
    return Setting(name, value, template, first.at, first.by)


def fault_of(start: VerdictRules, changes: Mapping[str, object]) -> str:
    """Why verdicts don't follow the changes; "" if they do."""
    try:
        with_changes(start, changes)
    except ValueError as error:
        return str(error)
    return ""


def parsed(assignments: Sequence[str]) -> dict[str, Value]:
    """`match-risk=0.03` and so on, by name. Raises CommandError."""
    found: dict[str, Value] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = known(name)
        if not equals:
            raise CommandError(f"{assignment} has no value. Write {option(name)}=VALUE.")
        if name in found:
            raise CommandError(f"{option(name)} is given twice.")
        try:
            found[name] = value_of(name, text)
        except ValueError as error:
            raise CommandError(f"Nothing was changed: {error}.") from error
    return found


def known(name: str) -> str:
    """The setting that a person calls `match-risk`. Raises CommandError."""
    found = name.strip().lower().replace("-", "_")
    if found not in NAMES:
        raise CommandError(f"Setting {name} not found. The settings are {', '.join(map(option, NAMES))}.")
    return found


def option(name: str) -> str:
    """The name that people type."""
    return name.replace("_", "-")


def value_text(value: object) -> str:
    """As people type it."""
    if isinstance(value, list):
        return ",".join(map(value_text, value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)
