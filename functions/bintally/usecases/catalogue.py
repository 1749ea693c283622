"""Check a new catalogue, and use the catalogue for order lines that name a SKU."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from bintally.domain.catalogue import Catalogue, lacks_volume, with_volumes
from bintally.domain.objects import StoredObject
from bintally.domain.orders import OrderFile


class ItemCatalogue(Protocol):
    """The catalogue of items: their volumes by SKU."""

    def read(self, version_id: str | None = None) -> Catalogue:
        """This version of the catalogue, or the newest; empty if there is none."""

    def report(self, source: StoredObject, catalogue: Catalogue) -> str:
        """Write the report on this version of the catalogue; its location."""


def check_catalogue(items: ItemCatalogue, source: StoredObject) -> tuple[Catalogue, str]:
    """Report which rows of a new catalogue are refused; the catalogue and the report's location. Safe to repeat."""
    catalogue = items.read(source.version_id)
    return catalogue, items.report(source, catalogue)


def with_catalogue(items: ItemCatalogue, file: OrderFile) -> OrderFile:
    """The order file with the volumes of the catalogue, which is read only if a line needs it."""
    if not any(map(lacks_volume, file.lines)):
        return file
    return replace(file, lines=with_volumes(file.lines, items.read().volumes))
