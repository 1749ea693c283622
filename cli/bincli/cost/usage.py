"""How much of each service an image, an order line and an idle minute take: measured, and assumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

USAGE = Path(__file__).with_name("usage.json")


def read_usage() -> Mapping[str, Any]:
    """The figures of usage.json. tests/unit/cli/cost/test_usage.py measures `image`, `line` and `idle_minute`."""
    found: Mapping[str, Any] = json.loads(USAGE.read_text(encoding="utf-8"))
    return found
