"""The price table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bincli.errors import CommandError

TABLE = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class Prices:
    """Prices in US dollars by service and unit, with their date, their region and where to compare them."""

    table: Mapping[str, Any]

    def of(self, service: str, unit: str) -> float:
        """Raises CommandError if the table lacks it."""
        price = self.table.get(service, {}).get(unit)
        if not isinstance(price, int | float) or isinstance(price, bool) or price < 0:
            raise CommandError(f"The price table has no price {service}.{unit}. {TABLE.name} has an example.")
        return float(price)

    def instance_hour(self, instance: str) -> float:
        hours = self.table.get("sagemaker", {}).get("instance_hour", {})
        if instance not in hours:
            raise CommandError(f"The price table has no instance type {instance}. It has {', '.join(sorted(hours))}.")
        return float(hours[instance])

    @property
    def origin(self) -> str:
        """What they are, in a sentence."""
        return f"{self.table.get('region')}, {self.table.get('date')}. {self.table.get('note', '')}".strip()

    @property
    def sources(self) -> dict[str, str]:
        return {name: each["source"] for name, each in self.table.items() if isinstance(each, dict)}


def read_prices(path: Path = TABLE) -> Prices:
    """Raises CommandError if the file is not a price table."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}.") from error
    if not isinstance(table, dict) or "sagemaker" not in table:
        raise CommandError(f"{path} is not a price table. {TABLE} is one.")
    return Prices(table)
