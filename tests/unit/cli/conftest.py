from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.cli.moto_stack import MotoStack, operated


@pytest.fixture
def stack() -> Iterator[MotoStack]:
    """An empty stack of moto's AWS."""
    with operated() as running:
        yield running
