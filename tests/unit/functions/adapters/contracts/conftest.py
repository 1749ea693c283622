"""Each test of a contract runs twice: on the fakes, and on the adapters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import Fakes
from tests.unit.functions.adapters.contracts.ports import (
    adapters,
)


@pytest.fixture(params=["fakes", "adapters"])
def ports(request: pytest.FixtureRequest) -> Any:
    if request.param == "fakes":
        return Fakes()
    request.getfixturevalue("aws")
    return adapters()
