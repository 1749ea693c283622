from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.template.deployed import stack
from tests.unit.functions.aws import REGION, aws

__all__ = ["aws"]

# Powertools reads these when it is imported, as on Lambda.
os.environ.update(
    {name: value for name, value in stack().environment("IntakeFunction").items() if "POWERTOOLS" in name}
)


def forget_settings() -> None:
    """Functions read their environment again."""
    from bintally.handlers import settings, wiring

    for cached in (settings.settings, wiring.dependencies, wiring.find_bin):
        cached.cache_clear()


@contextmanager
def functions_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment that template.yaml gives to every function."""
    # The logger keeps the stream that it finds when it is imported: it must not be one test's own.
    import bintally.handlers.observability  # noqa: F401

    given = stack().environment("IntakeFunction")
    for name, value in {**given, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    forget_settings()
    yield given
    forget_settings()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with functions_environment(monkeypatch) as given:
        yield given


@pytest.fixture
def on_aws(aws: None, environment: dict[str, str]) -> dict[str, str]:
    """An empty stack, and the functions' environment."""
    return environment


@pytest.fixture
def setting(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Sets an environment variable as an operator does: functions read it at once."""

    def set_variable(name: str, value: str) -> None:
        assert name in environment
        monkeypatch.setenv(name, value)
        forget_settings()

    return set_variable


@pytest.fixture
def tried_once(setting: Callable[[str, str], None]) -> None:
    """A photo without a result has FAILED at once."""
    setting("MAX_ATTEMPTS", "1")


@pytest.fixture
def logs() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the functions logged, line by line."""
    from bintally.handlers.observability import logger

    (handler,) = logger.handlers
    stream = io.StringIO()
    before = handler.setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().split("\n") if line]
    handler.setStream(before)
