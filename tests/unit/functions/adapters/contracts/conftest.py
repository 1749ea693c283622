"""Each test of a contract runs twice: on the fakes, and on the adapters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import World
from tests.unit.functions.adapters.contracts.world import (
    adapters,
)


@pytest.fixture(params=["fakes", "adapters"])
def world(request: pytest.FixtureRequest) -> Any:
    if request.param == "fakes":
        return World()
    request.getfixturevalue("aws")
    return adapters()
