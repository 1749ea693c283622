from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.model.account import Account, account


@pytest.fixture
def aws_account(tmp_path: Path) -> Iterator[Account]:
    with account(tmp_path) as opened:
        yield opened
