"""The operator's `KeyPattern`, matched by RE2, whose time is linear in the length of the key."""

from __future__ import annotations

from collections.abc import Callable

FindBin = Callable[[str], str]


def finder_of(pattern: str) -> FindBin:
    """A function that finds the bin in a key: the group `bin_id` of the first match of `pattern`, "" without a match.

    Raises ValueError if `pattern` is not a valid RE2 expression, or has no group `bin_id`. RE2 has no backreferences
    and no lookaround: https://github.com/google/re2/wiki/Syntax. It is loaded only if there is a pattern.
    """
    if not pattern:
        return lambda _: ""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise ValueError(f"{pattern!r} is not a valid RE2 expression: {why}.") from error
    if "bin_id" not in compiled.groupindex:
        raise ValueError(f"{pattern!r} has no group (?P<bin_id>...).")

    def find(key: str) -> str:
        match = compiled.search(key)
        return match.group("bin_id") or "" if match else ""

    return find
