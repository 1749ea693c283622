"""The demo's results as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from bincli.demo.results import Result, riskiest_first

FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001, the wide forms are meant
COLUMNS = (
    "bin_id",
    "consignment_id",
    "expected",
    "count",
    "at_least",
    "confidence",
    "interval",
    "volume_l",
    "verdict",
    "risk",
    "reason",
)


def write_results(path: Path, results: Sequence[Result]) -> None:
    """All results as CSV, riskiest first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for result in riskiest_first(results):
            writer.writerow(escape_formula(getattr(result, name)) for name in COLUMNS)


def escape_formula(value: object) -> object:
    """`value` for a cell: text that a spreadsheet may read as a formula gets a quote in front.

    Spreadsheets skip invisible characters and accept the wide forms of Asian keyboards, so both are covered. See
    https://owasp.org/www-community/attacks/CSV_Injection.
    """
    if not isinstance(value, str) or not value:
        return value
    seen = "".join(character for character in value if character.isprintable()).lstrip()
    return f"'{value}" if value[0] in "\t\r\n" or seen.startswith(FORMULA) else value
