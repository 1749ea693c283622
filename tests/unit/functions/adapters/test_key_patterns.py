from __future__ import annotations

import subprocess
import sys
import time

import pytest
from bintally.adapters.key_patterns import finder_of
from hypothesis import given

from tests.unit.functions.examples import keys

# Each makes Python's `re` backtrack exponentially.
SLOW = [
    (r"^(?P<bin_id>(a+)+)$", "a" * 1_023 + "!"),
    (r"^(?P<bin_id>(a|aa)+)$", "a" * 1_023 + "!"),
    (r"(?P<bin_id>(.*)*)=", "x" * 1_024),
    (r"(?P<bin_id>.*.*.*.*.*.*.*.*)=$", "x" * 1_024),
    (r"(?P<bin_id>(a?){200}a{200})x", "a" * 1_024),
    (r"^(?P<bin_id>([^/]+/?)+)\.jpg$", "x" * 1_024),
]


@pytest.mark.parametrize(("pattern", "key"), SLOW)
def test_no_pattern_is_slow(pattern: str, key: str) -> None:
    find, started = finder_of(pattern), time.process_time()

    assert find(key) == ""

    assert time.process_time() - started < 2


@given(keys)
def test_any_key_can_be_searched(key: str) -> None:
    assert finder_of(r"(?s)^(?P<bin_id>.*)$")(key) == key


def test_an_unmatched_group_finds_nothing() -> None:
    assert finder_of(r"x(?P<bin_id>y)?")("x") == ""


def test_an_invalid_pattern_gives_one_reason(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"'\(' is not a valid RE2 expression: missing \): \(\.$"):
        finder_of("(")
    assert capfd.readouterr().err == ""


def test_without_a_pattern_no_regex_engine_is_loaded() -> None:
    probe = (
        "import sys; from bintally.adapters.key_patterns import finder_of; finder_of(''); print('re2' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
