"""Parameters of the template, checked before anything starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bintally.adapters.key_patterns import finder_of
from bintally.domain.due import site_zone

from bincli.errors import CommandError

Definitions = Mapping[str, Mapping[str, Any]]


def read_parameters(settings: Sequence[str], definitions: Definitions) -> dict[str, str]:
    """Parameters from `NAME=VALUE`; the last value of a name counts.

    Raises CommandError for an unknown name, which the local stack would ignore, and for a value that CloudFormation
    would refuse, or that would fail a function at its first event.
    """
    parameters = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise CommandError(f"{setting} is not of the form NAME=VALUE.")
        if name not in definitions:
            raise CommandError(f"template.yaml has no parameter {name}. It has {', '.join(sorted(definitions))}.")
        parameters[name] = value
    check_parameters(parameters, definitions)
    return parameters


def check_parameters(parameters: Mapping[str, str], definitions: Definitions) -> None:
    """Raises CommandError for a value that is refused."""
    for name, value in parameters.items():
        if fault := _fault(value, definitions[name]) or _fault_of_text(name, value):
            raise CommandError(f"{name}: {fault}")


def _fault(value: str, definition: Mapping[str, Any]) -> str:
    """Which rule of the template a value breaks; "" if none."""
    if definition.get("Type") == "Number":
        low, high = definition.get("MinValue", "-inf"), definition.get("MaxValue", "inf")
        try:
            fits = float(low) <= float(value) <= float(high)
        except ValueError:
            return f"{value!r} is not a number."
        if not fits:
            return f"{value} is not from {low} to {high}."
    allowed = [str(each) for each in definition.get("AllowedValues", [value])]
    if value not in allowed:
        return f"{value!r} is none of {', '.join(allowed)}."
    if len(value) > int(definition.get("MaxLength", len(value))):
        return f"it has more than {definition['MaxLength']} characters."
    if not re.fullmatch(definition.get("AllowedPattern", r"[\s\S]*"), value):
        return f"{value!r} {definition.get('ConstraintDescription', 'does not match ' + definition['AllowedPattern'])}."
    return ""


def _fault_of_text(name: str, value: str) -> str:
    """What only the functions' own code can check."""
    checks: Mapping[str, Callable[[str], object]] = {"KeyPattern": finder_of, "SiteTimeZone": site_zone}
    try:
        checks.get(name, str)(value)
    except ValueError as error:
        return str(error)
    return ""
