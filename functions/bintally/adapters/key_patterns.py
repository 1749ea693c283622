"""The operator's `KeyPattern`, in an engine whose time grows with the key's length and not with its powers."""

from __future__ import annotations

from collections.abc import Callable

FindBin = Callable[[str], str]


def finder_of(pattern: str) -> FindBin:
    """What finds the bin in a key: the text of the group `bin_id` where `pattern` first matches, "" without a match.

    Raises ValueError for what is no regular expression of RE2, which has no backreferences and no lookaround, or has no
    group `bin_id`. Only a stack with a pattern loads the engine: https://github.com/google/re2/wiki/Syntax
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
        raise ValueError(f"{pattern!r} is no regular expression of RE2: {why}.") from error
    if "bin_id" not in compiled.groupindex:
        raise ValueError(f"{pattern!r} has no group (?P<bin_id>...).")

    def find(key: str) -> str:
        match = compiled.search(key)
        return match.group("bin_id") or "" if match else ""

    return find
