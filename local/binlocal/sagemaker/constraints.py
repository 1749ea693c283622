"""The constraints in botocore's model of an operation that botocore's own validator leaves to the service.

Violations are reported in SageMaker's format: `2 validation errors detected: Value '…' at '…' failed to satisfy
constraint: Member must …; Value …`.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import Shape

from binlocal.sagemaker.errors import ApiError


def check_constraints(members: Any, shape: Shape) -> None:
    """Raises ApiError (ValidationException) with all violations."""
    found = [
        f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {rule}"
        for path, value, rule in violations(members, shape, "")
    ]
    if found:
        noun = "error" if len(found) == 1 else "errors"
        raise ApiError("ValidationException", f"{len(found)} validation {noun} detected: {'; '.join(found)}")


def violations(value: Any, shape: Any, path: str) -> Iterator[tuple[str, Any, str]]:
    """The path, the value and the broken rule of each violation."""
    match shape.type_name:
        case "structure":
            for name, item in value.items():
                if name in shape.members:
                    yield from violations(item, shape.members[name], f"{path}.{camel(name)}".lstrip("."))
        case "list":
            for number, item in enumerate(value, 1):
                yield from violations(item, shape.member, f"{path}.{number}.member")
    yield from ((path, value, rule) for rule in broken_rules(value, shape))


def broken_rules(value: Any, shape: Any) -> Iterator[str]:
    limits = shape.metadata
    if shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"satisfy enum value set: [{', '.join(shape.enum)}]"
        if "pattern" in limits and not matches(limits["pattern"], value):
            yield f"satisfy regular expression pattern: ^{limits['pattern']}$"
    if shape.type_name in ("string", "list", "map"):
        yield from out_of_bounds(len(value), limits, "length")
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from out_of_bounds(value, limits, "value")


def out_of_bounds(size: float, limits: dict[str, Any], what: str) -> Iterator[str]:
    if size < limits.get("min", size):
        yield f"have {what} greater than or equal to {limits['min']}"
    if size > limits.get("max", size):
        yield f"have {what} less than or equal to {limits['max']}"


def matches(pattern: str, value: str) -> bool:
    compiled = compile_pattern(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


@cache
def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """None for a pattern that Python does not support (such as Java's `\\p{L}`), which is then not checked."""
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


def camel(name: str) -> str:
    return name[0].lower() + name[1:]
