from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# Workers and the programs that they start share the cores: more threads each would only contend.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The longest tests go first, so that no worker is left alone with one at the end. All of tests/stack share one stack.
LONGEST = ("tests/nothing_lost/test_machine.py", "tests/stack/", "tests/unit/training/test_")

# No deadline: machines that run tests are often busy. The same examples in every run: what lands stays green.
settings.register_profile(
    "bintally",
    max_examples=100,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# For `make unit`.
settings.register_profile("quick", parent=settings.get_profile("bintally"), max_examples=20)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "bintally"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((place for place, path in enumerate(LONGEST) if item.nodeid.startswith(path)), len(LONGEST))

    items.sort(key=rank)
