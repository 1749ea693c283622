"""The catalogue: the volume of one item of each SKU, for order lines that state a SKU and no volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bintally.domain.item_volumes import item_volume_of
from bintally.domain.names import fault_of_sku, normalised
from bintally.domain.order_csv import csv_rows
from bintally.domain.order_format import FAULT, BrokenError, UnreadableError
from bintally.domain.order_rows import MAX_ROWS, checked_bytes
from bintally.domain.orders import MAX_LISTED, RefusedRow, shown
from bintally.domain.verdicts import OrderLine

CATALOGUE_KEY = "catalogue/items.csv"  # in the orders bucket. This one object is not an order file
COLUMNS = ("sku", "volume_l")


@dataclass
class Catalogue:
    """Litres of one item by SKU, and the rows that are not valid.

    `refused` lists only the first MAX_LISTED; `refused_rows` counts all of them.
    """

    volumes: dict[str, float] = field(default_factory=dict)
    refused: list[RefusedRow] = field(default_factory=list)
    refused_rows: int = 0

    def refuse(self, line: int, reason: str) -> None:
        self.refused_rows += 1
        if len(self.refused) < MAX_LISTED:
            self.refused.append(RefusedRow(line, reason))


def parse_catalogue(data: bytes) -> Catalogue:
    """The catalogue in a CSV file with the columns `sku` and `volume_l`. Never raises: bad rows are in `refused`."""
    found = Catalogue()
    try:
        for count, (line, row) in enumerate(csv_rows(checked_bytes(data), COLUMNS, ()), 1):
            if count > MAX_ROWS:
                raise UnreadableError(line, f"The file has more than {MAX_ROWS:,} rows.")
            _add(found, line, row)
    except BrokenError as error:
        found.refuse(error.line, error.reason)
    except UnreadableError as error:
        return unreadable(error.reason, error.line)
    return found


def unreadable(reason: str, line: int = 1) -> Catalogue:
    """A catalogue with no valid row."""
    return Catalogue(refused=[RefusedRow(line, reason)], refused_rows=1)


def _add(found: Catalogue, line: int, row: Mapping[str, Any]) -> None:
    """The first row of a SKU counts, so that it does not depend on what follows."""
    sku = normalised(row.get("sku", ""))
    try:
        _check(found, sku, row)
        found.volumes[sku] = item_volume_of(row.get("volume_l", ""))
    except _RowError as error:
        found.refuse(line, str(error))
    except ValueError as error:
        found.refuse(line, f"volume_l {shown(row.get('volume_l', ''))} {error}.")


def _check(found: Catalogue, sku: str, row: Mapping[str, Any]) -> None:
    if row.get(FAULT):
        raise _RowError(str(row[FAULT]))
    if fault := fault_of_sku(sku):
        raise _RowError(f"sku {shown(sku)} {fault}.")
    if sku in found.volumes:
        raise _RowError(f"sku {shown(sku)} is already in the catalogue; its first row counts.")


class _RowError(ValueError):
    pass


def lacks_volume(line: OrderLine) -> bool:
    """Whether the line names its item, but nothing says the item's volume."""
    return bool(line.sku) and line.item_volume_l is None


def with_volumes(lines: Sequence[OrderLine], volumes: Mapping[str, float]) -> tuple[OrderLine, ...]:
    """The lines, with the catalogue's volume where they name a SKU and state no volume themselves."""
    return tuple(replace(line, item_volume_l=volumes.get(line.sku)) if lacks_volume(line) else line for line in lines)
