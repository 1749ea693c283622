from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.cli.operated import Operated, operated


@pytest.fixture
def stack() -> Iterator[Operated]:
    """An empty stack of moto's AWS."""
    with operated() as running:
        yield running
