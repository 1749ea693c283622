from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from random import Random

import pytest

from tests.template.deployed import stack
from tests.unit.functions.aws import REGION, aws
from tests.unit.functions.handlers.conftest import logs

__all__ = ["aws", "logs"]


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Random:
    """All that is random in a test. Its seed is printed where the test fails; NOTHING_LOST_SEED gives another."""
    seed = int(os.environ.get("NOTHING_LOST_SEED") or zlib.crc32(request.node.name.encode()))
    print(f"NOTHING_LOST_SEED={seed}")
    return Random(seed)


@pytest.fixture
def on_aws(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An empty stack, and the functions' environment."""
    from bintally.handlers import settings, wiring

    def forget() -> None:
        for each in (*vars(settings).values(), *vars(wiring).values()):
            if hasattr(each, "cache_clear"):
                each.cache_clear()

    given = stack().environment("IntakeFunction")
    for name, value in {**given, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    forget()
    yield given
    forget()


@pytest.fixture
def without_logs() -> Iterator[None]:
    """The functions log nothing: the traceback of each refused message takes longer than the function itself."""
    from bintally.handlers.observability import logger

    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(level)
