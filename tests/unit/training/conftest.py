from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.training.scripts import Scripts


@pytest.fixture(scope="session")
def scripts() -> Iterator[Scripts]:
    with Scripts() as server:
        yield server
