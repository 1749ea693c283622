"""Order files as text, and what is read from them."""

from __future__ import annotations

from bintally.domain.orders import OrderFile, parse_orders

HEADER = "consignment_id,bin_id,expected,due_at"
GOOD = "C-1,P-17-C,3,"


def parsed(text: str) -> OrderFile:
    return parse_orders(text.encode())


def rows(text: str) -> list[tuple[str, str, int, str | None]]:
    file = parsed(text)
    assert file.refused == ()
    return [(line.consignment_id, line.bin_id, line.expected, line.due_at) for line in file.lines]


def refusals(text: str) -> dict[int, str]:
    return {row.line: row.reason for row in parsed(text).refused}
